"""`attnorm.rms_norm`: root-mean-square normalisation (Zhang and Sennrich 2019)."""

from collections.abc import Sequence
from typing import Any, Optional

from attnorm.ir.mlir import ext, ir

from .base import F64, Choice, I64Array, Op
from .rules import (
    axes_in_range,
    epsilon_in_range,
    fits_axes,
    is_float,
    is_like,
    is_not_empty,
    offset_is_zero_or_one,
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

    x_type = is_float(2, "x")
    axes_range = axes_in_range(3, of="x")
    x_not_empty = is_not_empty(4, "x")
    epsilon_range = epsilon_in_range(5)
    weight_shape = fits_axes(6, "weight", of="x")
    weight_offset_range = offset_is_zero_or_one(7)
    result_type = is_like(8, "result", of="x")


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
