"""What the calls of GroupNorm and InstanceNorm mean, from what their producers mean by them."""

from __future__ import annotations

from typing import Any

from ..dialect import call_attributes
from ..ir.rewriting import Refusal
from .attnorm_ops import held, number
from .group_norm import group_norm as definition
from .step import Step
from .wide import Array

Parameters = dict[str, Any]


def group_norm(step: Step, parameters: Parameters) -> Array:
    """`f(x, weight?, bias?)` with a number of groups."""
    groups = call_attributes.take(parameters, "num_groups")
    if groups is None:
        raise Refusal("num_groups: expected an attribute, got none")
    return _norm(step, parameters, call_attributes.integers("num_groups", groups)[0])


def instance_norm(step: Step, parameters: Parameters) -> Array:
    """`f(x, weight?, bias?)`, each channel by itself."""
    return _norm(step, parameters, None)


def _norm(step: Step, parameters: Parameters, groups: int | None) -> Array:
    x, *rest = (held(step, index) for index in range(len(step.operands)))
    epsilon = call_attributes.take(parameters, "epsilon")
    if epsilon is None:
        raise Refusal("epsilon: expected an attribute, got none")
    # LiteRT and tt-mlir have a name each.
    given = [call_attributes.take(parameters, name) for name in ("channel_axis", "channel_dim")]
    said = [value for value in given if value is not None]
    (axis,) = call_attributes.axes("channel_axis", said[0] if said else 1, x.ndim)
    return definition(
        x,
        *rest,
        groups=x.shape[axis] if groups is None else groups,
        channel_axis=axis,
        epsilon=number(step, call_attributes.number("epsilon", epsilon)),
    )
