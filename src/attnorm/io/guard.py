"""What a broken file may do: bounds while it is read, and a process of its own to crash in.

MLIR's readers abort, overflow their stack or ask for endless memory on some broken files, and only
the end of a process stops that. A command's whole work runs in a child, whose death becomes an
error like any other. In Python, another process reads first what may be harmful: `reader`.

Bounds on memory and the child are Linux's: `/proc`, signals with a sender, death after a parent's.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from types import MappingProxyType

from ..errors import Diagnostic

STACK = 2 << 20
"""Bytes of stack for reading a file: a quarter of what threads have, since passes recurse too."""
_MEMORY, _MEMORY_PER_BYTE = 1 << 30, 64
_SECONDS, _SECONDS_PER_BYTE = 2, 2 / (1 << 20)
"""Address space and CPU time for reading a file, by its size: ten times what sound files take."""
_CRASHES = MappingProxyType(
    {
        signal.SIGXCPU: "took too long",
        signal.SIGKILL: "was killed (SIGKILL), perhaps for want of memory",
        **{
            number: f"crashed ({number.name})"
            for name in ("SEGV", "ABRT", "BUS", "FPE", "ILL", "SYS", "TRAP")
            for number in (signal.Signals[f"SIG{name}"],)
        },
    }
)


def crash(number: int) -> str | None:
    """What a death by this signal says of the work; None where somebody ended it."""
    return _CRASHES.get(signal.Signals(number))


# -- bounds --------------------------------------------------------------------------------------


@contextlib.contextmanager
def bounds(size: int) -> Iterator[None]:
    """Bounds what the process takes to read a file of `size` bytes: memory, CPU time, stack.

    Only for a process that may die: MLIR aborts where it gets no memory, and time ends in a signal.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    wanted = {
        resource.RLIMIT_CPU: usage.ru_utime + usage.ru_stime + _SECONDS + _SECONDS_PER_BYTE * size,
        resource.RLIMIT_STACK: STACK,
    }
    if sys.platform == "linux":
        with open("/proc/self/statm") as file:
            held = int(file.read().split()[0]) * mmap.PAGESIZE
        wanted[resource.RLIMIT_AS] = held + _MEMORY + _MEMORY_PER_BYTE * size
    before = {kind: resource.getrlimit(kind) for kind in wanted}
    for kind, limit in wanted.items():
        soft, hard = before[kind]
        known = [value for value in (soft, hard) if value != resource.RLIM_INFINITY]
        resource.setrlimit(kind, (min([int(limit) + 1, *known]), hard))
    try:
        yield
    finally:
        for kind, limits in before.items():
            resource.setrlimit(kind, limits)


ESCAPED_BYTE = re.compile(r"\\[89A-Fa-f][0-9A-Fa-f]")
"""A byte beyond ASCII as MLIR's text escapes it: a string with one need not be UTF-8."""
# What makes MLIR's parser build as many types as a tensor has elements, or values as the number of
# a result says, and strings of which errors cannot be told: they are not UTF-8.
_UNSOUND = re.compile(rf"from_elements[^=]*?(?:\d{{5}}|\dx\d)|#\d{{6}}|{ESCAPED_BYTE.pattern}")
_BRACKETS = b"()[]{}<>"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))
_DEPTH = 100


def is_harmless(text: str) -> bool:
    """Whether MLIR's parser is known to survive a text: it is not nested deeply, for one."""
    if _UNSOUND.search(text):
        return False
    nested = text.encode().replace(b"->", b"").translate(None, _OTHERS)
    for _ in range(_DEPTH):
        before = len(nested)
        for pair in (b"()", b"[]", b"{}", b"<>"):
            nested = nested.replace(pair, b"")
        if len(nested) == before:
            break
    # Brackets in strings and comments stay, and what is wrong.
    return len(nested) <= _DEPTH


# -- commands ------------------------------------------------------------------------------------

_page: mmap.mmap | None = None
"""Shared with the parent: the file at hand, and what is done with it."""


def is_contained() -> bool:
    """Whether this process may crash: another one tells what became of it."""
    return _page is not None


def note(doing: str | None = None, *, file: str | None = None) -> None:
    """Says which file is at hand, or what is done with it: the error's words after a crash."""
    if _page is None:
        return
    old_file, _, old_doing = _page[:].rstrip(b"\0").partition(b"\0")
    parts = (
        old_file if file is None else file.encode(errors="replace")[:2000],
        old_doing if doing is None else doing.encode(errors="replace")[:2000],
    )
    _page[:] = b"\0".join(parts).ljust(len(_page), b"\0")


def contained(work: Callable[[], int]) -> int:
    """Runs a command in a child process; returns its exit status, 1 after a crash.

    To be called before anything large is loaded. Signals reach the child as if it were the command,
    and whatever ends it ends the command in the same way. Elsewhere than on Linux the work is done
    in this process.
    """
    global _page
    if sys.platform != "linux":
        return work()
    page = mmap.mmap(-1, mmap.PAGESIZE)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, (*_PASSED_ON, signal.SIGCHLD))
    parent = os.getpid()
    child = os.fork()
    if not child:
        _page = page
        _die_after(parent)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        return work()
    status = _outlive(child)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    if not os.WIFSIGNALED(status):
        return os.WEXITSTATUS(status)
    number = os.WTERMSIG(status)
    said = crash(number)
    if said is None:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        return 128 + number
    file, _, doing = page[:].rstrip(b"\0").decode(errors="replace").partition("\0")
    print(Diagnostic(f"attnorm {said} while {doing or 'starting'}", file), file=sys.stderr)
    return 1


_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1)


def _outlive(child: int) -> int:
    """The status that a child ends with; signals to this process are passed on to it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        info = signal.sigwaitinfo((*_PASSED_ON, signal.SIGCHLD))
        # What comes from a terminal has gone to both.
        if info.si_signo != signal.SIGCHLD and info.si_pid:
            os.kill(child, info.si_signo)


def _die_after(parent: int) -> None:
    """Has the kernel kill this process where its parent is killed."""
    import ctypes

    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
