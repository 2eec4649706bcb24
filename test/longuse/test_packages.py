"""The sdist and the wheel hold what they should, and run outside of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import packages
import pytest
from needs import FRAMEWORKS

PACKAGE = packages.ROOT / "src" / "attnorm"
ROOMS = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
# Every source, as `attnorm/...`: by way of the links.
SOURCES = {
    str(Path("attnorm", os.path.relpath(os.path.join(folder, name), PACKAGE)))
    for folder, _, names in os.walk(PACKAGE, followlinks=True)
    for name in names
    if name.endswith((".py", ".pyi")) or name == "py.typed"
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packages.copy_sources(tmp_path_factory.mktemp("source") / "copy")


@pytest.fixture(scope="module")
def sdist(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packages.build("sdist", source, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = packages.unpack(sdist, tmp_path_factory.mktemp("unpacked"))
    return packages.build("wheel", tree, tmp_path_factory.mktemp("wheel"))


def contents(wheel: Path) -> dict[str, bytes]:
    """The files of a wheel by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_has_every_room(wheel: Path) -> None:
    """Sources of all rooms, as files, and nothing beside them."""
    found = {name for name in contents(wheel) if ".dist-info/" not in name}
    assert found == SOURCES
    rooms = {"dialect", "passes", "frontends", "execution", "reference", "checking", "tools"}
    assert rooms <= ROOMS
    assert {name.split("/")[1] for name in found} >= {*ROOMS, "py.typed"}


def test_metadata(wheel: Path) -> None:
    """The licence with its text, the Python versions, the commands. (There was no text once.)"""
    files = contents(wheel)
    found = {name.partition(".dist-info/")[2]: data.decode() for name, data in files.items()}
    metadata = Parser().parsestr(found["METADATA"])
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Requires-Python"] == ">=3.10"
    assert found["licenses/LICENSE"] == (packages.ROOT / "LICENSE").read_text()
    assert "Apache License" in found["licenses/LICENSE"]
    assert "attnorm-opt = attnorm.tools.opt:main" in found["entry_points.txt"]
    assert "Root-Is-Purelib: true" in found["WHEEL"] and "Tag: py3-none-any" in found["WHEEL"]


def test_the_sdist_is_whole(sdist: Path, source: Path, wheel: Path, tmp_path: Path) -> None:
    """It holds no links, and makes the wheel that the checkout makes."""
    with tarfile.open(sdist) as archive:
        assert not [member.name for member in archive if member.issym() or member.islnk()]
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    assert names >= {"LICENSE", "README.md", "pyproject.toml", "src/attnorm/py.typed"}
    assert contents(packages.build("wheel", source, tmp_path)) == contents(wheel)


_USER = """
from pathlib import Path
import numpy as np
import attnorm
from attnorm import reference
from attnorm.dialect import OPS

module = attnorm.load(Path("model.mlir"))
counts: dict[str, int] = attnorm.report(attnorm.lower(module, "attnorm-raise")).counts
program: attnorm.Program = attnorm.compile(module, target="host", weights="w.irpa")
result = program(np.zeros((2, 4), np.float32))
single: np.ndarray = result if isinstance(result, np.ndarray) else result[0]
names: list[str] = list(OPS)
wrong: int = attnorm.report(module).counts
program.nothing()
"""


def test_types(wheel: Path, tmp_path: Path) -> None:
    """A type checker sees the wheel's types: two mistakes in a user's script, and no others."""
    pyright = Path(sys.executable).parent / "pyright"
    if not pyright.exists():
        pytest.skip(f"pyright is not installed: {FRAMEWORKS}")
    if not shutil.which("node"):
        pytest.skip("node, which pyright runs on, is not installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    (tmp_path / "pyrightconfig.json").write_text('{"extraPaths": ["site"], "include": ["user.py"]}')
    (tmp_path / "user.py").write_text(_USER)
    command = [pyright, "--pythonpath", sys.executable]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    errors = [line for line in done.stdout.splitlines() if " - error:" in line]
    assert len(errors) == 2, done.stdout
    assert 'dict[str, int]" is not assignable to declared type "int"' in errors[0].replace(
        'Type "', ""
    )
    assert 'Cannot access attribute "nothing" for class "Program"' in errors[1]


def test_readme(wheel: Path, tmp_path: Path) -> None:
    """The README's examples run from the wheel, outside of the repository.

    Its Python once raised LiteRT's norm without the epsilon that this needs.
    """
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    place = tmp_path / "place"
    place.mkdir()
    where = packages.run_readme(Path(sys.executable), place, {"PYTHONPATH": str(tmp_path / "site")})
    assert tmp_path / "site" in where.parents
    found = packages.commands((packages.ROOT / "README.md").read_text())
    assert len(found) >= 8
