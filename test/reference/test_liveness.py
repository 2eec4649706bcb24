"""Values are held for as long as something is going to read them."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
from both import parse

from attnorm import reference

SIZE, LENGTH = 100_000, 40


def peak(text: str) -> float:
    """The most that running a function takes at a time, in values of 100,000 float64."""
    module = parse(re.sub(r"\bT\b", f"tensor<{SIZE}xf32>", text))
    x = np.full(SIZE, 0.5, np.float32)
    reference.evaluate(module, x)
    tracemalloc.start()
    try:
        reference.evaluate(module, x)
        return tracemalloc.get_traced_memory()[1] / (8 * SIZE)
    finally:
        tracemalloc.stop()


def test_a_chain_takes_the_memory_of_a_few_values() -> None:
    """Each value is read once, by the next op."""
    steps = "\n".join(f"%{n + 1} = stablehlo.tanh %{n} : T" for n in range(LENGTH))
    text = (
        f"func.func @f(%x: T) -> T {{\n%0 = stablehlo.tanh %x : T\n{steps}\nreturn %{LENGTH} : T }}"
    )
    assert peak(text) < 8


def test_what_is_read_late_or_in_a_region_is_held() -> None:
    """By a loop's body in every iteration, and by the last op."""
    text = """
    func.func @f(%x: T) -> T {
      %zero = stablehlo.constant dense<0> : tensor<i32>
      %one = stablehlo.constant dense<1> : tensor<i32>
      %three = stablehlo.constant dense<3> : tensor<i32>
      %0 = stablehlo.add %x, %x : T
      %1 = stablehlo.add %0, %x : T
      %unread = stablehlo.negate %1 : T
      %2:2 = stablehlo.while(%i = %zero, %y = %x) : tensor<i32>, T
      cond {
        %c = stablehlo.compare LT, %i, %three : (tensor<i32>, tensor<i32>) -> tensor<i1>
        stablehlo.return %c : tensor<i1>
      } do {
        %next = stablehlo.add %i, %one : tensor<i32>
        %y_next = stablehlo.add %y, %1 : T
        stablehlo.return %next, %y_next : tensor<i32>, T
      }
      %3 = stablehlo.add %2#1, %0 : T
      return %3 : T
    }
    """
    module = parse(re.sub(r"\bT\b", "tensor<2xf32>", text))
    (got,) = reference.evaluate(module, np.array([1, 2], np.float32))
    np.testing.assert_array_equal(got, [12, 24])
