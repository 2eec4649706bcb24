"""The flags that a module is compiled with: `choose_flags`, and what `build` makes of them."""

from __future__ import annotations

import numpy as np
import pytest

import attnorm
from attnorm.execution.flags import Flag, choose_flags
from attnorm.ir.mlir import ir

TILING = "--iree-opt-data-tiling"


def product(rows: int, *, constant: bool = False, turned: bool = False, n: int = 1024) -> str:
    """A product of `rows` with a weight [256,n], or [n,256] where it is turned."""
    weight = f"tensor<{n}x256xf32>" if turned else f"tensor<256x{n}xf32>"
    body = f"%w = stablehlo.constant dense<2.0> : {weight}\n" if constant else ""
    parameter = "" if constant else f", %w: {weight}"
    return f"""\
func.func @main(%x: tensor<{rows}x256xf32>{parameter}) -> tensor<{rows}x{n}xf32> {{
  {body}%0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [{int(turned)}]
      : (tensor<{rows}x256xf32>, {weight}) -> tensor<{rows}x{n}xf32>
  return %0 : tensor<{rows}x{n}xf32>
}}
"""


def load(source: str) -> ir.Operation:
    """The module."""
    return attnorm.load(source)


def tiling(source: str, *given: str, target: str = "x86-64") -> Flag:
    """The choice about data tiling."""
    (flag,) = [f for f in choose_flags(load(source), target, given) if f.name == TILING]
    return flag


@pytest.mark.parametrize(
    ("source", "value", "reason"),
    [
        (product(1, constant=True), "true", "1 constant of products (262,144 elements) packed"),
        (product(1, constant=True, turned=True), "true", "packed once"),
        (product(1, turned=True), "false", "1 argument of products (262,144 elements) would be"),
        (product(512, turned=True), "false", "no product"),
        (product(1), "false", "no product"),
        (product(64), "true", "against the order of memory"),
        (product(1, constant=True, n=16), "false", "no product"),
    ],
)
def test_tiling(source: str, value: str, reason: str) -> None:
    """On for constants and for arguments read against the grain, off where packing costs more."""
    flag = tiling(source)
    assert flag.value == value
    assert reason in flag.reason


def test_constant_behind_moves() -> None:
    """A constant that is converted and transposed ahead of the product is still one."""
    source = """\
func.func @main(%x: tensor<1x256xf32>) -> tensor<1x1024xf32> {
  %w = stablehlo.constant dense<2.0> : tensor<1024x256xbf16>
  %0 = stablehlo.convert %w : (tensor<1024x256xbf16>) -> tensor<1024x256xf32>
  %1 = stablehlo.transpose %0, dims = [1, 0] : (tensor<1024x256xf32>) -> tensor<256x1024xf32>
  %2 = stablehlo.dot_general %x, %1, contracting_dims = [1] x [0]
      : (tensor<1x256xf32>, tensor<256x1024xf32>) -> tensor<1x1024xf32>
  return %2 : tensor<1x1024xf32>
}
"""
    assert tiling(source).value == "true"


def test_decompositions_have_no_say() -> None:
    """Products in private functions are those of composites."""
    assert tiling(product(1, constant=True).replace("@main", "private @f")).value == "false"


def test_scalable_vectors() -> None:
    """Off for targets on which nobody measured it."""
    assert tiling(product(1, constant=True), target="aarch64+sve").value == "false"


def test_given_flags_win() -> None:
    """A flag of the user's has the user's value, and says what ours was."""
    flag = tiling(product(1, constant=True), f"{TILING}=false")
    assert flag.value == "false"
    assert flag.reason.startswith("given; ours was true: 1 constant")
    given = choose_flags(load(product(1)), "x86-64", ["-iree-foo"])[-1]
    assert (str(given), given.reason) == ("--iree-foo=true", "given")


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("flags", [(), (f"{TILING}=false",)])
def test_results_are_the_same(rows: int, flags: tuple[str, ...]) -> None:
    """A constant's product is what it was, tiled or not."""
    program = attnorm.compile(
        load(product(rows, constant=True)), iree_flags=flags, device="local-sync"
    )
    x = np.random.default_rng(0).standard_normal((rows, 256)).astype(np.float32)
    want = np.broadcast_to(2 * x.sum(axis=1, keepdims=True), (rows, 1024))
    np.testing.assert_allclose(program(x), want, rtol=1e-4, atol=1e-4)
