"""What has to hold for a module and a pipeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from chosen_pipelines import counted, steps
from drawn_modules import Drawn, Entry
from evaluation import evaluate
from nearness import STEPS, distance, is_float, with_rounding, without_rounding

from attnorm import api, pipeline
from attnorm.bindings import ir
from attnorm.errors import AttnormError
from attnorm.pipeline import Step
from attnorm.reference.kinds import Precision

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
    if found:
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
    if str(before) == str(after):
        counter["unchanged"] += 1
        return None
    for entry in drawn.entries:
        for seed, hard in DRAWS:
            try:
                said = differs(entry, before, after, seed, hard=hard)
            except AttnormError as error:
                if "custom_call" in str(error) and drawn.symbols.refusable:
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
        return _differs(entry, before, after, arrays, [])


def _differs(
    entry: Entry,
    before: ir.Operation,
    after: ir.Operation,
    arrays: list[np.ndarray],
    moved: list[list[np.ndarray]],
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

    real, native = values(before, "real"), values(before, "native")
    compared = zip(real, values(after, "real"), noise(real, "real"), strict=True)
    said = [without_rounding(*one, wide=entry.is_wide) for one in compared]
    if not any(said):
        noises = noise(native, "native")
        compared = zip(native, values(after, "native"), real, noises, strict=True)
        said = [with_rounding(*one) for one in compared]
    if not any(said):
        return None
    if not moved:
        # Badly conditioned, or wrong?
        return _differs(entry, before, after, arrays, [_moved(arrays, seed) for seed in range(4)])
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


def _blamed(drawn: Drawn, module: ir.Operation, text: str, found: Finding) -> Finding:
    """The finding, with the first pass after which it is there."""
    with module.context:
        current = module.clone().operation
    for step in steps(text):
        try:
            pipeline.run(current, [step])
            if said := _differing(drawn, module, current, Counter()):
                return Finding(said.kind, step.name, said.detail)
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
