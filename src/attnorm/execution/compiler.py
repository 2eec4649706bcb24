"""StableHLO in, an IREE module (.vmfb) out, in this process."""

from __future__ import annotations

import ctypes
import difflib
import functools
import itertools
import mmap
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from iree.compiler import ir
from iree.compiler.api import Invocation, Output, Session, Source, _initializeGlobalCL, ctypes_dl
from iree.compiler.tools.binaries import find_tool

from ..errors import AttnormError, Diagnostic
from .targets import Target, find_target

_SESSION_FLAGS = (
    "--iree-hal-target-device=local",
    "--iree-hal-local-target-device-backends=llvm-cpu",
    # O3 would drop the program's own run-time checks.
    "--iree-opt-strip-assertions=false",
    # IREE's default changes the types of a program's own arguments.
    "--iree-input-demote-f64-to-f32=false",
    # Both would write where a module's file was into the program, and nothing here reads them.
    "--iree-llvmcpu-debug-symbols=false",
    "--iree-vm-bytecode-module-strip-source-map",
)
# Flags of the process. As a flag of a session the level would be taken and change nothing. Without
# scalable vectors in a target the other changes nothing.
_PROCESS_FLAGS = {
    "--iree-opt-level": "--iree-opt-level=O3",
    "--iree-llvmcpu-enable-scalable-vectorization": "--iree-llvmcpu-enable-scalable-vectorization",
}
_PHASES = (
    *("start", "input", "abi", "preprocessing", "global-optimization", "dispatch-creation", "flow"),
    *("stream", "executable-sources", "executable-configurations", "executable-targets"),
    *("hal", "vm", "end"),
)
_SEVERITIES = ("note", "warning", "error", "remark")


class CompileError(AttnormError):
    """IREE refused the module.

    `phase` is the phase of IREE's pipeline that failed ("parse" before the first one);
    `reproducer` a fresh directory with the module and a script that runs `iree-compile` on it.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic], phase: str, reproducer: Path):
        self.phase = phase
        self.reproducer = reproducer
        where = Diagnostic(f"reproducer: {reproducer / 'reproduce.sh'}", severity="note")
        super().__init__([*diagnostics, where])


def compile_module(
    source: bytes,
    target: str | Target = "host",
    *,
    flags: Sequence[str] = (),
    name: str = "module.mlir",
    on_warning: Callable[[Diagnostic], None] | None = None,
    rewrite: Callable[[ir.Operation], None] | None = None,
) -> bytes:
    """Compiles a StableHLO module to the bytes of a .vmfb.

    `source` is MLIR bytecode or text. Bytecode is the form to prefer: the IREE that this package
    pins reads it without loss, it keeps locations, so that diagnostics point at the user's file,
    and it is written in a third of the time of text. (A portable artifact does not survive a
    compilation in phases: IREE then lacks the func dialect.) `name` stands in diagnostics where
    the source has no locations. `flags` are flags of `iree-compile`, appended to ours. `rewrite`
    may change the module, in IREE's own bindings, before anything else does.

    Raises `CompileError` when IREE refuses the module, `AttnormError` for an unknown target or
    flag.
    """
    diagnostics: list[Diagnostic] = []
    session_flags = _all_flags(target, flags)
    with _invocation(session_flags) as (session, invocation):
        keep_alive = _collect(invocation, diagnostics)
        # Constants of some types stay in the source's buffer until the output is written.
        wrapped = _wrap(session, source, name)
        failed = _run_phases(invocation, wrapped, rewrite)
        if failed:
            errors = [d for d in diagnostics if d.severity != "warning"]
            errors = errors or [Diagnostic("iree failed without a message")]
            errors.append(Diagnostic(f"iree failed in its phase '{failed}'", severity="note"))
            all_flags = [*_initialized.values(), *session_flags]
            raise CompileError(errors, failed, _write_reproducer(source, all_flags))
        del keep_alive
        if on_warning:
            for diagnostic in diagnostics:
                on_warning(diagnostic)
        with closing(Output.open_membuffer()) as output:
            invocation.output_vm_bytecode(output)
            found = bytes(output.map_memory())
        del wrapped
        return found


def rewrite_module(
    source: bytes, target: str | Target, rewrite: Callable[[ir.Operation], None]
) -> None:
    """Parses a module and rewrites it, as `compile_module` does, and goes no further."""
    diagnostics: list[Diagnostic] = []
    with _invocation(_all_flags(target, ())) as (session, invocation):
        keep_alive = _collect(invocation, diagnostics)
        wrapped = _wrap(session, source, "module.mlir")
        if _run_phases(invocation, wrapped, rewrite, last="start"):
            raise AttnormError(diagnostics or "iree failed without a message")
        del keep_alive


@functools.cache
def executable_target(target: Target, flags: tuple[str, ...] = ()) -> str:
    """What IREE knows of a target's CPU: the text of its `#hal.executable.target`.

    Empty where flags name another back end than llvm-cpu, or one beside it. Raises `AttnormError`
    for an unknown flag.
    """
    module = "func.func @f(%x: tensor<f32>) -> tensor<f32> { return %x : tensor<f32> }"
    with _invocation(_all_flags(target, flags)) as (session, invocation):
        wrapped = _wrap(session, module.encode(), "target")
        failed = _run_phases(invocation, wrapped, last="preprocessing")
        assert not failed
        text = str(invocation.export_module())
    found = re.findall(r'#hal\.executable\.target<"([^"]*)"(.*)', text)
    if {backend for backend, _ in found} != {"llvm-cpu"}:
        return ""
    return f'#hal.executable.target<"llvm-cpu"{found[0][1]}'


def _all_flags(target: str | Target, flags: Sequence[str]) -> list[str]:
    """The flags of a session; those of the process are set."""
    session_flags, process_flags = _split_flags(flags)
    _initialize(process_flags)
    return [*_SESSION_FLAGS, *find_target(target).flags(), *session_flags]


@contextmanager
def _invocation(flags: Sequence[str]) -> Iterator[tuple[Session, Invocation]]:
    with Session() as session:
        try:
            session.set_flags(*flags)
        except ValueError as error:
            raise AttnormError(f"iree: {' '.join(str(error).split())}") from None
        if _forked:
            session.context.enable_multithreading(False)
        invocation = session.invocation()
        try:
            yield session, invocation
        finally:
            exported = invocation._retained_module_op
            invocation.close()
            # Neither IREE nor its bindings free a module that has been in Python's hands.
            if exported:
                exported.erase()


_forked = False


def _after_fork() -> None:
    """The compiler's threads stay in the parent: nothing may wait for one, nor its shutdown."""
    global _forked
    _forked = True
    ctypes_dl._global_init.local_dylib = None


