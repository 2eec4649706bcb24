"""A module for every seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from call_steps import dynamic_steps, steps, unknown_call
from entries import Entry
from function_text import Function, Symbols
from idioms import Value

MODULE_FUNCTIONS = (1, 1, 1, 2)


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
        if pick(True, *[False] * 9):
            dynamic_steps(function, pick(1, 2, 3))
        else:
            function.fresh()
            steps(function, pick(1, 1, 2, 2, 3, 4, 6))
        if pick(True, *[False] * 60):
            unknown_call(function)
        results = _results(function)
        written = function.function(f"f{n}", results)
        entries.append(Entry(f"f{n}", function.arguments, function.fillings, written))
    entries = [replace(entry, tame=symbols.tame) for entry in entries]
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
