"""The calls of producers that we know by name: one row each, for custom calls and composites.

A row says where operands and parameters come from and which of the meanings that systems differ in
(cast order, causal alignment, fully masked rows) is this producer's. Nothing else in the passes
knows a producer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import dialect
from ..dialect import call_attributes
from ..ir.mlir import ir
from ..ir.rewriting import Refusal, Rewriter
from ..ir.stablehlo import Builder, compute_type, element_type, is_float, shape_of


@dataclass
class Call:
    """A call to be raised. `parameters` shrinks as they are taken."""

    op: ir.Operation
    parameters: dict[str, Any]
    rewriter: Rewriter
    epsilon: float | None = None
    """What the user says where the IR does not."""

    def take(self, name: str) -> Any:
        """A parameter under any spelling, or None."""
        return call_attributes.take(self.parameters, name)

    def operands(self, *names: str) -> dict[str, ir.Value | None]:
        """The operands by name; a trailing "?" marks those that may be absent."""
        required = [name for name in names if not name.endswith("?")]
        values = list(self.op.operands)
        if not len(required) <= len(values) <= len(names):
            raise Refusal(f"operands: expected {', '.join(names)}, got {len(values)} operands")
        for name, value in zip(names, values, strict=False):
            if not isinstance(value.type, ir.RankedTensorType):
                raise Refusal(f"{name.rstrip('?')}: expected a ranked tensor, got {value.type}")
        found: dict[str, ir.Value | None] = dict.fromkeys(name.rstrip("?") for name in names)
        found.update(zip(found, values, strict=False))
        return found

    @property
    def builder(self) -> Builder:
        """Builds at the call."""
        return Builder(self.rewriter.ip, self.op.location)

    def result(self) -> ir.RankedTensorType:
        """The type of the only result."""
        if len(self.op.results) != 1:
            raise Refusal(f"results: expected 1, got {len(self.op.results)}")
        type_ = self.op.results[0].type
        if not isinstance(type_, ir.RankedTensorType):
            raise Refusal(f"result: expected a ranked tensor, got {type_}")
        return type_

    def body(self) -> list[str]:
        """The names of the ops that a composite's decomposition consists of, outermost ones."""
        if "decomposition" not in self.op.attributes:
            return []
        module = self.op
        while module.parent is not None:
            module = module.parent.operation
        function = ir.SymbolTable(module)[self.op.attributes["decomposition"].value].operation
        return [op.operation.name for block in function.regions[0] for op in block]


class Callee:
    """A row: what a name means."""

    parameters: tuple[str, ...] = ()
    """The parameters it takes; any other is refused."""

    def raise_(self, call: Call) -> list[ir.Value]:
        """Checks, then builds; raises `Refusal` and leaves nothing behind where it cannot."""
        taken = {name: call.take(name) for name in self.parameters}
        call_attributes.nothing_left(call.parameters, self.parameters)
        return self.build(call, taken)

    def build(self, call: Call, taken: dict[str, Any]) -> list[ir.Value]:
        """Builds the op from its parameters."""
        raise NotImplementedError


def _checked(call: Call, op: ir.Operation) -> list[ir.Value]:
    """The results of an op just built, if it is valid."""
    problem = dialect.OPS[op.name].problem(op.opview)
    if problem:
        call.rewriter.erase(op)
        raise Refusal(problem)
    return list(op.results)


def _axes(call: Call, x: ir.Value, taken: dict[str, Any]) -> list[int]:
    """The normalised axes: given, or those of `normalized_shape`, or the last."""
    rank, shape = x.type.rank, taken["normalized_shape"]
    given = None if taken["axes"] is None else call_attributes.axes("axes", taken["axes"], rank)
    if shape is None:
        return [rank - 1] if given is None else given
    sizes = call_attributes.integers("normalized_shape", shape)
    axes = list(range(rank - len(sizes), rank))
    if given not in (None, axes):
        raise Refusal(f"axes: expected {axes} as normalized_shape has, got {given}")
    trailing = shape_of(x)[max(rank - len(sizes), 0) :]
    fits = len(trailing) == len(sizes) and all(
        not isinstance(size, int) or size == wanted
        for size, wanted in zip(trailing, sizes, strict=True)
    )
    if not fits:
        raise Refusal(f"normalized_shape: expected the last sizes of {x.type}, got {sizes}")
    return axes


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
            "axes": _axes(call, x, taken),
            "epsilon": self._epsilon(call, x, taken["epsilon"]),
            "weight_offset": call_attributes.number("weight_offset", taken["weight_offset"] or 0),
            "cast": self.cast,
        }
        at = {"loc": call.op.location, "ip": call.rewriter.ip}
        if named.get("residual") is None:
            op = dialect.RmsNorm.build(named, [result], values, **at)
            return _checked(call, op)
        operands = {"a": x, "b": named["residual"], "weight": named["weight"]}
        op = dialect.AddRmsNorm.build(operands, [x.type, result], values, **at)
        return _checked(call, op)[1:]

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
            "axes": _axes(call, named["x"], taken),
            "epsilon": call_attributes.number("epsilon", taken["epsilon"]),
        }
        at = {"loc": call.op.location, "ip": call.rewriter.ip}
        return _checked(call, dialect.LayerNorm.build(named, [call.result()], values, **at))


@dataclass(frozen=True)
class SoftmaxCallee(Callee):
    """`f(x)` with an axis."""

    parameters = ("axes",)

    def build(self, call: Call, taken: dict[str, Any]) -> list[ir.Value]:
        """Builds `softmax`."""
        named = call.operands("x")
        if taken["axes"] is None:
            raise Refusal("axis: expected an attribute, got none")
        x = named["x"]
        assert x is not None, "required"
        axes = call_attributes.axes("axis", taken["axes"], x.type.rank)
        if len(axes) != 1:
            raise Refusal(f"axis: expected one axis, got {axes}")
        at = {"loc": call.op.location, "ip": call.rewriter.ip}
        op = dialect.Softmax.build(named, [call.result()], {"axis": axes[0]}, **at)
        return _checked(call, op)


