"""Custom calls with a meaning: opaque reductions, and what the declarations of ops name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dialect
from ..dialect import call_attributes
from ..dialect.spec import resolve
from ..errors import AttnormError
from ..ir.rewriting import Refusal
from . import reductions
from .attnorm_ops import held
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


MEANINGS: dict[str, Callable[[Step, Parameters], Values]] = {
    **{
        f"reduce_{name}": reduction
        for name in (
            *("sum", "prod", "max", "min", "mean", "variance", "any", "all", "logsumexp", "l2"),
            *("norm", "argmax", "argmin"),
        )
    },
    **{target: resolve(call.meaning) for target, call in dialect.CUSTOM_CALLS.items()},
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
