"""The machine's limit: reading as many bytes once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ...contender import Array, Form, Prepared, Unsupported
from ..cases import Step
from ..inputs import Inputs


class Read:
    """A reduction that is faster than memory; NumPy lets go of the interpreter's lock in it."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads)

    def forms(self, case: Step, inputs: Inputs) -> list[Form]:
        """An array of the size."""
        return [lambda: self._prepare(case)]

    def _prepare(self, case: Step) -> Prepared:
        if case.bytes_moved is None:
            raise Unsupported("a prompt is not bound by memory traffic")
        parts = np.array_split(np.ones(case.bytes_moved // 8, np.int64), self._threads)

        def call() -> Sequence[Array]:
            return list(self._pool.map(np.bitwise_or.reduce, parts))

        return Prepared(call, call)
