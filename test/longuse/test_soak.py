"""A short `soak.py`: what a step leaves behind is nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from workloads import finished

_MEASURED = """
import sys, tempfile
sys.path.insert(0, {folder!r})
tempfile.tempdir = {scratch!r}
import soak
from attnorm import dialect
from memory import growth

kept = []

def leak(index):
    soak.lower(index)
    kept.append(dialect.new_context())

found = growth({step}, warm_up={warm_up}, steps={steps})
print(found.allocated, found.resident, found.descriptors, found.threads, found.scratch)
"""


def measured(scratch: Path, step: str, warm_up: int, steps: int) -> list[float]:
    """What a step of soak.py adds, in a process of its own."""
    folder = str(Path(__file__).parent)
    script = _MEASURED.format(
        folder=folder, scratch=str(scratch), step=step, warm_up=warm_up, steps=steps
    )
    return [float(word) for word in finished(["-c", script], 400).split()]


# Bytes allocated, measured: 1,500 a module so early, 300 a compilation, 0 a call.
@pytest.mark.parametrize(
    ("step", "warm_up", "steps", "bound"),
    [
        pytest.param("soak.lower", 120, 120, 16384, id="modules"),
        # IREE's bindings left 27 KB of each module that kernels are put into.
        pytest.param("lambda index: soak.compile_and_run(7)", 4, 12, 8192, id="compilations"),
        pytest.param("soak.caller()", 500, 4000, 16, id="calls"),
    ],
)
def test_flat(tmp_path: Path, step: str, warm_up: int, steps: int, bound: int) -> None:
    """Memory, descriptors, threads and scratch files stay as they are."""
    allocated, resident, descriptors, threads, scratch = measured(tmp_path, step, warm_up, steps)
    assert allocated < bound and resident < 100 * bound
    assert abs(descriptors) < 0.05 and abs(threads) < 0.05 and abs(scratch) < 0.05


def test_a_leak_is_seen(tmp_path: Path) -> None:
    """A context that is kept is far above what a module may add."""
    assert measured(tmp_path, "leak", 20, 40)[0] > 10 * 8192
    assert tempfile.gettempdir() != str(tmp_path)
