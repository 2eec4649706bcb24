"""What scaled dot-product attention means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .wide import Array, quietly, wide


@quietly
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
    _check_shapes(q, k, v)
    group, length = q.shape[-3] // k.shape[-3], k.shape[-2]
    keys, values = (np.repeat(wide(x), group, axis=-3) for x in (k, v))
    scores = wide(q) @ keys.swapaxes(-1, -2) * scale
    if softcap is not None:
        scores = softcap * np.tanh(scores / softcap)
    if mask is not None:
        mask = np.broadcast_to(mask, scores.shape)
        scores = np.where(mask, scores, -np.inf) if mask.dtype == np.bool_ else scores + wide(mask)
    positions = np.arange(q.shape[-2]) + offset + (0 if start is None else int(start))
    attended = _attended(positions[:, np.newaxis], np.arange(length), causal, window)
    scores = np.where(attended, scores, -np.inf)
    sink = np.empty((0,)) if sinks is None else wide(sinks)[:, np.newaxis, np.newaxis]
    every = np.concatenate(
        [scores, np.broadcast_to(sink, (*scores.shape[:-1], sink.shape[-1]))], axis=-1
    )
    peak = every.max(axis=-1, keepdims=True)
    power = np.exp(every - peak)
    total = power.sum(axis=-1, keepdims=True)
    weights, log_sum_exp = power[..., :length] / total, np.log(total) + peak
    if fully_masked != "nan":
        nothing = peak == -np.inf
        weights = np.where(nothing, {"zero": 0.0, "uniform": 1 / length}[fully_masked], weights)
        log_sum_exp = np.where(nothing, -np.inf, log_sum_exp)
    return weights @ values, log_sum_exp[..., 0]


def _check_shapes(q: Array, k: Array, v: Array) -> None:
    """Refuses what NumPy would broadcast."""
    grouped = k.shape[-3] and q.shape[-3] % k.shape[-3] == 0
    if not (grouped and q.shape[:-3] == k.shape[:-3] and q.shape[-1] == k.shape[-1]):
        raise ValueError(f"expected k as q {list(q.shape)} has it, got {list(k.shape)}")
    if k.shape[:-1] != v.shape[:-1]:
        raise ValueError(f"expected v as k {list(k.shape)} has it, got {list(v.shape)}")


def _attended(positions: Array, keys: Array, causal: bool, window: Sequence[int]) -> Array:
    """Which keys a query at a position may attend."""
    left, right = window
    attended = np.ones(np.broadcast_shapes(positions.shape, keys.shape), np.bool_)
    if causal:
        attended &= keys <= positions
    if left >= 0:
        attended &= keys >= positions - left
    if right >= 0:
        attended &= keys <= positions + right
    return attended
