"""`expand-group-norm`: GroupNorm becomes StableHLO primitives."""

from __future__ import annotations

from dataclasses import dataclass

from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder, compute_type, element_type, shape_of

from ..base import Pass, Report


def expand_group_norm(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: group_norm(x, w, b) -> (x - mean(x)) * rsqrt(variance(x) + epsilon) * w + b
    Pattern: group_norm silu(x, w, b) -> y * logistic(y), y = group_norm(x, w, b)
    """
    norm, b = op.opview, Builder(rewriter.ip, op.location)
    result, channel = element_type(norm.result), norm.channel_axis
    wide = compute_type(result, *map(element_type, op.operands))
    x = b.convert(norm.x, wide)
    shape = shape_of(norm.x)
    mean, variance = _statistics(b, x, norm.groups, channel)
    scale = b.unary("rsqrt", b.add(variance, norm.epsilon))
    value = b.subtract(x, _spread(b, mean, x, channel))
    value = b.multiply(value, _spread(b, scale, x, channel))
    for name, operand in (("multiply", norm.weight), ("add", norm.bias)):
        if operand is not None:
            affine = b.broadcast(b.convert(operand, wide), (channel,), shape)
            value = b.binary(name, value, affine)
    if norm.activation == "silu":
        y = b.convert(b.round(value, result), wide)
        value = b.multiply(y, b.unary("logistic", y))
    rewriter.replace(op, [b.convert(value, result)])
    return True


def _statistics(b: Builder, x: ir.Value, groups: int, channel: int) -> tuple[ir.Value, ir.Value]:
    """Mean and variance as [N, groups].

    The channels become two dimensions, groups and the channels of one, where one has several.
    """
    shape = shape_of(x)
    channels = x.type.shape[channel]
    if groups != channels:
        in_groups = (groups, channels // groups)
        x = b.reshape(x, (*shape[:channel], *in_groups, *shape[channel + 1 :]))
    axes = [axis for axis in range(1, x.type.rank) if axis != channel]
    mean = b.mean(x, axes)
    deviation = b.subtract(x, b.spread(mean, x, axes))
    return mean, b.mean(b.multiply(deviation, deviation), axes)


def _spread(b: Builder, rows: ir.Value, x: ir.Value, channel: int) -> ir.Value:
    """A value of [N, groups] over x: each group's for all of its channels."""
    (batch, groups), shape = shape_of(rows), shape_of(x)
    channels = x.type.shape[channel]
    if groups != channels:
        assert isinstance(groups, int), "verified"
        several = b.broadcast(rows, (0, 1), (batch, groups, channels // groups))
        rows = b.reshape(several, (batch, channels))
    return b.broadcast(rows, (0, channel), shape)


PATTERNS = [("attnorm.group_norm", expand_group_norm)]


@dataclass(frozen=True)
class ExpandGroupNormPass(Pass):
    """GroupNorm becomes StableHLO primitives.

    Fires on `attnorm.group_norm`, always. For the statistics the channels become two dimensions,
    the groups and the channels of a group, unless every channel is a group; mean and variance, over
    the latter and all others but the batch, are then spread over the channels of their group. The
    mean is subtracted first and the squares of the differences averaged: the difference of two
    large means would cancel. Computed in f32 (f64 where an operand or the result is f64), rounded
    once; with `activation = "silu"`, once before it and once after.

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
      %mean_g = stablehlo.broadcast_in_dim %mean, dims = [0, 1]
          : (tensor<2x2xf32>) -> tensor<2x2x3xf32>
      %mean_c = stablehlo.reshape %mean_g : (tensor<2x2x3xf32>) -> tensor<2x6xf32>
      %mean_x = stablehlo.broadcast_in_dim %mean_c, dims = [0, 1]
          : (tensor<2x6xf32>) -> tensor<2x6x5xf32>
      %d = stablehlo.subtract %x, %mean_x : tensor<2x6x5xf32>
      %scale_g = stablehlo.broadcast_in_dim %scale, dims = [0, 1]
          : (tensor<2x2xf32>) -> tensor<2x2x3xf32>
      %scale_c = stablehlo.reshape %scale_g : (tensor<2x2x3xf32>) -> tensor<2x6xf32>
      %scale_x = stablehlo.broadcast_in_dim %scale_c, dims = [0, 1]
          : (tensor<2x6xf32>) -> tensor<2x6x5xf32>
      %0 = stablehlo.multiply %d, %scale_x : tensor<2x6x5xf32>
      return %0 : tensor<2x6x5xf32>
    }
    ```
    """

    name = "expand-group-norm"
    roots = tuple(root for root, _ in PATTERNS)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Expands every norm below `module`."""
        apply_patterns(module, PATTERNS)
