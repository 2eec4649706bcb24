"""Integers, booleans and positions as bf16, for every target: what LLVM has a library call for."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import attnorm
from attnorm.execution.build import build
from attnorm.execution.program import Program
from attnorm.execution.targets import TARGETS

BF16 = ml_dtypes.bfloat16
INTEGERS = {
    "i8": np.int8,
    "ui8": np.uint8,
    "i16": np.int16,
    "ui16": np.uint16,
    "i32": np.int32,
    "ui32": np.uint32,
    "i64": np.int64,
    "ui64": np.uint64,
}


def _function(name: str, element: str, shape: str) -> str:
    """A convert, and a norm's first step, which a row kernel takes with the convert."""
    wide, rows = f"{shape}x{element}", shape.partition("x")[0]
    return f"""
  func.func @{name}(%x: tensor<{wide}>) -> (tensor<{shape}xbf16>, tensor<{rows}xbf16>) {{
    %zero = stablehlo.constant dense<0.0> : tensor<bf16>
    %0 = stablehlo.convert %x : (tensor<{wide}>) -> tensor<{shape}xbf16>
    %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.maximum across dimensions = [1]
        : (tensor<{shape}xbf16>, tensor<bf16>) -> tensor<{rows}xbf16>
    return %0, %1 : tensor<{shape}xbf16>, tensor<{rows}xbf16>
  }}"""


MODULE = "module {{{}\n{}\n}}".format(
    "".join(
        _function(f"{prefix}_{element}", element, shape)
        for element in ("i1", *INTEGERS)
        for prefix, shape in (("static", "7x37"), ("dynamic", "?x37"))
    ),
    """
  func.func @positions() -> tensor<3x300xbf16> {
    %0 = stablehlo.iota dim = 1 : tensor<3x300xbf16>
    return %0 : tensor<3x300xbf16>
  }""",
)


_TYPES = ["i1", *INTEGERS]
SUM = "func.func @main({}) -> tensor<7xbf16> {{\n{}\n  return %s8 : tensor<7xbf16>\n}}".format(
    ", ".join(f"%x{i}: tensor<7x{element}>" for i, element in enumerate(_TYPES)),
    "\n".join(
        f"  %{'s' if i == 0 else 'c'}{i} = stablehlo.convert %x{i}"
        f" : (tensor<7x{element}>) -> tensor<7xbf16>"
        + (f"\n  %s{i} = stablehlo.add %s{i - 1}, %c{i} : tensor<7xbf16>" if i else "")
        for i, element in enumerate(_TYPES)
    ),
)


def compiled(text: str, target: str = "host") -> bytes:
    return build(attnorm.lower(attnorm.load(text), "attnorm-to-iree"), target)


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "host"])
def test_links(target: str) -> None:
    """No program lacks a function of the compiler's library. (`__truncsfbf2` was one.)"""
    assert compiled(SUM, target)


@pytest.fixture(scope="module")
def program() -> Program:
    return Program(compiled(MODULE), device="local-sync")


def test_values(program: Program) -> None:
    """One rounding by way of f32, as torch and XLA convert."""
    drawn = np.random.default_rng(0)
    for element, dtype in {"i1": bool, **INTEGERS}.items():
        low, high = (0, 1) if dtype is bool else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        integers = np.int64 if dtype is bool else dtype
        x = drawn.integers(low, high, (7, 37), integers, endpoint=True).astype(dtype)
        # Ties and what rounds up to a power of two, too.
        x[0, :4] = [dtype(value) for value in (high, low, min(high, 257), min(high, 259))]
        want = x.astype(np.float32).astype(BF16)
        for prefix in ("static", "dynamic"):
            converted, largest = program(x, function=f"{prefix}_{element}")
            assert (converted == want).all(), (element, prefix)
            if element != "i1":
                assert (largest == want.max(axis=1)).all(), (element, prefix)


def test_positions(program: Program) -> None:
    """Numbers beyond 256 are rounded to bf16."""
    got = program(function="positions")
    assert (got == np.arange(300, dtype=np.float32).astype(BF16)).all()
