"""`attnorm reduce`: the smallest part of a module that makes a command fail still."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attnorm

from ..errors import AttnormError
from ..io.files import check_writable, read_bytes, write_atomically
from ..io.guard import note

if TYPE_CHECKING:
    from ..checking.reduce_command import Command, Outcome
    from ..ir.mlir import ir

_INTERRUPTED = 130  # of a shell: 128 and the number of SIGINT
_NOT_RUN = {126: "the command cannot be run", 127: "no such command"}  # what shells say
_LONGEST_PARSE = 600  # seconds
_SUMMARY = "make a module as small as it can be while a command fails on it"


def add_command(commands: Any) -> None:
    """Adds `reduce` to the subcommands of `attnorm`."""
    reducing = commands.add_parser(
        "reduce",
        help=_SUMMARY,
        description=f"{_SUMMARY[:1].upper()}{_SUMMARY[1:]}.",
        epilog="A smaller module counts where the command ends as on IN: with the same status, of "
        "the same signal, or not in time. What does not parse is reduced by lines and words. OUT "
        "always holds the smallest so far, also after Ctrl-C.",
    )
    reducing.add_argument("input", metavar="IN", help="what attnorm reads, or any file; - is stdin")
    reducing.add_argument(
        "-o",
        dest="output",
        default="-",
        metavar="OUT",
        help="MLIR text, or bytecode where it ends "
        "in .mlirbc, as are the files that the command gets; - is stdout (the default)",
    )
    reducing.add_argument(
        "--keep-failing",
        dest="command_line",
        required=True,
        metavar="COMMAND",
        help="a command of the shell; {} stands for the file, which otherwise follows it",
    )
    reducing.add_argument(
        "--keep-output",
        type=_regex,
        metavar="REGEX",
        help="what the command has to print, too, on stdout or stderr",
    )
    reducing.add_argument(
        "--timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="the longest that a run takes (default: 60)",
    )
    reducing.add_argument(
        "--jobs", type=_count, default=2, metavar="N", help="runs at a time (default: 2)"
    )
    reducing.add_argument(
        "--input-format",
        choices=("auto", "mlir", "skainet"),
        default="auto",
        help="what the input is (default: auto)",
    )
    reducing.set_defaults(command=_reduce)


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"expected a regular expression: {error}") from None
    return text


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {number}")
    return number


def _reduce(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from ..checking.reduce_command import Command

    data = sys.stdin.buffer.read() if arguments.input == "-" else read_bytes(arguments.input)
    command = Command(
        arguments.command_line,
        output=arguments.keep_output,
        timeout=arguments.timeout,
        suffix=Path(arguments.output).suffix or ".mlir",
        jobs=arguments.jobs,
    )
    if arguments.output != "-":
        check_writable(arguments.output)
    wanted = _first_run(command, data, arguments)
    console = Console(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)
    console.print(f"on IN the command {wanted}: kept")
    with console.status("") as status:

        def tell(text: str) -> None:
            status.update(text)
            if not console.is_terminal:
                console.print(text)

        reduction = _Reduction(command, wanted, arguments.output, data, tell)
        module = _parsed(data, arguments)
        if module is not None and command.run(reduction.encode(module)) != wanted:
            tell("printed anew, the module does not fail")
            module = None
        note("reducing it")
        interrupted = False
        try:
            if module is None:
                tell("reducing IN as text")
                reduction.reduce_text()
            else:
                reduction.reduce_module(module)
        except KeyboardInterrupt:
            interrupted = True
    reduction.finish()
    console.print(reduction.summary())
    if reduction.is_empty():
        console.print("nothing is left: the command fails whatever the file is")
    return _INTERRUPTED if interrupted else 0


def _first_run(command: Command, data: bytes, arguments: argparse.Namespace) -> Outcome:
    """How the command ends on IN. Raises `AttnormError` where it does not fail."""
    outcome = command.run(data)
    if outcome.status in _NOT_RUN:
        raise AttnormError(f"--keep-failing: {_NOT_RUN[outcome.status]}: {arguments.command_line}")
    if outcome.status == 0:
        raise AttnormError(f"the command does not fail on '{arguments.input}'")
    if not outcome.said:
        raise AttnormError(
            f"--keep-output: expected what the command prints on '{arguments.input}' to match "
            f"'{arguments.keep_output}'"
        )
    return outcome


def _parsed(data: bytes, arguments: argparse.Namespace) -> ir.Operation | None:
    """The module; None where there is none in the file, or where parsing it ends the process."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        parsing = [sys.executable, "-m", f"{__package__}.opt", file.name, "-o", os.devnull]
        parsing.append(f"--input-format={arguments.input_format}")
        try:
            # What it has to say is that it is no module, which is no error here.
            run = subprocess.run(parsing, timeout=_LONGEST_PARSE, capture_output=True)
        except subprocess.TimeoutExpired:
            return None
    if run.returncode:
        return None
    # Locations name IN, as do errors of the command; what was read once need not be tried first.
    name = "<stdin>" if arguments.input == "-" else arguments.input
    return attnorm.load(data, input_format=arguments.input_format, name=name, trusted=True)


