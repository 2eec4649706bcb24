"""`attnorm.layer_norm`: layer normalisation (Ba, Kiros and Hinton 2016)."""

from collections.abc import Sequence
from typing import Any, Optional

from ..bindings import ext, ir
from .base import (
    F64,
    I64Array,
    Op,
    affine_operand,
    axes_of,
    constraint,
    epsilon_of,
    float_tensor,
    like_operand,
    not_empty,
)


class LayerNorm(Op, name="layer_norm"):
    """`result = (x - mean(x, axes)) * rsqrt(variance(x, axes) + epsilon) * weight + bias`

    The variance is the population's (divided by the count). Computed in f32 (f64 where an operand
    or the result is f64) and rounded once, to the result's type (torch.nn.LayerNorm,
    ONNX LayerNormalization-17).

    Operands: `x`, any shape; `weight` and `bias` (optional), one dimension an axis, each of x's
    size there or 1.
    Attributes: `axes` (ascending); `epsilon`, inside the root.
    Result: x's shape, any float type.
    """

    x: ext.Operand[Any]
    weight: Optional[ext.Operand[Any]]  # noqa: UP045 (IRDL reads it)
    bias: Optional[ext.Operand[Any]]  # noqa: UP045 (IRDL reads it)
    result: ext.Result[Any]

    axes = I64Array()
    epsilon = F64()

    @constraint(2, "x is a ranked tensor of f16, bf16, f32 or f64, without an encoding")
    def x_type(self):
        return float_tensor("x", self.x)

    @constraint(3, "axes are ascending and in range, at least one")
    def axes_range(self):
        return axes_of("axes", self.axes, self.x.type.rank)

    @constraint(4, "no size of x is 0")
    def x_not_empty(self):
        return not_empty("x", self.x)

    @constraint(5, "epsilon is finite and not negative")
    def epsilon_range(self):
        return epsilon_of(self.epsilon)

    @constraint(6, "weight has one dimension an axis, of x's size there or 1, and a float type")
    def weight_shape(self):
        return affine_operand("weight", self.weight, self.x, self.axes)

    @constraint(7, "bias has one dimension an axis, of x's size there or 1, and a float type")
    def bias_shape(self):
        return affine_operand("bias", self.bias, self.x, self.axes)

    @constraint(8, "result has x's shape, dynamic where x is, and a float type")
    def result_type(self):
        return like_operand("result", self.result, self.x)


def layer_norm(
    x: ir.Value,
    weight: ir.Value | None = None,
    bias: ir.Value | None = None,
    *,
    axes: Sequence[int],
    epsilon: float,
    result: ir.Type | None = None,
    loc: ir.Location | None = None,
    ip: ir.InsertionPoint | None = None,
) -> ir.Value:
    """Builds `attnorm.layer_norm`; `result` is x's type unless given."""
    op = LayerNorm.build(
        {"x": x, "weight": weight, "bias": bias},
        [result or x.type],
        {"axes": axes, "epsilon": epsilon},
        loc=loc,
        ip=ip,
    )
    return op.results[0]
