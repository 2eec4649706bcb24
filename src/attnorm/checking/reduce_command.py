"""A command that fails on a file, run on smaller files: does it fail in the same way?"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

_MOST_OUTPUT = 64 << 20  # a command that says more is taken for one that does not end
_POLL = 0.1  # seconds between looks at whether a run has to stop

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """How a run of a command ended: its exit status (a signal is negative; None: out of time).

    `said` is whether its output has what it has to.
    """

    status: int | None
    said: bool = True

    def __str__(self) -> str:
        if self.status is None:
            return "does not end in time"
        if self.status < 0:
            return f"dies of signal {-self.status}"
        return f"ends with status {self.status}"


class Command:
    """A command of the shell; {} in it stands for a file, which otherwise follows it.

    `output` is a regular expression that stdout or stderr has to match where the command fails. A
    run takes `timeout` seconds at most. `suffix` is that of the files. `jobs` runs go on at once.
    """

    def __init__(self, text: str, *, output: str | None, timeout: float, suffix: str, jobs: int):
        self._text = text if "{}" in text else f"{text} {{}}"
        self._output = re.compile(output.encode()) if output is not None else None
        self._timeout = timeout
        self._suffix = suffix
        self._jobs = jobs
        self._stopping = threading.Event()
        self.runs = 0

    def run(self, data: bytes) -> Outcome:
        """Runs the command on a file with these contents."""
        # A folder for each: what a command does to its input stays there.
        with (
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
            tempfile.TemporaryFile() as said,
        ):
            path = Path(folder) / f"candidate{self._suffix}"
            path.write_bytes(data)
            status = self._status(self._text.replace("{}", shlex.quote(str(path))), said)
            if self._output is None:
                return Outcome(status)
            said.seek(0)
            return Outcome(status, self._output.search(said.read(_MOST_OUTPUT)) is not None)

    def _status(self, command: str, said: IO[bytes]) -> int | None:
        deadline = time.monotonic() + self._timeout
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=said if self._output else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while time.monotonic() < deadline and not self._stopping.is_set():
                if os.fstat(said.fileno()).st_size > _MOST_OUTPUT:
                    break
                with suppress(subprocess.TimeoutExpired):
                    return process.wait(_POLL)
            return None
        finally:
            # What it has started goes too.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def first(
        self, wanted: Outcome, candidates: Iterator[T], encode: Callable[[T], bytes]
    ) -> T | None:
        """The first candidate that ends as wanted.

        Several run at once, but which one it is does not depend on which ends first.
        """
        running: deque[tuple[T, Future[Outcome]]] = deque()
        self._stopping.clear()
        with ThreadPoolExecutor(self._jobs) as pool:
            try:
                for candidate in candidates:
                    running.append((candidate, pool.submit(self.run, encode(candidate))))
                    self.runs += 1
                    if len(running) == self._jobs and (found := _settled(running, wanted)):
                        return found
                while running:
                    if found := _settled(running, wanted):
                        return found
                return None
            finally:
                self._stopping.set()


def _settled(running: deque[tuple[T, Future[Outcome]]], wanted: Outcome) -> T | None:
    """The candidate that was begun first, where it ends as wanted."""
    candidate, outcome = running.popleft()
    return candidate if outcome.result() == wanted else None
