"""Row statistics in canonical form: what norms are recognised by.

A statistic is followed from the value that uses it up to the reduction that makes it, through
moves, conversions and the arithmetic on the way; `Path` remembers that arithmetic, so that the rows
of the statistic can be held against the rows of what it is applied to.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from ..ir.attributes import integers
from ..ir.mlir import hlo, ir
from ..ir.rewriting import Refusal
from ..ir.stablehlo import element_type, is_half
from ..ir.values import producer
from .views import (
    Atom,
    Dim,
    compose,
    is_cast,
    is_move,
    is_splat,
    made_by,
    sizes,
    splat,
    trace,
    users,
)


@dataclass
class Path:
    """The arithmetic between a statistic and its reduction: ops, and the operand that goes on."""

    through: dict[ir.Operation, int] = field(default_factory=dict)
    elements: list[ir.Type] = field(default_factory=list)

    def step(self, op: ir.Operation, operand: int) -> ir.Value:
        """Goes on to an operand of `op`."""
        self.through[op] = operand
        return op.operands[operand]

    def peel(self, value: ir.Value) -> ir.Value:
        """The value without the moves and casts on top of it."""
        elements = self.elements
        elements.append(element_type(value))
        while (op := producer(value)) is not None and is_move(op):
            value = op.operands[0]
            elements.append(element_type(value))
        return value

    def peel_casts(self, value: ir.Value) -> ir.Value:
        """The value without the casts on top of it; unlike moves, they keep its rows."""
        while (op := producer(value)) is not None and is_cast(op):
            value = op.operands[0]
            self.elements.append(value.type.element_type)
        return value


@dataclass(frozen=True)
class Reduced:
    """A reduction: of what, over which axes, by which op."""

    op: ir.Operation
    x: ir.Value
    axes: tuple[int, ...]


def reduction_of(value: ir.Value, kind: str, init: float | bool) -> Reduced | None:
    """A `reduce` of one value by "add", "maximum", "and", ... from a given number."""
    op = made_by(value, "reduce")
    if op is None or len(op.operands) != 2 or body_kind(op) != kind:
        return None
    if splat(op.operands[1]) != init:
        return None
    return Reduced(op, op.operands[0], tuple(sorted(integers(op.attributes["dimensions"]))))


def body_kind(op: ir.Operation) -> str | None:
    """The name of the only op in a reduction's region, if it takes both arguments."""
    block = op.regions[0].blocks[0]
    body = [inner.operation for inner in block.operations]
    arguments = list(block.arguments)
    if len(body) != 2 or len(arguments) != 2:
        return None
    operands = list(body[0].operands)
    if operands not in (arguments, arguments[::-1]) or body[1].operands[0] != body[0].results[0]:
        return None
    return body[0].name.removeprefix("stablehlo.")


def sum_of(value: ir.Value) -> Reduced | None:
    """A sum."""
    return reduction_of(value, "add", 0)


def dot_with_itself(value: ir.Value) -> Reduced | None:
    """The sum of the squares of a value as a product with itself, the other axes kept in order."""
    op = made_by(value, "dot_general")
    if op is None or "algorithm" in op.attributes or not same_value(*op.operands):
        return None
    numbers = hlo.DotDimensionNumbers(op.attributes["dot_dimension_numbers"])
    kept, axes = [*numbers.lhs_batching_dimensions], [*numbers.lhs_contracting_dimensions]
    if kept != [axis for axis in range(op.operands[0].type.rank) if axis not in axes]:
        return None
    if kept != [*numbers.rhs_batching_dimensions] or axes != [*numbers.rhs_contracting_dimensions]:
        return None
    return Reduced(op, op.operands[0], tuple(sorted(axes)))


def mean_square_of(value: ir.Value, path: Path) -> tuple[Reduced, ir.Value] | None:
    """The mean of x * x, and x."""
    reduced = mean_of(value, path)
    if reduced is not None:
        x = square_of(path.peel_casts(reduced.x))
        return None if x is None else (reduced, x)
    reduced = mean_of(value, path, dot_with_itself)
    return None if reduced is None else (reduced, reduced.x)


def mean_of(
    value: ir.Value, path: Path, total: Callable[[ir.Value], Reduced | None] = sum_of
) -> Reduced | None:
    """A sum divided by the count of what it sums; refuses one divided by another number.

    `total` finds the sum.
    """
    op = producer(path.peel(value))
    if op is None:
        return None
    divides = op.name == "stablehlo.divide"
    if not divides and op.name != "stablehlo.multiply":
        return None
    operand = 1 if splat(op.operands[0]) is not None and not divides else 0
    number = splat(op.operands[1 - operand])
    if number is None:
        return None
    found = total(path.peel(path.step(op, operand)))
    if found is None:
        return None
    _check_count(found, float(number), divides, element_type(op.results[0]))
    return found


