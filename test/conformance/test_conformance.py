"""A fixed slice of the conformance suite; `python test/conformance/run.py` judges all of it."""

from __future__ import annotations

from forms import forms
from judge import judge

SLICE, SLICES = 7, 20
"""Every twentieth form: each op and each element type is among them."""


def test_slice() -> None:
    """Nothing is wrong, and nothing ends a process; what is refused says why."""
    verdicts = judge(forms()[SLICE::SLICES], "host")
    assert [v for v in verdicts if v.kind in ("wrong", "crashed")] == []
    assert all(v.reason for v in verdicts if v.kind == "refused")
    right = sum(v.kind == "right" for v in verdicts)
    assert right > 0.8 * len(verdicts)
