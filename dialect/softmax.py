"""`attnorm.softmax`: the normalised exponential along one axis."""

from typing import Any

from ..bindings import ext, ir
from .base import I64, Op, constraint, float_tensor, like_operand, not_empty


class Softmax(Op, name="softmax"):
    """`result = exp(x - max(x, axis)) / sum(exp(x - max(x, axis)), axis)`

    Computed in f32 (f64 where x or the result is f64) and rounded once. A row that is all -inf, or
    holds +inf or NaN, gives NaN, as the formula says (torch.softmax, jax.nn.softmax, ONNX Softmax).

    Operand: `x`, any shape. Attribute: `axis`. Result: x's shape, any float type.
    """

    x: ext.Operand[Any]
    result: ext.Result[Any]

    axis = I64()

    @constraint(2, "x is a ranked tensor of f16, bf16, f32 or f64, without an encoding")
    def x_type(self):
        return float_tensor("x", self.x)

    @constraint(3, "axis is in range")
    def axis_range(self):
        rank = self.x.type.rank
        if 0 <= self.axis < rank:
            return None
        return f"axis: expected a value in [0, {rank}), got {self.axis}"

    @constraint(4, "no size of x is 0")
    def x_not_empty(self):
        return not_empty("x", self.x)

    @constraint(5, "result has x's shape, dynamic where x is, and a float type")
    def result_type(self):
        return like_operand("result", self.result, self.x)


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
