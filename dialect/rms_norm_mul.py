"""`attnorm.rms_norm_mul`: RMSNorm and a product in one pass over memory."""

from collections.abc import Sequence
from typing import Any, Optional

from attnorm.ir.mlir import ext, ir

from .base import F64, Choice, I64Array, Op, broadcasts_to, constraint, float_tensor, shape_of, show
from .rules import (
    CASTS,
    axes_in_range,
    epsilon_in_range,
    fits_axes,
    is_float,
    is_like,
    is_not_empty,
    offset_is_zero_or_one,
)
from .spec import OpSpec


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

    x_type = is_float(2, "x")
    axes_range = axes_in_range(3, of="x")
    x_not_empty = is_not_empty(4, "x")
    epsilon_range = epsilon_in_range(5)
    weight_shape = fits_axes(6, "weight", of="x")
    weight_offset_range = offset_is_zero_or_one(7)
    result_type = is_like(8, "result", of="x")

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


RMS_NORM_MUL = OpSpec(
    op=RmsNormMul,
    build=rms_norm_mul,
    definition="reference.norms:rms_norm_mul",
    fused_by=("fuse-norm-mul",),
    expanded_by="expand-rms-norm",
)
