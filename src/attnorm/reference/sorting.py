"""Sorting by a comparison that a region makes."""

from __future__ import annotations

from math import prod

import numpy as np

from ..ir.mlir import ir
from .step import Handler, Step
from .wide import Array


def sort(step: Step) -> list[Array]:
    """Operands in the comparator's order along one dimension; equals stay in theirs."""
    axis = step.integer("dimension", -1)
    moved = [np.moveaxis(x, axis, 0) for x in step.operands]
    length, *others = moved[0].shape
    lines = [x.reshape(length, prod(others)) for x in moved]
    order = _merged(step, step.block(), lines)
    return [
        np.moveaxis(np.take_along_axis(line, order, 0).reshape(length, *others), 0, axis)
        for line in lines
    ]


def _merged(step: Step, block: ir.Block, lines: list[Array]) -> Array:
    """The order of the first dimension, for every column: a merge sort of all columns at once.

    Neighbouring runs are merged by searching, for each element, how many of the other run come
    before it, by halves.
    """
    length, columns = lines[0].shape
    order = np.broadcast_to(np.arange(length)[:, np.newaxis], (length, columns))
    places = np.arange(length)[:, np.newaxis]
    width = 1
    while width < length:
        start = places // (2 * width) * (2 * width)
        left = places < start + width
        middle = np.minimum(start + width, length)
        low = np.broadcast_to(np.where(left, middle, start), order.shape)
        high = np.broadcast_to(
            np.where(left, np.minimum(start + 2 * width, length), middle), order.shape
        )
        first = low
        mine = [np.take_along_axis(line, order, 0) for line in lines]
        while (low < high).any():
            half = np.minimum((low + high) // 2, length - 1)
            other = [np.take_along_axis(line, half, 0) for line in mine]
            # Of equals, those of the left run come first.
            arguments = []
            for x, y in zip(mine, other, strict=True):
                arguments += [np.where(left, y, x), np.where(left, x, y)]
            (less,) = step.frame.run_lanes(block, arguments)
            before = np.where(left, less, ~less)
            low, high = (
                np.where((low < high) & before, half + 1, low),
                np.where((low < high) & ~before, half, high),
            )
        own = places - np.where(left, start, middle)
        target = start + own + (low - first)
        merged = np.empty_like(order)
        np.put_along_axis(merged, target, order, 0)
        order, width = merged, 2 * width
    return order


HANDLERS: dict[str, Handler] = {"stablehlo.sort": sort}