os.register_at_fork(after_in_child=_after_fork)


def _run_phases(
    invocation: Invocation,
    source: Source,
    rewrite: Callable[[ir.Operation], None] | None = None,
    last: str = "end",
) -> str:
    """Takes the source through IREE phase by phase; the name of the one that failed, or ""."""
    if not invocation.parse_source(source):
        return "parse"
    if rewrite:
        module = invocation.export_module()
        rewrite(module)
        invocation.import_module(module)
    set_from = _entry("SetCompileFromPhase", ctypes.c_char_p)
    set_to = _entry("SetCompileToPhase", ctypes.c_char_p)
    for begin, end in itertools.pairwise(_PHASES[: _PHASES.index(last) + 1]):
        set_from(invocation._inv_p, begin.encode())
        set_to(invocation._inv_p, end.encode())
        if not invocation.execute():
            return end
    return ""


def _wrap(session: Session, source: bytes, name: str) -> Source:
    """A source at an aligned address: resources in bytecode want one, and Python's own is not."""
    is_text = not source.startswith(b"ML\xefR")
    size = len(source) + is_text
    pages = mmap.mmap(-1, size)
    pages.write(source)
    buffer = (ctypes.c_char * size).from_buffer(pages)
    handle = ctypes.c_void_p()
    ctypes_dl._dylib.ireeCompilerSourceWrapBuffer(
        session._session_p, name.encode(), buffer, size, is_text, ctypes.byref(handle)
    )
    return Source(session, handle, buffer)


def _entry(name: str, *parameters: Any) -> Callable[..., None]:
    """An entry point of an invocation that IREE's Python API does not wrap."""
    entry = getattr(ctypes_dl._dylib, f"ireeCompilerInvocation{name}")
    entry.restype = None
    entry.argtypes = [ctypes.c_void_p, *parameters]
    return entry


# -- flags ---------------------------------------------------------------------------------------

_initialized: dict[str, str] = {}
_initializing = Lock()


