"""Runs the lit suite and pytest, and ends with one line that counts both.

    python test/run.py                          every test
    python test/run.py quick                    two minutes: the passes, tools and definitions
    python test/run.py execution                what is compiled and run: for each kind of CPU
    python test/run.py frameworks               what needs torch, JAX, ONNX, ... beside it
    python test/run.py --target x86-64-v3       compiled for AVX2 wherever the tests say "host"

The counts come from lit's JSON and pytest's JUnit XML; above them stands why tests were skipped.
Exit status 1 where a test failed or none ran.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from needs import FRAMEWORKS

from attnorm.errors import AttnormError
from attnorm.execution.compiler import executable_target
from attnorm.execution.kernels.machine import Machine
from attnorm.execution.targets import HOST_VARIABLE, TARGETS, find_target

ROOT = Path(__file__).parent.parent
_LIT_OUTCOMES = {
    "PASS": "passed",
    "XFAIL": "passed",
    "UNSUPPORTED": "skipped",
    "SKIPPED": "skipped",
}
# What of a CPU decides which code a kernel or a product gets.
_TOLD = ("sse4.2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512bf16", "avx512fp16", "amx-tile")
_TOLD += ("neon", "bf16", "sve", "sve2", "v")


@dataclass(frozen=True)
class Suite:
    """Folders and files for lit, and for pytest."""

    lit: tuple[str, ...]
    pytest: tuple[str, ...]


SUITES = {
    "all": Suite(("test",), ("test",)),
    "quick": Suite(
        ("test",),
        (
            *("test/unit", "test/tools", "test/reference", "test/frontends"),
            *("test/checking/test_check.py", "test/checking/test_inputs.py"),
            *("test/execution/test_arrays.py", "test/execution/test_main_job.py"),
            "test/execution/test_program.py",
        ),
    ),
    "execution": Suite(
        ("test/execution",),
        (
            *("test/execution/test_attention_kernel.py", "test/execution/test_row_kernels.py"),
            *("test/execution/test_column_kernels.py", "test/execution/test_matvec.py"),
            *("test/execution/test_main_job.py", "test/execution/test_bf16_converts.py"),
            *("test/execution/test_own_composites.py", "test/models/test_shared_inputs.py"),
        ),
    ),
    "frameworks": Suite(
        (),
        (
            *("test/frontends", "test/oracles", "test/models/test_architectures.py"),
            *("test/execution/test_session.py", "test/execution/test_session_aarch64.py"),
            *("test/unit/test_benchmarks_models.py", "test/unit/test_specs.py"),
            "test/longuse/test_packages.py",
        ),
    ),
}


@dataclass
class Results:
    """How many tests passed, failed and were skipped, and why they were skipped."""

    counts: Counter[str] = field(default_factory=Counter)
    skips: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    """Tests that want a framework and that the suite "frameworks" does not have."""

    def line(self) -> str:
        """The closing line."""
        counts = self.counts
        return f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped"


def run_lit(paths: Sequence[str], into: Results) -> None:
    """Runs the lit suite; every outcome that is neither good nor skipped is a failure."""
    tool = Path(sys.executable).parent / "lit"
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "lit.json"
        subprocess.run([tool, "-v", "--output", results, *paths], cwd=ROOT)
        tests = json.loads(results.read_text())["tests"] if results.exists() else []
    into.counts += Counter(_LIT_OUTCOMES.get(test["code"], "failed") for test in tests)
    into.counts["failed"] += not tests


def run_pytest(paths: Sequence[str], into: Results) -> None:
    """Runs pytest; an error outside of a test is a failure too."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "pytest.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={results}", *paths]
        command += ["--numprocesses=auto", "--dist=worksteal", "--durations=20"]
        status = subprocess.run(command, cwd=ROOT).returncode
        cases = list(ElementTree.parse(results).iter("testcase")) if results.exists() else []
    for case in cases:
        outcomes = {child.tag: child for child in case}
        failed = outcomes.keys() & {"failure", "error"}
        counts["failed" if failed else "skipped" if "skipped" in outcomes else "passed"] += 1
        if "skipped" in outcomes and not failed:
            _skipped(case, outcomes["skipped"], into)
    if status and not counts["failed"]:
        counts["failed"] += 1
    into.counts += counts


def _skipped(case: ElementTree.Element, outcome: ElementTree.Element, into: Results) -> None:
    """Takes in why a test was skipped."""
    reason = outcome.get("message") or ""
    if reason == "collection skipped":
        # A whole file: the reason ends in what it was skipped with, and the file has no class.
        reason = (outcome.text or "").rpartition("Skipped: ")[2].rstrip("'\")")
    into.skips[reason] += 1
    file = (case.get("classname") or case.get("name") or "").replace(".", "/")
    suites = [path.removesuffix(".py") for path in SUITES["frameworks"].pytest]
    if reason.endswith(FRAMEWORKS) and not any(file.startswith(path) for path in suites):
        into.missed.append(file)


def describe(target: str) -> str:
    """The vectors that code for a target has, in bits, and what else decides about kernels."""
    machine = Machine.parse(executable_target(find_target(target)))
    told = [name for name in _TOLD if name in machine.features]
    return f"{machine.architecture}, {8 * machine.vector_bytes}-bit vectors ({', '.join(told)})"


def check_runs_here(target: str) -> None:
    """Raises `AttnormError` where this machine cannot run what is compiled for a target."""
    here, wanted = (
        Machine.parse(executable_target(one)) for one in (TARGETS["host"], find_target(target))
    )
    lacking = sorted(wanted.features - here.features)
    if here.architecture != wanted.architecture or lacking:
        what = ", ".join(lacking) or wanted.architecture
        raise AttnormError(f"target '{target}': this machine has no {what}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the suite and prints the closing line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("suite", nargs="?", choices=SUITES, default="all")
    parser.add_argument("--target", default=os.environ.get(HOST_VARIABLE, "host"))
    options = parser.parse_args(arguments)
    try:
        check_runs_here(options.target)
    except AttnormError as error:
        parser.exit(2, f"test/run: {error}\n")
    os.environ[HOST_VARIABLE] = options.target
    suite, results = SUITES[options.suite], Results()
    tests = f"suite '{options.suite}' for {options.target}: {describe(options.target)}"
    print(tests, flush=True)
    if suite.lit:
        run_lit(suite.lit, results)
    run_pytest(suite.pytest, results)
    if options.suite == "frameworks" and any(FRAMEWORKS in reason for reason in results.skips):
        print("failed: a framework is not installed where all are expected")
        results.counts["failed"] += 1
    for file in sorted(set(results.missed)):
        print(f"failed: {file} is not in the suite 'frameworks', which its skip names")
        results.counts["failed"] += 1
    for reason, count in sorted(results.skips.items()):
        print(f"skipped {count}: {reason}")
    print(tests)
    print(results.line())
    return 1 if results.counts["failed"] or not results.counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
