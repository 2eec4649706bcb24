"""CONTRIBUTING.md's walk-throughs, followed in a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
WALKS = dict(re.findall(r"^```sh (\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the walk-throughs touch: the package with its links, and the tests of passes."""
    for folder in ("src", "dialect", "passes", "test/passes"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True, ignore=ignored)
    return tmp_path


@pytest.mark.parametrize("name", WALKS)
def test_walk(name: str, copy: Path) -> None:
    """Every command succeeds, and the last one finds what it is to find."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "PATH": path}
    done = subprocess.run(
        ["sh", "-e", "-c", WALKS[name]], cwd=copy, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_walks_are_there() -> None:
    """A spelling and a pass."""
    assert set(WALKS) == {"spelling", "pass"}


def test_every_folder_of_tests_is_told() -> None:
    """The table of folders is whole."""
    folders = {path.name for path in (ROOT / "test").iterdir() if path.is_dir()}
    told = set(re.findall(r"`(\w+)/`", PAGE))
    assert {name for name in folders if not name.startswith(("__", "."))} <= told
