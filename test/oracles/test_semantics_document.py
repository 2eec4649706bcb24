"""docs/semantics/ names the tests that are there, and all of them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ORACLES = Path(__file__).parent
PAGES = sorted((ORACLES.parents[1] / "docs" / "semantics").glob("*.md"))


def functions_of(path: Path) -> set[str]:
    """The test functions of a file."""
    nodes = ast.parse(path.read_text()).body
    return {
        node.name
        for node in nodes
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_names() -> None:
    """Every page names the tests of its files, and no other."""
    seen = set()
    for page in PAGES:
        named = set(re.findall(r"`(test_\w+)(?:\.py)?`", page.read_text()))
        files = {name for name in named if (ORACLES / f"{name}.py").exists()}
        there = set().union(*(functions_of(ORACLES / f"{name}.py") for name in files))
        assert named - files == there
        seen |= files
    assert seen == {path.stem for path in ORACLES.glob("test_oracle_*.py")}
