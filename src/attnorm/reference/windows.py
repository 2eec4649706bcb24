"""Ops that slide windows over a tensor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..ir.mlir import hlo
from .folding import fold, fold_axes, single_op
from .gather_scatter import join
from .shapes import padded
from .step import Handler, Step
from .wide import Array


def window_view(
    x: Array,
    sizes: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> Array:
    """[positions.., sizes..]: every window of the last dimensions of x, as a view."""
    rank = len(sizes)
    spans = [(size - 1) * step + 1 for size, step in zip(sizes, dilations, strict=True)]
    outer = x.shape[: x.ndim - rank]
    if any(span > full for span, full in zip(spans, x.shape[-rank:] if rank else (), strict=True)):
        # As many positions as there are in the dimensions where windows fit.
        counts = [
            max(0, (full - span) // stride + 1) if full >= span else 0
            for full, span, stride in zip(x.shape[-rank:], spans, strides, strict=True)
        ]
        return np.zeros([*outer, *counts, *sizes], x.dtype)
    axes = tuple(range(len(outer), x.ndim))
    view = np.lib.stride_tricks.sliding_window_view(x, spans, axis=axes) if rank else x
    every = [slice(None)] * len(outer)
    steps = [slice(None, None, step) for step in (*strides, *dilations)]
    return view[(*every, *steps)]


def _pairs(step: Step, name: str, rank: int) -> tuple[list[int], list[int]]:
    """Low and high amounts from an attribute of pairs; 0 where it is not there."""
    if not step.has(name):
        return [0] * rank, [0] * rank
    amounts = np.array(step.op.attributes[name]).reshape(rank, 2).tolist()
    return [low for low, _ in amounts], [high for _, high in amounts]


def reduce_window(step: Step) -> list[Array]:
    """Every window of the operands, padded with the initial values, folded by the body."""
    count = len(step.operands) // 2
    xs, inits = step.operands[:count], step.operands[count:]
    rank = xs[0].ndim
    ones = [1] * rank
    sizes = step.integers("window_dimensions")
    strides = step.integers("window_strides", ones)
    dilations = step.integers("window_dilations", ones)
    interior = [dilation - 1 for dilation in step.integers("base_dilations", ones)]
    low, high = _pairs(step, "padding", rank)
    views = [
        window_view(padded(x, init, low, high, interior), sizes, strides, dilations)
        for x, init in zip(xs, inits, strict=True)
    ]
    block = step.block()
    ufunc = single_op(block) if count == 1 else None
    if ufunc is not None:
        return [fold_axes(ufunc, views[0], inits[0], tuple(range(rank, 2 * rank)))]
    order = [*range(rank, 2 * rank), *range(rank)]
    stacked = [
        view.transpose(order).reshape(int(np.prod(sizes)), *view.shape[:rank]) for view in views
    ]
    return fold(step, block, stacked, inits)


def select_and_scatter(step: Step) -> list[Array]:
    """`source` scattered to the element of each window that the first region prefers."""
    x, source, init = step.operands
    ones, rank = [1] * x.ndim, x.ndim
    sizes = step.integers("window_dimensions", ones)
    strides = step.integers("window_strides", ones)
    low, high = _pairs(step, "padding", rank)

    def windows(values: Array, outside: Array) -> Array:
        view = window_view(padded(values, outside, low, high, [0] * rank), sizes, strides, ones)
        order = [*range(rank, 2 * rank), *range(rank)]
        return view.transpose(order).reshape(int(np.prod(sizes)), *view.shape[:rank])

    numbers = windows(np.arange(x.size).reshape(x.shape), np.asarray(-1))
    values = windows(x, init)
    best, value = numbers[0], values[0]
    for number, other in zip(numbers[1:], values[1:], strict=True):
        (keeps,) = step.frame.run_lanes(step.block(0), [value, other])
        stays = (number < 0) | ((best >= 0) & keeps)
        best, value = np.where(stays, best, number), np.where(stays, value, other)
    positions = [
        np.where(best < 0, -1, axis) for axis in np.unravel_index(np.maximum(best, 0), x.shape)
    ]
    start = np.broadcast_to(init, x.shape)
    return join(step, step.block(1), [start], positions, [source])


def convolution(step: Step) -> Array:
    """Sums of products of windows with kernels, in float64."""
    numbers = hlo.ConvDimensionNumbers(step.op.attributes["dimension_numbers"])
    x, kernel = (
        y.astype(np.float64 if step.results[0].is_float else step.results[0].dtype)
        for y in step.operands
    )
    spatial = list(numbers.input_spatial_dimensions)
    x = x.transpose(numbers.input_batch_dimension, numbers.input_feature_dimension, *spatial)
    kernel = kernel.transpose(
        numbers.kernel_output_feature_dimension,
        numbers.kernel_input_feature_dimension,
        *numbers.kernel_spatial_dimensions,
    )
    rank = len(spatial)
    ones = [1] * rank
    reversed_ = step.integers("window_reversal", [0] * rank)
    kernel = np.flip(kernel, tuple(2 + axis for axis in range(rank) if reversed_[axis]))
    interior = [dilation - 1 for dilation in step.integers("lhs_dilation", ones)]
    low, high = _pairs(step, "padding", rank)
    none = [0, 0]
    zero = np.zeros((), x.dtype)
    x = padded(x, zero, none + low, none + high, none + interior)
    view = window_view(
        x,
        kernel.shape[2:],
        step.integers("window_strides", ones),
        step.integers("rhs_dilation", ones),
    )
    groups = step.integer("feature_group_count", 1)
    by_batch = step.integer("batch_group_count", 1)
    parts = np.split(view, by_batch, 0) if by_batch > 1 else np.split(view, groups, 1)
    kernels = np.split(kernel, max(groups, by_batch), 0)
    channels = [1, *range(2 + rank, 2 + 2 * rank)]
    found = np.concatenate(
        [
            # [batch, positions.., output features]
            np.tensordot(part, filters, (channels, [1, *range(2, 2 + rank)]))
            for part, filters in zip(parts, kernels, strict=True)
        ],
        axis=-1,
    )
    target = [numbers.output_batch_dimension, *numbers.output_spatial_dimensions]
    return np.moveaxis(found, range(found.ndim), [*target, numbers.output_feature_dimension])


HANDLERS: dict[str, Handler] = {
    "stablehlo.convolution": convolution,
    "stablehlo.reduce_window": reduce_window,
    "stablehlo.select_and_scatter": select_and_scatter,
}
