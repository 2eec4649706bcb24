"""`--verify-diagnostics`: `expected-error@+1 {{...}}` comments against what was said.

The syntax is mlir-opt's: a severity (error, warning, remark, note), `-re` for text with `{{regex}}`
parts, a line (`@3`, `@+1`, `@-1`, `@above`, `@below`, `@unknown`; none is the comment's own), a
count, and the text, which has to be part of the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..errors import Diagnostic

_COMMENT = re.compile(
    r"expected-(?P<severity>error|warning|remark|note)(?P<regex>-re)?"
    r"(?:\s*@(?P<line>[+-]?\d+|above|below|unknown))?\s*(?P<count>\d+)?\s*"
    r"\{\{(?P<text>.*?)\}\}\s*$"
)


@dataclass
class _Expectation:
    severity: str
    line: int
    """Where the diagnostic has to be; 0 is an unknown place."""
    text: re.Pattern[str]
    shown: str
    at: int
    """The comment's own line."""

    def matches(self, diagnostic: Diagnostic) -> bool:
        same = diagnostic.severity == self.severity and diagnostic.line == self.line
        return same and self.text.search(diagnostic.message) is not None


def mismatches(text: str, first_line: int, said: Iterable[Diagnostic], file: str) -> list[str]:
    """What was expected and not said, and what was said and not expected; empty if all is well.

    `text` begins at line `first_line` of `file`. Notes are taken out of their diagnostics; one that
    nobody expects is no mismatch.
    """
    open_ = _expectations(text, first_line)
    problems = []
    for diagnostic in _flatten(said):
        found = next((item for item in open_ if item.matches(diagnostic)), None)
        if found:
            open_.remove(found)
        elif diagnostic.severity != "note":
            what = f"unexpected {diagnostic.severity}: {diagnostic.message}"
            problems.append(str(replace(diagnostic, message=what, severity="error", notes=())))
    for item in open_:
        what = f'expected {item.severity} "{item.shown}" was not produced'
        problems.append(str(Diagnostic(what, file, item.at, 1)))
    return problems


def _flatten(said: Iterable[Diagnostic]) -> Iterable[Diagnostic]:
    for diagnostic in said:
        yield diagnostic
        yield from _flatten(diagnostic.notes)


def _expectations(text: str, first_line: int) -> list[_Expectation]:
    lines = text.split("\n")
    comments = [_COMMENT.search(line) for line in lines]
    found = []
    for index, comment in enumerate(comments):
        if comment is None:
            continue
        line = _line(comment["line"], index, comments)
        pattern = _pattern(comment["text"]) if comment["regex"] else re.escape(comment["text"])
        own = index + first_line
        item = _Expectation(
            comment["severity"],
            0 if line is None else line + first_line,
            re.compile(pattern),
            comment["text"],
            own,
        )
        found += [item] * int(comment["count"] or 1)
    return found


def _line(spec: str | None, index: int, comments: list[re.Match[str] | None]) -> int | None:
    """The line meant, counted from 0 within the text; None for an unknown place."""
    if spec == "unknown":
        return None
    if spec in ("above", "below"):
        # Past the other comments, so that several can share a line.
        step = -1 if spec == "above" else 1
        index += step
        while 0 <= index < len(comments) and comments[index]:
            index += step
        return index
    if spec and spec[0] in "+-":
        return index + int(spec)
    return int(spec) - 1 if spec else index


def _pattern(text: str) -> str:
    """The regular expression of an `-re` text: literal, but for `{{...}}` parts."""
    parts = re.split(r"\{\{(.*?)\}\}", text)
    return "".join(part if odd % 2 else re.escape(part) for odd, part in enumerate(parts))
