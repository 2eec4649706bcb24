"""What a module means: the one place that says which interpreter is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import numpy as np
from nearness import STEPS

from attnorm import reference
from attnorm.bindings import ir
from attnorm.reference.interpreter import HANDLERS
from attnorm.reference.kinds import Kind, Precision
from attnorm.reference.step import Handler, Step, Values

EPSILON = 0.125
"""Of RMSNorm calls that carry none."""


def evaluate(
    module: ir.Operation, arrays: Sequence[np.ndarray], function: str, precision: Precision
) -> tuple[np.ndarray, ...]:
    """The results of a function."""
    return reference.evaluate(
        module, *arrays, function=function, precision=precision, rms_norm_epsilon=EPSILON
    )


@contextmanager
def jitter(seed: int) -> Iterator[None]:
    """Has every op read its floats a unit in the last place off, or not, at random.

    What depends on that is badly conditioned: Monte Carlo arithmetic (Parker 1997).
    """
    generator = np.random.default_rng(seed)

    def moved(value: np.ndarray, kind: Kind) -> np.ndarray:
        if not kind.is_float:
            return value
        # Half types are rounded on purpose, and computed in f32.
        step = min(STEPS.get(str(kind.dtype), 1.0), STEPS["float32"])
        return value * (1 + step * generator.choice([-1, 0, 1], np.shape(value)))

    def off(name: str, handler: Handler) -> Handler:
        # A power of what is negative, but of no integer, is NaN.
        kept = 1 if name == "stablehlo.power" else None

        def handle(step: Step) -> Values:
            operands = [
                x if index == kept else moved(x, step.operand_kind(index))
                for index, x in enumerate(step.operands)
            ]
            return handler(replace(step, operands=operands))

        return handle

    computed = {
        name: (off(name, what), True) for name, (what, rounds) in HANDLERS.items() if rounds
    }
    with patch.dict(HANDLERS, computed):
        yield
