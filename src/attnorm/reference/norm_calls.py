"""What the calls of norms and softmax mean, written from what their producers mean by them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dialect import call_attributes
from ..ir.rewriting import Refusal
from . import norms
from .attnorm_ops import held, number
from .step import Step
from .wide import Array

Parameters = dict[str, Any]


def _axes(x: Array, parameters: Parameters) -> list[int]:
    given, shape = (
        call_attributes.take(parameters, "axes"),
        call_attributes.take(parameters, "normalized_shape"),
    )
    if given is not None:
        return call_attributes.axes("axes", given, x.ndim)
    count = 1 if shape is None else len(call_attributes.integers("normalized_shape", shape))
    return list(range(x.ndim - count, x.ndim))


def _rms_norm(
    epsilon: Callable[[Step], float | None] = lambda step: None, cast: str = "after_weight"
) -> Callable[[Step, Parameters], Array]:
    """`f(x, weight?)`, and with `has_residual` `f(x, weight?, residual)`: the norm of the sum.

    `epsilon` is what holds where the call carries none.
    """

    def meaning(step: Step, parameters: Parameters) -> Array:
        x, *rest = (held(step, index) for index in range(len(step.operands)))
        flag = call_attributes.take(parameters, "residual")
        residual = rest.pop() if flag and call_attributes.boolean("has_residual", flag) else None
        given = call_attributes.take(parameters, "epsilon")
        given = epsilon(step) if given is None else call_attributes.number("epsilon", given)
        if given is None:
            raise Refusal("epsilon: expected one, got none; give it with rms_norm_epsilon")
        offset = call_attributes.take(parameters, "weight_offset") or 0
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
    epsilon = call_attributes.take(parameters, "epsilon")
    if epsilon is None:
        raise Refusal("epsilon: expected an attribute, got none")
    given = number(step, call_attributes.number("epsilon", epsilon))
    return norms.layer_norm(x, *rest, axes=_axes(x, parameters), epsilon=given)


def softmax(step: Step, parameters: Parameters) -> Array:
    """`f(x)` along an axis."""
    x = held(step, 0)
    axes = call_attributes.take(parameters, "axes")
    if axes is None:
        raise Refusal("axis: expected an attribute, got none")
    (axis,) = call_attributes.axes("axis", axes, x.ndim)
    return norms.softmax(x, axis=axis)


def _machine_epsilon(step: Step) -> float:
    wide = any(kind.dtype == np.float64 for kind in [step.operand_kind(0), *step.results])
    return 2.0**-52 if wide else 2.0**-23


rms_norm = _rms_norm()
rms_norm_of_given_epsilon = _rms_norm(lambda step: step.frame.rms_norm_epsilon)
rms_norm_of_machine_epsilon = _rms_norm(_machine_epsilon)
