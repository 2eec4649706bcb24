"""How well conditioned values are: Monte Carlo arithmetic.

Every op that computes reads its floats a unit in the last place off, or not, at random. What a
result moves by then is what rounding may have done to it.

Source: Parker 1997, "Monte Carlo Arithmetic: exploiting randomness in floating-point arithmetic".
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .kinds import Kind
from .step import Step
from .wide import Array

_EXACT = {"stablehlo.power": 1}
"""Operands that are left as they are: of a negative number only whole powers are numbers."""


class Noise:
    """Moves operands; the same ones for the same seed."""

    def __init__(self, seed: int):
        self._generator = np.random.default_rng(seed)

    def on(self, step: Step) -> Step:
        """An op with its operands moved."""
        exact = _EXACT.get(step.op.name)
        operands = [
            x if index == exact else self._moved(x, step.operand_kind(index))
            for index, x in enumerate(step.operands)
        ]
        return replace(step, operands=operands)

    def _moved(self, value: Array, kind: Kind) -> Array:
        if not kind.is_float or kind.dtype is None:
            return value
        # Half types round on purpose, where the IR says so; what computes on them has f32.
        last = 2.0**-52 if kind.dtype.itemsize == 8 else 2.0**-23
        return value * (1 + last * self._generator.choice([-1, 0, 1], np.shape(value)))