@dataclass(frozen=True)
class SdpaCallee(Callee):
    """`f(q, k, v, mask?)`.

    A scale that is not given is 1/sqrt(D). Causal is top-left aligned and fully masked rows are 0,
    as in torch, whose function all these names stand for; NaN where a composite's decomposition is
    a softmax that selects nothing. `litert`: the layout is [B, S, H, D], a call without a mask is
    causal, and a mask is a float tensor of rank 4.
    """

    litert: bool = False
    parameters = ("scale", "causal", "softcap", "dropout", "grouped")

    def build(self, call: Call, taken: dict[str, Any]) -> list[ir.Value]:
        """Builds `sdpa`, between transposes where the layout is another."""
        named = call.operands("q", "k", "v", "mask?")
        if self.litert:
            _check_litert(named)
        if taken["dropout"] is not None and call_attributes.number("dropout", taken["dropout"]):
            raise Refusal(f"dropout: expected 0, got {taken['dropout']}")
        values = {
            "scale": self._scale(named["q"], taken["scale"]),
            "softcap": self._softcap(taken["softcap"]),
            "causal": self._causal(taken["causal"], named["mask"]),
            "fully_masked": self._fully_masked(call, named["mask"]),
        }
        if self.litert:
            return _transposed(call, named, values)
        at = {"loc": call.op.location, "ip": call.rewriter.ip}
        return _checked(call, dialect.Sdpa.build(named, [call.result()], values, **at))

    def _scale(self, q: ir.Value, given: Any) -> float:
        if given is not None:
            return call_attributes.number("scale", given)
        depth = shape_of(q)[-1] if q.type.rank else 0
        if not isinstance(depth, int) or depth == 0:
            raise Refusal(
                "scale: expected an attribute where the depth of q is not known, got none"
            )
        return 1 / math.sqrt(depth)

    def _softcap(self, given: Any) -> float | None:
        return None if given is None else call_attributes.number("softcap", given)

    def _fully_masked(self, call: Call, mask: ir.Value | None) -> str:
        names = call.body() if mask is not None else []
        formula = "stablehlo.exponential" in names and "stablehlo.select" not in names
        return "nan" if formula else "zero"

    def _causal(self, given: Any, mask: ir.Value | None) -> bool:
        causal = given is not None and call_attributes.boolean("is_causal", given)
        if causal and mask is not None:
            raise Refusal("mask: expected none where is_causal is true, got one")
        return causal or (self.litert and mask is None)


def _check_litert(named: dict[str, ir.Value | None]) -> None:
    for name, value in named.items():
        if value is not None and value.type.rank != 4:
            raise Refusal(f"{name}: expected rank 4, got {value.type}")
    mask = named["mask"]
    if mask is not None and not is_float(element_type(mask)):
        raise Refusal(f"mask: expected a float type, got {element_type(mask)}")


def _transposed(
    call: Call, named: dict[str, ir.Value | None], values: dict[str, Any]
) -> list[ir.Value]:
    """`sdpa` for [B, S, H, D]."""
    swap, b, declared = (0, 2, 1, 3), call.builder, call.result()
    if declared.rank != 4:
        raise Refusal(f"result: expected rank 4, got {declared}")
    result = b.tensor([shape_of(call.op.results[0])[axis] for axis in swap], declared.element_type)
    moved = {name: b.transpose(named[name], swap) for name in "qkv"}
    op = dialect.Sdpa.build({**named, **moved}, [result], values, loc=b.loc, ip=b.ip)
    try:
        return [b.transpose(_checked(call, op)[0], swap)]
    except Refusal:
        for value in moved.values():
            call.rewriter.erase(value.owner)
        raise


_RMS_NORM = RmsNormCallee()
_SDPA = SdpaCallee()

CUSTOM_CALLS: Mapping[str, Callee] = {
    # LiteRT's experimental op: the converter drops epsilon.
    "ai_edge_torch.rms_norm": RmsNormCallee(epsilon="option"),
    # JAX's FFI (eps in mhlo.backend_config), SKaiNET, and hand-written modules.
    "rms_norm": _RMS_NORM,
    "layer_norm": LayerNormCallee(),
    "softmax": SoftmaxCallee(),
    "scaled_dot_product_attention": _SDPA,
    "sdpa": _SDPA,
    "aten.scaled_dot_product_attention": _SDPA,
    "ai_edge_torch.scaled_dot_product_attention": SdpaCallee(litert=True),
    # tt-mlir keeps these composites as custom calls for its sharding.
    "tenstorrent.rms_norm": RmsNormCallee(epsilon="machine"),
    "tenstorrent.layer_norm": LayerNormCallee(),
    "tenstorrent.scaled_dot_product_attention": _SDPA,
    "tt.scaled_dot_product_attention": _SDPA,
}
"""Targets of `stablehlo.custom_call`."""

COMPOSITES: Mapping[str, Callee] = {
    # LiteRT: f32 inside, cast back, then the weight.
    "odml.rms_norm": RmsNormCallee(cast="before_weight"),
    "odml.scaled_dot_product_attention": SdpaCallee(litert=True),
    "tenstorrent.rms_norm": RmsNormCallee(epsilon="machine"),
    "tenstorrent.layer_norm": LayerNormCallee(),
    "tenstorrent.scaled_dot_product_attention": _SDPA,
}
"""Names of `stablehlo.composite`, beside our own `attnorm.*`."""
