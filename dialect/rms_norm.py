"""`attnorm.rms_norm`: root-mean-square normalisation (Zhang and Sennrich 2019)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

from attnorm.ir.mlir import ext, ir
from attnorm.ir.rewriting import Refusal
from attnorm.ir.stablehlo import compute_type, element_type

from . import call_attributes
from .add_rms_norm import AddRmsNorm
from .base import F64, Choice, I64Array, Op
from .calls import Call, Callee, checked, normalised_axes
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
from .spec import CustomCall, OpSpec


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


@dataclass(frozen=True)
class RmsNormCallee(Callee):
    """`f(x, weight?)`, or `f(x, weight?, residual)` where the producer has it.

    `epsilon` says where it comes from: "attribute"; "option", because the producer leaves it out
    of the IR; "machine", the attribute or else the epsilon of the type computed in (torch).
    """

    epsilon: str = "attribute"
    cast: str = "after_weight"
    parameters = ("axes", "normalized_shape", "epsilon", "weight_offset", "residual")

    def build(self, call: Call, taken: dict[str, Any]) -> list[ir.Value]:
        """Builds `rms_norm`, or `add_rms_norm` of which only the norm is used."""
        residual = taken["residual"]
        result = call.result()
        if residual is not None and call_attributes.boolean("has_residual", residual):
            named = call.operands("x", "weight?", "residual")
            if named["residual"] is None:
                named = {"x": named["x"], "weight": None, "residual": named["weight"]}
        else:
            named = call.operands("x", "weight?")
        x = named["x"]
        assert x is not None, "required"
        values = {
            "axes": normalised_axes(call, x, taken),
            "epsilon": self._epsilon(call, x, taken["epsilon"]),
            "weight_offset": call_attributes.number("weight_offset", taken["weight_offset"] or 0),
            "cast": self.cast,
        }
        at = {"loc": call.op.location, "ip": call.rewriter.ip}
        if named.get("residual") is None:
            op = RmsNorm.build(named, [result], values, **at)
            return checked(call, op)
        operands = {"a": x, "b": named["residual"], "weight": named["weight"]}
        op = AddRmsNorm.build(operands, [x.type, result], values, **at)
        return checked(call, op)[1:]

    def _epsilon(self, call: Call, x: ir.Value, given: Any) -> float:
        if given is not None:
            return call_attributes.number("epsilon", given)
        if self.epsilon == "machine":
            wide = isinstance(compute_type(element_type(x)), ir.F64Type)
            return 2.0**-52 if wide else 2.0**-23
        if self.epsilon == "option" and call.epsilon is not None:
            return call.epsilon
        if self.epsilon == "option":
            raise Refusal(
                "epsilon: expected one, got none: this call carries no epsilon, "
                "give it with the pass option rms-norm-epsilon"
            )
        raise Refusal("epsilon: expected an attribute, got none")


RMS_NORM = OpSpec(
    op=RmsNorm,
    build=rms_norm,
    definition="reference.norms:rms_norm",
    raised_by=("raise-rms-norm",),
    expanded_by="expand-rms-norm",
    custom_calls={
        # LiteRT's experimental op: the converter drops epsilon.
        "ai_edge_torch.rms_norm": CustomCall(
            RmsNormCallee(epsilon="option"), "reference.norm_calls:rms_norm_of_given_epsilon"
        ),
        # JAX's FFI (eps in mhlo.backend_config), SKaiNET, and hand-written modules.
        "rms_norm": CustomCall(RmsNormCallee(), "reference.norm_calls:rms_norm"),
        # tt-mlir keeps its composite as a custom call for its sharding.
        "tenstorrent.rms_norm": CustomCall(
            RmsNormCallee(epsilon="machine"), "reference.norm_calls:rms_norm_of_machine_epsilon"
        ),
    },
    composites={
        # LiteRT: f32 inside, cast back, then the weight.
        "odml.rms_norm": RmsNormCallee(cast="before_weight"),
        "tenstorrent.rms_norm": RmsNormCallee(epsilon="machine"),
    },
    onnx={
        "RMSNormalization": "frontends.onnx_norms:rms_normalization",
        # onnxruntime has it in both domains.
        "SimplifiedLayerNormalization": "frontends.onnx_norms:simplified_layer_normalization",
        "com.microsoft.SimplifiedLayerNormalization": (
            "frontends.onnx_norms:simplified_layer_normalization"
        ),
        "com.microsoft.SkipSimplifiedLayerNormalization": (
            "frontends.onnx_norms:skip_simplified_layer_normalization"
        ),
    },
)
