"""The machine's limit: a plain copy of as many bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ...contender import Form, Prepared, Unsupported
from ..cases import Array, Case, Rows

_WORTH_A_THREAD = 1 << 20
"""Bytes: below, handing a slice to a thread costs more than copying it."""


class Copy:
    """np.copyto; NumPy lets go of the interpreter's lock while it copies."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads)

    def forms(self, case: Case, operands: Mapping[str, Array]) -> list[Form]:
        """Reads half of the case's bytes and writes the other half."""
        return [lambda: self._prepare(case)]

    def _prepare(self, case: Case) -> Prepared:
        if not isinstance(case, Rows):
            raise Unsupported("attention is not bound by memory traffic alone")
        half = case.bytes_moved // 2
        source, target = np.ones(half, np.uint8), np.zeros(half, np.uint8)
        if half < _WORTH_A_THREAD or self._threads == 1:
            return Prepared(lambda: np.copyto(target, source), lambda: [target])
        parts = list(
            zip(*(np.array_split(a, self._threads) for a in (target, source)), strict=True)
        )

        def call() -> Sequence[None]:
            return list(self._pool.map(lambda part: np.copyto(*part), parts))

        return Prepared(call, lambda: [target])
