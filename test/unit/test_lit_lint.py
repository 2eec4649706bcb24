"""A lint of the lit suite: tests that cannot fail are found here."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TEST = Path(__file__).parents[1]
FILES = [path for path in sorted(TEST.rglob("*.mlir")) if "Inputs" not in path.parts]

SUFFIXES = ("NEXT", "SAME", "NOT", "DAG", "LABEL", "EMPTY", "COUNT")
LIT = {"RUN", "REQUIRES", "UNSUPPORTED", "XFAIL", "END", "DEFINE", "REDEFINE", "ALLOW_RETRIES"}

_RUN = re.compile(r"//\s*RUN:\s*(.*)")
_FILECHECK = re.compile(r"\bFileCheck\b(?P<rest>[^|;&]*)")
_PREFIX = re.compile(r"--?check-prefix(?:es)?[= ]\s*(\S+)")
_DIRECTIVE = re.compile(
    rf"//\s*(?P<prefix>[A-Z][A-Z0-9_-]*?)(?P<suffix>-(?:{'|'.join(SUFFIXES)})(?:-\d+)?)?"
    r"(?:\{LITERAL\})?:(?=\s|$)"
)
_WORD = re.compile(r"//\s*(?P<word>[A-Za-z][A-Za-z0-9_-]*)(?P<after>\s*:?)")
_EXPECTED = re.compile(
    r"expected-(?:error|warning|remark|note)(?:-re)?"
    r"(?:\s*@(?:[+-]?\d+|above|below|unknown))?\s*\d*\s*\{\{.*\}\}\s*$"
)
_LIKE_EXPECTED = re.compile(r"//\s*expe\w*[-_ ]+(?:\w+-re|\w+)\s*(?:@|\{\{)", re.IGNORECASE)


def run_lines(text: str) -> list[str]:
    """The commands of a file, lines that go on put together."""
    found: list[str] = []
    open_ = False
    for line in re.findall(_RUN, text):
        found[-1:] = [found[-1][:-1] + line] if open_ else [*found[-1:], line]
        open_ = line.endswith("\\")
    return found


def named_prefixes(text: str) -> set[str]:
    """The prefixes that the commands of a file check for."""
    found = set()
    for line in run_lines(text):
        for call in _FILECHECK.finditer(line):
            named = [word.split(",") for word in _PREFIX.findall(call["rest"])]
            found.update(prefix for words in named or [["CHECK"]] for prefix in words)
    return found


def used_prefixes(text: str) -> set[str]:
    """The prefixes of the directives in a file's comments."""
    return {match["prefix"] for match in _DIRECTIVE.finditer(text)} - LIT


def idle_runs(text: str) -> Iterator[str]:
    """Commands that do not read the test, nor what an earlier one made of it."""
    commands = run_lines(text)
    if not any("%s" in command for command in commands):
        yield "expected a RUN line that reads %s"
    for command in commands:
        # lit.cfg.py's %iree_run reads %t.vmfb.
        if not re.search(r"%(?:s|t|iree_run)\b", command):
            yield f"expected %s or a file %t in: {command}"
        for call in _FILECHECK.finditer(command):
            if not re.search(r"%s\b", call["rest"]):
                yield f"expected FileCheck to read %s in: {command}"


def unbalanced_prefixes(text: str) -> Iterator[str]:
    """Prefixes that are named and not used, or used and not named."""
    named, used = named_prefixes(text), used_prefixes(text)
    yield from (f"{prefix}: expected a directive, got none" for prefix in sorted(named - used))
    yield from (f"{prefix}: expected a RUN line that names it" for prefix in sorted(used - named))


def misspelt_directives(text: str) -> Iterator[str]:
    """Comments that begin like a directive and are none."""
    prefixes = named_prefixes(text) | {"CHECK"}
    known = {f"{prefix}-{suffix}" for prefix in prefixes for suffix in SUFFIXES} | prefixes | LIT
    for line in text.splitlines():
        for match in _WORD.finditer(line):
            word, after = match["word"], match["after"]
            shouted = word.upper() == word and len(word) > 2
            if not shouted and not after.endswith(":"):
                continue
            directive = _DIRECTIVE.match(line, match.start())
            if directive and directive["prefix"] in prefixes | LIT:
                continue
            if difflib.get_close_matches(word.upper(), known, n=1, cutoff=0.75):
                yield f"expected a directive, got: {line.strip()}"


