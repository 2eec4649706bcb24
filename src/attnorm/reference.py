"""What every op and every opaque reduction means: float64 NumPy, written from the formulas.

These are definitions to read and to test against, not to be fast. Operands are NumPy or ml_dtypes
arrays of any type. A value is computed in float64 and returned unrounded: `.astype(type)` is the
last rounding, to the result's type. Roundings inside a definition, where an op has them, are
written out; `result` is the result's type where these depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "add_rms_norm",
    "layer_norm",
    "reduce",
    "rms_norm",
    "rms_norm_mul",
    "sdpa",
    "softmax",
]

Array = npt.NDArray[Any]

# Infinities and NaN are values here, not accidents.
_quietly = np.errstate(all="ignore")


def _wide(x: npt.ArrayLike) -> Array:
    return np.asarray(x).astype(np.float64)


def _rounded(x: Array, type_: npt.DTypeLike) -> Array:
    """The nearest values of a type, as float64."""
    return _wide(x.astype(type_))


# -- norms and softmax ---------------------------------------------------------------------------


def _along(x: Array, axes: Sequence[int], rank: int) -> Array:
    """A weight or bias, one dimension an axis, with ones for the other dimensions."""
    sizes = iter(x.shape)
    return x.reshape([next(sizes) if axis in axes else 1 for axis in range(rank)])


def _mean(x: Array, axes: Sequence[int]) -> Array:
    return x.sum(axis=tuple(axes), keepdims=True) / prod(x.shape[axis] for axis in axes)


@_quietly
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
        return _rounded(step, x.dtype) if cast == "throughout" else step

    mean = kept(_mean(kept(_wide(x) ** 2), axes))
    normed = kept(_wide(x) * kept(1 / np.sqrt(kept(mean + epsilon))))
    if weight is None:
        return normed
    gain = _wide(_along(weight, axes, x.ndim))
    if cast == "after_weight":
        return normed * (gain + weight_offset)
    type_ = x.dtype if result is None else result
    gain = _rounded(_rounded(gain, type_) + weight_offset, type_)
    return _rounded(_rounded(normed, x.dtype), type_) * gain


@_quietly
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
    return _rounded(normed, type_) * _wide(multiplier)


@_quietly
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
    total = _wide(a) + _wide(b)
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


@_quietly
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
    deviation = _wide(x) - _mean(_wide(x), axes)
    value = deviation / np.sqrt(_mean(deviation**2, axes) + epsilon)
    if weight is not None:
        value = value * _wide(_along(weight, axes, x.ndim))
    if bias is not None:
        value = value + _wide(_along(bias, axes, x.ndim))
    return value


@_quietly
def softmax(x: Array, *, axis: int) -> Array:
    """`exp(x) / sum(exp(x))` along `axis`, as the limit where exp(x) overflows.

    A row that is all -inf, or that holds +inf or NaN, is NaN.
    """
    power = np.exp(_wide(x) - _wide(x).max(axis=axis, keepdims=True))
    return power / power.sum(axis=axis, keepdims=True)


# -- attention -----------------------------------------------------------------------------------


@_quietly
def sdpa(
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None = None,
    sinks: Array | None = None,
    start: int | Array | None = None,
    *,
    scale: float,
    softcap: float | None = None,
    causal: bool = False,
    offset: int = 0,
    window: Sequence[int] = (-1, -1),
    fully_masked: str = "nan",
) -> tuple[Array, Array]:
    """`softmax(cap(q k^T * scale) + mask) v`, and the logarithm of the softmax's denominator.

    Shapes, `..` any batch dimensions: q `[.., H, Sq, D]`, k `[.., KV, Sk, D]`, v `[.., KV, Sk,
    Dv]`, sinks `[H]`; the results `[.., H, Sq, Dv]` and `[.., H, Sq]`. Query head h reads key head
    `h // (H / KV)`. `mask` broadcasts to `[.., H, Sq, Sk]`, aligned at the last axis: bool, true
    attends; else added. Nothing is rounded on the way.

    - `softcap` c makes a score s `c * tanh(s / c)`, before the mask.
    - Query i stands at key position `p = i + offset + start`; `causal` keeps keys `j <= p`,
      `window` [l, r] those with `p - l <= j <= p + r`, -1 for an open side. Others score -inf.
    - a sink is the score of one more key, whose value is 0.
    - in a row with nothing above -inf, a weight is NaN, 0 or 1 / Sk: `fully_masked` "nan", "zero",
      "uniform". The logarithm is then NaN for "nan", else -inf.

    Source: Vaswani et al. 2017, "Attention Is All You Need", equation 1; ONNX Attention-23
    (softcap before the mask), PyTorch's `scaled_dot_product_attention` (masks), gpt-oss (sinks).
    """
    group = q.shape[-3] // k.shape[-3]
    score_shape = (*q.shape[:-1], k.shape[-2])
    masks = None if mask is None else np.broadcast_to(mask, score_shape)
    output = np.empty((*q.shape[:-1], v.shape[-1]))
    log_sum_exp = np.empty(q.shape[:-1])
    for *batch, head, i in np.ndindex(*q.shape[:-1]):
        row, source = (*batch, head, i), (*batch, head // group)
        scores = _wide(k[source]) @ _wide(q[row]) * scale
        if softcap is not None:
            scores = softcap * np.tanh(scores / softcap)
        if masks is not None and masks.dtype == np.bool_:
            scores = np.where(masks[row], scores, -np.inf)
        elif masks is not None:
            scores = scores + _wide(masks[row])
        position = i + offset + (0 if start is None else int(start))
        for j in range(len(scores)):
            if not _attends(position, j, causal, window):
                scores[j] = -np.inf
        sink = [] if sinks is None else [float(sinks[head])]
        weights, log_sum_exp[row] = _weights(scores, sink, fully_masked)
        output[row] = weights @ _wide(v[source])
    return output, log_sum_exp


def _attends(position: int, key: int, causal: bool, window: Sequence[int]) -> bool:
    left, right = window
    return (
        not (causal and key > position)
        and not (left >= 0 and key < position - left)
        and not (right >= 0 and key > position + right)
    )


def _weights(scores: Array, sink: list[float], fully_masked: str) -> tuple[Array, float]:
    """The weights of the keys in one row, and the logarithm of their denominator."""
    every = np.array([*scores, *sink])
    if every.max() == -np.inf and fully_masked != "nan":
        return np.full(
            len(scores), {"zero": 0.0, "uniform": 1 / len(scores)}[fully_masked]
        ), -np.inf
    peak = every.max()
    power = np.exp(every - peak)
    return power[: len(scores)] / power.sum(), np.log(power.sum()) + peak


# -- opaque reductions ---------------------------------------------------------------------------


@_quietly
def reduce(
    target: str,
    x: Array,
    axes: Sequence[int] = (),
    *,
    keepdim: bool = False,
    correction: float = 0.0,
    result: npt.DTypeLike | None = None,
) -> Array:
    """What `stablehlo.custom_call @target(x)` gives.

    `target`: `reduce_sum`, `_prod`, `_max`, `_min`, `_mean`, `_variance`, `_any`, `_all`,
    `_logsumexp`, `_l2` or `_norm`, `_argmax`, `_argmin`. `axes`: any, negative ones counted from
    the end, none for all; positions count over them in ascending order, row-major. `result`: the
    result's type, by default x's; integer results are of that type, and sums and products wrap in
    it (on bool they are "or" and "and", as in StableHLO).

    Over nothing: the neutral element, NaN for the mean and the variance, 0 for a position. Maximum
    and minimum propagate NaN; a NaN has the position of both; the first of equals has it.
    """
    type_ = np.dtype(x.dtype if result is None else result)
    reduced = sorted(axis % x.ndim for axis in axes) or list(range(x.ndim))
    kept = [axis for axis in range(x.ndim) if axis not in reduced]
    shape = [x.shape[axis] for axis in kept]
    count = prod(x.shape[axis] for axis in reduced)
    # One row an element of the result.
    rows = x.transpose([*kept, *reduced]).reshape(prod(shape), count)
    values = np.array(list(_reduced_rows(target, rows, correction, type_)))
    if keepdim:
        shape = [1 if axis in reduced else x.shape[axis] for axis in range(x.ndim)]
    values = values.reshape(shape)
    return _wide(values) if _is_float(type_) else values.astype(type_)


def _is_float(type_: np.dtype) -> bool:
    return type_.kind not in "biu"


def _reduced_rows(target: str, rows: Array, correction: float, type_: np.dtype) -> Iterator[Any]:
    for row in rows:
        if target == "reduce_variance":
            yield _variance(_wide(row), correction)
        elif target in ("reduce_sum", "reduce_prod"):
            # Integers wrap in the result's type; floats do not round.
            yield _EXACT[target](_wide(row) if _is_float(type_) else row.astype(type_))
        elif target in _EXACT:
            yield _EXACT[target](_wide(row) if _is_float(row.dtype) else row)
        else:
            yield _FLOAT[target](_wide(row))


def _sum(row: Array) -> Any:
    return row.any() if row.dtype == np.bool_ else row.sum(dtype=row.dtype)


def _product(row: Array) -> Any:
    return row.all() if row.dtype == np.bool_ else row.prod(dtype=row.dtype)


def _lowest(type_: np.dtype) -> Any:
    if type_ == np.bool_:
        return False
    return -np.inf if _is_float(type_) else np.iinfo(type_).min


def _highest(type_: np.dtype) -> Any:
    if type_ == np.bool_:
        return True
    return np.inf if _is_float(type_) else np.iinfo(type_).max


def _mean_of(row: Array) -> Any:
    return row.sum() / np.float64(row.size)


def _variance(row: Array, correction: float) -> Any:
    squares = ((row - _mean_of(row)) ** 2).sum()
    return squares / np.float64(max(row.size - correction, 0))


# Of integers exactly.
_EXACT: dict[str, Callable[[Array], Any]] = {
    "reduce_sum": _sum,
    "reduce_prod": _product,
    "reduce_max": lambda row: row.max(initial=_lowest(row.dtype)),
    "reduce_min": lambda row: row.min(initial=_highest(row.dtype)),
    "reduce_any": lambda row: (row != 0).any(),
    "reduce_all": lambda row: (row != 0).all(),
    "reduce_argmax": lambda row: row.argmax() if row.size else 0,
    "reduce_argmin": lambda row: row.argmin() if row.size else 0,
}
# Of numbers as float64.
_FLOAT: dict[str, Callable[[Array], Any]] = {
    "reduce_mean": _mean_of,
    "reduce_logsumexp": lambda row: np.logaddexp.reduce(row),
    "reduce_l2": lambda row: np.sqrt((row**2).sum()),
    "reduce_norm": lambda row: np.sqrt((row**2).sum()),
}
