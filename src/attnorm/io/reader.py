"""A process that reads files ahead of this one, to find out whether reading them is the end of it.

It forks for each file, so that it pays for its start once. What fails there is never read here: a
reader that ends with an error may have written where it should not.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..dialect import new_context
from ..errors import AttnormError, Diagnostic
from ..ir.elements import check_binary
from ..ir.mlir import ir
from ..ir.parsing import deserialize_portable_artifact, parse_bytecode_file, parse_text
from .files import read_bytes
from .guard import bounds, crash


@dataclass(frozen=True)
class Request:
    """A file, its name in errors, the way to read it, and whether any dialect goes."""

    path: str
    name: str
    way: str
    unregistered: bool


def check(request: Request) -> None:
    """Raises `AttnormError` for a file that cannot be read, or that reading is the end of."""
    with _lock:
        found = _ask(request)
    if found:
        raise AttnormError([_diagnostic(item) for item in found])


def _diagnostic(found: dict[str, Any]) -> Diagnostic:
    notes = tuple(map(_diagnostic, found.pop("notes")))
    return Diagnostic(**found, notes=notes)


# -- the asking process --------------------------------------------------------------------------

_lock = threading.Lock()
_running: tuple[int, subprocess.Popen[str]] | None = None
"""The reading process, and the one that it works for: a fork of it starts its own."""


def _ask(request: Request) -> list[dict[str, Any]]:
    """What is wrong with a file."""
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
        code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
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
        with contextlib.suppress(BrokenPipeError), _running[1]:
            pass  # closes its input, and waits
    _running = None


# -- the reading process -------------------------------------------------------------------------


def serve() -> None:
    """Answers requests: a line each, with the diagnostics."""
    answers = os.fdopen(os.dup(1), "w")
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    context = new_context()
    for line in sys.stdin:
        request = Request(**json.loads(line))
        print(json.dumps([asdict(found) for found in _try(request, context)]), file=answers)
        answers.flush()


def _try(request: Request, context: ir.Context) -> list[Diagnostic]:
    """What is wrong with a file, by a process of its own."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        with os.fdopen(write, "w") as answer:
            json.dump([asdict(found) for found in _read(request, context)], answer)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        said = answer.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        reason = crash(os.WTERMSIG(status)) or "was interrupted"
        return [Diagnostic(f"MLIR's reader {reason} while reading it", request.name)]
    return [_diagnostic(found) for found in json.loads(said)]


def _read(request: Request, context: ir.Context) -> Sequence[Diagnostic]:
    """Reads a file in a process that ends with it."""
    context.allow_unregistered_dialects = request.unregistered
    try:
        with bounds(os.path.getsize(request.path)):
            _parse(request, context)
    except MemoryError:
        return [Diagnostic("reading it took too much memory", request.name)]
    except AttnormError as error:
        return error.diagnostics
    return []


def _parse(request: Request, context: ir.Context) -> None:
    if request.way == "text":
        parse_text(read_bytes(request.path).decode(), request.name, context)
        return
    if request.way == "bytecode":
        module = parse_bytecode_file(request.path, context, request.name)
    else:
        module = deserialize_portable_artifact(read_bytes(request.path), request.name, context)
    check_binary(module, request.name)
