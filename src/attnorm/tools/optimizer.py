"""`attnorm-opt`: reads modules, runs passes on them, writes them; for mlir-opt's users.

Its options are mlir-opt's where mlir-opt has them. stdout carries IR only.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from .. import dialect, passes
from ..errors import AttnormError, Diagnostic, explain
from ..io import guard
from ..io.files import check_writable, read_bytes, write_atomically
from ..io.load import INPUT_FORMATS, read
from ..ir.contexts import dialect_names
from ..ir.diagnostics import collecting_diagnostics
from ..ir.mlir import ir
from ..ir.serialization import bytecode, serialize_portable_artifact
from ..pipeline import pipelines
from ..pipeline.driver import Printing, Step, check_pass_name, resolve
from ..pipeline.driver import run as run_pipeline
from .expectations import mismatches
from .options import Version

_SEPARATOR = "// -----"


@dataclass(frozen=True)
class Chunk:
    """A part of an input, text or binary."""

    name: str
    data: bytes
    first_line: int = 1


def run(arguments: list[str]) -> int:
    """Runs the tool; returns the exit status."""
    try:
        return _main(*_parse(arguments))
    except BrokenPipeError:
        # Python flushes stdout once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("ATTNORM_TRACEBACK"):
            traceback.print_exc()
        print(explain(error), file=sys.stderr)
        return 1


def _main(options: argparse.Namespace, flags: list[str]) -> int:
    if options.list_passes:
        print("\n".join((*passes.NAMES, *pipelines.named())))
        return 0
    if options.show_dialects:
        print("\n".join(dialect_names(dialect.new_context())))
        return 0
    chunks = [chunk for name in options.inputs or ["-"] for chunk in _chunks(name, options)]
    if options.run_reproducer:
        options.pass_pipeline, flags = _reproducer_pipeline(chunks[0]), []
    steps = _steps(options.pass_pipeline, flags)
    if options.output != "-":
        check_writable(options.output)
    if options.dump_pass_pipeline:
        print(f"builtin.module({','.join(map(str, steps))})", file=sys.stderr)
    outputs = [_process(chunk, steps, options) for chunk in chunks]
    done = [output for output in outputs if output is not None]
    failed = len(done) < len(chunks)
    # What succeeded is shown, as mlir-opt does; a file is whole or not written.
    if done and not (failed and options.output != "-"):
        _write(options, [output for output in done if output])
    return int(failed)


# -- the command line ----------------------------------------------------------------------------


_STANDING_ALONE = {"--verify-each": "=true", "--emit-portable-artifact": "="}
"""What `=VALUE` is where it is left out; a word that follows is an input."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise AttnormError(message)


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options, the inputs among them, and the passes given as flags, in order."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options, rest = _parser().parse_known_args([_spelled(item) for item in arguments[:end]])
    flags = [item for item in rest if item.startswith("-") and item != "-"]
    options.inputs = [item for item in rest if item not in flags] + arguments[end + 1 :]
    for flag in flags:
        if not re.match(r"--[a-z]", flag):
            raise AttnormError(f"unknown option '{flag}'")
    if flags and options.pass_pipeline is not None:
        raise AttnormError("--pass-pipeline: expected no passes as flags beside it")
    for name in {*options.mlir_print_ir_before, *options.mlir_print_ir_after}:
        check_pass_name(name)
    return options, flags


