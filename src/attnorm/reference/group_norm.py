"""What GroupNorm and InstanceNorm mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .wide import Array, quietly, rounded, wide


@quietly
def group_norm(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    groups: int,
    channel_axis: int = 1,
    epsilon: float,
    activation: str = "none",
    result: npt.DTypeLike | None = None,
) -> Array:
    """`(x - mean) / sqrt(variance + epsilon) * weight + bias`, of each group of channels.

    `x`: `[N, .., C, ..]` with C at `channel_axis`, of which each `C / groups` neighbours are a
    group; mean and variance, the population's, are over a group and all dimensions but the first.
    `weight` and `bias`: `[C]` or `[1]`. With `activation="silu"` the value is rounded to the type
    `result`, by default x's, and y becomes `y / (1 + exp(-y))`. Raises `ValueError` for a number of
    groups or a shape that does not fit.

    Source: Wu and He 2018, "Group Normalization", section 3, equations 1, 2, 6 and 7; ONNX
    GroupNormalization-21 and InstanceNormalization-6.
    """
    channels = x.shape[channel_axis]
    if groups < 1 or channels % groups:
        raise ValueError(f"expected a divisor of {channels} for groups, got {groups}")
    first = np.moveaxis(wide(x), channel_axis, 1)
    rows = first.reshape(x.shape[0], groups, -1)
    deviation = rows - rows.mean(axis=2, keepdims=True)
    variance = (deviation**2).mean(axis=2, keepdims=True)
    value = np.moveaxis((deviation / np.sqrt(variance + epsilon)).reshape(first.shape), 1, -1)
    if weight is not None:
        value = value * _of_channels(weight, channels)
    if bias is not None:
        value = value + _of_channels(bias, channels)
    if activation == "silu":
        value = rounded(value, x.dtype if result is None else result)
        value = value / (1 + np.exp(-value))
    return np.moveaxis(value, -1, channel_axis)


def _of_channels(affine: Array, channels: int) -> Array:
    """A weight or bias in f64."""
    if affine.shape not in ((channels,), (1,)):
        raise ValueError(f"expected a weight or bias of [{channels}], got {list(affine.shape)}")
    return wide(affine)
