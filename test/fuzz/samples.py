"""The module of a seed: drawn, drawn and changed, or one of a real exporter, changed."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drawn_modules import drawn
from entries import Entry, entries_of
from exports import exported
from mutations import mutate

import attnorm
from attnorm.ir.mlir import ir

_LARGEST = 9000
"""Bytes of an exporter's module: larger ones have larger tensors."""


@dataclass(frozen=True)
class Sample:
    """A valid module and how to run it."""

    module: ir.Operation
    entries: Sequence[Entry]
    labels: Sequence[str]
    refusable: bool
    tame: bool


@functools.cache
def small_exports() -> tuple[Path, ...]:
    """Small modules of exporters; the same list where only the copies are there is shorter."""
    return tuple(path for path in exported().values() if path.stat().st_size < _LARGEST)


def sample(seed: int, context: ir.Context) -> Sample:
    """The module of a seed. Raises `AttnormError` where it is none: a mistake of the fuzzer."""
    generator = random.Random(f"sample {seed}")
    kind = generator.random()
    if kind < 0.2:
        path = generator.choice(small_exports())
        module = mutate(_parsed(path, context), generator, generator.choice((0, 1, 1, 2, 3)))
        labels = [f"{path.parent.name}/{path.stem}"]
        return Sample(module, entries_of(module, tame=True), labels, refusable=True, tame=True)
    found = drawn(seed)
    module, symbols = attnorm.load(found.text, context=context), found.symbols
    if kind < 0.6:
        return Sample(module, found.entries, symbols.labels, symbols.refusable, symbols.tame)
    module = mutate(module, generator, generator.choice((1, 1, 2, 3)))
    entries = [
        Entry(one.name, one.arguments, one.fillings, str(module), tame=True)
        for one in found.entries
    ]
    return Sample(module, entries, [*symbols.labels, "changed"], refusable=True, tame=True)


def _parsed(path: Path, context: ir.Context) -> ir.Operation:
    return attnorm.load(path.read_text(), context=context)