def _spelled(argument: str) -> str:
    """An argument as argparse wants it: `-cse` as `--cse`, `-o=x` as `-ox`."""
    if argument.startswith("-o="):
        return f"-o{argument[3:]}"
    if re.match(r"-[a-z].", argument):
        argument = f"-{argument}"
    return argument + _STANDING_ALONE.get(argument, "")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="attnorm-opt",
        usage="%(prog)s [options] [passes] [FILE ...]",
        description="Reads MLIR modules, runs passes on them in the order given, writes them. "
        "Without a FILE, or with -, reads stdin.",
        epilog=_describe_passes(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--version", action=Version)
    add("-o", dest="output", default="-", metavar="FILE", help="output; - is stdout (the default)")
    add(
        "--pass-pipeline",
        metavar="TEXT",
        help="'builtin.module(pass{option=value},func.func(pass),...)': what stands in a nest runs "
        "on the ops of that name directly inside; in any(...), on every op that passes can run on",
    )
    add(
        "--input-format",
        choices=INPUT_FORMATS,
        default="auto",
        help="what the inputs are (default: told by their contents)",
    )
    add("--split-input-file", action="store_true", help=f"take parts between {_SEPARATOR} alone")
    add(
        "--verify-diagnostics",
        action="store_true",
        help="check diagnostics against expected-error@+1 {{...}} comments",
    )
    add(
        "--verify-each",
        type=_boolean,
        default=True,
        metavar="[=BOOL]",
        help="verify after each pass (default: true)",
    )
    add("--debug-matches", action="store_true", help="say why a candidate was not rewritten")
    add("--allow-unregistered-dialect", action="store_true", help="take ops of unknown dialects")
    add("--dump-pass-pipeline", action="store_true", help="print the pipeline to stderr")
    add("--list-passes", action="store_true", help="print the names of passes and pipelines")
    add("--show-dialects", action="store_true", help="print the names of the known dialects")
    _add_printing(parser)
    add("--mlir-timing", action="store_true", help="print how long each pass took, to stderr")
    add(
        "--mlir-pass-pipeline-crash-reproducer",
        dest="reproducer",
        type=Path,
        metavar="FILE",
        help="where a failure leaves the module and the pipeline",
    )
    add("--run-reproducer", action="store_true", help="run the pipeline stored in a reproducer")
    add("--emit-bytecode", action="store_true", help="write MLIR bytecode")
    add(
        "--emit-portable-artifact",
        metavar="[=VERSION]",
        help="write a StableHLO portable artifact (default: of the current version)",
    )
    return parser


def _add_printing(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    for when in ("before", "after"):
        add(
            f"--mlir-print-ir-{when}",
            action="extend",
            type=lambda names: names.split(","),
            default=[],
            metavar="PASS,...",
            help=f"print the module {when} these passes, to stderr",
        )
        add(
            f"--mlir-print-ir-{when}-all",
            action="store_true",
            help=f"print the module {when} each pass",
        )
    add("--mlir-print-ir-after-change", action="store_true", help="... after each that changed it")
    add("--mlir-print-ir-after-failure", action="store_true", help="... after one that failed")
    add("--mlir-print-op-generic", action="store_true", help="print the generic form")
    add("--mlir-print-debuginfo", action="store_true", help="print locations")
    add(
        "--mlir-elide-elementsattrs-if-larger",
        dest="elide",
        type=int,
        metavar="N",
        help="print ... for constants of more than N elements",
    )


def _boolean(text: str) -> bool:
    if text.lower() in ("true", "1"):
        return True
    if text.lower() in ("false", "0"):
        return False
    raise argparse.ArgumentTypeError(f"expected true or false, got '{text}'")


def _describe_passes() -> str:
    lines = ["passes, as --NAME or --NAME='option=value ...':"]
    for name in passes.NAMES:
        pass_ = passes.get(name)
        lines.append(f"  --{name:<32}{pass_.summary()}")
        lines += [f"      {item.name:<30}{item.help}" for item in pass_.options()]
    lines.append("\npipelines, likewise:")
    for name, pipeline in pipelines.named().items():
        lines.append(f"  --{name:<32}{pipeline.summary}")
        lines += [f"      {item:<30}as in {owner}" for item, owner in pipeline.options.items()]
    lines.append("\nMLIR's and StableHLO's own passes are known too: --canonicalize, --cse, ...")
    return "\n".join(lines)


def _steps(pipeline: str | None, flags: list[str]) -> list[Step]:
    steps = resolve(pipeline) if pipeline else []
    for flag in flags:
        name, _, options = flag.lstrip("-").partition("=")
        steps += resolve(f"{name}{{{options}}}" if options else name)
    return steps


# -- one chunk -----------------------------------------------------------------------------------


def _chunks(name: str, options: argparse.Namespace) -> Iterator[Chunk]:
    data = sys.stdin.buffer.read() if name == "-" else read_bytes(name)
    # MLIR's locations are UTF-8; a file's name need not be.
    shown = "<stdin>" if name == "-" else name.encode(errors="replace").decode()
    if not options.split_input_file:
        yield Chunk(shown, data)
        return
    line = 1
    for part in re.split(rb"(?m)^// -----[ \t\r]*$", data):
        yield Chunk(shown, part, line)
        line += part.count(b"\n")


def _process(chunk: Chunk, steps: list[Step], options: argparse.Namespace) -> bytes | None:
    """The output of a chunk, or None where it failed; what it has to say goes to stderr."""
    said: list[Diagnostic] = []
    context = dialect.new_context(allow_unregistered_dialects=options.allow_unregistered_dialect)
    output = b""

    def hear(diagnostic: Diagnostic) -> None:
        # The pipeline at the end of a reproducer is ours to read, not MLIR's.
        if diagnostic.message != "ignoring unknown external resources for 'mlir_reproducer'":
            said.append(diagnostic)

    try:
        with collecting_diagnostics(context, hear):
            # Line breaks ahead of a later part keep its locations those of the file.
            padding = b"\n" * (chunk.first_line - 1)
            module = read(padding + chunk.data, chunk.name, options.input_format, context)
            run_pipeline(
                module,
                steps,
                verify_each=options.verify_each,
                timing=options.mlir_timing,
                printing=_printing(options),
                reproducer=options.reproducer,
                on_refusal=said.append if options.debug_matches else None,
            )
            guard.note("writing it")
            output = _emit(module, options)
        failed = False
    except AttnormError as error:
        if os.environ.get("ATTNORM_TRACEBACK"):
            traceback.print_exc()
        said.extend(error.diagnostics)
        failed = True
    if options.verify_diagnostics:
        text = chunk.data.decode(errors="replace")
        problems = mismatches(text, chunk.first_line, said, chunk.name)
        print("\n".join(problems), end="\n" if problems else "", file=sys.stderr)
        return None if problems else output
    for diagnostic in said:
        print(diagnostic, file=sys.stderr)
    return None if failed else output


def _printing(options: argparse.Namespace) -> Printing:
    return Printing(
        before=frozenset(options.mlir_print_ir_before),
        after=frozenset(options.mlir_print_ir_after),
        before_all=options.mlir_print_ir_before_all,
        after_all=options.mlir_print_ir_after_all,
        after_change=options.mlir_print_ir_after_change,
        after_failure=options.mlir_print_ir_after_failure,
        asm=_asm(options),
    )


def _asm(options: argparse.Namespace) -> tuple[tuple[str, object], ...]:
    return (
        ("print_generic_op_form", options.mlir_print_op_generic),
        ("enable_debug_info", options.mlir_print_debuginfo),
        ("large_elements_limit", options.elide),
        ("large_resource_limit", options.elide),
    )


def _emit(module: ir.Operation, options: argparse.Namespace) -> bytes:
    if options.emit_portable_artifact is not None:
        return serialize_portable_artifact(module, options.emit_portable_artifact or None)
    if options.emit_bytecode:
        return bytecode(module)
    return module.get_asm(**dict(_asm(options))).rstrip("\n").encode() + b"\n"


def _write(options: argparse.Namespace, outputs: list[bytes]) -> None:
    binary = options.emit_bytecode or options.emit_portable_artifact is not None
    if binary and len(outputs) != 1:
        raise AttnormError(f"binary output: expected one module, got {len(outputs)}")
    separator = b"\n" + _SEPARATOR.encode() + b"\n\n"
    # A constant may have gigabytes: one output is not copied.
    data = outputs[0] if len(outputs) == 1 else separator.join(outputs)
    if options.output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        write_atomically(options.output, data)


def _reproducer_pipeline(chunk: Chunk) -> str:
    found = re.search(rb'mlir_reproducer:.*?pipeline: "((?:[^"\\]|\\.)*)"', chunk.data, re.DOTALL)
    if not found:
        raise AttnormError(Diagnostic("expected a reproducer with a pipeline", chunk.name, 1, 1))
    return found[1].decode().replace('\\"', '"')
