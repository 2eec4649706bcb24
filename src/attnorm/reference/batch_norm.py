"""Batch normalisation."""

from __future__ import annotations

import numpy as np

from ..ir.mlir import ir
from .step import Handler, Step
from .wide import Array


def batch_norm_training(step: Step) -> list[Array]:
    """Each feature by the mean and the population's variance that it has; and these two."""
    x, scale, offset = step.operands
    axes = tuple(axis for axis in range(x.ndim) if axis != step.integer("feature_index"))
    mean = x.mean(axis=axes)
    variance = ((x - _along(step, mean)) ** 2).mean(axis=axes)
    return [_normalised(step, x, scale, offset, mean, variance), mean, variance]


def batch_norm_inference(step: Step) -> Array:
    """Each feature by a mean and a variance that are operands."""
    return _normalised(step, *step.operands)


def _normalised(
    step: Step, x: Array, scale: Array, offset: Array, mean: Array, variance: Array
) -> Array:
    epsilon = ir.FloatAttr(step.op.attributes["epsilon"]).value
    deviation = np.sqrt(_along(step, variance) + epsilon)
    return (x - _along(step, mean)) / deviation * _along(step, scale) + _along(step, offset)


def _along(step: Step, feature: Array) -> Array:
    """One value a feature, with ones for the other dimensions."""
    feature_index, rank = step.integer("feature_index"), step.operands[0].ndim
    return feature.reshape([-1 if axis == feature_index else 1 for axis in range(rank)])


HANDLERS: dict[str, Handler] = {
    "stablehlo.batch_norm_inference": batch_norm_inference,
    "stablehlo.batch_norm_training": batch_norm_training,
}
