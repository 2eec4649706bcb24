"""`attnorm.rms_norm`: root-mean-square normalisation (Zhang and Sennrich 2019)."""

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
    constraint,
    epsilon_of,
    float_tensor,
    like_operand,
    not_empty,
)

CASTS = ("before_weight", "after_weight", "throughout")


class RmsNorm(Op, name="rms_norm"):
    """`result = x * rsqrt(mean(x^2, axes) + epsilon) * (weight + weight_offset)`

    Computed in f32 (f64 where an operand or the result is f64) whatever the type of x. `cast` says
    where the value is rounded to x's type: `"before_weight"` (Llama, Mistral, Qwen, ONNX
    RMSNormalization-23: the product with the weight is then taken in the result's type),
    `"after_weight"` (Gemma, gpt-oss, torch.nn.RMSNorm: one rounding, to the result's type), or
    `"throughout"` (JAX's Gemma in bf16; torch-mlir where nn.RMSNorm is not decomposed): as before
    the weight, and the squares, their mean, its sum with epsilon and the root are rounded to x's
    type too; the sum itself is not.

    Operands: `x`, any shape; `weight` (optional), one dimension an axis, each of x's size there
    or 1.
    Attributes: `axes` (ascending); `epsilon`, inside the root; `weight_offset`, 0 or 1 (Gemma's
    1 + w); `cast`.
    Result: x's shape, any float type.
    """

    x: ext.Operand[Any]
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


def check_weight_offset(op) -> str | None:
    """The rule of `weight_offset`, shared by the ops that have one."""
    offset = op.weight_offset
    if offset not in (0.0, 1.0):
        return f"weight_offset: expected 0 or 1, got {offset}"
    if offset and op.weight is None:
        return "weight_offset: expected 0 without a weight, got 1"
    return None


def rms_norm(
    x: ir.Value,
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
    """Builds `attnorm.rms_norm`; `result` is x's type unless given."""
    op = RmsNorm.build(
        {"x": x, "weight": weight},
        [result or x.type],
        {"axes": axes, "epsilon": epsilon, "weight_offset": weight_offset, "cast": cast},
        loc=loc,
        ip=ip,
    )
    return op.results[0]
