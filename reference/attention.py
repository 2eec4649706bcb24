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
    group = q.shape[-3] // k.shape[-3]
    score_shape = (*q.shape[:-1], k.shape[-2])
    masks = None if mask is None else np.broadcast_to(mask, score_shape)
    output = np.empty((*q.shape[:-1], v.shape[-1]))
    log_sum_exp = np.empty(q.shape[:-1])
    for *batch, head, i in np.ndindex(*q.shape[:-1]):
        row, source = (*batch, head, i), (*batch, head // group)
        scores = wide(k[source]) @ wide(q[row]) * scale
        if softcap is not None:
            scores = softcap * np.tanh(scores / softcap)
        if masks is not None and masks.dtype == np.bool_:
            scores = np.where(masks[row], scores, -np.inf)
        elif masks is not None:
            scores = scores + wide(masks[row])
        position = i + offset + (0 if start is None else int(start))
        for j in range(len(scores)):
            if not _attends(position, j, causal, window):
                scores[j] = -np.inf
        sink = [] if sinks is None else [float(sinks[head])]
        weights, log_sum_exp[row] = _weights(scores, sink, fully_masked)
        output[row] = weights @ wide(v[source])
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
