"""What has to hold for a module and a pipeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from chosen_pipelines import counted, steps
from drawn_modules import Drawn, Entry
from evaluation import Unknown, evaluate
from nearness import difference

from attnorm import api, pipeline
from attnorm.bindings import ir
from attnorm.errors import AttnormError
from attnorm.pipeline import Step

DRAWS = ((0, False), (1, True), (2, True))
"""Seeds of the arguments, and whether they are hard."""


@dataclass(frozen=True)
class Finding:
    """What does not hold: a kind, the first pass to blame, and the details."""

    kind: str
    step: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind} [{self.step}] {self.detail}"


def check(drawn: Drawn, text: str, context: ir.Context, counter: Counter[str]) -> Finding | None:
    """Runs a module through a pipeline; what is wrong with that."""
    try:
        module = api.load(drawn.text, context=context)
    except AttnormError as error:
        return Finding("no module", "-", str(error)[:200])
    counter["modules"] += 1
    counter[f"pipeline {text if text.count(',') < 2 else 'of any passes'}"] += 1
    with context:
        lowered = module.clone().operation
    found = _run(lowered, counted(text, counter), drawn)
    if found or lowered is None:
        return found
    if found := _differing(drawn, module, lowered, counter):
        return _blamed(drawn, module, text, found)
    return _again(drawn, lowered, text, counter)


def _run(module: ir.Operation, chosen: Sequence[Step], drawn: Drawn) -> Finding | None:
    """Runs passes; what they say that is no rightful refusal."""
    try:
        pipeline.run(module, list(chosen))
    except AttnormError as error:
        said = str(error)
        if "internal error" in said:
            return Finding("exception", _between(said, "pass '", "'"), _first(said))
        if drawn.symbols.refusable:
            return None
        return Finding("error", "-", _first(said))
    except Exception as error:
        return Finding("exception", "-", f"{type(error).__name__}: {error}")
    return None


def _first(said: str) -> str:
    return said.strip().splitlines()[0][:300]


def _between(text: str, start: str, end: str) -> str:
    return text.partition(start)[2].partition(end)[0]


def _differing(
    drawn: Drawn, before: ir.Operation, after: ir.Operation, counter: Counter[str]
) -> Finding | None:
    """The first function whose values are others."""
    for entry in drawn.entries:
        for seed, hard in DRAWS:
            try:
                said = differs(entry, before, after, seed, hard=hard)
            except Unknown as error:
                counter[f"not run: {error}"] += 1
                break
            counter["runs"] += 1
            if said:
                where = f"@{entry.name} {'hard' if hard else 'plain'} {seed}: {said}"
                return Finding("values", "-", where)
    return None


def differs(
    entry: Entry, before: ir.Operation, after: ir.Operation, seed: int, *, hard: bool
) -> str | None:
    """How the values of a function differ on some arguments."""
    arrays = entry.arrays(seed, hard=hard)
    with np.errstate(all="ignore"):
        want = evaluate(before, arrays, entry.name)
        got = evaluate(after, arrays, entry.name)
        for n, (one, other) in enumerate(zip(want, got, strict=True)):
            if said := difference(one, other):
                return f"result {n}: {said}"
    return None


def _blamed(drawn: Drawn, module: ir.Operation, text: str, found: Finding) -> Finding:
    """The finding, with the first pass after which it is there."""
    with module.context:
        current = module.clone().operation
    for step in steps(text):
        try:
            pipeline.run(current, [step])
            if _differing(drawn, module, current, Counter()):
                return Finding(found.kind, step.name, found.detail)
        except AttnormError:
            break
    return found


def _again(drawn: Drawn, lowered: ir.Operation, text: str, counter: Counter[str]) -> Finding | None:
    """Runs the pipeline once more on what it made."""
    with lowered.context:
        again = lowered.clone().operation
    found = _run(again, steps(text), drawn)
    found = found or _differing(drawn, lowered, again, counter)
    if found:
        return Finding(f"{found.kind} in a second run", found.step, found.detail)
    return None
