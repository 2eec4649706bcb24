"""What the conductor and its workers tell each other."""

from __future__ import annotations

from dataclasses import dataclass

from .suite import Case


@dataclass(frozen=True)
class Prepare:
    """Build a case and compare its results with what `wanted` holds (.npy files).

    `folder` is what the processes have in common.
    """

    case: Case
    wanted: tuple[str, ...]
    folder: str


@dataclass(frozen=True)
class Turn:
    """Call for at least so long."""

    seconds: float


@dataclass(frozen=True)
class Outcome:
    """How a `Prepare` went: "ok", "wrong", "unsupported" or "failed", and why.

    `error` is the oracle's measure, `compile_seconds` the contender's own.
    """

    status: str
    reason: str = ""
    form: str = ""
    error: float | None = None
    compile_seconds: float | None = None
