"""A module for every seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from call_steps import steps, unknown_call
from function_text import Function, Symbols
from idioms import DTYPES, Value

MODULE_FUNCTIONS = (1, 1, 1, 2)


@dataclass(frozen=True)
class Entry:
    """A public function that can be run."""

    name: str
    function: Function
    text: str

    @property
    def is_wide(self) -> bool:
        """Whether all floats are f64."""
        return not any(name in self.text for name in ("f32", "f16", "call", "composite"))

    def arrays(self, seed: int, *, hard: bool) -> list[np.ndarray]:
        """Arguments."""
        generator = np.random.default_rng(seed)
        values = zip(self.function.arguments, self.function.fillings, strict=True)
        with np.errstate(all="ignore"):
            return [
                np.asarray(fill(generator, value.shape, hard)).astype(DTYPES[value.element])
                for value, fill in values
            ]


@dataclass(frozen=True)
class Drawn:
    """A module as text, and how to run it."""

    text: str
    entries: Sequence[Entry]
    symbols: Symbols


def drawn(seed: int) -> Drawn:
    """The module of a seed."""
    generator = random.Random(seed)

    def pick(*choices):
        return choices[generator.randrange(len(choices))]

    symbols = Symbols()
    entries: list[Entry] = []
    for n in range(pick(*MODULE_FUNCTIONS)):
        function = Function(pick, symbols)
        function.fresh()
        steps(function, pick(1, 1, 2, 2, 3, 4, 6))
        if pick(True, *[False] * 60):
            unknown_call(function)
        results = _results(function)
        entries.append(Entry(f"f{n}", function, function.function(f"f{n}", results)))
    text = (
        "module {\n" + "".join(entry.text for entry in entries) + "".join(symbols.functions) + "}\n"
    )
    if symbols.resources:
        listed = ",\n      ".join(symbols.resources)
        text += (
            f"{{-#\n  dialect_resources: {{\n    builtin: {{\n      {listed}\n    }}\n  }}\n#-}}\n"
        )
    return Drawn(text, entries, symbols)


def _results(function: Function) -> list[Value]:
    """What was made last, and by chance what was made on the way."""
    pool, pick = function.pool, function.pick
    chosen = [pool[-1]]
    if pick(True, True, False):
        chosen.append(pick(*pool))
    if pick(True, False, False):
        chosen += [pick(*pool), pick(*pool)]
    return chosen
