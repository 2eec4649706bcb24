"""What the calls of attention mean, written from what their producers mean by them."""

from __future__ import annotations

import math
from typing import Any

from ..dialect import call_attributes
from ..ir.rewriting import Refusal
from . import attention
from .attnorm_ops import held, number
from .step import Step
from .wide import Array

Parameters = dict[str, Any]


def sdpa(step: Step, parameters: Parameters) -> Array:
    """torch's function: `f(q, k, v, mask?)`, causal from the first key, masked rows 0."""
    return _attention(step, parameters, [held(step, i) for i in range(len(step.operands))])


def litert_sdpa(step: Step, parameters: Parameters) -> Array:
    """torch's function on [B, S, H, D]; causal where there is no mask."""
    q, k, v, *mask = (held(step, index) for index in range(len(step.operands)))
    moved = [x.swapaxes(1, 2) for x in (q, k, v)]
    found = _attention(step, parameters, [*moved, *mask], causal=not mask)
    return found.swapaxes(1, 2)


def _attention(
    step: Step, parameters: Parameters, operands: list[Array], causal: bool = False
) -> Array:
    q, k, v, *mask = operands
    dropout = call_attributes.take(parameters, "dropout")
    if dropout is not None and call_attributes.number("dropout", dropout):
        raise Refusal(f"dropout: expected 0, got {dropout}")
    call_attributes.take(parameters, "grouped")
    scale, softcap, given = (
        call_attributes.take(parameters, name) for name in ("scale", "softcap", "causal")
    )
    if given is not None and call_attributes.boolean("is_causal", given):
        if mask:
            raise Refusal("mask: expected none where is_causal is true, got one")
        causal = True
    return attention.sdpa(
        q,
        k,
        v,
        *mask,
        scale=number(step, 1 / math.sqrt(q.shape[-1]) if scale is None else float(scale)),
        softcap=None if softcap is None else number(step, float(softcap)),
        causal=causal,
        fully_masked="zero",
    )[0]
