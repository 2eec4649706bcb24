"""The generated documents, and the IR in the docstrings of passes."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import attnorm
from attnorm import passes
from attnorm.ir.mlir import ir

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```mlir\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADD_FUNCTIONS = {"outline-rows", "to-composites"}
"""Passes that add functions, which their docstrings leave out."""
OPTIONS = {"specialize-dims": "{dims=0.0=2}"}
"""The options under which a pass does what its docstring shows, where it takes any."""


def blocks(name: str) -> list[str]:
    """The ```mlir blocks of a pass's docstring."""
    return _BLOCK.findall(inspect.getdoc(passes.get(name)) or "")


def with_ir() -> list[str]:
    """The passes whose docstring shows IR."""
    return [name for name in passes.NAMES if blocks(name)]


def test_documents_do_not_drift() -> None:
    """docs/ is what docs/generate.py writes."""
    command = [sys.executable, ROOT / "docs" / "generate.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_drift_is_seen(tmp_path: Path) -> None:
    """`--check` fails, names the file and repairs nothing; without it the file is written."""
    script = tmp_path / "generate.py"
    script.write_text((ROOT / "docs" / "generate.py").read_text())

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True)

    assert run().returncode == 0
    assert run("--check").returncode == 0
    document = tmp_path / "dialect" / "softmax.md"
    document.write_text(document.read_text() + "a word by hand\n")
    stale = run("--check")
    assert stale.returncode == 1
    assert "dialect/softmax.md" in stale.stderr
    assert "passes.md" not in stale.stderr
    assert "a word by hand" in document.read_text()


def test_every_rewrite_shows_ir() -> None:
    """Every pass shows IR before and after, but one that verifies and one that writes 90 ops."""
    without = {"verify-no-opaque-calls", "legalize-trigonometry"}
    assert {name: len(blocks(name)) for name in passes.NAMES} == {
        name: 0 if name in without else 2 for name in passes.NAMES
    }


def functions(module: ir.Operation) -> list[str]:
    """Generic text, free of the names of values and of the order of attributes."""
    operations = module.regions[0].blocks[0].operations
    return [op.get_asm(print_generic_op_form=True) for op in operations]


@pytest.mark.parametrize("name", with_ir())
def test_ir_in_docstring(name: str) -> None:
    """The first block, after the pass, is the second."""
    before, after = blocks(name)
    found = functions(attnorm.lower(attnorm.load(before), name + OPTIONS.get(name, "")))
    if name in ADD_FUNCTIONS:
        after = "\n".join([after, *found[1:]])
    assert found == functions(attnorm.load(after))


def test_functions_differ() -> None:
    """The names of values do not count; what an op does counts."""

    def load(name: str, op: str) -> list[str]:
        return functions(
            attnorm.load(
                f"""func.func @f(%{name}: tensor<f32>) -> tensor<f32> {{
                  %r = stablehlo.{op} %{name} : tensor<f32>
                  return %r : tensor<f32>
                }}"""
            )
        )

    assert load("a", "sine") == load("b", "sine")
    assert load("a", "sine") != load("a", "cosine")
