"""Errors that a user sees: located diagnostics, never a traceback."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnostic:
    """One message at one place.

    `line` and `column` count from 1; 0 means that the place is unknown. `notes` are attached
    diagnostics (severity "note").
    """

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    severity: str = "error"
    notes: tuple[Diagnostic, ...] = ()

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place += f":{self.line}:{self.column}"
        head = f"{place}: " if place else ""
        lines = [f"{head}{self.severity}: {self.message}"]
        lines += [str(note) for note in self.notes]
        return printable("\n".join(lines))


def explain(error: Exception) -> str:
    """What a command says of an error that ends it; one that is ours to mend is called internal."""
    if isinstance(error, AttnormError):
        return str(error)
    if isinstance(error, OSError):
        return f"error: {error.strerror}"
    return printable(f"error: internal error: {type(error).__name__}: {error}")


def printable(text: str) -> str:
    """Text that can be printed as UTF-8: files' names, and JSON, may hold lone surrogates."""
    return text.encode(errors="backslashreplace").decode()


class AttnormError(Exception):
    """Something is wrong with the input. `diagnostics` say what and where; `str()` prints them."""

    def __init__(self, diagnostics: str | Diagnostic | Iterable[Diagnostic]):
        if isinstance(diagnostics, str):
            diagnostics = Diagnostic(diagnostics)
        if isinstance(diagnostics, Diagnostic):
            diagnostics = (diagnostics,)
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__("\n".join(str(d) for d in self.diagnostics))
