"""Norms that scale x and its mean apart: `x * r + (b - mean(x) * r)`, as Keras writes them."""

from __future__ import annotations

from collections.abc import Iterator

from ..ir.mlir import ir
from ..ir.stablehlo import is_half
from ..ir.values import producer
from .affine import Factor, factor_along, unwidened
from .roots import Normalised
from .statistics import Path, axes_of_rows, mean_of
from .views import made_by, source_of, trace, users


def with_mean(found: Normalised) -> Iterator[tuple[ir.Value, Factor | None]]:
    """The values that are `found`, a scaled x, less its scaled mean; and the bias that joins it."""
    product = made_by(found.value, "multiply")
    if product is None or list(product.operands).count(found.x) != 1:
        return
    left, right = product.operands
    root = right if left == found.x else left
    for user in list(users(found.value)):
        for bias in _biases(user, found, root):
            factor = None if bias is None else factor_along(bias, found.axes)
            if bias is None or factor is not None:
                yield user.results[0], factor


def _biases(user: ir.Operation, found: Normalised, root: ir.Value) -> Iterator[ir.Value | None]:
    """What `user` adds to the scaled x beside less the scaled mean; None for nothing."""
    if list(user.operands).count(found.value) != 1:
        return
    if user.name == "stablehlo.subtract" and user.operands[0] == found.value:
        if _is_mean(user.operands[1], found, root):
            yield None
        return
    if user.name != "stablehlo.add":
        return
    left, right = user.operands
    rest = right if left == found.value else left
    if _is_mean(rest, found, root, negated=True):
        yield None
    op = producer(rest)
    if op is None or op.name not in ("stablehlo.add", "stablehlo.subtract"):
        return
    adds = op.name == "stablehlo.add"
    left, right = op.operands
    if _is_mean(right, found, root, negated=adds):
        yield left
    elif adds and _is_mean(left, found, root, negated=True):
        yield right


def _is_mean(value: ir.Value, found: Normalised, root: ir.Value, *, negated: bool = False) -> bool:
    """Whether a value is mean(x) * root, for the rows of x; `negated`, less that."""
    product = made_by(source_of(value), "multiply")
    if product is None:
        return False
    scale = trace(root)
    for index in (0, 1):
        other = trace(value, {product: 1 - index})
        if other != scale:
            continue
        mean = Path()
        mean.peel(value)
        rows = mean.peel(mean.step(product, index))
        if negated:
            negate = made_by(rows, "negate")
            if negate is None:
                continue
            rows = mean.step(negate, 0)
        reduced = mean_of(rows, mean)
        if reduced is None or any(map(is_half, mean.elements)):
            continue
        x, plain = unwidened(reduced.x), unwidened(found.x)
        return axes_of_rows(value, mean, reduced, x, plain) == found.axes
    return False