class _Reduction:
    """Reduces a file while a command ends on it as wanted; OUT is the smallest at any time."""

    def __init__(
        self,
        command: Command,
        wanted: Outcome,
        output: str,
        data: bytes,
        tell: Callable[[str], None],
    ):
        self._command = command
        self._wanted = wanted
        self._output = output
        self._tell = tell
        self._begun = time.monotonic()
        self._original = self._best = data
        self._modules: tuple[ir.Operation, ir.Operation] | None = None
        self._trying = ""

    def encode(self, module: ir.Operation) -> bytes:
        """A module as it is written."""
        if self._output.endswith(".mlirbc"):
            from ..ir.serialization import bytecode

            return bytecode(module)
        return module.get_asm().rstrip("\n").encode() + b"\n"

    def reduce_module(self, module: ir.Operation) -> None:
        """Reduces what the file parses to."""
        from ..checking.reduce import Candidate, Progress, search

        def first(candidates: Iterator[Candidate]) -> Candidate | None:
            return self._command.first(
                self._wanted, candidates, lambda item: self.encode(item.module)
            )

        def hear(progress: Progress) -> None:
            if self._modules != (module, progress.module):
                self._modules = (module, progress.module)
                self._keep(self.encode(progress.module))
            self._try(progress.trying)

        search(module, first, on_progress=hear)

    def reduce_text(self) -> None:
        """Reduces the file as it is."""
        from ..checking.reduce_text import Cut, reduce_text

        def first(candidates: Iterator[Cut]) -> Cut | None:
            return self._command.first(self._wanted, candidates, lambda cut: cut.data)

        def hear(trying: str, data: bytes) -> None:
            if data != self._best:
                self._keep(data)
            self._try(trying)

        reduce_text(self._original, first, on_progress=hear)

    def finish(self) -> None:
        """Writes what was found."""
        if self._output == "-":
            sys.stdout.buffer.write(self._best)
            sys.stdout.buffer.flush()
        else:
            write_atomically(self._output, self._best)

    def summary(self) -> str:
        """What there was and what is left."""
        from ..checking.reduce import Size

        sizes = [f"{len(data)} bytes" for data in (self._original, self._best)]
        if self._modules:
            pairs = zip(self._modules, sizes, strict=True)
            sizes = [f"{Size.of(module)}, {size}" for module, size in pairs]
        return f"{self._time()}: {sizes[0]} -> {sizes[1]}"

    def is_empty(self) -> bool:
        """Whether the command fails on nothing."""
        from ..checking.reduce import Size

        module = self._modules and self._modules[1]
        return not self._best or (module is not None and Size.of(module).operations == 0)

    def _keep(self, data: bytes) -> None:
        self._best = data
        if self._output != "-":
            write_atomically(self._output, data)

    def _try(self, trying: str) -> None:
        if trying != self._trying:
            self._trying = trying
            self._tell(f"{self._time()}: {len(self._best)} bytes; fewer {trying}")

    def _time(self) -> str:
        return f"{time.monotonic() - self._begun:6.1f} s, {self._command.runs} runs"
