"""What a contender is: something that prepares a case and can then be called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]


class Unsupported(Exception):
    """The contender lacks this case; the message says what is missing."""


@dataclass(frozen=True)
class Prepared:
    """A compiled case with its operands in place.

    `call` computes the results once and returns when they are there; `results` calls and gives them
    as arrays, which nothing times. `form` is the public form that was chosen. `compile_seconds` is
    None where there is nothing to compile ahead. `alive` is memory that `call` uses behind Python's
    back.
    """

    call: Callable[[], object]
    results: Callable[[], Sequence[Array]]
    form: str = ""
    compile_seconds: float | None = None
    alive: object = None


Form = Callable[[], Prepared]
"""One way to write a case: builds, compiles and uploads. May raise `Unsupported`, or anything."""


class Contender(Protocol):
    """Made once in a process of its own, whose environment already says how many threads."""

    def __init__(self, threads: int) -> None:
        """Loads the framework and tells it the number of threads."""
        ...

    def forms(self, case: Any, inputs: Any) -> Sequence[Form]:
        """The public forms that could be its best; the fastest right one is measured."""
        ...
