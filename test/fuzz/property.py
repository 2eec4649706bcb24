"""What has to hold for a module and a pipeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chosen_pipelines import counted, steps
from comparison import Runnable, differs
from entries import Entry

from attnorm.errors import AttnormError
from attnorm.ir.mlir import ir
from attnorm.pipeline import driver
from attnorm.pipeline.driver import Step

BLAMED = ("values", "not run after")
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
    """Runs a module through a pipeline, and what comes of it once more; what is wrong with that."""
    before = Runnable(case.module)
    for run in ("", " in a second run"):
        lowered = before.copy()
        done, found = _run(lowered, counted(case.pipeline, counter if not run else Counter()), case)
        after = Runnable(lowered)
        if done:
            found = _differing(case, before, after, counter)
        if found:
            found = _blamed(case, before, found) if found.kind in BLAMED else found
            return replace(found, kind=found.kind + run)
        if not done:
            return None
        before = after
    return None


def _run(module: ir.Operation, chosen: Sequence[Step], case: Case) -> tuple[bool, Finding | None]:
    """Runs passes: whether they ended well; what they say that is no rightful refusal."""
    try:
        driver.run(module, list(chosen))
    except AttnormError as error:
        said = str(error)
        if "internal error" in said:
            return False, Finding("exception", _between(said, "pass '", "'"), _first(said))
        return False, None if case.refusable else Finding("error", "-", _first(said))
    except Exception as error:
        return False, Finding("exception", "-", f"{type(error).__name__}: {error}")
    return True, None


def _first(said: str) -> str:
    return said.strip().splitlines()[0][:300]


def _between(text: str, start: str, end: str) -> str:
    return text.partition(start)[2].partition(end)[0]


def _differing(
    case: Case, before: Runnable, after: Runnable, counter: Counter[str]
) -> Finding | None:
    """The first function whose values are others."""
    if before.text == after.text:
        counter["unchanged"] += 1
        return None
    for entry in case.entries:
        for seed, hard in DRAWS:
            try:
                before.values(entry, seed, entry.arrays(seed, hard=hard), "real")
            except AttnormError as error:
                if case.refusable:
                    # A call that nobody knows, or sizes that do not fit.
                    counter["not run"] += 1
                    break
                return Finding("not run", "-", f"@{entry.name}: {_first(str(error))}")
            try:
                said = differs(entry, before, after, seed, hard=hard)
            except AttnormError as error:
                return Finding("not run after", "-", f"@{entry.name}: {_first(str(error))}")
            counter["runs"] += 1
            if said:
                where = f"@{entry.name} {'hard' if hard else 'plain'} {seed}: {said}"
                return Finding("values", "-", where)
    return None


def _blamed(case: Case, before: Runnable, found: Finding) -> Finding:
    """The finding, with the first pass after which it is there."""
    current = before.copy()
    for step in steps(case.pipeline):
        try:
            driver.run(current, [step])
            if said := _differing(case, before, Runnable(current), Counter()):
                return Finding(said.kind, step.name, said.detail)
        except AttnormError:
            break
    return found
