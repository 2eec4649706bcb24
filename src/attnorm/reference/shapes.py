"""Ops of StableHLO that move elements: every element of a result is one of an operand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .kinds import Kind
from .step import Handler, Step
from .wide import Array


def sizes_of(x: Array) -> tuple[int, ...]:
    """A shape from a tensor of sizes."""
    return tuple(int(size) for size in x)


def static_sizes(kind: Kind) -> tuple[int, ...]:
    """The sizes of a static type."""
    return tuple(size or 0 for size in kind.sizes or ())


def spread(x: Array, dimensions: Sequence[int], shape: Sequence[int]) -> Array:
    """x over `shape`: dimension i of x, of that size or 1, is dimension `dimensions[i]`."""
    order = sorted(range(x.ndim), key=lambda axis: dimensions[axis])
    sizes = [1] * len(shape)
    for axis, dimension in enumerate(dimensions):
        sizes[dimension] = x.shape[axis]
    return np.broadcast_to(x.transpose(order).reshape(sizes), shape)


def broadcast_in_dim(step: Step) -> Array:
    """x over the result's shape."""
    dimensions = step.integers("broadcast_dimensions")
    return spread(step.operands[0], dimensions, static_sizes(step.results[0]))


def dynamic_broadcast_in_dim(step: Step) -> Array:
    """x over a shape that is an operand."""
    x, shape = step.operands
    return spread(x, step.integers("broadcast_dimensions"), sizes_of(shape))


def broadcast(step: Step) -> Array:
    """x with dimensions in front."""
    return np.broadcast_to(step.operands[0], static_sizes(step.results[0]))


def reshape(step: Step) -> Array:
    """The elements in another shape, row-major."""
    return step.operands[0].reshape(static_sizes(step.results[0]))


def dynamic_reshape(step: Step) -> Array:
    """The elements in a shape that is an operand."""
    return step.operands[0].reshape(sizes_of(step.operands[1]))


def transpose(step: Step) -> Array:
    """Dimension i of the result is dimension `permutation[i]` of the operand."""
    return step.operands[0].transpose(step.integers("permutation"))


def slice_(step: Step) -> Array:
    """Every `strides`-th element from `start_indices` up to but not `limit_indices`."""
    bounds = (step.integers(name) for name in ("start_indices", "limit_indices", "strides"))
    return _sliced(step.operands[0], *bounds)


def real_dynamic_slice(step: Step) -> Array:
    """A slice whose bounds are operands."""
    x, *bounds = step.operands
    return _sliced(x, *map(sizes_of, bounds))


def _sliced(
    x: Array, starts: Sequence[int], limits: Sequence[int], strides: Sequence[int]
) -> Array:
    for start, limit, size in zip(starts, limits, x.shape, strict=True):
        if not 0 <= start <= limit <= size:
            raise ValueError(f"expected bounds in [0, {size}], got {start} to {limit}")
    return x[tuple(map(slice, starts, limits, strides))]


def dynamic_slice(step: Step) -> Array:
    """The part of `slice_sizes` that begins at indices, moved to where it fits."""
    x, *starts = step.operands
    sizes = step.integers("slice_sizes")
    return x[_window(x, starts, sizes)]


def dynamic_update_slice(step: Step) -> Array:
    """x with the part that begins at indices, moved to where it fits, replaced."""
    x, update, *starts = step.operands
    result = x.copy()
    result[_window(x, starts, update.shape)] = update
    return result


def _window(x: Array, starts: Sequence[Array], sizes: Sequence[int]) -> tuple[slice, ...]:
    clamped = (
        max(0, min(int(start), full - size))
        for start, full, size in zip(starts, x.shape, sizes, strict=True)
    )
    return tuple(slice(start, start + size) for start, size in zip(clamped, sizes, strict=True))


def concatenate(step: Step) -> Array:
    """The operands one after the other along a dimension."""
    return np.concatenate(step.operands, axis=step.integer("dimension"))


def pad(step: Step) -> Array:
    """x among copies of a padding value; negative edges cut off."""
    x, value = step.operands
    names = ("edge_padding_low", "edge_padding_high", "interior_padding")
    return padded(x, value, *(step.integers(name) for name in names))


def dynamic_pad(step: Step) -> Array:
    """A pad whose amounts are operands."""
    x, value, *amounts = step.operands
    return padded(x, value, *map(sizes_of, amounts))


def padded(
    x: Array, value: Array, low: Sequence[int], high: Sequence[int], interior: Sequence[int]
) -> Array:
    """x with `interior` values between neighbours, and `low` before and `high` behind."""
    steps = [between + 1 for between in interior]
    inner = [max(0, (size - 1) * step + 1) for size, step in zip(x.shape, steps, strict=True)]
    shape = [before + size + after for before, size, after in zip(low, inner, high, strict=True)]
    result = np.full(shape, value, x.dtype)
    target, source = [], []
    for before, size, step, full in zip(low, x.shape, steps, shape, strict=True):
        # The elements that do not fall off: before + i * step in [0, full).
        first = max(0, -(before // step))
        last = min(size, (full - before - 1) // step + 1)
        if last <= first:
            return result
        target.append(slice(before + first * step, before + (last - 1) * step + 1, step))
        source.append(slice(first, last))
    result[tuple(target)] = x[tuple(source)]
    return result


def reverse(step: Step) -> Array:
    """The elements in reverse along dimensions."""
    return np.flip(step.operands[0], tuple(step.integers("dimensions")))


def get_dimension_size(step: Step) -> Array:
    """A size as a number."""
    return np.asarray(step.operands[0].shape[step.integer("dimension")], step.results[0].dtype)


def set_dimension_size(step: Step) -> Array:
    """x, of which the first elements along a dimension are kept."""
    x, size = step.operands
    return x[tuple([slice(None)] * step.integer("dimension") + [slice(int(size))])]


HANDLERS: dict[str, Handler] = {
    "stablehlo.broadcast": broadcast,
    "stablehlo.broadcast_in_dim": broadcast_in_dim,
    "stablehlo.concatenate": concatenate,
    "stablehlo.dynamic_broadcast_in_dim": dynamic_broadcast_in_dim,
    "stablehlo.dynamic_pad": dynamic_pad,
    "stablehlo.dynamic_reshape": dynamic_reshape,
    "stablehlo.dynamic_slice": dynamic_slice,
    "stablehlo.dynamic_update_slice": dynamic_update_slice,
    "stablehlo.get_dimension_size": get_dimension_size,
    "stablehlo.pad": pad,
    "stablehlo.real_dynamic_slice": real_dynamic_slice,
    "stablehlo.reshape": reshape,
    "stablehlo.reverse": reverse,
    "stablehlo.set_dimension_size": set_dimension_size,
    "stablehlo.slice": slice_,
    "stablehlo.transpose": transpose,
}
