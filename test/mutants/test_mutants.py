"""Wrong rewrites are noticed, by the suite and by `attnorm check`."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from mutants import MUTANTS, Mutant

HERE = Path(__file__).parent
TOOLS = Path(sys.executable).parent
EVERY = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


def environment(mutant: Mutant | None) -> dict[str, str]:
    """The environment of a process whose attnorm is the mutant."""
    own = {"PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(HERE)}
    if mutant:
        own["ATTNORM_MUTANT"] = json.dumps([mutant.module, mutant.old, mutant.new])
    return {**os.environ, **own}


def run_lines(path: Path, scratch: Path) -> str:
    """The RUN lines of a lit test as one shell command; its files go to `scratch`."""
    lines = [line.partition("RUN:")[2] for line in path.read_text().splitlines() if "RUN:" in line]
    text = "\n".join(lines).replace("\\\n", " ").replace("%s", shlex.quote(str(path)))
    text = text.replace("%t", shlex.quote(str(scratch / "t")))
    commands = text.replace("FileCheck", "filecheck --enable-var-scope").split("\n")
    return " && ".join(command.strip() for command in commands)


def suite_passes(path: Path, mutant: Mutant | None, scratch: Path) -> bool:
    """Whether a lit test passes."""
    command = ["bash", "-c", f"set -o pipefail; {run_lines(path, scratch)}"]
    return not subprocess.run(command, env=environment(mutant), capture_output=True).returncode


def check(example: str, mutant: Mutant | None) -> subprocess.CompletedProcess[str]:
    """`attnorm check` of a module."""
    command = [TOOLS / "attnorm", "check", "--no-anchors", "-"]
    return subprocess.run(
        command, env=environment(mutant), input=example, capture_output=True, text=True
    )


@pytest.mark.parametrize("lit", sorted({mutant.lit for mutant in MUTANTS}))
def test_suite_passes_without_mutant(lit: str, tmp_path: Path) -> None:
    """It is the mutants that these tests fail on."""
    assert suite_passes(HERE.parent / lit, None, tmp_path)


@EVERY
def test_suite_notices(mutant: Mutant, tmp_path: Path) -> None:
    """A test of the suite fails."""
    assert not suite_passes(HERE.parent / mutant.lit, mutant, tmp_path)


@pytest.mark.parametrize("example", sorted({mutant.example for mutant in MUTANTS}))
def test_check_passes_without_mutant(example: str) -> None:
    """It is the mutants that `attnorm check` fails on."""
    done = check(example, None)
    assert not done.returncode, done.stdout + done.stderr


@EVERY
def test_check_notices(mutant: Mutant) -> None:
    """`attnorm check` fails, for other values."""
    done = check(mutant.example, mutant)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "differs" in done.stdout or "rounds" in done.stdout, done.stdout + done.stderr
