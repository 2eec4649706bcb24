"""Modules in plain StableHLO that the execution tests share, and what they compute, in float64."""

from __future__ import annotations

import numpy as np

EPSILON = 1e-6

RMS_NORM = """
module {
  func.func @main(%x: tensor<5x37xf32>, %w: tensor<37xf32>) -> tensor<5x37xf32> {
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %eps = stablehlo.constant dense<1.0e-6> : tensor<5x1xf32>
    %count = stablehlo.constant dense<37.0> : tensor<5x1xf32>
    %xx = stablehlo.multiply %x, %x : tensor<5x37xf32>
    %sum = stablehlo.reduce(%xx init: %zero) applies stablehlo.add across dimensions = [1]
        : (tensor<5x37xf32>, tensor<f32>) -> tensor<5xf32>
    %sum1 = stablehlo.reshape %sum : (tensor<5xf32>) -> tensor<5x1xf32>
    %mean = stablehlo.divide %sum1, %count : tensor<5x1xf32>
    %safe = stablehlo.add %mean, %eps : tensor<5x1xf32>
    %root = stablehlo.rsqrt %safe : tensor<5x1xf32>
    %r = stablehlo.broadcast_in_dim %root, dims = [0, 1] : (tensor<5x1xf32>) -> tensor<5x37xf32>
    %n = stablehlo.multiply %x, %r : tensor<5x37xf32>
    %wb = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<37xf32>) -> tensor<5x37xf32>
    %y = stablehlo.multiply %n, %wb : tensor<5x37xf32>
    return %y : tensor<5x37xf32>
  }
}
"""

ATTENTION = """
module {
  func.func @main(%q: tensor<2x9x16xf32>, %k: tensor<2x13x16xf32>, %v: tensor<2x13x8xf32>)
      -> tensor<2x9x8xf32> {
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %scale = stablehlo.constant dense<0.25> : tensor<2x9x13xf32>
    %qk = stablehlo.dot_general %q, %k, batching_dims = [0] x [0], contracting_dims = [2] x [2]
        : (tensor<2x9x16xf32>, tensor<2x13x16xf32>) -> tensor<2x9x13xf32>
    %s = stablehlo.multiply %qk, %scale : tensor<2x9x13xf32>
    %max = stablehlo.reduce(%s init: %low) applies stablehlo.maximum across dimensions = [2]
        : (tensor<2x9x13xf32>, tensor<f32>) -> tensor<2x9xf32>
    %maxb = stablehlo.broadcast_in_dim %max, dims = [0, 1]
        : (tensor<2x9xf32>) -> tensor<2x9x13xf32>
    %d = stablehlo.subtract %s, %maxb : tensor<2x9x13xf32>
    %e = stablehlo.exponential %d : tensor<2x9x13xf32>
    %sum = stablehlo.reduce(%e init: %zero) applies stablehlo.add across dimensions = [2]
        : (tensor<2x9x13xf32>, tensor<f32>) -> tensor<2x9xf32>
    %sumb = stablehlo.broadcast_in_dim %sum, dims = [0, 1]
        : (tensor<2x9xf32>) -> tensor<2x9x13xf32>
    %p = stablehlo.divide %e, %sumb : tensor<2x9x13xf32>
    %o = stablehlo.dot_general %p, %v, batching_dims = [0] x [0], contracting_dims = [2] x [1]
        : (tensor<2x9x13xf32>, tensor<2x13x8xf32>) -> tensor<2x9x8xf32>
    return %o : tensor<2x9x8xf32>
  }
}
"""

CHOLESKY = """module {
  func.func @main(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
    %0 = stablehlo.cholesky %x, lower = true : tensor<2x2xf32>
    return %0 : tensor<2x2xf32>
  }
}
"""


def doubling(kind: str) -> str:
    """A module whose @main adds its argument, of the given type, to itself (i1: or)."""
    op = "or" if kind.endswith("i1") else "add"
    return f"""
module {{
  func.func @main(%x: tensor<{kind}>) -> tensor<{kind}> {{
    %0 = stablehlo.{op} %x, %x : tensor<{kind}>
    return %0 : tensor<{kind}>
  }}
}}
"""


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Standard normal float32 numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def rms_norm(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The definition, in float64."""
    x, w = x.astype(np.float64), w.astype(np.float64)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON) * w


def attention(q: np.ndarray, k: np.ndarray, v: np.ndarray, scale: float) -> np.ndarray:
    """The definition, in float64."""
    q, k, v = (a.astype(np.float64) for a in (q, k, v))
    scores = q @ k.swapaxes(-1, -2) * scale
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ v
