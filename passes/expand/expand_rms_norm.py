"""`expand-rms-norm`: RMSNorm and its fusions become StableHLO primitives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder, compute_type, element_type, shape_of

from ..base import Pass, Report


def expand_rms_norm(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: rms_norm(x, w) -> x * rsqrt(mean(x * x) + epsilon) * w"""
    norm, b = op.opview, Builder(rewriter.ip, op.location)
    result = element_type(norm.result)
    rewriter.replace(op, [b.convert(_normalize(b, norm, norm.x, result), result)])
    return True


def expand_rms_norm_mul(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: rms_norm_mul(x, s, w) -> rms_norm(x, w) * s"""
    norm, b = op.opview, Builder(rewriter.ip, op.location)
    result = element_type(norm.result)
    wide = compute_type(result)
    normed = b.convert(b.round(_normalize(b, norm, norm.x, result), result), wide)
    factor = b.broadcast_trailing(b.convert(norm.multiplier, wide), shape_of(norm.x))
    rewriter.replace(op, [b.convert(b.multiply(normed, factor), result)])
    return True


def expand_add_rms_norm(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: add_rms_norm(a, b, w) -> s = a + b, rms_norm(s, w)"""
    norm, b = op.opview, Builder(rewriter.ip, op.location)
    element, result = element_type(norm.sum), element_type(norm.result)
    wide = compute_type(element)
    total = b.round(b.add(b.convert(norm.a, wide), b.convert(norm.b, wide)), element)
    rewriter.replace(op, [total, b.convert(_normalize(b, norm, total, result), result)])
    return True


def _normalize(b: Builder, norm, x: ir.Value, result: ir.Type) -> ir.Value:
    """The norm of x with the attributes and weight of `norm`, before it is rounded to `result`."""
    axes, weight, cast = norm.axes, norm.weight, norm.cast
    wide = compute_type(element_type(x), result, *([element_type(weight)] if weight else []))
    value = b.convert(x, wide)

    def kept(step: ir.Value) -> ir.Value:
        if cast != "throughout":
            return step
        return b.convert(b.round(step, element_type(x)), wide)

    mean = kept(b.mean(kept(b.multiply(value, value)), axes))
    scale = kept(b.unary("rsqrt", kept(b.add(mean, norm.epsilon))))
    value = kept(b.multiply(value, b.spread(scale, x, axes)))
    if weight is None:
        return value
    if cast != "after_weight":
        # What follows is arithmetic in the result's type, on the value rounded to x's.
        wide = compute_type(result)
        value = b.convert(b.round(b.round(value, element_type(x)), result), wide)
        weight = b.round(weight, result)
    weight = b.convert(weight, wide)
    if offset := norm.weight_offset:
        weight = b.add(weight, offset)
        if cast != "after_weight":
            weight = b.convert(b.round(weight, result), wide)
    return b.multiply(value, align(b, weight, x, axes))


def align(b: Builder, weight: ir.Value, x: ir.Value, axes: Sequence[int]) -> ir.Value:
    """A weight or bias, one dimension an axis, spread over x's shape."""
    return b.broadcast(weight, axes, shape_of(x))


PATTERNS = [
    ("attnorm.rms_norm", expand_rms_norm),
    ("attnorm.rms_norm_mul", expand_rms_norm_mul),
    ("attnorm.add_rms_norm", expand_add_rms_norm),
]


@dataclass(frozen=True)
class ExpandRmsNormPass(Pass):
    """RMSNorm and its fusions become StableHLO primitives.

    Fires on `attnorm.rms_norm`, `attnorm.rms_norm_mul` and `attnorm.add_rms_norm`, always. Computed
    in f32 (f64 where an operand or the result is f64); rounded where `cast` says.

    ```mlir
    func.func @norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 1.0e-5 : f64}
          : (tensor<2x4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %square = stablehlo.multiply %x, %x : tensor<2x4xf32>
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %sum = stablehlo.reduce(%square init: %zero) applies stablehlo.add across dimensions = [1]
          : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
      %count = stablehlo.constant dense<4.0> : tensor<2xf32>
      %mean = stablehlo.divide %sum, %count : tensor<2xf32>
      %epsilon = stablehlo.constant dense<1.0e-5> : tensor<2xf32>
      %inside = stablehlo.add %mean, %epsilon : tensor<2xf32>
      %scale = stablehlo.rsqrt %inside : tensor<2xf32>
      %spread = stablehlo.broadcast_in_dim %scale, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
      %0 = stablehlo.multiply %x, %spread : tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```
    """

    name = "expand-rms-norm"
    roots = tuple(root for root, _ in PATTERNS)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Expands every norm below `module`."""
        apply_patterns(module, PATTERNS)