def _check_count(reduced: Reduced, number: float, divides: bool, element: ir.Type) -> None:
    """Refuses a number that is not the count, or its inverse, as the type of the division holds it.

    In a half type that has to be exact: an inverse that is rounded to 8 bits is another mean.
    """
    shape = sizes(reduced.x)
    over = [size for axis in reduced.axes if (size := shape[axis]) is not None]
    if len(over) != len(reduced.axes):
        raise Refusal("mean: expected static sizes of the reduced axes, got a dynamic one")
    count = math.prod(over)
    exact = float(count) if divides else 1 / count
    how = "divided by" if divides else "multiplied with"
    held = ir.FloatAttr.get(element, exact).value
    if number != held:
        raise Refusal(f"mean: expected a sum of {count} {how} {exact:g}, got {number:g}")
    if is_half(element) and held != exact:
        raise Refusal(f"mean: expected a sum {how} {exact:g}, got that number rounded: {held:g}")


def square_of(value: ir.Value) -> ir.Value | None:
    """x of `x * x`."""
    op = made_by(value, "multiply")
    if op is None or not same_value(op.operands[0], op.operands[1]):
        return None
    return op.operands[0]


def plus_epsilon(value: ir.Value, path: Path) -> tuple[ir.Value, float]:
    """`v + epsilon` as (v, epsilon); a value without one has 0."""
    op = made_by(path.peel(value), "add")
    if op is None:
        return value, 0.0
    for index in (0, 1):
        epsilon = splat(op.operands[1 - index])
        if epsilon is not None:
            return path.step(op, index), float(epsilon)
    return value, 0.0


def axes_of_rows(
    rows: ir.Value, path: Path, reduced: Reduced, x: ir.Value, applied: ir.Value
) -> tuple[int, ...] | None:
    """The axes of `applied` along which `rows` holds the statistic of each of its rows.

    `reduced` is over x, element for element; `path` leads from `rows` to it. `applied` has to be x,
    in any arrangement: None where it is another value, or a row meets another row's statistic.
    """
    inner = trace(x)
    outer = inner if applied == x else trace(applied)
    if (inner.source, inner.elements) != (outer.source, outer.elements):
        return None
    statistic = trace(rows, path.through, rounding=True)
    if statistic.source != reduced.op.results[0]:
        return None
    return _axes_met(reduced.axes, inner.dims, statistic.dims, outer.dims)


@functools.lru_cache(maxsize=1024)
def _axes_met(
    reduced: tuple[int, ...],
    inner: tuple[Dim, ...],
    statistic: tuple[Dim, ...],
    outer: tuple[Dim, ...],
) -> tuple[int, ...] | None:
    """The axes of `outer` that the `reduced` ones of `inner` are; None where rows are mixed up.

    `statistic` is the arrangement of what is left of `inner`.
    """
    kept = [dim for axis, dim in enumerate(inner) if axis not in reduced]
    got = compose(statistic, kept)
    runs = [atom for axis in reduced for atom in inner[axis]]
    axes, expected = [], []
    for axis, dim in enumerate(outer):
        inside = [_covers(runs, atom) for atom in dim]
        if None in inside or len(set(inside)) > 1 or _has_broadcast(dim):
            return None
        if dim and inside[0]:
            axes.append(axis)
            dim = (Atom(_size(dim), None),)
        expected.append(dim)
    return tuple(axes) if axes and got == tuple(expected) else None


def _covers(runs: list[Atom], atom: Atom) -> bool | None:
    """Whether an atom lies in one of the runs; None where it lies there in part."""
    for run in runs:
        if run.axis != atom.axis:
            continue
        if run.size is None or atom.size is None:
            return True
        low, high = run.stride, run.stride * run.size
        first, last = atom.stride, atom.stride * atom.size
        if low <= first and last <= high:
            return True
        if first < high and low < last:
            return None
    return False


def _has_broadcast(dim: Dim) -> bool:
    return any(atom.axis is None for atom in dim)


def _size(dim: Dim) -> int | None:
    known = [atom.size for atom in dim if atom.size is not None]
    return math.prod(known) if len(known) == len(dim) else None


def same_value(a: ir.Value, b: ir.Value) -> bool:
    """Whether two values are one in one arrangement, seen through moves."""
    if a == b:
        return True
    left, right = trace(a), trace(b)
    return (left.source, left.dims, left.elements) == (right.source, right.dims, right.elements)


def is_centred(x: ir.Value) -> bool:
    """Whether x is a difference from its own mean: the mean of its squares is then a variance."""
    op = made_by(Path().peel(x), "subtract")
    if op is None:
        return False
    try:
        reduced = mean_of(op.operands[1], Path())
    except Refusal:
        return False
    return reduced is not None and same_value(reduced.x, op.operands[0])


def readers(value: ir.Value) -> list[ir.Operation]:
    """The ops that read a value as it stands, also through moves that move nothing.

    Around dynamic sizes torch-mlir broadcasts every operand, mostly to its own shape.
    """
    found: list[ir.Operation] = []
    for user in users(value):
        if is_move(user) and same_value(user.results[0], value):
            found += readers(user.results[0])
        else:
            found.append(user)
    return found


def only_user(value: ir.Value) -> ir.Operation | None:
    """The op that reads a value, if there is only one."""
    found = users(value)
    return found[0] if len(found) == 1 else None


def one_over(op: ir.Operation) -> bool:
    """Whether an op is `1 / y`."""
    return op.name == "stablehlo.divide" and is_splat(op.operands[0], 1)
