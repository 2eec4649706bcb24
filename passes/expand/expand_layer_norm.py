"""`expand-layer-norm`: LayerNorm becomes StableHLO primitives."""

from __future__ import annotations

from dataclasses import dataclass

from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder, compute_type, element_type, shape_of

from ..base import Pass, Report


def expand_layer_norm(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: layer_norm(x, w, b) -> d * rsqrt(mean(d * d) + epsilon) * w + b, d = x - mean(x)"""
    norm, b = op.opview, Builder(rewriter.ip, op.location)
    result = element_type(norm.result)
    wide = compute_type(result, *map(element_type, op.operands))
    x, axes = b.convert(norm.x, wide), norm.axes
    deviation = b.subtract(x, b.spread(b.mean(x, axes), x, axes))
    variance = b.mean(b.multiply(deviation, deviation), axes)
    scale = b.unary("rsqrt", b.add(variance, norm.epsilon))
    value = b.multiply(deviation, b.spread(scale, x, axes))
    for name, operand in (("multiply", norm.weight), ("add", norm.bias)):
        if operand is not None:
            spread = b.broadcast(b.convert(operand, wide), axes, shape_of(norm.x))
            value = b.binary(name, value, spread)
    rewriter.replace(op, [b.convert(value, result)])
    return True


PATTERNS = [("attnorm.layer_norm", expand_layer_norm)]


@dataclass(frozen=True)
class ExpandLayerNormPass(Pass):
    """LayerNorm becomes StableHLO primitives.

    Fires on `attnorm.layer_norm`, always. The mean is subtracted first and the squares of the
    differences averaged: the difference of two large means would cancel. Computed in f32 (f64 where
    an operand or the result is f64), rounded once.

    ```mlir
    func.func @norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %0 = "attnorm.layer_norm"(%x) {
        axes = array<i64: 1>, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
      } : (tensor<2x4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %total = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1]
          : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
      %count = stablehlo.constant dense<4.0> : tensor<2xf32>
      %mean = stablehlo.divide %total, %count : tensor<2xf32>
      %means = stablehlo.broadcast_in_dim %mean, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
      %deviation = stablehlo.subtract %x, %means : tensor<2x4xf32>
      %square = stablehlo.multiply %deviation, %deviation : tensor<2x4xf32>
      %zero_0 = stablehlo.constant dense<0.0> : tensor<f32>
      %squares = stablehlo.reduce(%square init: %zero_0) applies stablehlo.add
          across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
      %count_0 = stablehlo.constant dense<4.0> : tensor<2xf32>
      %variance = stablehlo.divide %squares, %count_0 : tensor<2xf32>
      %epsilon = stablehlo.constant dense<1.0e-5> : tensor<2xf32>
      %inside = stablehlo.add %variance, %epsilon : tensor<2xf32>
      %scale = stablehlo.rsqrt %inside : tensor<2xf32>
      %spread = stablehlo.broadcast_in_dim %scale, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
      %0 = stablehlo.multiply %deviation, %spread : tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```
    """

    name = "expand-layer-norm"
    roots = tuple(root for root, _ in PATTERNS)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Expands every norm below `module`."""
        apply_patterns(module, PATTERNS)
