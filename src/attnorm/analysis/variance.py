"""The variance of rows, as norms write it."""

from __future__ import annotations

from ..ir.mlir import ir
from ..ir.rewriting import Refusal
from ..ir.stablehlo import is_half
from ..ir.values import producer
from .affine import unwidened
from .roots import Statistic, under
from .statistics import Path, axes_of_rows, mean_of, mean_square_of, same_value, square_of
from .views import is_splat, made_by, sizes, trace


def variance_under(root: ir.Operation) -> Statistic | None:
    """The variance of rows whose inverse root, with epsilon added, a root leads to.

    It is written as the mean of squared deviations, or as the mean square less the squared mean.
    """
    if (inside := under(root)) is None:
        return None
    value, epsilon, path = inside
    value = _unclamped(value, path)
    return _mean_of_squares(value, epsilon, path) or _difference(value, epsilon, path)


def _unclamped(variance: ir.Value, path: Path) -> ir.Value:
    """The variance of `max(0, variance)`: flax and Equinox make sure that it is not negative."""
    maximum = made_by(path.peel(variance), "maximum")
    if maximum is not None:
        for index in (0, 1):
            if is_splat(maximum.operands[1 - index], 0):
                return path.step(maximum, index)
    return variance


def _mean_of_squares(inside: ir.Value, epsilon: float, path: Path) -> Statistic | None:
    """mean((x - mean(x))^2)"""
    squares = mean_square_of(inside, path)
    if squares is None:
        return None
    reduced, deviation = squares
    found = deviation_of(deviation)
    # A dimension of 1 is no axis of its rows.
    axes = tuple(axis for axis in reduced.axes if sizes(reduced.x)[axis] != 1)
    if found is None or found[1] != axes:
        return None
    return Statistic(unwidened(found[0]), reduced, epsilon, path)


def deviation_of(value: ir.Value) -> tuple[ir.Value, tuple[int, ...]] | None:
    """x and the axes of `x - mean(x, axes)`; refuses one that rounds to a half type."""
    path = Path()
    op = made_by(path.peel_casts(value), "subtract")
    if op is None:
        return None
    x, mean = op.operands
    reduced = mean_of(mean, path)
    if reduced is None:
        return None
    axes = axes_of_rows(mean, path, reduced, unwidened(reduced.x), unwidened(x))
    half = next(filter(is_half, path.elements), None)
    if axes is not None and half is not None:
        raise Refusal(f"variance: expected x - mean(x) in f32 or f64, got {half}")
    return None if axes is None else (x, axes)


def _difference(inside: ir.Value, epsilon: float, path: Path) -> Statistic | None:
    """mean(x^2) - mean(x)^2: flax's fast variance."""
    op = made_by(path.peel(inside), "subtract")
    if op is None:
        return None
    squared, mean = op.operands[1], Path()
    square = producer(mean.peel(squared))
    if square is None or square_of(square.results[0]) is None:
        return None
    first = mean_of(mean.step(square, 0), mean)
    reduced = mean_of(path.step(op, 0), path)
    if first is None or reduced is None or first.axes != reduced.axes:
        return None
    x = square_of(path.peel_casts(reduced.x))
    if x is None or not same_value(first.x, x):
        return None
    # Both of the same rows: a mean may be turned on its way to the difference.
    rows = trace(op.operands[0], path.through, rounding=True)
    others = trace(squared, mean.through, rounding=True)
    if (rows.source, others.source) != (reduced.op.results[0], first.op.results[0]):
        return None
    if rows.dims != others.dims:
        return None
    path.elements += mean.elements
    return Statistic(unwidened(x), reduced, epsilon, path)