def _initialize(flags: Mapping[str, str]) -> None:
    """Sets the process's flags (by name), which IREE allows once."""
    with _initializing:
        if not _initialized:
            _initializeGlobalCL("attnorm", *{**_PROCESS_FLAGS, **flags}.values())
            _initialized.update({**_PROCESS_FLAGS, **flags})
    for key, flag in flags.items():
        if _initialized.get(key) != flag:
            raise AttnormError(
                f"iree flag '{flag}' is one of the whole process, and iree is already initialized; "
                "give it to the first compilation"
            )


def _split_flags(flags: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The flags of a session and, by name, those of the process."""
    if not flags:
        return [], {}
    with Session() as session:
        known = {flag.partition("=")[0] for flag in session.get_flags()}
    ours: list[str] = []
    process: dict[str, str] = {}
    for flag in flags:
        flag = "--" + flag.lstrip("-")
        key = flag.partition("=")[0]
        if key in ("--iree-llvmcpu-target-cpu", "--iree-llvmcpu-target-triple"):
            # IREE aborts the process on a name it does not know; our tables do not.
            raise AttnormError(f"iree flag '{key}': name the CPU with the target instead")
        if key in known and key not in _PROCESS_FLAGS:
            ours.append(flag)
        else:
            process[key] = flag
    if any(_initialized.get(key) != flag for key, flag in process.items()):
        _check_process_flags(list(process.values()), known)
    return ours, process


_INITIALIZE = """
import sys
from iree.compiler.api import _initializeGlobalCL
_initializeGlobalCL("iree", *sys.argv[1:])
print("initialized")
"""


def _check_process_flags(flags: Sequence[str], known: set[str]) -> None:
    """IREE exits the process on a bad global flag, and on one for help: ask another one first."""
    command = [sys.executable, "-c", _INITIALIZE, *flags]
    asked = subprocess.run(command, capture_output=True, text=True)
    if asked.stdout.endswith("initialized\n"):
        return
    near = difflib.get_close_matches(flags[0].partition("=")[0], known, n=1, cutoff=0.8)
    hint = f" (did you mean '{near[0]}'?)" if near and not flags[0].startswith(near[0]) else ""
    reason = asked.stderr.partition("\n")[0].partition(": ")[2].partition("  Try:")[0]
    raise AttnormError(f"iree: {reason or f'no flag of a compilation: {flags[0]}'}{hint}")


# -- diagnostics ---------------------------------------------------------------------------------

_CALLBACK = ctypes.CFUNCTYPE(
    None, ctypes.c_int, ctypes.POINTER(ctypes.c_char), ctypes.c_size_t, ctypes.c_void_p
)
_PLACE = re.compile(r"(?P<file>[^\n]*?):(?P<line>\d+):(?P<column>\d+): (?P<message>.*)", re.DOTALL)


def _collect(invocation: Invocation, into: list[Diagnostic]) -> object:
    """Appends IREE's diagnostics to `into`; the result must outlive the invocation's work."""

    @_CALLBACK
    def callback(severity: int, text: Any, size: int, _: object) -> None:
        message = ctypes.string_at(text, size).decode(errors="replace")
        into.append(_parse(message, _SEVERITIES[severity]))

    enable = _entry("EnableCallbackDiagnostics", ctypes.c_int, _CALLBACK, ctypes.c_void_p)
    enable(invocation._inv_p, 0, callback, None)
    return callback


def _parse(text: str, severity: str) -> Diagnostic:
    """One diagnostic of IREE: "file:line:column: message", a blank line before each note."""
    head, *notes = re.split(r"\n\n(?=[^\n]*?:\d+:\d+: )", text.strip())
    place = _PLACE.fullmatch(head)
    # The op that IREE was at can be a screenful of its own dialects; the reproducer shows it.
    attached = tuple(_parse(note, "note") for note in notes if "see current operation" not in note)
    if not place:
        return Diagnostic(head, severity=severity, notes=attached)
    return Diagnostic(
        place["message"].strip(),
        place["file"],
        int(place["line"]),
        int(place["column"]),
        severity,
        attached,
    )


def _write_reproducer(source: bytes, flags: Sequence[str]) -> Path:
    directory = Path(tempfile.mkdtemp(prefix="attnorm-reproducer-"))
    module = directory / "module.mlir"
    module.write_bytes(source)
    command = shlex.join([find_tool("iree-compile"), *flags, "module.mlir", "-o", "module.vmfb"])
    script = directory / "reproduce.sh"
    script.write_text(f'#!/bin/sh\ncd "$(dirname "$0")" || exit\n{command}\n')
    script.chmod(0o755)
    return directory
