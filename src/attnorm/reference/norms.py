"""What the norms and softmax mean."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from .wide import Array, quietly, rounded, wide


def _along(affine: Array, x: Array, axes: Sequence[int]) -> Array:
    """A weight or bias in f64, one dimension an axis, with ones for the other dimensions."""
    sizes = [x.shape[axis] for axis in axes]
    fits = len(sizes) == affine.ndim and all(
        got in (1, size) for got, size in zip(affine.shape, sizes, strict=True)
    )
    if not fits:
        raise ValueError(f"expected a weight or bias of {sizes}, got {list(affine.shape)}")
    given = iter(affine.shape)
    return wide(affine).reshape([next(given) if axis in axes else 1 for axis in range(x.ndim)])


def _mean(x: Array, axes: Sequence[int]) -> Array:
    return x.sum(axis=tuple(axes), keepdims=True) / prod(x.shape[axis] for axis in axes)


@quietly
def rms_norm(
    x: Array,
    weight: Array | None = None,
    *,
    axes: Sequence[int],
    epsilon: float,
    weight_offset: float = 0.0,
    cast: str = "after_weight",
    result: npt.DTypeLike | None = None,
) -> Array:
    """`x / sqrt(mean(x^2, axes) + epsilon) * (weight + weight_offset)`.

    `x`: any shape; `weight`: one dimension an axis, of x's size there or 1; `axes` ascending.
    With `cast="before_weight"` the norm is rounded to x's type, and `weight + weight_offset` and
    the product are taken in the type `result`, by default x's (Llama, ONNX RMSNormalization-23);
    with `"after_weight"` nothing is rounded before the end (Gemma, torch.nn.RMSNorm); with
    `"throughout"` the squares, their mean, its sum with epsilon and the root are rounded too.

    Source: Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", equation 4.
    """

    def kept(step: Array) -> Array:
        return rounded(step, x.dtype) if cast == "throughout" else step

    mean = kept(_mean(kept(wide(x) ** 2), axes))
    normed = kept(wide(x) * kept(1 / np.sqrt(kept(mean + epsilon))))
    if weight is None:
        return normed
    gain = _along(weight, x, axes)
    if cast == "after_weight":
        return normed * (gain + weight_offset)
    type_ = x.dtype if result is None else result
    gain = rounded(rounded(gain, type_) + weight_offset, type_)
    return rounded(rounded(normed, x.dtype), type_) * gain


@quietly
def rms_norm_mul(
    x: Array,
    multiplier: Array,
    weight: Array | None = None,
    *,
    axes: Sequence[int],
    epsilon: float,
    weight_offset: float = 0.0,
    cast: str = "after_weight",
    result: npt.DTypeLike | None = None,
) -> Array:
    """`rms_norm(x, weight) * multiplier`, the norm rounded to the type `result` before the product.

    `multiplier`: broadcast to x's shape, aligned at the last axis. The rest as in `rms_norm`.
    """
    type_ = x.dtype if result is None else result
    normed = rms_norm(
        x,
        weight,
        axes=axes,
        epsilon=epsilon,
        weight_offset=weight_offset,
        cast=cast,
        result=type_,
    )
    return rounded(normed, type_) * np.broadcast_to(wide(multiplier), x.shape)


@quietly
def add_rms_norm(
    a: Array,
    b: Array,
    weight: Array | None = None,
    *,
    axes: Sequence[int],
    epsilon: float,
    weight_offset: float = 0.0,
    cast: str = "after_weight",
    result: npt.DTypeLike | None = None,
) -> tuple[Array, Array]:
    """`(a + b, rms_norm(a + b, weight))`: the norm reads the sum as rounded to a's type.

    `a` and `b` are of one shape and type. The rest as in `rms_norm`.
    """
    if a.shape != b.shape:
        raise ValueError(f"expected a and b of one shape, got {a.shape} and {b.shape}")
    total = wide(a) + wide(b)
    normed = rms_norm(
        total.astype(a.dtype),
        weight,
        axes=axes,
        epsilon=epsilon,
        weight_offset=weight_offset,
        cast=cast,
        result=result,
    )
    return total, normed


@quietly
def layer_norm(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    axes: Sequence[int],
    epsilon: float,
) -> Array:
    """`(x - mean(x)) / sqrt(variance(x) + epsilon) * weight + bias`, over `axes`.

    The variance is the population's. `x`: any shape; `weight` and `bias`: one dimension an axis, of
    x's size there or 1; `axes` ascending.

    Source: Ba, Kiros and Hinton 2016, "Layer Normalization", equation 4.
    """
    deviation = wide(x) - _mean(wide(x), axes)
    value = deviation / np.sqrt(_mean(deviation**2, axes) + epsilon)
    if weight is not None:
        value = value * _along(weight, x, axes)
    if bias is not None:
        value = value + _along(bias, x, axes)
    return value


@quietly
def softmax(x: Array, *, axis: int) -> Array:
    """`exp(x) / sum(exp(x))` along `axis`, as the limit where exp(x) overflows.

    A row that is all -inf, or that holds +inf or NaN, is NaN.
    """
    power = np.exp(wide(x) - wide(x).max(axis=axis, keepdims=True))
    return power / power.sum(axis=axis, keepdims=True)
