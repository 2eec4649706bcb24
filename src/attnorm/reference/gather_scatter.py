"""Gathers and scatters: elements at positions that are data.

`start_indices` of a gather are moved to where the slice fits; what a scatter would put outside is
left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ir.mlir import hlo, ir
from .shapes import sizes_of
from .step import Handler, Step
from .wide import Array


@dataclass(frozen=True)
class Windows:
    """Windows of a tensor, each at a start that indices give.

    Dimensions of the tensor: `batching` go with dimensions of the indices, `dropped` have a window
    of 1 that is left out (they and the batching ones), `mapped` are those that an index says.
    `vector` is the dimension of the indices that holds one index.
    """

    sizes: Sequence[int]
    batching: Sequence[int]
    indices_batching: Sequence[int]
    dropped: Sequence[int]
    mapped: Sequence[int]
    vector: int

    def starts(self, indices: Array) -> list[Array]:
        """For every dimension of the tensor, where each window begins."""
        if self.vector == indices.ndim:
            indices = indices[..., np.newaxis]
        indices = np.moveaxis(indices, self.vector, -1).astype(np.int64)
        shape = indices.shape[:-1]
        starts = [np.zeros(shape, np.int64) for _ in self.sizes]
        for number, dimension in enumerate(self.mapped):
            starts[dimension] = indices[..., number]
        for dimension, along in zip(self.batching, self.indices_batching, strict=True):
            # Dimensions of the indices behind the vector have moved.
            axis = along - (along > self.vector)
            line = [-1 if i == axis else 1 for i in range(len(shape))]
            starts[dimension] = np.broadcast_to(np.arange(shape[axis]).reshape(line), shape)
        return starts

    def positions(self, starts: Sequence[Array]) -> list[Array]:
        """For every dimension of the tensor, where each element of the windows is.

        They broadcast to [dimensions of the starts.., dimensions of a window..].
        """
        gone = {*self.dropped, *self.batching}
        kept = [axis for axis in range(len(self.sizes)) if axis not in gone]
        found = []
        for axis, start in enumerate(starts):
            inner = [-1 if axis == other else 1 for other in kept]
            offsets = np.arange(self.sizes[axis]) if axis in kept else np.zeros(1, np.int64)
            start = start.reshape([*start.shape, *[1] * len(kept)])
            found.append(start + offsets.reshape(inner or [1] * len(kept)))
        return found


def gather(step: Step) -> Array:
    """Windows of `slice_sizes` at `start_indices`."""
    return _gathered(step, step.integers("slice_sizes"))


def dynamic_gather(step: Step) -> Array:
    """A gather whose sizes are an operand."""
    return _gathered(step, sizes_of(step.operands[2]))


def _gathered(step: Step, sizes: Sequence[int]) -> Array:
    x, indices = step.operands[:2]
    numbers = hlo.GatherDimensionNumbers(step.op.attributes["dimension_numbers"])
    windows = Windows(
        sizes,
        list(numbers.operand_batching_dims),
        list(numbers.start_indices_batching_dims),
        list(numbers.collapsed_slice_dims),
        list(numbers.start_index_map),
        numbers.index_vector_dim,
    )
    starts = windows.starts(indices)
    fitting = [
        np.clip(start, 0, full - size)
        for start, full, size in zip(starts, x.shape, sizes, strict=True)
    ]
    found = x[tuple(windows.positions(fitting))]
    offset = list(numbers.offset_dims)
    return np.moveaxis(found, range(found.ndim - len(offset), found.ndim), offset)


def scatter(step: Step) -> list[Array]:
    """Inputs in which the body has joined updates to the elements at indices, in their order."""
    count = len(step.operands) // 2
    inputs, indices = step.operands[:count], step.operands[count]
    updates = step.operands[count + 1 :]
    numbers = hlo.ScatterDimensionNumbers(step.op.attributes["scatter_dimension_numbers"])
    window_axes = list(numbers.update_window_dims)
    gone = {*numbers.inserted_window_dims, *numbers.input_batching_dims}
    sizes = iter(updates[0].shape[axis] for axis in window_axes)
    windows = Windows(
        [1 if axis in gone else next(sizes) for axis in range(inputs[0].ndim)],
        list(numbers.input_batching_dims),
        list(numbers.scatter_indices_batching_dims),
        list(numbers.inserted_window_dims),
        list(numbers.scattered_dims_to_operand_dims),
        numbers.index_vector_dim,
    )
    moved = [
        np.moveaxis(update, window_axes, range(update.ndim - len(window_axes), update.ndim))
        for update in updates
    ]
    positions = windows.positions(windows.starts(indices))
    positions = [np.broadcast_to(position, moved[0].shape) for position in positions]
    return join(step, step.block(), inputs, positions, moved)


def join(
    step: Step,
    block: ir.Block,
    inputs: Sequence[Array],
    positions: Sequence[Array],
    updates: Sequence[Array],
) -> list[Array]:
    """Inputs with updates joined by a body to the elements at positions, one after the other.

    `positions` has one array a dimension, of the updates' shape. What lies outside is left out.
    """
    shape = inputs[0].shape
    inside: Any = np.ones(updates[0].shape, np.bool_)
    for position, size in zip(positions, shape, strict=True):
        inside = inside & (position >= 0) & (position < size)
    flat = np.zeros(int(inside.sum()), np.int64)
    for position, size in zip(positions, shape, strict=True):
        flat = flat * size + position[inside]
    results = [x.reshape(-1).copy() for x in inputs]
    chosen = [update[inside] for update in updates]
    for turn in _turns(flat):
        at = flat[turn]
        arguments = [*(result[at] for result in results), *(update[turn] for update in chosen)]
        for result, value in zip(results, step.frame.run_lanes(block, arguments), strict=True):
            result[at] = value
    return [result.reshape(shape) for result in results]


def _turns(flat: Array) -> list[Array]:
    """Indices of `flat` in groups: the first ones of every value, the second ones, .."""
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    first = np.searchsorted(ordered, ordered, side="left")
    turn = np.arange(len(flat)) - first
    return [order[turn == number] for number in range(int(turn.max(initial=-1)) + 1)]


HANDLERS: dict[str, Handler] = {
    "stablehlo.dynamic_gather": dynamic_gather,
    "stablehlo.gather": gather,
    "stablehlo.scatter": scatter,
}
