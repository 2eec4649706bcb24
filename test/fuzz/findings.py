"""Findings as files: the module, with the seed, the pipeline and what is wrong in front."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from dataclasses import replace
from pathlib import Path

from chosen_pipelines import choose
from entries import entries_of
from property import Case, check
from samples import sample
from workers import Found

from attnorm import dialect
from attnorm.checking.reduce import reduce
from attnorm.errors import AttnormError
from attnorm.ir.mlir import ir

REDUCING = 120.0
"""Seconds that a reduction may take."""


def path_of(found: Found, folder: Path) -> Path:
    """Where a finding is stored."""
    return folder / f"{found.finding.kind.replace(' ', '_')}_{found.seed}.mlir"


def store(found: Found, folder: Path) -> None:
    """Writes a finding as drawn."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        text = str(sample(found.seed, dialect.new_context()).module)
    except AttnormError as error:
        text = f"// {error}"
    _write(found, path_of(found, folder), text)


def reduce_stored(found: Found, folder: Path) -> None:
    """Writes it again, as small as it gets in the time that there is."""
    if found.finding.kind in ("death", "hang", "exit", "no module"):
        return
    # It may die or hang on the way.
    arguments = (found, path_of(found, folder))
    process = multiprocessing.get_context("fork").Process(target=_reduce, args=arguments)
    process.start()
    process.join(REDUCING)
    process.kill()
    process.join()


def _write(found: Found, path: Path, text: str) -> None:
    lines = str(found.finding).splitlines()
    head = [f"// seed {found.seed}, {choose(found.seed)}", *(f"// {line}" for line in lines)]
    path.write_text("\n".join([*head, text, ""]))


def _reduce(found: Found, path: Path) -> None:
    """Writes the finding again, as small as it gets; every smaller one on the way too."""
    original = sample(found.seed, dialect.new_context())
    module = original.module
    last = found.finding

    def fails(candidate: ir.Operation) -> bool:
        nonlocal last
        entries = entries_of(candidate, tame=original.tame)
        case = Case(candidate, entries, choose(found.seed), original.refusable)
        said = check(case, Counter())
        if said is None or (said.kind, said.step) != (found.finding.kind, found.finding.step):
            return False
        last = said
        return True

    if fails(module):
        module = reduce(
            module,
            fails,
            on_progress=lambda now: _write(replace(found, finding=last), path, str(now.module)),
        )
        _write(replace(found, finding=last), path, str(module))
