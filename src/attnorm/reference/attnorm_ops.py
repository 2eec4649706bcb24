"""The ops of the attnorm dialect, by their definitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dialect
from . import attention, norms
from .step import Handler, Step
from .wide import Array, narrow


def named_operands(step: Step) -> dict[str, Any]:
    """The operands by name, with the types that the definitions round to."""
    view, definitions = step.op.opview, dialect.OPS[step.op.name].operand_defs
    position = {value: index for index, value in enumerate(step.op.operands)}
    found: dict[str, Array | None] = {}
    for definition in definitions:
        value = getattr(view, definition.name)
        found[definition.name] = None if value is None else held(step, position[value])
    return found


def held(step: Step, index: int) -> Array:
    """An operand as an array of the type that its values are rounded to."""
    x, type_ = step.operands[index], step.operand_kind(index).held
    return x if type_ is None else narrow(x, type_)


def attributes(step: Step) -> dict[str, Any]:
    """The attributes by name; numbers as `number` says."""
    values = dialect.OPS[step.op.name].values(step.op)
    return {
        name: number(step, value) if isinstance(value, float) else value
        for name, value in values.items()
    }


def number(step: Step, value: float) -> float:
    """A number, where constants round, in the type that is computed in.

    That is f64 where an operand or the result is, else f32.
    """
    if step.frame.precision in ("exact", "real"):
        return value
    kinds = [step.operand_kind(index) for index in range(len(step.operands))]
    if any(kind.dtype == np.float64 for kind in [*kinds, *step.results]):
        return value
    return float(np.float32(value))


def norm(function: Callable[..., Any]) -> Handler:
    """An op whose definition rounds inside, to the result's type too."""

    def handler(step: Step) -> Any:
        result = step.results[-1].held
        return function(**named_operands(step), **attributes(step), result=result)

    return handler


def plain(function: Callable[..., Any]) -> Handler:
    """An op whose definition rounds nothing."""
    return lambda step: function(**named_operands(step), **attributes(step))


def sdpa(step: Step) -> Sequence[Array]:
    """Attention; the second result where the op has it."""
    found = attention.sdpa(**named_operands(step), **attributes(step))
    return found[: len(step.results)]


HANDLERS: dict[str, Handler] = {
    "attnorm.add_rms_norm": norm(norms.add_rms_norm),
    "attnorm.layer_norm": plain(norms.layer_norm),
    "attnorm.rms_norm": norm(norms.rms_norm),
    "attnorm.rms_norm_mul": norm(norms.rms_norm_mul),
    "attnorm.sdpa": sdpa,
    "attnorm.softmax": plain(norms.softmax),
}
