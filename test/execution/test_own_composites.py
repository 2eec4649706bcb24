"""Composites of attnorm's own names that attnorm did not write: kernels take them by their name."""

from __future__ import annotations

import re

import numpy as np
import pytest

import attnorm
from attnorm import AttnormError, reference
from attnorm.execution.build import build
from attnorm.execution.program import Program

TYPE = "tensor<1x2x4x8xf32>"
# What it decomposes into is no attention, which tells what was taken.
SOUND = f"""
func.func @attend(%q: {TYPE}, %k: {TYPE}, %v: {TYPE}) -> {TYPE} {{
  %0 = stablehlo.composite "attnorm.sdpa" %q, %k, %v {{
    composite_attributes = {{
      operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, scale = 1.0 : f64
    }},
    decomposition = @impl, version = 1 : i32
  }} : ({TYPE}, {TYPE}, {TYPE}) -> {TYPE}
  return %0 : {TYPE}
}}
func.func private @impl(%q: {TYPE}, %k: {TYPE}, %v: {TYPE}) -> {TYPE} {{
  return %q : {TYPE}
}}
"""


def arrays() -> list[np.ndarray]:
    """Queries, keys and values."""
    draw = np.random.default_rng(0).standard_normal
    return [draw((1, 2, 4, 8)).astype(np.float32) for _ in range(3)]


def run(text: str) -> np.ndarray:
    """What the function returns, compiled as it is."""
    return np.asarray(Program(build(attnorm.load(text)))(*arrays()))


def test_a_sound_one_becomes_a_kernel() -> None:
    """What its name says is computed, not what it decomposes into."""
    expected, _ = reference.sdpa(*arrays(), scale=1.0)
    np.testing.assert_allclose(run(SOUND), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("version", [", version = 2 : i32", ""])
def test_another_version_is_decomposed(version: str) -> None:
    """Nothing is known of attributes of another version."""
    text = SOUND.replace(", version = 1 : i32", version)
    np.testing.assert_array_equal(run(text), arrays()[0])


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("1, 1, 1, 0, 0, 0", "1, 1, 1, 1, 0, 0", "operands: expected q, k, v, mask?"),
        (", scale = 1.0 : f64", "", "scale: expected a float, got none"),
        ("1.0 : f64", "1 : i32", "scale: expected a float, got 1 : i32"),
        ("scale =", "window = array<i64: 1>, scale =", "window: expected"),
        (f"%v: {TYPE}", "%v: tensor<1x2x3x8xf32>", "v: expected"),
    ],
)
def test_an_unsound_one_is_an_error(right: str, wrong: str, message: str) -> None:
    """A kernel would read and write as its attributes say; operands tell what memory there is."""
    text = SOUND.replace(right, wrong)
    if "%v" in right:
        text = text.replace(f"{TYPE}) -> {TYPE}\n", f"tensor<1x2x3x8xf32>) -> {TYPE}\n")
    expected = f"""'stablehlo.composite' op "attnorm.sdpa": {message}"""
    with pytest.raises(AttnormError, match=f"3:8: error: {re.escape(expected)}"):
        build(attnorm.load(text))
