"""Functions that can be run, and arguments for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from function_text import FLOATS, mixed, moderate, small_integers, some_true
from idioms import DTYPES, Filling, Value

from attnorm.ir.entry import functions
from attnorm.ir.mlir import ir

DYNAMIC = 3
"""The size that a dynamic dimension gets."""


@dataclass(frozen=True)
class Entry:
    """A function that can be run."""

    name: str
    arguments: Sequence[Value]
    fillings: Sequence[Filling]
    text: str
    """Of the function, or of all that it is in."""
    tame: bool = False
    """Whether hard arguments are moderate all the same."""

    @property
    def is_wide(self) -> bool:
        """Whether all floats are f64."""
        return not any(name in self.text for name in ("f32", "f16", "call", "composite"))

    def arrays(self, seed: int, *, hard: bool) -> list[np.ndarray]:
        """Arguments."""
        generator = np.random.default_rng(seed)
        with np.errstate(all="ignore"):
            return [
                np.asarray(fill(generator, value.shape, hard)).astype(DTYPES[value.element])
                for value, fill in zip(self.arguments, self._fillings(), strict=True)
            ]

    def _fillings(self) -> Sequence[Filling]:
        if not self.tame:
            return self.fillings
        return [moderate if fill is mixed else fill for fill in self.fillings]


def entries_of(module: ir.Operation, *, tame: bool) -> list[Entry]:
    """The public functions of a module, their arguments filled by their types alone."""
    text = str(module)
    found = []
    with module.context:
        for name, signature in functions(module).items():
            arguments = [
                Value("", tuple(DYNAMIC if n is None else n for n in kind.shape), kind.element)
                for kind in signature.arguments
            ]
            fillings = [_filling(value.element) for value in arguments]
            found.append(Entry(name, arguments, fillings, text, tame))
    return found


def _filling(element: str) -> Filling:
    if element in FLOATS:
        return mixed
    return some_true if element == "i1" else small_integers
