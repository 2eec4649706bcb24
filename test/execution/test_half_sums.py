"""Sums of narrow floats: the float64 sum, rounded once, up to f32's own error."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import attnorm

HALVES = {"bf16": ml_dtypes.bfloat16, "f16": np.float16}


def modules(element: str) -> str:
    """Every op that sums, over 4096 terms."""
    return """module {
  func.func @dot(%a: tensor<8x4096xT>, %b: tensor<4096x16xT>) -> tensor<8x16xT> {
    %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0]
        : (tensor<8x4096xT>, tensor<4096x16xT>) -> tensor<8x16xT>
    return %0 : tensor<8x16xT>
  }
  func.func @vector(%a: tensor<4096xT>, %b: tensor<4096x16xT>) -> tensor<16xT> {
    %0 = stablehlo.dot_general %a, %b, contracting_dims = [0] x [0]
        : (tensor<4096xT>, tensor<4096x16xT>) -> tensor<16xT>
    return %0 : tensor<16xT>
  }
  func.func @batch(%a: tensor<2x8x4096xT>, %b: tensor<2x4096x16xT>) -> tensor<2x8x16xT> {
    %0 = stablehlo.dot_general %a, %b, batching_dims = [0] x [0], contracting_dims = [2] x [1]
        : (tensor<2x8x4096xT>, tensor<2x4096x16xT>) -> tensor<2x8x16xT>
    return %0 : tensor<2x8x16xT>
  }
  func.func @convolution(%a: tensor<1x5x512xT>, %b: tensor<4x512x16xT>) -> tensor<1x2x16xT> {
    %0 = stablehlo.convolution(%a, %b) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f],
        window = {stride = [1], pad = [[0, 0]]}
        {batch_group_count = 1 : i64, feature_group_count = 1 : i64}
        : (tensor<1x5x512xT>, tensor<4x512x16xT>) -> tensor<1x2x16xT>
    return %0 : tensor<1x2x16xT>
  }
  func.func @sum(%a: tensor<16x4096xT>) -> tensor<16xT> {
    %zero = stablehlo.constant dense<0.0> : tensor<T>
    %0 = stablehlo.reduce(%a init: %zero) applies stablehlo.add across dimensions = [1]
        : (tensor<16x4096xT>, tensor<T>) -> tensor<16xT>
    return %0 : tensor<16xT>
  }
  func.func @columns(%a: tensor<4096x16xT>) -> tensor<16xT> {
    %one = stablehlo.constant dense<1.0> : tensor<T>
    %0 = stablehlo.reduce(%a init: %one) applies stablehlo.add across dimensions = [0]
        : (tensor<4096x16xT>, tensor<T>) -> tensor<16xT>
    return %0 : tensor<16xT>
  }
  func.func @dynamic(%a: tensor<16x?xT>) -> tensor<16xT> {
    %zero = stablehlo.constant dense<0.0> : tensor<T>
    %0 = stablehlo.reduce(%a init: %zero) applies stablehlo.add across dimensions = [1]
        : (tensor<16x?xT>, tensor<T>) -> tensor<16xT>
    return %0 : tensor<16xT>
  }
  func.func @product(%a: tensor<16x4096xT>) -> tensor<16xT> {
    %one = stablehlo.constant dense<1.0> : tensor<T>
    %0 = stablehlo.reduce(%a init: %one) applies stablehlo.multiply across dimensions = [1]
        : (tensor<16x4096xT>, tensor<T>) -> tensor<16xT>
    return %0 : tensor<16xT>
  }
  func.func @windows(%a: tensor<4x4096xT>) -> tensor<4x2xT> {
    %zero = stablehlo.constant dense<0.0> : tensor<T>
    %0 = "stablehlo.reduce_window"(%a, %zero) ({
    ^bb0(%x: tensor<T>, %y: tensor<T>):
      %s = stablehlo.add %x, %y : tensor<T>
      stablehlo.return %s : tensor<T>
    }) {window_dimensions = array<i64: 1, 2048>, window_strides = array<i64: 1, 2048>}
        : (tensor<4x4096xT>, tensor<T>) -> tensor<4x2xT>
    return %0 : tensor<4x2xT>
  }
}""".replace("xT>", f"x{element}>").replace("<T>", f"<{element}>")


def _windows(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A convolution over every position of a window of b's length."""
    length = len(b)
    return np.stack([np.einsum("nki,kio->no", a[:, at : at + length], b) for at in range(2)], 1)


ANSWERS = {
    "dot": (((8, 4096), (4096, 16)), np.matmul),
    "vector": (((4096,), (4096, 16)), np.matmul),
    "batch": (((2, 8, 4096), (2, 4096, 16)), np.matmul),
    "convolution": (((1, 5, 512), (4, 512, 16)), _windows),
    "sum": (((16, 4096),), lambda a: a.sum(1)),
    "columns": (((4096, 16),), lambda a: a.sum(0) + 1),
    "dynamic": (((16, 4096),), lambda a: a.sum(1)),
    "product": (((16, 4096),), lambda a: a.prod(1)),
    "windows": (((4, 4096),), lambda a: a.reshape(4, 2, 2048).sum(2)),
}


@pytest.mark.parametrize("element", HALVES)
def test_rounds_once(element: str) -> None:
    """No term is lost: a sum in a half type ends at 256 ones (bf16) or 2048 (f16)."""
    program = attnorm.compile(attnorm.load(modules(element)))
    half = HALVES[element]
    for name, (shapes, definition) in ANSWERS.items():
        rng = np.random.default_rng(len(name))
        spread = 1e-3 if name == "product" else 1.0
        arrays = [(1 + spread * rng.uniform(-1, 1, shape)).astype(half) for shape in shapes]
        if len(arrays) == 2:
            # So that a sum of products of 4096 terms stays in range.
            arrays[1] = (arrays[1] / 16).astype(half)
        got = program(*arrays, function=name)
        want = definition(*[array.astype(np.float64) for array in arrays])
        # Every term is positive, so 4096 roundings in f32 leave at most this much.
        low, high = ((want * (1 + sign * 4096 * 2.0**-24)).astype(half) for sign in (-1, 1))
        assert got.dtype == half and ((low <= got) & (got <= high)).all(), name
