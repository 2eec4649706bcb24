"""`attnorm.softmax`: the normalised exponential along one axis."""

from dataclasses import dataclass
from typing import Any

from attnorm.ir.mlir import ext, ir
from attnorm.ir.rewriting import Refusal

from . import call_attributes
from .base import I64, Op, constraint
from .calls import Call, Callee, checked
from .rules import is_float, is_like, is_not_empty
from .spec import CustomCall, OpSpec


class Softmax(Op, name="softmax"):
    """`result = exp(x - max(x, axis)) / sum(exp(x - max(x, axis)), axis)`

    Computed in f32 (f64 where x or the result is f64) and rounded once. A row that is all -inf, or
    holds +inf or NaN, gives NaN, as the formula says (torch.softmax, jax.nn.softmax, ONNX Softmax).

    Operand: `x`, any shape. Attribute: `axis`. Result: x's shape, any float type.
    """

    x: ext.Operand[Any]
    result: ext.Result[Any]

    axis = I64()

    x_type = is_float(2, "x")

    @constraint(3, "axis is in range")
    def axis_range(self):
        rank = self.x.type.rank
        if 0 <= self.axis < rank:
            return None
        return f"axis: expected a value in [0, {rank}), got {self.axis}"

    x_not_empty = is_not_empty(4, "x")
    result_type = is_like(5, "result", of="x")


def softmax(
    x: ir.Value,
    *,
    axis: int,
    result: ir.Type | None = None,
    loc: ir.Location | None = None,
    ip: ir.InsertionPoint | None = None,
) -> ir.Value:
    """Builds `attnorm.softmax`; `result` is x's type unless given."""
    op = Softmax.build({"x": x}, [result or x.type], {"axis": axis}, loc=loc, ip=ip)
    return op.results[0]


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
        op = Softmax.build(named, [call.result()], {"axis": axes[0]}, **at)
        return checked(call, op)


SOFTMAX = OpSpec(
    op=Softmax,
    build=softmax,
    definition="reference.norms:softmax",
    raised_by=("raise-softmax",),
    expanded_by="expand-softmax",
    custom_calls={"softmax": CustomCall(SoftmaxCallee(), "reference.norm_calls:softmax")},
)
