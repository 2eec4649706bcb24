"""Constraint IDs tie op, verifier, documents and negative tests together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from attnorm.dialect import OPS

ROOT = Path(__file__).parents[2]
IDS = {
    f"{name.partition('.')[2]}_c{rule.number}": (name.partition(".")[2], rule)
    for name, op in OPS.items()
    for rule in op.constraints
}
_CHUNK = re.compile(r"^// -----$", re.MULTILINE)


def mentioned(text: str) -> set[str]:
    """Every constraint ID of an op of ours that a text names, existing or not."""
    ops = "|".join(sorted((name.partition(".")[2] for name in OPS), key=len, reverse=True))
    return {found[0] for found in re.finditer(rf"(?<![A-Za-z_])(?:{ops})_c\d+(?!\d)", text)}


def proven(text: str) -> set[str]:
    """The IDs for which a function is named that expects an error with that ID."""
    found = set()
    for chunk in _CHUNK.split(text):
        name = re.search(r"func\.func @(\w+?_c\d+)(?:_\w+)?\(", chunk)
        if name and re.search(rf"expected-error.*\[{name[1]}\]\}}\}}", chunk):
            found.add(name[1])
    return found


@pytest.mark.parametrize("op", OPS.values(), ids=OPS)
def test_numbers_are_dense(op) -> None:
    """Constraints are numbered 1, 2, 3, ... in the order in which they are checked."""
    numbers = [rule.number for rule in op.constraints]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("identifier", IDS)
def test_constraint_has_a_negative_test(identifier: str) -> None:
    """A function named after the constraint expects its error."""
    op, _ = IDS[identifier]
    text = (ROOT / "test" / "dialect" / f"{op}_invalid.mlir").read_text()
    assert identifier in proven(text)


@pytest.mark.parametrize("op", OPS)
def test_functions_are_named_after_what_they_violate(op: str) -> None:
    """In a negative file, every function's ID is the one of the error that it expects."""
    text = (ROOT / "test" / "dialect" / f"{op.partition('.')[2]}_invalid.mlir").read_text()
    chunks = _CHUNK.split(text)
    assert [chunk for chunk in chunks if not proven(chunk)] == []


def test_every_id_named_exists() -> None:
    """No test or document names a constraint that no op has."""
    tests = (path for suffix in ("mlir", "py") for path in (ROOT / "test").rglob(f"*.{suffix}"))
    paths = [*(path for path in tests if path != Path(__file__)), *(ROOT / "docs").rglob("*.md")]
    named = {identifier for path in paths for identifier in mentioned(path.read_text())}
    assert named <= IDS.keys()
    assert named


def test_mentioned() -> None:
    """An ID is seen inside a function's name and in brackets, and longer op names win."""
    text = "@rms_norm_c99_missing [add_rms_norm_c1] rms_norm_mul_c12, other_c3, pre_softmax_c1"
    assert mentioned(text) == {"rms_norm_c99", "add_rms_norm_c1", "rms_norm_mul_c12"}


def test_proven() -> None:
    """A name without the error, or with the error of another constraint, is no test."""
    good = "func.func @softmax_c3_x() {\n// expected-error @+1 {{axis: bad [softmax_c3]}}\n}"
    assert proven(good) == {"softmax_c3"}
    assert proven(good.replace("expected-error", "expected")) == set()
    assert proven(good.replace("[softmax_c3]", "[softmax_c2]")) == set()
    assert proven(good.replace("@softmax_c3_x", "@other")) == set()
