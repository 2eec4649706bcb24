"""One op of a row program as arithmetic on scalars or vectors.

Half types are computed in f32 and rounded after each op: a single rounding of f32's result is the
rounding of the exact one, f32 having more than twice their digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from iree.compiler import ir
from iree.compiler.dialects import arith, math

from . import emit
from .exponential import exp, power
from .refusal import Refused
from .row_program import Node, combiner, constant_value

_F = arith.CmpFPredicate
_DIRECTIONS = {"EQ": _F.OEQ, "NE": _F.UNE, "LT": _F.OLT, "LE": _F.OLE, "GT": _F.OGT, "GE": _F.OGE}
_FLOATS: dict[str, Callable[..., ir.Value]] = {
    "abs": math.absf,
    "add": arith.addf,
    "ceil": math.ceil,
    "divide": arith.divf,
    "floor": math.floor,
    "log": math.log,
    "maximum": arith.maximumf,
    "minimum": arith.minimumf,
    "multiply": arith.mulf,
    "negate": arith.negf,
    "power": math.powf,
    "round_nearest_even": math.roundeven,
    "rsqrt": math.rsqrt,
    "sqrt": math.sqrt,
    "subtract": arith.subf,
    "tanh": math.tanh,
}
_BOOLS: dict[str, Callable[..., ir.Value]] = {
    "add": arith.ori,
    "and": arith.andi,
    "maximum": arith.ori,
    "minimum": arith.andi,
    "multiply": arith.andi,
    "or": arith.ori,
    "xor": arith.xori,
}
EXPENSIVE = frozenset(("exponential", "log", "logistic", "power", "tanh"))
"""What is worth keeping rather than computing twice."""


def evaluate(node: Node, operands: Sequence[ir.Value]) -> ir.Value:
    """The value of an elementwise node, of floats as f32."""
    value = _evaluate(node, operands)
    return value if is_bool(node.element) else rounded(value, node.element)


def rounded(value: ir.Value, element: ir.Type) -> ir.Value:
    """An f32 value with the digits of `element`."""
    return emit.convert(emit.convert(value, element), emit.f32())


def is_bool(element: ir.Type) -> bool:
    """Whether a type is i1."""
    return isinstance(element, ir.IntegerType)


def constant(node: Node, type_: ir.Type) -> ir.Value:
    """A constant node as a scalar or vector `type_`."""
    return emit.constant(type_, constant_value(node))


def supports(node: Node) -> None:
    """Raises `Refused` for an op that `evaluate` does not know."""
    if node.kind == "compare":
        if is_bool(node.operands[0].element):
            raise Refused("a comparison of booleans")
    elif node.kind == "convert":
        if is_bool(node.element) != is_bool(node.operands[0].element) and is_bool(node.element):
            raise Refused("a conversion to booleans")
    elif node.kind == "reduce_precision":
        if _precision(node) not in _HALVES:
            raise Refused("a rounding to a type that is neither f16 nor bf16")
    elif node.kind not in _SPECIAL:
        known = _BOOLS if is_bool(node.element) else _FLOATS
        if node.kind not in known:
            raise Refused(f"{node.kind} of {node.element}")


def _evaluate(node: Node, operands: Sequence[ir.Value]) -> ir.Value:
    kind = node.kind
    if kind in _SPECIAL:
        return _SPECIAL[kind](node, *operands)
    known = _BOOLS if is_bool(node.element) else _FLOATS
    return known[kind](*operands)


def _compare(node: Node, a: ir.Value, b: ir.Value) -> ir.Value:
    assert node.op is not None
    text = str(node.op.attributes["comparison_direction"])
    direction = text.removesuffix(">").split()[-1]
    return arith.cmpf(_DIRECTIONS[direction], a, b)


def _convert(node: Node, value: ir.Value) -> ir.Value:
    if is_bool(node.operands[0].element) and not is_bool(node.element):
        return arith.uitofp(emit.like(value, emit.f32()), value)
    return value


_HALVES: dict[tuple[int, int], Callable[[], ir.Type]] = {
    (8, 7): ir.BF16Type.get,
    (5, 10): ir.F16Type.get,
}


def _precision(node: Node) -> tuple[int, int]:
    assert node.op is not None
    attributes = node.op.attributes
    return attributes["exponent_bits"].value, attributes["mantissa_bits"].value


def _reduce_precision(node: Node, value: ir.Value) -> ir.Value:
    return rounded(value, _HALVES[_precision(node)]())


def _clamp(node: Node, low: ir.Value, value: ir.Value, high: ir.Value) -> ir.Value:
    return arith.minimumf(arith.maximumf(value, low), high)


def _exponential(node: Node, value: ir.Value) -> ir.Value:
    return power(value) if _is_below_peak(node.operands[0]) else exp(value)


def _is_below_peak(node: Node) -> bool:
    """Whether a value is what is subtracted from, less the largest of its row: never positive."""
    if node.kind != "subtract":
        return False
    value, peak = map(_source, node.operands)
    return (
        peak.kind == "reduce" and combiner(peak) == "maximum" and _source(peak.operands[0]) is value
    )


def _source(node: Node) -> Node:
    """What is spread."""
    while node.kind == "move":
        node = node.operands[0]
    return node


def _is_finite(node: Node, value: ir.Value) -> ir.Value:
    infinity = emit.constant_like(value, float("inf"))
    return arith.cmpf(_F.OLT, math.absf(value), infinity)


def _logistic(node: Node, value: ir.Value) -> ir.Value:
    one = emit.constant_like(value, 1.0)
    return arith.divf(one, arith.addf(one, exp(arith.negf(value))))


def _not(node: Node, value: ir.Value) -> ir.Value:
    return arith.xori(value, emit.constant_like(value, 1))


def _select(node: Node, condition: ir.Value, a: ir.Value, b: ir.Value) -> ir.Value:
    return arith.select(condition, a, b)


def _sign(node: Node, value: ir.Value) -> ir.Value:
    """1 or -1 with the value's sign; zeros and NaN as they are."""
    one = math.copysign(emit.constant_like(value, 1.0), value)
    same = arith.cmpf(_F.UEQ, value, emit.constant_like(value, 0.0))
    return arith.select(same, value, one)


_SPECIAL: dict[str, Callable[..., ir.Value]] = {
    "clamp": _clamp,
    "compare": _compare,
    "convert": _convert,
    "exponential": _exponential,
    "is_finite": _is_finite,
    "logistic": _logistic,
    "not": _not,
    "reduce_precision": _reduce_precision,
    "select": _select,
    "sign": _sign,
}
