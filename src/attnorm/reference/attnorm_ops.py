"""The ops of the attnorm dialect, by their definitions."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np

from .. import dialect
from ..dialect.spec import OpSpec, resolve
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


def handler(spec: OpSpec) -> Handler:
    """An op by its definition."""
    definition = resolve(spec.definition)
    rounds = "result" in signature(definition).parameters

    def handle(step: Step) -> Any:
        result = {"result": step.results[-1].held} if rounds else {}
        found = definition(**named_operands(step), **attributes(step), **result)
        # The last result may be one that the op is not asked for.
        return found[: len(step.results)] if isinstance(found, tuple) else found

    return handle


HANDLERS: dict[str, Handler] = {spec.op.OPERATION_NAME: handler(spec) for spec in dialect.SPECS}
