"""Runs the lit suite and pytest, and ends with one line that counts both.

    python test/run.py

The counts come from lit's JSON and pytest's JUnit XML. Exit status 1 where a test failed or none
ran.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
_LIT_OUTCOMES = {
    "PASS": "passed",
    "XFAIL": "passed",
    "UNSUPPORTED": "skipped",
    "SKIPPED": "skipped",
}


def run_lit(results: Path) -> Counter[str]:
    """Runs the lit suite; every outcome that is neither good nor skipped is a failure."""
    tool = Path(sys.executable).parent / "lit"
    subprocess.run([tool, "-v", "--output", results, "test"], cwd=ROOT)
    if not results.exists():
        return Counter(failed=1)
    tests = json.loads(results.read_text())["tests"]
    return Counter(_LIT_OUTCOMES.get(test["code"], "failed") for test in tests)


def run_pytest(results: Path) -> Counter[str]:
    """Runs pytest; an error outside of a test is a failure too."""
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={results}"]
    command += ["--numprocesses=auto", "--dist=worksteal"]
    status = subprocess.run(command, cwd=ROOT).returncode
    counts: Counter[str] = Counter()
    if results.exists():
        for case in ElementTree.parse(results).iter("testcase"):
            outcomes = {child.tag for child in case}
            failed = outcomes & {"failure", "error"}
            counts["failed" if failed else "skipped" if "skipped" in outcomes else "passed"] += 1
    if status and not counts["failed"]:
        counts["failed"] += 1
    return counts


def main() -> int:
    """Runs both and prints the closing line."""
    with tempfile.TemporaryDirectory() as folder:
        counts = run_lit(Path(folder) / "lit.json") + run_pytest(Path(folder) / "pytest.xml")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
