"""Breaks files, and looks at what becomes of them: `python test/hostile/run.py --kind bytecode`.

Each broken file is loaded, and what loads is lowered, in a child process of its own kind. A finding
is a death by a signal, more CPU time or memory than the bounds below, or an exception that is no
`AttnormError`. The file, and what was seen, are kept in a folder: `--keep`.

File number N of a seed is the same whatever the number of processes, and whatever came before it:
`--only N` does it alone, in this process.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import mmap
import os
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from kinds import KINDS, Kind, warm

from attnorm.errors import AttnormError
from attnorm.io import guard

CPU_SECONDS = 10
MEMORY = 1 << 30
"""Bytes of address space that a file may take beside what a process has before it is read."""
_KEPT = 3
"""Files of one finding that are kept."""
_BATCH = 250
"""Files that one child does: what they leave in its context goes with it."""


_GOOD = ("loaded", "refused", "contained")
"""Outcomes: contained is a crash of MLIR's reader that comes out as an error."""


@dataclass(frozen=True)
class Finding:
    """What became of a broken file that should have been an `AttnormError`."""

    kind: str
    seed: int
    index: int
    what: str
    detail: str = ""


def attempt(kind: Kind, path: Path, index: int) -> tuple[str, str]:
    """What becomes of a file: "loaded", "refused", or else the exception, and where it was."""
    try:
        kind.run(path, index)
    except AttnormError as error:
        inner = [d.message for d in error.diagnostics if "internal error" in d.message]
        return (inner[0], "") if inner else ("refused", "")
    except MemoryError:
        return f"more than {MEMORY >> 20} MiB", traceback.format_exc()
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        name = f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}"
        return name, traceback.format_exc()[-4000:]
    return "loaded", ""


def hunt(name: str, seed: int, indices: range) -> Iterator[Finding | str]:
    """What becomes of the files with these numbers, in child processes: one of `_GOOD`, or not."""
    kind = KINDS[name]
    kind.seeds()
    warm()
    gc.freeze()
    # As in a command's child: what is done goes to a page that the parent sees too.
    page = guard._page = mmap.mmap(-1, mmap.PAGESIZE)
    at, done = indices.start, indices.start
    with tempfile.TemporaryDirectory(prefix="hostile.") as name_:
        folder = Path(name_)
        while at < indices.stop:
            batch = range(at, min(at + _BATCH, indices.stop))
            with _child(kind, seed, batch, folder) as (pid, results):
                done = at
                for line in results:
                    what, detail = json.loads(line)
                    if what not in _GOOD:
                        # MLIR may have written anywhere, reading a file that was refused before.
                        again = folder / "again" / kind.file
                        again.parent.mkdir(exist_ok=True)
                        again.write_bytes(kind.broken(seed, done))
                        what, detail = _once_more(kind, again, done)
                        what = "contained" if what in _GOOD else what
                    yield what if what in _GOOD else Finding(name, seed, done, what, detail)
                    done += 1
                _, status = os.waitpid(pid, 0)
            at = done
            if done < batch.stop:
                doing = page[:].rstrip(b"\0").partition(b"\0")[2].decode()
                what, detail = _once_more(kind, folder / kind.file, done)
                if what in _GOOD:
                    yield "contained"
                else:
                    said = (folder / "stderr").read_text(errors="replace")[-2000:]
                    what = f"{_death(status)} while {doing}, then {what}"
                    yield Finding(name, seed, done, what, said + detail)
                at += 1


