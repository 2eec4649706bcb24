"""Custom calls with a meaning, written from what their producers mean by them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..dialect import call_attributes
from ..errors import AttnormError
from ..ir.rewriting import Refusal
from . import attention, norms, reductions
from .attnorm_ops import held, number
from .step import Handler, Step, Values
from .wide import Array

Parameters = dict[str, Any]


def custom_call(step: Step) -> Values:
    """The call's meaning, by its target."""
    target = step.text("call_target_name")
    if target in NOTES:
        return step.operands
    meaning = MEANINGS.get(target)
    if meaning is None:
        raise AttnormError(f"@{target}: no definition")
    try:
        parameters = call_attributes.read(step.op)
        found = meaning(step, parameters)
        call_attributes.nothing_left(parameters, ())
    except Refusal as refusal:
        raise AttnormError(f"@{target}: {refusal}") from None
    return found


def _take(parameters: Parameters, name: str) -> Any:
    return call_attributes.take(parameters, name)


# -- reductions ----------------------------------------------------------------------------------


def reduction(step: Step, parameters: Parameters) -> Array:
    """`@reduce_*`: `attnorm.reference.reduce`, in the shape that the result declares."""
    target = step.text("call_target_name")
    x = held(step, 0)
    given = _take(parameters, "axes")
    axes = [] if given is None else call_attributes.axes("dimensions", given, x.ndim)
    keepdim = _take(parameters, "keepdim")
    correction = 0.0
    if target == "reduce_variance":
        correction = _correction(parameters)
    kind = step.results[0]
    kept = call_attributes.boolean("keepdim", keepdim) if keepdim is not None else False
    value = reductions.reduce(
        target, x, axes, keepdim=kept, correction=correction, result=kind.held or kind.dtype
    )
    if kind.holds(value.shape):
        return value
    # Without a word on it, the declared type says whether the dimensions are kept; one element
    # is also declared as tensor<1xT>.
    if keepdim is None:
        ones = [1 if i in (axes or range(x.ndim)) else n for i, n in enumerate(x.shape)]
        if kind.holds(tuple(ones)):
            return value.reshape(ones)
    return value.reshape(1) if value.ndim == 0 and kind.sizes == (1,) else value


def _correction(parameters: Parameters) -> float:
    correction, unbiased = _take(parameters, "correction"), _take(parameters, "unbiased")
    if unbiased is not None:
        return float(call_attributes.boolean("unbiased", unbiased))
    return 0.0 if correction is None else call_attributes.number("correction", correction)


# -- norms ---------------------------------------------------------------------------------------


def _axes(x: Array, parameters: Parameters) -> list[int]:
    given, shape = _take(parameters, "axes"), _take(parameters, "normalized_shape")
    if given is not None:
        return call_attributes.axes("axes", given, x.ndim)
    count = 1 if shape is None else len(call_attributes.integers("normalized_shape", shape))
    return list(range(x.ndim - count, x.ndim))


def rms_norm(
    epsilon: Callable[[Step], float | None] = lambda step: None, cast: str = "after_weight"
) -> Callable[[Step, Parameters], Array]:
    """`f(x, weight?)`, and with `has_residual` `f(x, weight?, residual)`: the norm of the sum.

    `epsilon` is what holds where the call carries none.
    """

    def meaning(step: Step, parameters: Parameters) -> Array:
        x, *rest = (held(step, index) for index in range(len(step.operands)))
        flag = _take(parameters, "residual")
        residual = rest.pop() if flag and call_attributes.boolean("has_residual", flag) else None
        given = _take(parameters, "epsilon")
        given = epsilon(step) if given is None else call_attributes.number("epsilon", given)
        if given is None:
            raise Refusal("epsilon: expected one, got none; give it with rms_norm_epsilon")
        offset = _take(parameters, "weight_offset") or 0
        named = {
            "weight": rest[0] if rest else None,
            "axes": _axes(x, parameters),
            "epsilon": number(step, given),
            "weight_offset": call_attributes.number("weight_offset", offset),
            "cast": cast,
            "result": step.results[0].held,
        }
        if residual is None:
            return norms.rms_norm(x, **named)
        return norms.add_rms_norm(x, residual, **named)[1]

    return meaning


def layer_norm(step: Step, parameters: Parameters) -> Array:
    """`f(x, weight?, bias?)`."""
    x, *rest = (held(step, index) for index in range(len(step.operands)))
    epsilon = _take(parameters, "epsilon")
    if epsilon is None:
        raise Refusal("epsilon: expected an attribute, got none")
    given = number(step, call_attributes.number("epsilon", epsilon))
    return norms.layer_norm(x, *rest, axes=_axes(x, parameters), epsilon=given)


def softmax(step: Step, parameters: Parameters) -> Array:
    """`f(x)` along an axis."""
    x = held(step, 0)
    axes = _take(parameters, "axes")
    if axes is None:
        raise Refusal("axis: expected an attribute, got none")
    (axis,) = call_attributes.axes("axis", axes, x.ndim)
    return norms.softmax(x, axis=axis)


# -- attention -----------------------------------------------------------------------------------


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
    dropout = _take(parameters, "dropout")
    if dropout is not None and call_attributes.number("dropout", dropout):
        raise Refusal(f"dropout: expected 0, got {dropout}")
    _take(parameters, "grouped")
    scale, softcap, given = (_take(parameters, name) for name in ("scale", "softcap", "causal"))
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


# -- checks --------------------------------------------------------------------------------------


def shape_assertion(step: Step, parameters: Parameters) -> list[Array]:
    """Nothing, where the first operand is true; `AttnormError` with JAX's message where not."""
    message = parameters.pop("error_message", "a shape assertion failed")
    parameters.clear()
    condition, *sizes = step.operands
    for index, size in enumerate(sizes):
        message = message.replace(f"{{{index}}}", str(int(size)))
    if not np.all(condition):
        raise AttnormError(message)
    return []


def _machine_epsilon(step: Step) -> float:
    wide = any(kind.dtype == np.float64 for kind in [step.operand_kind(0), *step.results])
    return 2.0**-52 if wide else 2.0**-23


_GIVEN = rms_norm(lambda step: step.frame.rms_norm_epsilon)
_MACHINE = rms_norm(_machine_epsilon)

MEANINGS: dict[str, Callable[[Step, Parameters], Values]] = {
    **{
        f"reduce_{name}": reduction
        for name in (
            *("sum", "prod", "max", "min", "mean", "variance", "any", "all", "logsumexp", "l2"),
            *("norm", "argmax", "argmin"),
        )
    },
    "ai_edge_torch.rms_norm": _GIVEN,
    "rms_norm": rms_norm(),
    "tenstorrent.rms_norm": _MACHINE,
    "layer_norm": layer_norm,
    "tenstorrent.layer_norm": layer_norm,
    "softmax": softmax,
    **dict.fromkeys(
        (
            "scaled_dot_product_attention",
            "sdpa",
            "aten.scaled_dot_product_attention",
            "tenstorrent.scaled_dot_product_attention",
            "tt.scaled_dot_product_attention",
        ),
        sdpa,
    ),
    "ai_edge_torch.scaled_dot_product_attention": litert_sdpa,
    "shape_assertion": shape_assertion,
}
"""By target."""

NOTES = frozenset(
    {
        "Sharding",
        "SPMDFullToShardShape",
        "SPMDShardToFullShape",
        "annotate_device_placement",
        "mark_tensor",
    }
)
"""Targets that are notes to a compiler: their results are their operands."""

HANDLERS: dict[str, Handler] = {"stablehlo.custom_call": custom_call}