def idle_expectations(text: str) -> Iterator[str]:
    """`expected-` comments that nothing reads, are misspelt, or are missing."""
    verified = any("--verify-diagnostics" in command for command in run_lines(text))
    expected = [line for line in text.splitlines() if _EXPECTED.search(line)]
    if verified and not expected:
        yield "expected at least one expected-error, got none"
    if expected and not verified:
        yield "expected a RUN line with --verify-diagnostics"
    for line in text.splitlines():
        if _LIKE_EXPECTED.search(line) and not _EXPECTED.search(line):
            yield f"expected expected-error @+1 {{{{text}}}}, got: {line.strip()}"


Lint = Callable[[str], Iterator[str]]
LINTS: tuple[Lint, ...] = (idle_runs, unbalanced_prefixes, misspelt_directives, idle_expectations)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TEST)))
def test_suite_is_clean(path: Path) -> None:
    """No lint has anything to say about a file of the suite."""
    text = path.read_text(errors="replace")
    assert [problem for lint in LINTS for problem in lint(text)] == []


GOOD = """// RUN: tool %s \\
// RUN:   --flag | FileCheck %s
// RUN: tool %s | FileCheck %s --check-prefixes=A,B-C
// RUN: tool %s > %t
// RUN: diff %t %t.other
// RUN: tool %s --verify-diagnostics
// What CHECK lines pin: this one is prose; IR, XLA and NaN are words.
// CHECK-LABEL: @f
// CHECK-COUNT-2: twice
// CHECK-EMPTY:
//      A: one
//  A-SAME: same
// B-C-NEXT: two
// expected-error @+1 {{bad}}
// expected-remark@above 2 {{worse}}
// expected-error-re @unknown {{{{a|b}}}}
"""


def test_good_file_is_clean() -> None:
    """Every form that lit, FileCheck and --verify-diagnostics know passes."""
    assert [problem for lint in LINTS for problem in lint(GOOD)] == []


def check(*comments: str) -> str:
    """A test file with comments."""
    return "\n".join(["// RUN: tool %s | FileCheck %s", "// CHECK: x", *comments])


BAD: list[tuple[Lint, str]] = [
    (idle_runs, "func.func @f()"),
    (idle_runs, "// RUN: tool | FileCheck %S"),
    (idle_runs, "// RUN: tool %s\n// RUN: tool --help"),
    (idle_runs, "// RUN: tool %s | FileCheck"),
    (idle_runs, "// RUN: tool %s | FileCheck --check-prefix=X"),
    (unbalanced_prefixes, "// RUN: tool %s | FileCheck %s"),
    (unbalanced_prefixes, check("// OTHER: y")),
    (unbalanced_prefixes, check("// OTHER-NEXT: y")),
    (unbalanced_prefixes, "// RUN: tool %s\n// CHECK: x"),
    (unbalanced_prefixes, "// RUN: tool %s | FileCheck %s --check-prefix=X\n// CHECK: x"),
    (unbalanced_prefixes, "// RUN: tool %s | FileCheck %s -check-prefixes A,B\n// A: x"),
    (misspelt_directives, check("// CHEK: y")),
    (misspelt_directives, check("// CHECK-NXT: y")),
    (misspelt_directives, check("// CHECKNEXT: y")),
    (misspelt_directives, check("// CHECK_NEXT: y")),
    (misspelt_directives, check("// CHECK : y")),
    (misspelt_directives, check("// CHECK-LABEL y")),
    (misspelt_directives, check("// CHECK y")),
    (misspelt_directives, check("// CHECK:y")),
    (misspelt_directives, check("// check: y")),
    (misspelt_directives, check("// Check-Next: y")),
    (misspelt_directives, check("  op // CHECK-SMAE: y")),
    (misspelt_directives, check("// RUNS: tool %s")),
    (misspelt_directives, "// RUN: tool %s | FileCheck %s --check-prefix=LONG\n// LOGN: x"),
    (idle_expectations, "// RUN: tool %s --verify-diagnostics"),
    (idle_expectations, "// RUN: tool %s\n// expected-error @+1 {{bad}}"),
]
BAD += [
    (idle_expectations, f"// RUN: tool %s --verify-diagnostics\n// expected-note {{{{x}}}}\n{bad}")
    for bad in (
        "// expected-eror @+1 {{bad}}",
        "// expected error @+1 {{bad}}",
        "// expect-error @+1 {{bad}}",
        "// expected_error {{bad}}",
        "// expected-error @next {{bad}}",
        "// expected-error @+1 bad",
    )
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_file_is_seen(number: int) -> None:
    """Each kind of mistake is seen by the lint made for it."""
    lint, text = BAD[number]
    assert list(lint(text))
