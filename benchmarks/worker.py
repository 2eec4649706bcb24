"""One contender in a process of its own: what a number of threads is, is settled at its start.

    python -m benchmarks.worker SUITE CONTENDER CPUS FD

`CPUS` are those that it may run on, "0,1". Messages come and go through the connection `FD`.
"""

from __future__ import annotations

import gc
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from .messages import Outcome, Prepare, Turn

if TYPE_CHECKING:
    from .contender import Form, Prepared

_BATCH_SECONDS = 1e-3
_ORDER = ("ok", "wrong", "failed", "unsupported")


class Worker:
    """Answers messages, one case at a time."""

    def __init__(self, suite: str, name: str, threads: int) -> None:
        from .suite import find

        self._suite = find(suite)
        self._name = name
        self._contender = self._suite.contenders[name].load()(threads)
        self._prepared: Prepared | None = None
        gc.disable()

    def prepare(self, message: Prepare) -> Outcome:
        """Builds every form of the case and keeps the fastest right one."""
        self._prepared, best = None, math.inf
        outcomes: list[Outcome] = []
        for form in self._forms(message):
            gc.collect()
            prepared, outcome = self._build(form, message)
            outcomes.append(outcome)
            if prepared and (seconds := _quickest(prepared.call)) < best:
                self._prepared, best = prepared, seconds
                outcomes.insert(0, outcomes.pop())
        # The form that is measured; else the first one that was wrong, failed or is not there.
        return min(outcomes, key=lambda outcome: _ORDER.index(outcome.status))

    def _forms(self, message: Prepare) -> Sequence[Form]:
        try:
            inputs = self._suite.inputs(message.case, Path(message.folder))
            return self._contender.forms(message.case, inputs)
        except Exception as error:
            # As if there were one form, which failed so.
            return [partial(_raise, error)]

    def _build(self, form: Form, message: Prepare) -> tuple[Prepared | None, Outcome]:
        """Compiles and compares; whatever goes wrong is an outcome."""
        from .contender import Unsupported

        try:
            prepared = form()
            outcome = self._judge(prepared, message)
        except Unsupported as error:
            return None, Outcome("unsupported", str(error))
        except Exception as error:
            return None, Outcome("failed", _brief(error))
        return prepared if outcome.status == "ok" else None, outcome

    def _judge(self, prepared: Prepared, message: Prepare) -> Outcome:
        import numpy as np

        results = prepared.results()
        outcome = Outcome("ok", "", prepared.form, None, prepared.compile_seconds)
        if self._name == self._suite.limit:
            return outcome
        wanted = [np.load(path, mmap_mode="r") for path in message.wanted]
        outcome = replace(outcome, error=self._suite.verdict(message.case, results, wanted))
        if (limit := self._suite.tolerance(message.case, self._name)) >= (outcome.error or 0.0):
            return outcome
        by = f"{outcome.error:.1e}, more than {limit:.0e}"
        return replace(
            outcome, status="wrong", reason=f"differs from {self._suite.standard} by {by}"
        )

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


def _quickest(call: Callable[[], object]) -> float:
    """The least seconds of a few calls: enough to choose between forms."""
    first = _seconds(call, 1)
    return first if first > 0.5 else min(first, *(_seconds(call, 1) for _ in range(5)))


def _raise(error: Exception) -> Prepared:
    raise error


def _brief(error: Exception) -> str:
    """The first lines of a message; a framework's own may be pages, with paths."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines[:2])}"[:300]


def main() -> None:
    """Serves until the connection ends."""
    suite, name, cpus, descriptor = sys.argv[1:]
    chosen = {int(cpu) for cpu in cpus.split(",")}
    # Before any framework counts the machine's cores.
    os.sched_setaffinity(0, chosen)
    connection = Connection(int(descriptor))
    try:
        worker = Worker(suite, name, len(chosen))
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
