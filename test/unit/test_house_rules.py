"""Which room may import what. The layers are contracts of import-linter, in pyproject.toml."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "attnorm"
LINKED = ("dialect", "passes")
"""The rooms that stand at the top; src/attnorm/ links to them."""
ROOMS = (
    *LINKED,
    *("ir", "io", "analysis", "building", "pipeline", "frontends", "execution", "reference"),
    *("checking", "tools"),
)
SOURCES = [
    path
    for folder in (*(ROOT / room for room in LINKED), PACKAGE, ROOT / "docs", ROOT / "examples")
    for path in sorted(folder.rglob("*.py"))
    if not any(PACKAGE / room in path.parents for room in LINKED)
]


def module_name(path: Path) -> str:
    """`attnorm.passes.base` for `passes/base.py`."""
    base = PACKAGE.parent if PACKAGE in path.parents else ROOT
    name = ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__")
    return name if base != ROOT else f"attnorm.{name}"


def imports(source: str, module: str, *, is_package: bool = False) -> Iterator[str]:
    """Every module that a source imports, by its full name, wherever the import stands."""
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            above = parts[: len(parts) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imported(path: Path) -> set[str]:
    """What a file imports."""
    return set(imports(path.read_text(), module_name(path), is_package=path.name == "__init__.py"))


def within(name: str, package: str) -> bool:
    """Whether a module is a package or stands inside of it."""
    return name == package or name.startswith(f"{package}.")


ADAPTERS = {
    *PACKAGE.glob("ir/*.py"),
    PACKAGE / "frontends" / "onnx_importer.py",
    PACKAGE / "frontends" / "torch_importer.py",
}
EVERY = pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))


def test_sources_are_found() -> None:
    """The rules are not vacuous: every room has files."""
    rooms = {path.parent.name for path in SOURCES}
    assert rooms >= {*ROOMS, "attnorm", "kernels"}


def test_two_rooms_are_links() -> None:
    """src/attnorm/ holds the rooms as folders, but for two that stand at the top."""
    found = {path.name: path for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert set(found) == set(ROOMS)
    assert {name for name, path in found.items() if path.is_symlink()} == set(LINKED)
    assert all(found[name].readlink() == Path(f"../../{name}") for name in LINKED)


@EVERY
def test_imports_resolve_where_the_file_lies(path: Path) -> None:
    """Relative imports do not pass through a link."""
    room = next((room for room in LINKED if ROOT / room in path.parents), None)
    if room:
        depth = len(path.relative_to(ROOT / room).parts)
        levels = [
            node.level
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom)
        ]
        assert max(levels, default=0) <= depth


@EVERY
def test_only_the_adapters_import_torch_mlir(path: Path) -> None:
    """Nothing but `ir/`, and the two frontends' importers, imports `torch_mlir`."""
    found = {name for name in imported(path) if within(name, "torch_mlir")}
    assert not found or path in ADAPTERS


def test_the_adapters_import_torch_mlir() -> None:
    """The rule about `torch_mlir` would see an import: there is one."""
    everything = {name for path in ADAPTERS for name in imported(path)}
    assert any(within(name, "torch_mlir") for name in everything)


@EVERY
def test_only_execution_imports_iree(path: Path) -> None:
    """Nothing but `src/attnorm/execution/` imports `iree`."""
    found = {name for name in imported(path) if within(name, "iree")}
    assert not found or PACKAGE / "execution" in path.parents


def test_execution_imports_iree() -> None:
    """The rule about `iree` would see an import: there is one."""
    everything = {name for path in (PACKAGE / "execution").glob("*.py") for name in imported(path)}
    assert any(within(name, "iree") for name in everything)


def layers(root: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says of a source tree, by the contracts in pyproject.toml."""
    command = Path(sys.executable).parent / "lint-imports"
    if not command.exists():
        pytest.skip("import-linter is not installed: `.ci/setup dev` installs it")
    return subprocess.run(
        [command, "--no-cache", "--config", ROOT / "pyproject.toml"],
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        cwd=root / "src",
        capture_output=True,
        text=True,
    )


def test_layers(tmp_path: Path) -> None:
    """No import goes up a layer, and one that does is seen, also behind a link."""
    done = layers(ROOT)
    assert done.returncode == 0, done.stdout
    for name in ("src", *LINKED):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True, ignore=ignored)
    with (tmp_path / "passes" / "base.py").open("a") as file:
        file.write("from attnorm.pipeline import driver\n")
    done = layers(tmp_path)
    assert done.returncode == 1, done.stdout
    assert "attnorm.passes is not allowed to import attnorm.pipeline" in done.stdout


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import iree.runtime as rt", {"iree.runtime"}),
        ("def f():\n    from torch_mlir import ir", {"torch_mlir", "torch_mlir.ir"}),
        ("from ..tools import cli", {"attnorm.tools", "attnorm.tools.cli"}),
        ("from .. import errors", {"attnorm", "attnorm.errors"}),
        ("from .base import Pass", {"attnorm.passes.base", "attnorm.passes.base.Pass"}),
    ],
)
def test_imports(source: str, found: set[str]) -> None:
    """Imports are seen inside functions, under other names, and relative ones by full name."""
    assert set(imports(source, "attnorm.passes.some_pass")) == found


def test_imports_of_a_package() -> None:
    """In an `__init__`, one dot is the package itself."""
    assert "attnorm.passes.base" in set(
        imports("from . import base", "attnorm.passes", is_package=True)
    )
