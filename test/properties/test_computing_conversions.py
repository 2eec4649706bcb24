"""A conversion that truncates, compares or quantises is a computation: no pattern sees through it.

At every place of a norm and of an attention, by way of every type of integers, booleans and floats
of 8 bits: the lowered module gives what the module gave.
"""

from __future__ import annotations

import numpy as np
import pytest

import attnorm
from attnorm.execution.interpreter import evaluate

VIA = ("i8", "i32", "i64", "ui8", "i1", "f8E4M3FN", "f8E5M2")
X, ROW = "tensor<2x3x4xf32>", "tensor<2x3xf32>"

NORM = f"""func.func @main(%x: {X}, %q: {X}, %k: {X}) -> {X} {{
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %four = stablehlo.constant dense<4.0> : {ROW}
  %eps = stablehlo.constant dense<1.0e-5> : {ROW}
  %squares = stablehlo.multiply %x, %x : {X}
  @squares
  %sum = stablehlo.reduce(%squares init: %zero) applies stablehlo.add across dimensions = [2]
      : ({X}, tensor<f32>) -> {ROW}
  @sum
  %mean = stablehlo.divide %sum, %four : {ROW}
  @mean
  %inside = stablehlo.add %mean, %eps : {ROW}
  @inside
  %root = stablehlo.rsqrt %inside : {ROW}
  @root
  %spread = stablehlo.broadcast_in_dim %root, dims = [0, 1] : ({ROW}) -> {X}
  %y = stablehlo.multiply %x, %spread : {X}
  return %y : {X}
}}"""

S = "tensor<2x3x3xf32>"
ATTENTION = f"""func.func @main(%x: {X}, %q: {X}, %k: {X}) -> {X} {{
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %scores = stablehlo.dot_general %q, %k, batching_dims = [0] x [0], contracting_dims = [2] x [2]
      : ({X}, {X}) -> {S}
  @scores
  %peak = stablehlo.reduce(%scores init: %low) applies stablehlo.maximum across dimensions = [2]
      : ({S}, tensor<f32>) -> {ROW}
  @peak
  %p = stablehlo.broadcast_in_dim %peak, dims = [0, 1] : ({ROW}) -> {S}
  %d = stablehlo.subtract %scores, %p : {S}
  %power = stablehlo.exponential %d : {S}
  @power
  %total = stablehlo.reduce(%power init: %zero) applies stablehlo.add across dimensions = [2]
      : ({S}, tensor<f32>) -> {ROW}
  @total
  %t = stablehlo.broadcast_in_dim %total, dims = [0, 1] : ({ROW}) -> {S}
  %probabilities = stablehlo.divide %power, %t : {S}
  @probabilities
  %y = stablehlo.dot_general %probabilities, %x, batching_dims = [0] x [0],
      contracting_dims = [2] x [1] : ({S}, {X}) -> {X}
  return %y : {X}
}}"""
PLACES = {
    **dict.fromkeys(("squares",), (NORM, X)),
    **dict.fromkeys(("sum", "mean", "inside", "root"), (NORM, ROW)),
    **dict.fromkeys(("scores", "power", "probabilities"), (ATTENTION, S)),
    **dict.fromkeys(("peak", "total"), (ATTENTION, ROW)),
}


def through(place: str, via: str) -> str:
    """The module with a value converted to a type and back."""
    text, kind = PLACES[place]
    narrow = kind.replace("f32", via)
    there = f"%c = stablehlo.convert %{place} : ({kind}) -> {narrow}"
    back = f"%back = stablehlo.convert %c : ({narrow}) -> {kind}"
    before, _, after = text.partition(f"@{place}\n")
    lines = [line for line in after.splitlines() if not line.strip().startswith("@")]
    after = "\n".join(lines).replace(f"%{place},", "%back,").replace(f"%{place} ", "%back ")
    before = "\n".join(x for x in before.splitlines() if not x.strip().startswith("@"))
    return f"{before}\n  {there}\n  {back}\n{after}"


@pytest.mark.parametrize("via", VIA)
@pytest.mark.parametrize("place", PLACES)
def test_is_kept(place: str, via: str) -> None:
    """Up to the rounding of sums in another order."""
    rng = np.random.default_rng(3)
    loaded = attnorm.load(through(place, via))
    arrays = [rng.normal(0, 2, (2, 3, 4)).astype(np.float32) for _ in range(3)]
    want = evaluate(loaded, *arrays)[0]
    got = evaluate(attnorm.lower(loaded), *arrays)[0]
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
