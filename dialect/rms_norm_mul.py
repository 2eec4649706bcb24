"""`attnorm.rms_norm_mul`: RMSNorm and a product in one pass over memory."""

from collections.abc import Sequence
from typing import Any, Optional

from ..bindings import ext, ir
from .base import (
    F64,
    Choice,
    I64Array,
    Op,
    affine_operand,
    axes_of,
    broadcasts_to,
    constraint,
    epsilon_of,
    float_tensor,
    like_operand,
    not_empty,
    shape_of,
    show,
)
from .rms_norm import CASTS, check_weight_offset


class RmsNormMul(Op, name="rms_norm_mul"):
    """`result = rms_norm(x, weight) * multiplier`

    The norm is `attnorm.rms_norm`'s with a result of this result's element type; the product is
    taken in that type, so fusing changes no rounding.

    Operands: `x`; `multiplier`, of x's shape or broadcast to it (aligned at the last axis), of the
    result's element type; `weight` (optional) as in `attnorm.rms_norm`.
    Attributes: as in `attnorm.rms_norm`.
    Result: x's shape, any float type.
    """

    x: ext.Operand[Any]
    multiplier: ext.Operand[Any]
    weight: Optional[ext.Operand[Any]]  # noqa: UP045 (IRDL reads it)
    result: ext.Result[Any]

    axes = I64Array()
    epsilon = F64()
    weight_offset = F64(default=0.0)
    cast = Choice(*CASTS, default="after_weight")

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

    @constraint(7, "weight_offset is 0 or 1, and 0 without a weight")
    def weight_offset_range(self):
        return check_weight_offset(self)

    @constraint(8, "result has x's shape, dynamic where x is, and a float type")
    def result_type(self):
        return like_operand("result", self.result, self.x)

    @constraint(9, "multiplier broadcasts to x and has the result's element type")
    def multiplier_type(self):
        problem = float_tensor("multiplier", self.multiplier)
        if problem:
            return problem
        got, want = shape_of(self.multiplier), shape_of(self.x)
        if not broadcasts_to(got, want):
            return f"multiplier: expected a shape that broadcasts to {show(want)}, got {show(got)}"
        element = self.result.type.element_type
        if self.multiplier.type.element_type != element:
            return f"multiplier: expected {element}, got {self.multiplier.type.element_type}"
        return None


def rms_norm_mul(
    x: ir.Value,
    multiplier: ir.Value,
    weight: ir.Value | None = None,
    *,
    axes: Sequence[int],
    epsilon: float,
    weight_offset: float = 0.0,
    cast: str = "after_weight",
    result: ir.Type | None = None,
    loc: ir.Location | None = None,
    ip: ir.InsertionPoint | None = None,
) -> ir.Value:
    """Builds `attnorm.rms_norm_mul`; `result` is x's type unless given."""
    op = RmsNormMul.build(
        {"x": x, "multiplier": multiplier, "weight": weight},
        [result or x.type],
        {"axes": axes, "epsilon": epsilon, "weight_offset": weight_offset, "cast": cast},
        loc=loc,
        ip=ip,
    )
    return op.results[0]
