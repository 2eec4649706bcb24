"""Runs the cases: a process for every contender and thread count, and turns in rotation."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import numpy as np

from .machine import cores
from .messages import Outcome, Prepare, Turn
from .suite import Case, Suite

_PAUSE = 0.02
"""Seconds between turns: threads of the last one that wait in a loop for more work go to sleep."""
_LARGE_ROUNDS = 3
_PATIENCE = 900.0
"""Seconds until an answer is given up on."""


@dataclass
class Row:
    """What one contender did with one case. `turns`: seconds a call, one a round."""

    case: Case
    threads: int
    contender: str
    outcome: Outcome
    turns: list[float] = field(default_factory=list)


class Lost(Exception):
    """A process died or hung; the message says which."""


class Process:
    """A contender's process, started when it is first asked."""

    def __init__(self, suite: str, name: str, threads: int, scratch: Path) -> None:
        here, there = Pipe()
        cpus = ",".join(map(str, cores()[:threads]))
        arguments = [suite, name, cpus, str(there.fileno())]
        self._connection = here
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", *arguments],
            env={**os.environ, **environment(threads, scratch)},
            cwd=Path(__file__).parents[1],
            pass_fds=[there.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=None if "ATTNORM_BENCH_STDERR" in os.environ else subprocess.DEVNULL,
        )
        there.close()

    def receive(self) -> Any:
        """The next answer. Raises `Lost`."""
        try:
            if self._connection.poll(_PATIENCE):
                return self._connection.recv()
        except (EOFError, OSError):
            raise Lost(f"the process ended with status {self._process.wait()}") from None
        raise Lost(f"no answer in {_PATIENCE:.0f} s")

    def ask(self, message: object) -> Any:
        """The answer to a message. Raises `Lost`."""
        try:
            self._connection.send(message)
        except OSError:
            raise Lost(f"the process ended with status {self._process.wait()}") from None
        return self.receive()

    def close(self) -> None:
        """Ends it."""
        self._connection.close()
        self._process.kill()
        self._process.wait()


def environment(threads: int, scratch: Path) -> dict[str, str]:
    """What every contender's process is started with, the same for all of them."""
    count = str(threads)
    pools = ("OMP", "MKL", "OPENBLAS", "RAYON")
    eigen = f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}"
    return {
        **{f"{pool}_NUM_THREADS": count for pool in pools},
        "NPROC": count,
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": eigen,
        "TORCHINDUCTOR_CACHE_DIR": str(scratch / "inductor"),
        # malloc keeps what is freed: a result on fresh pages would cost more than its arithmetic.
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": str(1 << 50),
        "MALLOC_ARENA_MAX": "1",
    }


class Ensemble:
    """The contenders at one number of threads."""

    def __init__(self, suite: str, names: Sequence[str], threads: int, scratch: Path) -> None:
        self._suite, self._names, self._threads, self._scratch = suite, names, threads, scratch
        self._processes: dict[str, Process] = {}
        self._absent: dict[str, Outcome] = {}

    def __enter__(self) -> Ensemble:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the processes; they start again when needed."""
        for process in self._processes.values():
            process.close()
        self._processes.clear()

    def measure(
        self, case: Case, wanted: Sequence[str], rounds: int, seconds: float, say: Say
    ) -> list[Row]:
        """Prepares the case everywhere, then lets every contender have a turn in every round.

        A large case is one contender's after the other, in a process that ends with it.
        """
        groups = [[name] for name in self._names] if case.large else [self._names]
        rounds = min(rounds, _LARGE_ROUNDS) if case.large else rounds
        rows: dict[str, Row] = {}
        for names in groups:
            if case.large:
                self.close()
            for name in names:
                say(f"{name}: prepares")
                rows[name] = Row(case, self._threads, name, self._prepare(name, case, wanted))
            self._interleave([rows[name] for name in names], rounds, seconds, say)
        if case.large:
            self.close()
        return list(rows.values())

    def _interleave(self, rows: Sequence[Row], rounds: int, seconds: float, say: Say) -> None:
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            running = [row for row in rows if row.outcome.status == "ok"]
            # Nobody always follows the same one.
            first = number % max(1, len(running))
            for row in running[first:] + running[:first]:
                time.sleep(_PAUSE)
                self._turn(row, seconds)

    def _prepare(self, name: str, case: Case, wanted: Sequence[str]) -> Outcome:
        if name in self._absent:
            return self._absent[name]
        try:
            if name not in self._processes:
                self._processes[name] = Process(self._suite, name, self._threads, self._scratch)
                started: Outcome = self._processes[name].receive()
                if started.status != "ok":
                    self._absent[name] = started
                    return started
            return self._processes[name].ask(Prepare(case, tuple(wanted), str(self._scratch)))
        except Lost as error:
            return self._drop(name, error)

    def _turn(self, row: Row, seconds: float) -> None:
        try:
            row.turns.append(self._processes[row.contender].ask(Turn(seconds)))
        except Lost as error:
            row.outcome, row.turns = self._drop(row.contender, error), []

    def _drop(self, name: str, error: Lost) -> Outcome:
        """The next case gets a new process."""
        self._processes.pop(name).close()
        return Outcome("failed", str(error))


Say = Callable[[str], None]


def run(
    suite: Suite,
    cases: Sequence[Case],
    names: Sequence[str],
    thread_counts: Sequence[int],
    *,
    rounds: int,
    seconds: float,
    say: Say,
) -> Iterator[list[Row]]:
    """The rows of one case at one number of threads after the other."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ensembles = {
            threads: stack.enter_context(Ensemble(suite.name, names, threads, scratch))
            for threads in thread_counts
        }
        for number, case in enumerate(cases, 1):
            head = f"{case.title} ({number} of {len(cases)})"
            say(f"{head}: {suite.standard}")
            wanted = _write(suite.expected(case, scratch), scratch)
            for threads, ensemble in ensembles.items():
                where = f"{head}, {threads} thread{'s' * (threads > 1)}"
                yield ensemble.measure(
                    case, wanted, rounds, seconds, lambda what, where=where: say(f"{where}: {what}")
                )


def _write(arrays: Sequence[np.ndarray], folder: Path) -> list[str]:
    """Saves the arrays where workers can map them."""
    paths = [folder / f"wanted{index}.npy" for index in range(len(arrays))]
    for path, array in zip(paths, arrays, strict=True):
        path.unlink(missing_ok=True)
        np.save(path, array)
    return [str(path) for path in paths]


def settings(rounds: int, seconds: float) -> Mapping[str, object]:
    """How the run was taken, for its record."""
    return {
        "rounds": rounds,
        "seconds a turn": seconds,
        "turn": "a warm-up call, then batches of at least 1 ms; their median, per call",
        "order": "every contender once a round, another one first each time",
        "large cases": f"one contender after the other, {_LARGE_ROUNDS} rounds",
        "pause": f"{_PAUSE} s before every turn",
        "forms": "where a contender has several public forms of a case, the fastest right one",
        "processes": "one for each contender and number of threads, bound to as many cores",
        "malloc": "MALLOC_MMAP_MAX_=0, no trimming, one arena, in every process",
    }