@contextlib.contextmanager
def _child(
    kind: Kind, seed: int, batch: range, folder: Path
) -> Iterator[tuple[int, Iterator[str]]]:
    """A process that does a batch, and the lines that it writes, one for each file."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        with os.fdopen(read) as lines:
            yield pid, _patiently(lines, pid)
        return
    try:
        os.close(read)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with open(folder / "stderr", "ab") as stderr:
            os.dup2(stderr.fileno(), 2)
        with os.fdopen(write, "w", buffering=1) as results:
            for index in batch:
                path = folder / kind.file
                path.write_bytes(kind.broken(seed, index))
                os.ftruncate(2, 0)
                guard.note("starting")
                _bound_memory()
                signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
                outcome = attempt(kind, path, index)
                signal.setitimer(signal.ITIMER_PROF, 0)
                print(json.dumps(outcome), file=results)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _once_more(kind: Kind, path: Path, index: int) -> tuple[str, str]:
    """What becomes of a file that ended a process, where Python's front door loads it.

    That has another process read it first. It may be another file, before it, that did the harm.
    """
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        guard._page = None
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        _bound_memory()
        outcome = attempt(kind, path, index)
        with os.fdopen(write, "w") as answer:
            json.dump(outcome, answer)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        said = answer.read()
    _, status = os.waitpid(pid, 0)
    return tuple(json.loads(said)) if status == 0 else (_death(status), "")


def _patiently(lines, pid: int) -> Iterator[str]:
    """The lines; a process that says nothing for long sleeps, and is killed."""
    while True:
        ready, _, _ = select.select([lines], [], [], 60 * CPU_SECONDS)
        if not ready:
            os.kill(pid, signal.SIGKILL)
        line = lines.readline()
        if not line.endswith("\n"):
            return
        yield line


def _bound_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limits = (pages * mmap.PAGESIZE + MEMORY, resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_AS, limits)


def _death(status: int) -> str:
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number == signal.SIGPROF:
        return f"more than {CPU_SECONDS} s of CPU"
    if number == signal.SIGKILL:
        return "no sign of life"
    return signal.Signals(number).name if number else f"exit status {os.WEXITSTATUS(status)}"


# -- the command ---------------------------------------------------------------------------------


def main() -> int:
    """Exit status 1 where there is a finding."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kind", choices=(*KINDS, "all"), default="all")
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="files of each kind")
    parser.add_argument("--start", type=int, default=0, metavar="N", help="number of the first")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1, metavar="N")
    parser.add_argument("--only", type=int, metavar="N", help="do one file in this process")
    parser.add_argument("--keep", type=Path, default=Path("build/hostile"), metavar="DIR")
    arguments = parser.parse_args()
    names = list(KINDS) if arguments.kind == "all" else [arguments.kind]
    if arguments.only is not None:
        return _alone(names[0], arguments)
    return max([_hunt_all(name, arguments) for name in names])


def _alone(name: str, arguments: argparse.Namespace) -> int:
    kind = KINDS[name]
    path = _keep(arguments.keep, Finding(name, arguments.seed, arguments.only, ""))
    print(f"{path}", flush=True)
    _bound_memory()
    what, detail = attempt(kind, path, arguments.only)
    print(f"{detail}{what}")
    return what not in _GOOD


def _keep(folder: Path, finding: Finding) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    kind = KINDS[finding.kind]
    path = folder / f"{finding.kind}-{finding.seed}-{finding.index}{kind.suffix}"
    path.write_bytes(kind.broken(finding.seed, finding.index))
    if finding.what:
        path.with_suffix(".finding").write_text(json.dumps(asdict(finding), indent=1))
    return path


def _hunt_all(name: str, arguments: argparse.Namespace) -> int:
    KINDS[name].seeds()  # once, before the processes part
    begun, count = time.monotonic(), arguments.count
    size = -(-count // arguments.processes)
    first, end = arguments.start, arguments.start + count
    workers = []
    for start in range(first, end, size):
        read, write = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(read)
            with os.fdopen(write, "w", buffering=1) as out:
                kept: Counter[str] = Counter()
                for found in hunt(name, arguments.seed, range(start, min(start + size, end))):
                    if isinstance(found, Finding):
                        kept[found.what] += 1
                        if kept[found.what] <= _KEPT:
                            _keep(arguments.keep, found)
                        print(json.dumps([found.what, found.index]), file=out)
                    else:
                        print(json.dumps([found, None]), file=out)
            os._exit(0)
        os.close(write)
        workers.append(os.fdopen(read))
    counts: Counter[str] = Counter()
    examples: dict[str, int] = {}
    for line in _merged(workers):
        what, index = json.loads(line)
        counts[what] += 1
        if index is not None and what not in examples:
            examples[what] = index
            print(f"{name}: {what} (--kind {name} --only {index})", flush=True)
    seconds = time.monotonic() - begun
    total = counts.total()
    good = ", ".join(f"{counts.pop(what, 0)} {what}" for what in _GOOD)
    print(
        f"{name}: {total} files in {seconds:.0f} s: {good}, {counts.total()} findings",
        flush=True,
    )
    for what, number in counts.most_common():
        print(f"  {number:6} {what}, first {examples[what]}")
    return int(bool(counts))


def _merged(workers: list) -> Iterator[str]:
    while workers:
        for worker in select.select(workers, [], [])[0]:
            line = worker.readline()
            if line:
                yield line
            else:
                workers.remove(worker)


if __name__ == "__main__":
    sys.exit(main())
