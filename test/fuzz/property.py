"""What has to hold for a module and a pipeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from chosen_pipelines import counted, steps
from entries import Entry
from evaluation import evaluate
from nearness import STEPS, distance, is_extreme, is_float, with_rounding, without_rounding

from attnorm import pipeline
from attnorm.bindings import ir
from attnorm.errors import AttnormError
from attnorm.pipeline import Step
from attnorm.reference.kinds import Precision

OPAQUE = ("attnorm.", "custom_call", "composite")
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


@dataclass(frozen=True)
class Case:
    """A module to be run through a pipeline."""

    module: ir.Operation
    entries: Sequence[Entry]
    pipeline: str
    refusable: bool = False
    """Whether a pass may rightly fail."""


def check(case: Case, counter: Counter[str]) -> Finding | None:
    """Runs a module through a pipeline; what is wrong with that."""
    lowered = _clone(case.module)
    found = _run(lowered, counted(case.pipeline, counter), case)
    if found:
        return found
    if found := _differing(case, case.module, lowered, counter):
        return _blamed(case, found)
    again = _clone(lowered)
    found = _run(again, steps(case.pipeline), case) or _differing(case, lowered, again, counter)
    if found:
        return Finding(f"{found.kind} in a second run", found.step, found.detail)
    return None


def _clone(module: ir.Operation) -> ir.Operation:
    with module.context:
        return module.clone().operation


def _run(module: ir.Operation, chosen: Sequence[Step], case: Case) -> Finding | None:
    """Runs passes; what they say that is no rightful refusal."""
    try:
        pipeline.run(module, list(chosen))
    except AttnormError as error:
        said = str(error)
        if "internal error" in said:
            return Finding("exception", _between(said, "pass '", "'"), _first(said))
        return None if case.refusable else Finding("error", "-", _first(said))
    except Exception as error:
        return Finding("exception", "-", f"{type(error).__name__}: {error}")
    return None


def _first(said: str) -> str:
    return said.strip().splitlines()[0][:300]


def _between(text: str, start: str, end: str) -> str:
    return text.partition(start)[2].partition(end)[0]


def _differing(
    case: Case, before: ir.Operation, after: ir.Operation, counter: Counter[str]
) -> Finding | None:
    """The first function whose values are others."""
    if str(before) == str(after):
        counter["unchanged"] += 1
        return None
    for entry in case.entries:
        for seed, hard in DRAWS:
            try:
                said = differs(entry, before, after, seed, hard=hard)
            except AttnormError as error:
                if "custom_call" in str(error) and case.refusable:
                    break
                return Finding("not run", "-", f"@{entry.name}: {_first(str(error))}")
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
        return _differs(
            entry, before, after, arrays, [], native=not (hard and _are_opaque(before, after))
        )


def _are_opaque(*modules: ir.Operation) -> bool:
    """Whether there are ops that the definitions compute in float64, and their expansions do not.

    These overflow elsewhere.
    """
    return any(name in str(module) for module in modules for name in OPAQUE)


def _differs(
    entry: Entry,
    before: ir.Operation,
    after: ir.Operation,
    arrays: list[np.ndarray],
    moved: list[list[np.ndarray]],
    *,
    native: bool,
) -> str | None:
    """How the values differ by more than they do for arguments that are a little moved."""

    def values(module: ir.Operation, precision: Precision) -> Sequence[np.ndarray]:
        return evaluate(module, arrays, entry.name, precision)

    def noise(results: Sequence[np.ndarray], precision: Precision) -> list[np.ndarray]:
        others = [evaluate(before, one, entry.name, precision) for one in moved]
        return [
            np.max([distance(x, y) for y in column], axis=0, initial=0.0)
            for x, *column in zip(results, *others, strict=True)
        ]

    real, typed = values(before, "real"), values(before, "native")
    said: list[str | None] = []
    if not is_extreme(arrays):
        compared = zip(real, values(after, "real"), noise(real, "real"), strict=True)
        said = [without_rounding(*one, entry=entry) for one in compared]
    if any(said):
        # A number that is folded is rounded: then all is the same where half types round.
        halves = values(before, "exact")
        compared = zip(halves, values(after, "exact"), noise(halves, "exact"), strict=True)
        said = [without_rounding(*one, entry=entry) for one in compared]
    if native and not any(said):
        noises = noise(typed, "native")
        compared = zip(typed, values(after, "native"), real, noises, strict=True)
        said = [with_rounding(*one, entry=entry) for one in compared]
    if not any(said):
        return None
    if not moved:
        # Badly conditioned, or wrong?
        moved = [_moved(arrays, seed) for seed in range(4)]
        return _differs(entry, before, after, arrays, moved, native=native)
    return next(f"result {n}: {one}" for n, one in enumerate(said) if one)


def _moved(arrays: Sequence[np.ndarray], seed: int) -> list[np.ndarray]:
    """The arguments, some elements a unit in the last place of their type, or of f32, away."""
    generator = np.random.default_rng(seed)

    def move(x: np.ndarray) -> np.ndarray:
        if not is_float(x):
            return x
        step = max(STEPS[str(x.dtype)], 2.0**-23)
        return (x.astype(np.float64) * (1 + step * generator.choice([-1, 0, 1], x.shape))).astype(
            x.dtype
        )

    return [move(x) for x in arrays]


def _blamed(case: Case, found: Finding) -> Finding:
    """The finding, with the first pass after which it is there."""
    current = _clone(case.module)
    for step in steps(case.pipeline):
        try:
            pipeline.run(current, [step])
            if said := _differing(case, case.module, current, Counter()):
                return Finding(said.kind, step.name, said.detail)
        except AttnormError:
            break
    return found
