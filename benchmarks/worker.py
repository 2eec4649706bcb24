"""One contender in a process of its own: what a number of threads is, is settled at its start.

    python -m benchmarks.worker CONTENDER CPUS FD

`CPUS` are those that it may run on, "0,1". Messages come and go through the connection `FD`.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from .messages import Outcome, Prepare, Turn

if TYPE_CHECKING:
    from .contenders.base import Prepared

_BATCH_SECONDS = 1e-3


class Worker:
    """Answers messages, one case at a time."""

    def __init__(self, name: str, threads: int) -> None:
        from .contenders import CONTENDERS, LIMIT

        self._checked = name != LIMIT
        self._contender = CONTENDERS[name].load()(threads)
        self._prepared: Prepared | None = None
        gc.disable()

    def prepare(self, message: Prepare) -> Outcome:
        """Whatever goes wrong is an outcome."""
        from .contenders.base import Unsupported

        self._prepared = None
        gc.collect()
        try:
            return self._prepare(message)
        except Unsupported as error:
            return Outcome("unsupported", str(error))
        except Exception as error:
            return Outcome("failed", _brief(error))

    def _prepare(self, message: Prepare) -> Outcome:
        import numpy as np

        from . import oracle
        from .cases import operands

        prepared = self._contender.prepare(message.case, operands(message.case))
        results = prepared.results()
        outcome = Outcome("ok", "", prepared.form, None, prepared.compile_seconds)
        if self._checked:
            wanted = [np.load(path, mmap_mode="r") for path in message.wanted]
            error = oracle.verdict(message.case, results, wanted)
            outcome = replace(outcome, error=error)
            if error > (limit := oracle.tolerance(message.case)):
                reason = f"differs from float64 by {error:.1e}, more than {limit:.0e}"
                return replace(outcome, status="wrong", reason=reason)
        self._prepared = prepared
        return outcome

    def turn(self, message: Turn) -> float:
        """Seconds a call: the median of batches of at least a millisecond.

        A first call brings back what the other processes pushed out of the caches; a call that is
        long enough to do so itself is the measurement.
        """
        assert self._prepared is not None
        call = self._prepared.call
        first = _seconds(call, 1)
        if first >= message.seconds:
            return first
        count, batches = max(1, round(_BATCH_SECONDS / _seconds(call, 1))), []
        end = time.perf_counter() + message.seconds
        while time.perf_counter() < end:
            batches.append(_seconds(call, count))
        return statistics.median(batches)


def _seconds(call: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def _brief(error: Exception) -> str:
    """The first lines of a message; a framework's own may be pages, with paths."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines[:2])}"[:300]


def main() -> None:
    """Serves until the connection ends."""
    name, cpus, descriptor = sys.argv[1:]
    chosen = {int(cpu) for cpu in cpus.split(",")}
    # Before any framework counts the machine's cores.
    os.sched_setaffinity(0, chosen)
    connection = Connection(int(descriptor))
    try:
        worker = Worker(name, len(chosen))
    except ImportError as error:
        connection.send(Outcome("unsupported", f"not installed: {error.name}"))
        return
    connection.send(Outcome("ok"))
    while True:
        try:
            message = connection.recv()
        except EOFError:
            return
        answer = worker.prepare(message) if isinstance(message, Prepare) else worker.turn(message)
        connection.send(answer)


if __name__ == "__main__":
    main()
