"""The same input gives the same bytes, whatever the state of the machine."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from workloads import ROOT, finished, modules

# One processor for all threads of the other process: IREE and BLAS take as many as they see.
_ON_ONE = (
    "import os, sys, runpy; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); "
    "sys.path.insert(0, os.path.dirname(sys.argv[1])); sys.argv = sys.argv[1:]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)
_SCRIPT = Path(__file__).with_name("digests.py")


def test_same_bytes(tmp_path: Path) -> None:
    """Another hash seed, folder, order of work, number of processors and environment: same bytes.

    Programs once held the path of the module's file, in debug information and a source map.
    """
    there = tmp_path / "another place" / "deeper"
    scratch = tmp_path / "scratch"
    for folder in (there, scratch):
        folder.mkdir(parents=True)
    other = {
        "PYTHONHASHSEED": "4711",
        "OMP_NUM_THREADS": "1",
        "TMPDIR": str(scratch),
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
        "COLUMNS": "40",
        "HOME": str(scratch),
    }
    with ThreadPoolExecutor() as pool:
        here = pool.submit(
            finished,
            [_SCRIPT, tmp_path, "--programs", "6"],
            400,
            cwd=ROOT,
            environment={"PYTHONHASHSEED": "0"},
        )
        elsewhere = pool.submit(
            finished,
            ["-c", _ON_ONE, _SCRIPT, there, "--programs", "6", "--reverse"],
            400,
            cwd=there,
            environment=other,
        )
        one, two = json.loads(here.result()), json.loads(elsewhere.result())
    assert {name for name in one if one[name] != two.get(name)} == set()
    good = [name for name, value in one.items() if not value.startswith("exit")]
    assert len(one) == len(two) and len(good) > 10 * len(modules())
    assert any(name.endswith("weights") for name in good), sys.path
