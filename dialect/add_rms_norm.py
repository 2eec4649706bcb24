"""`attnorm.add_rms_norm`: the residual stream's addition and the norm that follows it."""

from collections.abc import Sequence
from typing import Any, Optional

from attnorm.ir.mlir import ext, ir

from .base import F64, Choice, I64Array, Op, constraint, first, float_tensor, like_operand
from .rules import (
    CASTS,
    axes_in_range,
    epsilon_in_range,
    fits_axes,
    is_not_empty,
    offset_is_zero_or_one,
)
from .spec import OpSpec


class AddRmsNorm(Op, name="add_rms_norm"):
    """`sum = a + b; result = rms_norm(sum, weight)`

    The sum is rounded to its type before the norm reads it, so fusing changes no rounding.

    Operands: `a` and `b`, of one type; `weight` (optional) as in `attnorm.rms_norm`.
    Attributes: as in `attnorm.rms_norm`.
    Results: `sum`, of the type of `a`; `result`, of that shape, any float type.
    """

    a: ext.Operand[Any]
    b: ext.Operand[Any]
    weight: Optional[ext.Operand[Any]]  # noqa: UP045 (IRDL reads it)
    sum: ext.Result[Any]
    result: ext.Result[Any]

    axes = I64Array()
    epsilon = F64()
    weight_offset = F64(default=0.0)
    cast = Choice(*CASTS, default="after_weight")

    @constraint(
        2,
        "a and b are ranked tensors of f16, bf16, f32 or f64, without an encoding, of one shape "
        "and type",
    )
    def addend_types(self):
        problem = first([float_tensor("a", self.a), like_operand("b", self.b, self.a, "a")])
        if problem or self.a.type.element_type == self.b.type.element_type:
            return problem
        return f"b: expected {self.a.type.element_type}, got {self.b.type.element_type}"

    axes_range = axes_in_range(3, of="a")
    a_not_empty = is_not_empty(4, "a")
    epsilon_range = epsilon_in_range(5)
    weight_shape = fits_axes(6, "weight", of="a")
    weight_offset_range = offset_is_zero_or_one(7)

    @constraint(8, "sum has a's type; result has a's shape and a float type")
    def result_types(self):
        problem = first(
            [
                like_operand("sum", self.sum, self.a, "a"),
                like_operand("result", self.result, self.a, "a"),
            ]
        )
        if problem or self.sum.type.element_type == self.a.type.element_type:
            return problem
        return f"sum: expected {self.a.type.element_type}, got {self.sum.type.element_type}"


def add_rms_norm(
    a: ir.Value,
    b: ir.Value,
    weight: ir.Value | None = None,
    *,
    axes: Sequence[int],
    epsilon: float,
    weight_offset: float = 0.0,
    cast: str = "after_weight",
    result: ir.Type | None = None,
    loc: ir.Location | None = None,
    ip: ir.InsertionPoint | None = None,
) -> tuple[ir.Value, ir.Value]:
    """Builds `attnorm.add_rms_norm`; returns (sum, result), the latter of a's type unless given."""
    op = AddRmsNorm.build(
        {"a": a, "b": b, "weight": weight},
        [a.type, result or a.type],
        {"axes": axes, "epsilon": epsilon, "weight_offset": weight_offset, "cast": cast},
        loc=loc,
        ip=ip,
    )
    return op.results[0], op.results[1]


ADD_RMS_NORM = OpSpec(
    op=AddRmsNorm,
    build=add_rms_norm,
    definition="reference.norms:add_rms_norm",
    fused_by=("fuse-add-norm",),
    expanded_by="expand-rms-norm",
)
