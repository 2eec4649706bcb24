"""What a suite is made of: its cases, its contenders, and when a result is right."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .contender import Array, Contender

BASE = "attnorm"
"""What ratios are to: a contender of every suite."""
SUITES = ("operators", "models")
"""Each is a package here, with a `SUITE`."""
Wide = npt.NDArray[np.float64]


class Case(Protocol):
    """What everybody has to know of a case; the rest is between its suite and the contenders."""

    @property
    def name(self) -> str:
        """What `--cases` matches."""
        ...

    @property
    def title(self) -> str:
        """What a table says."""
        ...

    @property
    def heading(self) -> str:
        """What the table is called."""
        ...

    @property
    def bytes_moved(self) -> int | None:
        """The least that goes through memory, where a limit can be had from it."""
        ...

    @property
    def large(self) -> bool:
        """Whether all contenders at once would not fit into memory."""
        ...

    @property
    def slow(self) -> bool:
        """Whether `--quick` leaves it out."""
        ...


@dataclass(frozen=True)
class Entry:
    """Where a contender is, what it needs installed, and who owns its buffers."""

    label: str
    place: str
    packages: tuple[str, ...]
    buffers: str

    def load(self) -> type[Contender]:
        """Imports the framework."""
        module, _, name = self.place.partition(":")
        return getattr(importlib.import_module(f".{module}", __package__), name)


@dataclass(frozen=True)
class Suite:
    """Cases with the contenders that are asked for them.

    Every process has a folder in common with the others. `inputs` are what contenders compute with,
    the same in every process; `expected` are the right results, computed once; `verdict` is how far
    results are from these, and `tolerance` how far those of a contender may be.
    """

    name: str
    files: str
    """The name, without a suffix, of what is written."""
    cases: Sequence[Case]
    contenders: Mapping[str, Entry]
    limit: str
    """The contender that is no peer: what the machine can do."""
    rounds: int
    standard: str
    """What results are compared with, for the head of the tables."""
    remarks: str
    """What else the head of the tables says."""
    inputs: Callable[[Any, Path], Any]
    expected: Callable[[Any, Path], Sequence[Wide]]
    verdict: Callable[[Any, Sequence[Array], Sequence[Wide]], float]
    tolerance: Callable[[Any, str], float]


def find(name: str) -> Suite:
    """The suite of that name."""
    return importlib.import_module(f".{name}", __package__).SUITE
