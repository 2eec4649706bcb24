"""A process that reads files ahead of this one, to find out whether reading them is the end of it.

It forks for each file, so that it pays for its start once. A file passes where its reader lives on,
be it with a module or an error: the process that asked comes to the same.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass

from .bindings import (
    UntellableError,
    deserialize_portable_artifact,
    ir,
    parse_bytecode_file,
    parse_text,
)
from .errors import AttnormError, Diagnostic
from .files import read_bytes
from .guard import bounds, crash

_UNTELLABLE, _TOO_LARGE = 3, 4
_EXITS = {
    0: "",
    _UNTELLABLE: "found a mistake in text that is not UTF-8",
    _TOO_LARGE: "took too much memory",
}


@dataclass(frozen=True)
class Request:
    """A file, the way to read it, and what the context takes."""

    path: str
    way: str
    unregistered: bool


def check(request: Request, name: str) -> None:
    """Raises `AttnormError` for a file that reading is the end of, or that takes too much."""
    with _lock:
        reason = _ask(request)
    if reason:
        raise AttnormError(Diagnostic(f"MLIR's reader {reason} while reading it", name))


# -- the asking process --------------------------------------------------------------------------

_lock = threading.Lock()
_running: tuple[int, subprocess.Popen[str]] | None = None
"""The reading process, and the one that it works for: a fork of it starts its own."""


def _ask(request: Request) -> str:
    for _ in range(2):
        process = _reader()
        assert process.stdin and process.stdout
        try:
            print(json.dumps(asdict(request)), file=process.stdin, flush=True)
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if answer:
            return json.loads(answer)
        _stop()
    raise AttnormError("cannot start the process that reads files first")


def _reader() -> subprocess.Popen[str]:
    global _running
    if _running is None or _running[0] != os.getpid():
        # The path, since this package need not be installed.
        code = f"import sys; sys.path[:] = {sys.path!r}; from attnorm.reader import serve; serve()"
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=pipe,
            stdout=pipe,
            text=True,
            # Ctrl-C is for the process that asks.
            start_new_session=True,
        )
        _running = os.getpid(), process
    return _running[1]


@atexit.register
def _stop() -> None:
    global _running
    if _running and _running[0] == os.getpid():
        with _running[1]:
            pass  # closes its input, and waits
    _running = None


# -- the reading process -------------------------------------------------------------------------


def serve() -> None:
    """Answers requests, a line each, with why reading was the end: "" where it was not."""
    from .api import new_context

    answers = os.fdopen(os.dup(1), "w")
    # What a reader says, it says to the process that asked, when that reads the file.
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    context = new_context()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os._exit(_try(Request(**json.loads(line)), context))
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            reason = crash(os.WTERMSIG(status)) or "was interrupted"
        else:
            reason = _EXITS.get(os.WEXITSTATUS(status), "failed")
        print(json.dumps(reason), file=answers, flush=True)


def _try(request: Request, context: ir.Context) -> int:
    """The exit status of a process that reads a file."""
    context.allow_unregistered_dialects = request.unregistered
    try:
        with bounds(os.path.getsize(request.path)):
            _read(request, context)
    except UntellableError:
        return _UNTELLABLE
    except MemoryError:
        return _TOO_LARGE
    except AttnormError:
        return 0
    return 0


def _read(request: Request, context: ir.Context) -> None:
    if request.way == "bytecode":
        parse_bytecode_file(request.path, context)
        return
    data = read_bytes(request.path)
    if request.way == "portable":
        deserialize_portable_artifact(data, "-", context)
    else:
        parse_text(data.decode(), "-", context)
