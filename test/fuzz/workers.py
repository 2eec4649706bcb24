"""Modules checked by forked processes, so that no death and no hang stops a run."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from chosen_pipelines import NAMED, SINGLE, STRATEGIES, choose, steps
from property import Case, Finding, check
from samples import sample

from attnorm import dialect
from attnorm.errors import AttnormError
from attnorm.ir.mlir import ir

CHUNK = 100
"""Seeds that share a process and a context: what a context has seen, it keeps."""
SECONDS = 30
"""How long a module may compute; a load on the machine does not count."""
PATIENCE = 20
"""How many times as long it may take."""
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Found:
    """A finding and its seed."""

    seed: int
    finding: Finding


@dataclass
class _Worker:
    """A process with the seeds that it has still to do."""

    process: Any
    messages: Connection
    seeds: range
    since: float = field(default_factory=time.monotonic)


def run(
    seeds: Iterator[range], processes: int, *, seconds: int = SECONDS
) -> Iterator[Found | Counter[str]]:
    """Checks ranges of seeds, some processes at a time; findings and counts as they come."""
    # Children find loaded what they share.
    for name in (*NAMED, *STRATEGIES, *SINGLE):
        steps(name)
    workers: list[_Worker] = []
    while True:
        while len(workers) < processes:
            more = next(seeds, None)
            if more is None:
                break
            workers.append(_start(more, seconds))
        if not workers:
            return
        ready = wait([worker.messages for worker in workers], timeout=1.0)
        for worker in list(workers):
            late = time.monotonic() - worker.since > PATIENCE * seconds
            if worker.messages not in ready and not late:
                continue
            message = None if late else _receive(worker)
            if message is None:
                workers.remove(worker)
                yield from _ended(worker, late=late)
                if len(rest := worker.seeds):
                    workers.append(_start(rest, seconds))
            elif isinstance(message, int):
                worker.seeds = range(message, worker.seeds.stop)
                worker.since = time.monotonic()
            else:
                yield message


def _receive(worker: _Worker) -> Any:
    try:
        return worker.messages.recv()
    except EOFError:
        return None


def _ended(worker: _Worker, *, late: bool) -> Iterator[Found]:
    """What the end of a process says about the module that it was at."""
    if late:
        worker.process.kill()
    worker.process.join()
    worker.messages.close()
    seed, status = worker.seeds.start, worker.process.exitcode
    if late or status == -signal.SIGXCPU:
        yield Found(seed, Finding("hang", "-", "too long"))
    elif status < 0:
        yield Found(seed, Finding("death", "-", signal.Signals(-status).name))
    elif status > 0:
        yield Found(seed, Finding("exit", "-", f"status {status}"))
    else:
        seed = worker.seeds.stop - 1
    worker.seeds = range(seed + 1, worker.seeds.stop)


def _start(seeds: range, seconds: int) -> _Worker:
    ours, theirs = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_work, args=(seeds, theirs, seconds), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours, seeds)


def _work(seeds: range, messages: Connection, seconds: int) -> None:
    """Checks modules; says at which seed it is, what it found and what it counted."""
    _silence()
    context = dialect.new_context()
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    for seed in seeds:
        messages.send(seed)
        counter: Counter[str] = Counter()
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1 + seconds, most))
        try:
            finding = check_seed(seed, context, counter)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(last.filename).name}:{last.lineno}"
            finding = Finding("fuzzer", place, f"{type(error).__name__}: {error}")
        if finding:
            messages.send(Found(seed, finding))
        messages.send(counter)


def check_seed(seed: int, context: ir.Context, counter: Counter[str]) -> Finding | None:
    """Checks the module of a seed."""
    text = choose(seed)
    try:
        found = sample(seed, context)
    except AttnormError as error:
        return Finding("no module", "-", str(error)[:200])
    counter["modules"] += 1
    counter[f"pipeline {text if text.count(',') < 2 else 'of any passes'}"] += 1
    for label in found.labels:
        counter[f"step {label}"] += 1
    return check(Case(found.module, found.entries, text, found.refusable), counter)


def _silence() -> None:
    """What C++ says of an error on stderr is in the findings."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
