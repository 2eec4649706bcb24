"""Roots of statistics, and the values that are normalised with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..ir.mlir import ir
from ..ir.stablehlo import element_type, is_half
from .affine import Factor
from .statistics import Path, Reduced, axes_of_rows, one_over, plus_epsilon
from .views import is_move, is_splat, made_by, users

ROOTS = ("stablehlo.rsqrt", "stablehlo.sqrt", "stablehlo.power")


@dataclass(frozen=True)
class Statistic:
    """1 / sqrt(s(x) + epsilon), and how its value leads back to a reduction of x's rows."""

    x: ir.Value
    reduced: Reduced
    epsilon: float
    path: Path

    def axes_at(self, rows: ir.Value, x: ir.Value) -> tuple[int, ...] | None:
        """The normalised axes of `x`, if it is the x of the statistic that `rows` spreads."""
        return axes_of_rows(rows, self.path, self.reduced, self.x, x)


@dataclass(frozen=True)
class Normalised:
    """A normalised value, the x in it, the axes, and a weight met already."""

    value: ir.Value
    x: ir.Value
    axes: tuple[int, ...]
    weight: Factor | None = None


Match = Callable[[ir.Value, ir.Value], tuple[ir.Value, tuple[int, ...]] | None]
"""x and its normalised axes, if a value is what rows of the statistic are meant for."""
Weigh = Callable[[ir.Value, tuple[int, ...]], Factor | None]
"""A value as the weight along some axes, if it is one."""


def under(root: ir.Operation) -> tuple[ir.Value, float, Path] | None:
    """What a root is of, less its epsilon, and the epsilon; None for a power that is no root."""
    if root.name == "stablehlo.power" and not is_splat(root.operands[1], -0.5):
        return None
    path = Path()
    return *plus_epsilon(path.step(root, 0), path), path


def normalised(root: ir.Operation, path: Path, match: Match, weigh: Weigh) -> Iterator[Normalised]:
    """The values that are something `match` knows times the root's inverse."""
    for product, rows in list(_products(root, path)):
        operands = list(product.operands)
        other = operands[0] if operands[1] == rows else operands[1]
        found = _matched(product, rows, other, match, weigh)
        if found is not None:
            yield found


def _matched(
    product: ir.Operation, rows: ir.Value, other: ir.Value, match: Match, weigh: Weigh
) -> Normalised | None:
    """At once, after a weight on what is normalised, or after one on the root."""
    found = match(other, rows)
    if found is not None:
        return Normalised(product.results[0], *found)
    inner = made_by(other, "multiply")
    if inner is not None:
        for value, factor in (tuple(inner.operands), tuple(inner.operands)[::-1]):
            found = match(value, rows)
            weight = found and weigh(factor, found[1])
            if found and weight:
                return Normalised(product.results[0], *found, weight)
    if product.name == "stablehlo.multiply":
        for user in users(product.results[0]):
            if user.name != "stablehlo.multiply":
                continue
            for value in user.operands:
                found = match(value, rows)
                weight = found and weigh(other, found[1])
                if found and weight:
                    return Normalised(user.results[0], *found, weight)
    return None


def _products(root: ir.Operation, path: Path) -> Iterator[tuple[ir.Operation, ir.Value]]:
    """The products and quotients that take the root's value, moved, and the operand that it is.

    A root that is rounded to a half type on its way is another factor.
    """
    divides = root.name == "stablehlo.sqrt"
    pending = [(root.results[0], divides)]
    while pending:
        value, divides = pending.pop()
        for user in users(value):
            if is_move(user):
                if not _rounds_to_half(user):
                    pending.append((user.results[0], divides))
            elif divides and one_over(user):
                path.step(user, 1)
                pending.append((user.results[0], False))
            elif _applies(user, value, divides):
                yield user, value


def _rounds_to_half(move: ir.Operation) -> bool:
    before, after = element_type(move.operands[0]), element_type(move.results[0])
    return is_half(after) and before != after


def _applies(user: ir.Operation, value: ir.Value, divides: bool) -> bool:
    """Whether an op divides by a root, or multiplies with its inverse."""
    if divides:
        return user.name == "stablehlo.divide" and user.operands[1] == value
    return user.name == "stablehlo.multiply"
