"""Calls, branches and loops."""

from __future__ import annotations

import numpy as np

from .step import Handler, Step
from .wide import Array


def call(step: Step) -> list[Array]:
    """What the function returns."""
    return step.frame.call(step.op.attributes["callee"].value, step.operands)


def composite(step: Step) -> list[Array]:
    """What the decomposition returns."""
    return step.frame.call(step.op.attributes["decomposition"].value, step.operands)


def while_(step: Step) -> list[Array]:
    """The state after the body, as often as the condition holds before."""
    condition, body = step.block(0), step.block(1)
    state = step.operands
    while step.frame.run(condition, state)[0]:
        state = step.frame.run(body, state)
    return state


def if_(step: Step) -> list[Array]:
    """The first branch where the predicate is true, else the second."""
    return step.frame.run(step.block(0 if step.operands[0] else 1), [])


def case(step: Step) -> list[Array]:
    """The branch of that number; the last for every other one."""
    index, last = int(step.operands[0]), len(step.op.regions) - 1
    return step.frame.run(step.block(index if 0 <= index <= last else last), [])


def map_(step: Step) -> list[Array]:
    """The body, for every element."""
    return step.frame.run_lanes(step.block(), step.operands)


def identity(step: Step) -> list[Array]:
    """The operands."""
    return step.operands


def token(step: Step) -> Array:
    """Nothing."""
    return np.zeros(0)


HANDLERS: dict[str, Handler] = {
    "func.call": call,
    "stablehlo.after_all": token,
    "stablehlo.case": case,
    "stablehlo.composite": composite,
    "stablehlo.create_token": token,
    "stablehlo.if": if_,
    "stablehlo.map": map_,
    "stablehlo.optimization_barrier": identity,
    "stablehlo.while": while_,
}
