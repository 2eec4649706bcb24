"""A producer's call of an op: what a name means, as a row that an op's declaration holds.

A row says where operands and parameters come from and which of the meanings that systems differ in
(cast order, causal alignment, fully masked rows) is this producer's. Nothing else in the passes
knows a producer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Refusal, Rewriter
from attnorm.ir.stablehlo import Builder, shape_of

from . import call_attributes


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


def checked(call: Call, op: ir.Operation) -> list[ir.Value]:
    """The results of an op just built, if it is valid."""
    problem = type(op.opview).problem(op.opview)
    if problem:
        call.rewriter.erase(op)
        raise Refusal(problem)
    return list(op.results)


def normalised_axes(call: Call, x: ir.Value, taken: dict[str, Any]) -> list[int]:
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
