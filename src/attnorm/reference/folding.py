"""Reductions by a region: `reduce`, `reduce_window`, and what it takes to fold a dimension.

The specification leaves the order of a reduction open. A body of one operation is one NumPy
reduction, in float64, rounded once. Any other is applied to neighbours, and to their results, until
one is left: to all pairs at once where it is elementwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..ir.mlir import ir
from .elementwise import maximum, minimum
from .step import Handler, Step
from .wide import Array

_UFUNCS: dict[str, Any] = {
    "stablehlo.add": np.add,
    "stablehlo.and": np.bitwise_and,
    "stablehlo.maximum": np.maximum,
    "stablehlo.minimum": np.minimum,
    "stablehlo.multiply": np.multiply,
    "stablehlo.or": np.bitwise_or,
    "stablehlo.xor": np.bitwise_xor,
}
_COMBINE: dict[Any, Any] = {np.maximum: maximum, np.minimum: minimum}


def single_op(block: ir.Block) -> Any:
    """The NumPy function of a body that applies one to its two arguments; else None."""
    operations = block.operations
    if len(block.arguments) != 2 or len(operations) != 2:
        return None
    op, last = operations[0].operation, operations[1].operation
    ufunc = _UFUNCS.get(op.name)
    arguments = list(block.arguments)
    if ufunc is None or list(op.operands) not in (arguments, arguments[::-1]):
        return None
    return ufunc if list(last.operands) == list(op.results) else None


def fold_axes(ufunc: Any, x: Array, init: Array, axes: tuple[int, ...]) -> Array:
    """x without `axes`, folded by a NumPy function, and `init`."""
    combine = _COMBINE.get(ufunc, ufunc)
    if not axes:
        return combine(init, x)
    kept = [size for axis, size in enumerate(x.shape) if axis not in axes]
    if 0 in (x.shape[axis] for axis in axes):
        return np.broadcast_to(init, kept)
    # Sums and products of narrow integers would be wide ones.
    own = {"dtype": x.dtype} if ufunc in (np.add, np.multiply) else {}
    found = ufunc.reduce(x, axis=axes, **own)
    if x.dtype == np.float64 and ufunc in _COMBINE and (found == 0).any():
        # NumPy takes either of two zeros.
        negative = (np.signbit(x) & (x == 0)).any(axis=axes)
        positive = (~np.signbit(x) & (x == 0)).any(axis=axes)
        zero = np.where(negative if ufunc is np.minimum else ~positive, -0.0, 0.0)
        found = np.where(found == 0, zero, found)
    return combine(init, found)


def reduce(step: Step) -> list[Array]:
    """Operands without `dimensions`, folded by the body."""
    count = len(step.operands) // 2
    xs, inits = step.operands[:count], step.operands[count:]
    axes = tuple(step.integers("dimensions"))
    block = step.block()
    ufunc = single_op(block) if count == 1 else None
    if ufunc is not None:
        return [fold_axes(ufunc, xs[0], inits[0], axes)]
    stacked = []
    for x in xs:
        kept = [axis for axis in range(x.ndim) if axis not in axes]
        sizes = [x.shape[axis] for axis in kept]
        length = prod(x.shape[axis] for axis in axes)
        stacked.append(x.transpose([*axes, *kept]).reshape([length, *sizes]))
    return fold(step, block, stacked, inits)


def fold(step: Step, block: ir.Block, xs: Sequence[Array], inits: Sequence[Array]) -> list[Array]:
    """Arrays of one shape without their first dimension, folded by a body from `inits`."""
    shape = xs[0].shape[1:]
    start = [np.broadcast_to(init, shape) for init in inits]
    parts = list(xs)
    while len(parts[0]) > 1:
        even = len(parts[0]) // 2 * 2
        pairs = [*(part[0:even:2] for part in parts), *(part[1:even:2] for part in parts)]
        joined = step.frame.run_lanes(block, pairs)
        parts = [
            np.concatenate([value, part[even:]]) for value, part in zip(joined, parts, strict=True)
        ]
    if not len(parts[0]):
        return start
    return step.frame.run_lanes(block, [*start, *(part[0] for part in parts)])


HANDLERS: dict[str, Handler] = {"stablehlo.reduce": reduce}
