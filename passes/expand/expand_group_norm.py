"""`expand-group-norm`: GroupNorm becomes StableHLO primitives."""

from __future__ import annotations

from dataclasses import dataclass

from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder, compute_type, element_type, shape_of

from ..base import Pass, Report


def expand_group_norm(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: group_norm(x, w, b) -> d * rsqrt(mean(d * d) + epsilon) * w + b, d = x - mean(x)
    Pattern: group_norm silu(x, w, b) -> y * logistic(y), y = group_norm(x, w, b)
    """
    norm, b = op.opview, Builder(rewriter.ip, op.location)
    result = element_type(norm.result)
    wide = compute_type(result, *map(element_type, op.operands))
    x, channels = _in_groups(b, b.convert(norm.x, wide), norm.groups, norm.channel_axis)
    axes = [axis for axis in range(1, x.type.rank) if axis != norm.channel_axis]
    deviation = b.subtract(x, b.spread(b.mean(x, axes), x, axes))
    variance = b.mean(b.multiply(deviation, deviation), axes)
    scale = b.unary("rsqrt", b.add(variance, norm.epsilon))
    value = b.multiply(deviation, b.spread(scale, x, axes))
    for name, operand in (("multiply", norm.weight), ("add", norm.bias)):
        if operand is not None:
            affine = b.convert(operand, wide)
            sizes = [x.type.shape[axis] for axis in channels]
            # One number for all channels has dimensions of 1.
            affine = b.reshape(affine, tuple(min(s, affine.type.shape[0]) for s in sizes))
            value = b.binary(name, value, b.broadcast(affine, channels, shape_of(x)))
    value = b.reshape(value, shape_of(norm.x))
    if norm.activation == "silu":
        y = b.convert(b.round(value, result), wide)
        value = b.multiply(y, b.unary("logistic", y))
    rewriter.replace(op, [b.convert(value, result)])
    return True


def _in_groups(
    b: Builder, x: ir.Value, groups: int, channel: int
) -> tuple[ir.Value, tuple[int, ...]]:
    """x with its channels as two dimensions, groups and the channels of one, and which these are.

    Where every channel is a group, x as it is.
    """
    shape, channels = shape_of(x), x.type.shape[channel]
    if groups == channels:
        return x, (channel,)
    split = (*shape[:channel], groups, channels // groups, *shape[channel + 1 :])
    return b.reshape(x, split), (channel, channel + 1)


PATTERNS = [("attnorm.group_norm", expand_group_norm)]


@dataclass(frozen=True)
class ExpandGroupNormPass(Pass):
    """GroupNorm becomes StableHLO primitives.

    Fires on `attnorm.group_norm`, always. The channels become two dimensions, the groups and the
    channels of a group, unless every channel is a group; mean and variance are taken over the
    latter and all others but the batch. The mean is subtracted first and the squares of the
    differences averaged: the difference of two large means would cancel. Computed in f32 (f64 where
    an operand or the result is f64), rounded once; with `activation = "silu"`, once before it and
    once after.

    ```mlir
    func.func @norm(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
      %0 = "attnorm.group_norm"(%x) {
        groups = 2 : i64, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
      } : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
      return %0 : tensor<2x6x5xf32>
    }
    ```

    becomes

    ```mlir
    func.func @norm(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
      %g = stablehlo.reshape %x : (tensor<2x6x5xf32>) -> tensor<2x2x3x5xf32>
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %total = stablehlo.reduce(%g init: %zero) applies stablehlo.add across dimensions = [2, 3]
          : (tensor<2x2x3x5xf32>, tensor<f32>) -> tensor<2x2xf32>
      %count = stablehlo.constant dense<15.0> : tensor<2x2xf32>
      %mean = stablehlo.divide %total, %count : tensor<2x2xf32>
      %means = stablehlo.broadcast_in_dim %mean, dims = [0, 1]
          : (tensor<2x2xf32>) -> tensor<2x2x3x5xf32>
      %deviation = stablehlo.subtract %g, %means : tensor<2x2x3x5xf32>
      %square = stablehlo.multiply %deviation, %deviation : tensor<2x2x3x5xf32>
      %zero_0 = stablehlo.constant dense<0.0> : tensor<f32>
      %squares = stablehlo.reduce(%square init: %zero_0) applies stablehlo.add
          across dimensions = [2, 3] : (tensor<2x2x3x5xf32>, tensor<f32>) -> tensor<2x2xf32>
      %count_0 = stablehlo.constant dense<15.0> : tensor<2x2xf32>
      %variance = stablehlo.divide %squares, %count_0 : tensor<2x2xf32>
      %epsilon = stablehlo.constant dense<1.0e-5> : tensor<2x2xf32>
      %inside = stablehlo.add %variance, %epsilon : tensor<2x2xf32>
      %scale = stablehlo.rsqrt %inside : tensor<2x2xf32>
      %spread = stablehlo.broadcast_in_dim %scale, dims = [0, 1]
          : (tensor<2x2xf32>) -> tensor<2x2x3x5xf32>
      %y = stablehlo.multiply %deviation, %spread : tensor<2x2x3x5xf32>
      %0 = stablehlo.reshape %y : (tensor<2x2x3x5xf32>) -> tensor<2x6x5xf32>
      return %0 : tensor<2x6x5xf32>
    }
    ```
    """

    name = "expand-group-norm"
    roots = tuple(root for root, _ in PATTERNS)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Expands every norm below `module`."""
        apply_patterns(module, PATTERNS)
