"""`attnorm.layer_norm`: layer normalisation (Ba, Kiros and Hinton 2016)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

from attnorm.ir.mlir import ext, ir
from attnorm.ir.rewriting import Refusal

from . import call_attributes
from .base import F64, I64Array, Op
from .calls import Call, Callee, checked, normalised_axes
from .rules import axes_in_range, epsilon_in_range, fits_axes, is_float, is_like, is_not_empty
from .spec import CustomCall, OpSpec


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

    x_type = is_float(2, "x")
    axes_range = axes_in_range(3, of="x")
    x_not_empty = is_not_empty(4, "x")
    epsilon_range = epsilon_in_range(5)
    weight_shape = fits_axes(6, "weight", of="x")
    bias_shape = fits_axes(7, "bias", of="x")
    result_type = is_like(8, "result", of="x")


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


@dataclass(frozen=True)
class LayerNormCallee(Callee):
    """`f(x, weight?, bias?)` with an epsilon attribute."""

    parameters = ("axes", "normalized_shape", "epsilon")

    def build(self, call: Call, taken: dict[str, Any]) -> list[ir.Value]:
        """Builds `layer_norm`."""
        named = call.operands("x", "weight?", "bias?")
        if taken["epsilon"] is None:
            raise Refusal("epsilon: expected an attribute, got none")
        values = {
            "axes": normalised_axes(call, named["x"], taken),
            "epsilon": call_attributes.number("epsilon", taken["epsilon"]),
        }
        at = {"loc": call.op.location, "ip": call.rewriter.ip}
        return checked(call, LayerNorm.build(named, [call.result()], values, **at))


LAYER_NORM = OpSpec(
    op=LayerNorm,
    build=layer_norm,
    definition="reference.norms:layer_norm",
    raised_by=("raise-layer-norm",),
    expanded_by="expand-layer-norm",
    custom_calls={
        "layer_norm": CustomCall(LayerNormCallee(), "reference.norm_calls:layer_norm"),
        # tt-mlir keeps its composite as a custom call for its sharding.
        "tenstorrent.layer_norm": CustomCall(LayerNormCallee(), "reference.norm_calls:layer_norm"),
    },
    composites={"tenstorrent.layer_norm": LayerNormCallee()},
    torch={"native_layer_norm": "frontends.torch_norms:native_layer_norm"},
)
