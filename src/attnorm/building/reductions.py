"""What each opaque reduction means, in StableHLO.

A function takes a builder, the operand and the axes, and returns the value without those axes.
Half types are accumulated in f32; the caller rounds once. What has a float result takes the float
type that it is computed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..ir.mlir import ir
from ..ir.stablehlo import Builder, compute_type, element_type, is_bool, is_float, neutral, shape_of

Reduction = Callable[..., ir.Value]
"""Takes a builder, a value and axes; a variance's takes a correction too."""


def total(b: Builder, x: ir.Value, axes: Sequence[int]) -> ir.Value:
    """The sum."""
    # On i1 StableHLO's add is or; IREE takes it for an exclusive or.
    kind = "or" if is_bool(element_type(x)) else "add"
    return b.reduce(kind, _accumulator(b, x), axes)


def product(b: Builder, x: ir.Value, axes: Sequence[int]) -> ir.Value:
    """The product."""
    return b.reduce("multiply", _accumulator(b, x), axes)


def maximum(b: Builder, x: ir.Value, axes: Sequence[int]) -> ir.Value:
    """The largest value; NaN where there is one."""
    return b.reduce("maximum", x, axes)


def minimum(b: Builder, x: ir.Value, axes: Sequence[int]) -> ir.Value:
    """The smallest value; NaN where there is one."""
    return b.reduce("minimum", x, axes)


def mean(b: Builder, x: ir.Value, axes: Sequence[int]) -> ir.Value:
    """The arithmetic mean; NaN over nothing."""
    return b.mean(x, axes)


def variance(b: Builder, x: ir.Value, axes: Sequence[int], correction: float = 0) -> ir.Value:
    """The mean squared deviation, divided by count - correction."""
    deviation = b.subtract(x, b.spread(b.mean(x, axes), x, axes))
    squares = b.reduce("add", b.multiply(deviation, deviation), axes)
    count = b.count(x, axes, element_type(x))
    if isinstance(count, ir.Value):
        divisor: ir.Value | float = b.subtract(count, correction)
        divisor = b.binary("maximum", divisor, 0.0)
    else:
        divisor = max(count - correction, 0.0)
    return b.divide_by_count(squares, divisor)


def any_(b: Builder, x: ir.Value, axes: Sequence[int]) -> ir.Value:
    """Whether one element is not zero, as i1."""
    return b.reduce("or", _truth(b, x), axes)


def all_(b: Builder, x: ir.Value, axes: Sequence[int]) -> ir.Value:
    """Whether no element is zero, as i1."""
    return b.reduce("and", _truth(b, x), axes)


def log_sum_exp(b: Builder, x: ir.Value, axes: Sequence[int]) -> ir.Value:
    """log(sum(exp(x))), shifted by the largest value where that is finite."""
    peak = b.reduce("maximum", x, axes)
    finite = b.compare("LT", b.unary("abs", peak), math.inf)
    # NaN compares false too; the exponentials bring it back.
    shift = b.select(finite, peak, 0.0)
    powers = b.unary("exponential", b.subtract(x, b.spread(shift, x, axes)))
    return b.add(b.unary("log", b.reduce("add", powers, axes)), shift)


def l2_norm(b: Builder, x: ir.Value, axes: Sequence[int]) -> ir.Value:
    """sqrt(sum(x^2))."""
    return b.unary("sqrt", b.reduce("add", b.multiply(x, x), axes))


def arg_maximum(b: Builder, x: ir.Value, axes: Sequence[int]) -> ir.Value:
    """The first position of the largest value, as i64; see `_arg`."""
    return _arg(b, x, axes, "maximum", "GT")


def arg_minimum(b: Builder, x: ir.Value, axes: Sequence[int]) -> ir.Value:
    """The first position of the smallest value, as i64; see `_arg`."""
    return _arg(b, x, axes, "minimum", "LT")


def _arg(b: Builder, x: ir.Value, axes: Sequence[int], kind: str, better: str) -> ir.Value:
    """A reduction of (value, position) pairs.

    Positions count row-major over `axes`. NaN beats everything and the first of equals wins (NumPy,
    torch, JAX); over nothing the position is 0.
    """
    kept = tuple(size for axis, size in enumerate(shape_of(x)) if axis not in axes)
    if 0 in shape_of(x):
        return b.full(0, ir.IntegerType.get_signless(64), kept)
    position = _positions(b, x, axes)
    values, indices = element_type(x), element_type(position)
    # The initial pair loses against any real one, also against an equal value.
    last = neutral("minimum", indices)
    inits = [b.full(neutral(kind, values), values), b.full(last, indices)]
    op = b.reduce_op([x, position], inits, axes, kept)
    scalars = [b.tensor((), element) for element in (values, indices)] * 2
    block = op.regions[0].blocks.append(*scalars, arg_locs=[b.loc] * 4)
    body = Builder(ir.InsertionPoint(block), b.loc)
    value, index, other, other_index = block.arguments
    wins, ties = body.compare(better, value, other), body.compare("EQ", value, other)
    if is_float(values):
        nan, other_nan = body.compare("NE", value, value), body.compare("NE", other, other)
        wins = body.binary("or", wins, body.binary("and", nan, body.unary("not", other_nan)))
        ties = body.binary("or", ties, body.binary("and", nan, other_nan))
    first = body.binary("and", ties, body.compare("LT", index, other_index))
    left = body.binary("or", wins, first)
    body.yield_([body.select(left, value, other), body.select(left, index, other_index)])
    found = op.results[1]
    # Over nothing the initial position is left.
    return b.select(b.compare("EQ", found, last), 0, found)


def _positions(b: Builder, x: ir.Value, axes: Sequence[int]) -> ir.Value:
    i64 = ir.IntegerType.get_signless(64)
    shape = shape_of(x)
    position = None
    for axis in axes:
        along = b.iota(i64, shape, axis)
        if position is not None:
            size = b.broadcast(b.size(shape[axis], i64), (), shape)
            along = b.add(b.multiply(position, size), along)
        position = along
    return position if position is not None else b.full(0, i64, shape)


def _accumulator(b: Builder, x: ir.Value) -> ir.Value:
    element = element_type(x)
    return b.convert(x, compute_type(element)) if is_float(element) else x


def _truth(b: Builder, x: ir.Value) -> ir.Value:
    return x if is_bool(element_type(x)) else b.compare("NE", x, 0)


REDUCTIONS: dict[str, Reduction] = {
    "reduce_sum": total,
    "reduce_mean": mean,
    "reduce_max": maximum,
    "reduce_min": minimum,
    "reduce_prod": product,
    "reduce_variance": variance,
    "reduce_any": any_,
    "reduce_all": all_,
    "reduce_logsumexp": log_sum_exp,
    "reduce_l2": l2_norm,
    "reduce_norm": l2_norm,
    "reduce_argmax": arg_maximum,
    "reduce_argmin": arg_minimum,
}
"""Every target of `stablehlo.custom_call @reduce_*` with a meaning."""
