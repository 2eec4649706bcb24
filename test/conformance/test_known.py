"""The table of what IREE gets wrong holds: plain IREE still does, and attnorm does not."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from known import KNOWN, Known

import attnorm
from attnorm.execution.compiler import CompileError, compile_module
from attnorm.execution.program import Program

ROOT = Path(__file__).parents[2]


def _agrees(row: Known, got: np.ndarray) -> bool:
    want = np.asarray(row.right(*[array for _, array in row.arguments]), np.float64)
    near = np.isclose(got.astype(np.float64), want, rtol=2e-3, atol=1e-3)
    return bool((near & (np.signbit(got) == np.signbit(want))).all())


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: row.form)
def test_plain_iree_is_wrong(row: Known) -> None:
    """Once it is right, the row goes, and the pass with the last of its rows."""
    try:
        program = Program(compile_module(row.text().encode(), row.target), device="local-sync")
    except CompileError as error:
        assert row.wrong.partition(" (")[0] in str(error)
        return
    assert not _agrees(row, program(*[array for _, array in row.arguments]))


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: row.form)
def test_attnorm_is_right(row: Known) -> None:
    """By the pass that the row names."""
    loaded = attnorm.load(row.text())
    program = attnorm.compile(loaded, target=row.target, device="local-sync")
    assert _agrees(row, program(*[array for _, array in row.arguments]))


def test_the_page_has_every_row() -> None:
    """`docs/known_issues.md` is this table."""
    page = (ROOT / "docs" / "known_issues.md").read_text()
    rows = re.findall(r"^\| (.*) \| (.*) \| (.*) \| (.*) \| `(.*)` \| (.*) \|$", page, re.M)
    wanted = [(r.form, r.wrong, r.versions, r.targets, r.by, r.upstream) for r in KNOWN]
    assert rows == wanted
