"""`attnorm`: compiles a StableHLO module, runs it, reports what it contains."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import attnorm

from ..errors import AttnormError, Diagnostic, explain
from ..io.files import check_writable, read_bytes, read_start, replacing
from ..io.guard import contained, note
from ..pipeline.pipelines import TO_IREE
from . import check, export, generate, options, reduce, weights
from .start import load_bindings

if TYPE_CHECKING:
    import numpy as np

    from ..execution.flags import Flag
    from ..execution.kernels import Choice
    from ..execution.program import Program
    from ..execution.weights import Weight
    from ..ir.mlir import ir

_VMFB_MAGIC = b"PK\x03\x04"  # IREE's files are zip archives too
_RAISE = "attnorm-raise"
_REPORT = (
    "A softmax inside of attention is part of its sdpa. A norm and a multiply after it are one "
    "rms_norm as raised, one rms_norm_mul as fused. A call whose epsilon is not in the IR counts. "
    "A composite that is not known by name is opened, and what is inside of it counts."
)


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 1 for a mistake in the input or results that do not agree."""
    return contained(_command) if argv is None else _main(argv)


def _command() -> int:
    # Of what needs the bindings, only this does without NumPy.
    if sys.argv[1:2] == ["report"]:
        load_bindings()
    return _main(sys.argv[1:])


def _main(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(argv)
    try:
        return arguments.command(arguments)
    except BrokenPipeError:
        # Whoever reads our output has gone; the flush at exit must not find that out again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if os.environ.get("ATTNORM_TRACEBACK"):
            traceback.print_exc()
        print(explain(error), file=sys.stderr)
    return 1


# -- compile -------------------------------------------------------------------------------------


def _compile(arguments: argparse.Namespace) -> int:
    for path in (arguments.output, arguments.weights):
        if path not in (None, "-"):
            check_writable(path)
    module = options.load(options.read(arguments), arguments)
    split = weights.apart(arguments)
    if not split:
        vmfb = _build(_lower(module, arguments), arguments)
        with _replacing(arguments.output) as output:
            output.write_bytes(vmfb)
        return 0
    # The program is written before the archive, and takes its name right after it: a pair.
    with ExitStack() as stack:

        def build(module: ir.Operation, taken: Mapping[str, Weight]) -> bytes:
            vmfb = _build(module, arguments, taken)
            stack.enter_context(_replacing(arguments.output)).write_bytes(vmfb)
            return vmfb

        split.build(module, lambda module: _lower(module, arguments), build)
    return 0


def _replacing(output: str) -> AbstractContextManager[Path]:
    return nullcontext(Path("/dev/stdout")) if output == "-" else replacing(output)


def _lower(module: ir.Operation, arguments: argparse.Namespace) -> ir.Operation:
    """A module as plain StableHLO."""
    if arguments.dims:
        module = attnorm.lower(module, f"attnorm-specialize{{dims={';'.join(arguments.dims)}}}")
    return attnorm.lower(module, arguments.pass_pipeline)


def _build(
    module: ir.Operation,
    arguments: argparse.Namespace,
    taken: Mapping[str, Weight] = MappingProxyType({}),
) -> bytes:
    from ..execution.build import build

    note("compiling it with IREE")
    flags: list[Flag] = []
    choices: list[Choice] = []
    vmfb = build(
        module,
        arguments.target,
        flags=arguments.iree_flag,
        on_warning=_warn,
        on_choice=choices.append,
        on_flag=flags.append,
        weights=taken,
    )
    if arguments.explain:
        _explain(flags, choices)
    return vmfb


def _explain(flags: Sequence[Flag], choices: Sequence[Choice]) -> None:
    """A line a choice, on stderr."""
    from ..execution.choices import merge

    for flag in flags:
        print(f"{flag}: {flag.reason}", file=sys.stderr)
    for kernel in merge(choices):
        print(kernel, file=sys.stderr)


def _warn(warning: Diagnostic) -> None:
    print(warning, file=sys.stderr)


# -- run -----------------------------------------------------------------------------------------


def _run(arguments: argparse.Namespace) -> int:
    from ..execution.arrays import format_array, parse_array, save_npy

    for path in arguments.outputs:
        check_writable(path.removeprefix("@"))
    inputs = [parse_array(spec) for spec in arguments.inputs]
    expected = [parse_array(spec) for spec in arguments.expected]
    program, module = _load(arguments)
    note("running it")
    returned = program(*inputs, function=arguments.function)
    results = returned if isinstance(returned, tuple) else (returned,)
    for option, given in (("--output", arguments.outputs), ("--expected", expected)):
        if given and len(given) != len(results):
            raise AttnormError(
                f"{option}: expected {len(results)}, one for each result, got {len(given)}"
            )
    if arguments.outputs:
        for path, result in zip(arguments.outputs, results, strict=True):
            save_npy(path.removeprefix("@"), result)
    else:
        for index, result in enumerate(results):
            print(f"result {index}: {format_array(result)}", flush=True)
    agrees = True
    if expected:
        agrees = _agree("expected", results, expected, arguments)
    if module is not None:
        from ..execution.interpreter import evaluate

        reference = evaluate(module, *inputs, function=arguments.function)
        agrees = _agree("the reference interpreter", results, reference, arguments) and agrees
    return 0 if agrees else 1


def _load(arguments: argparse.Namespace) -> tuple[Program, ir.Operation | None]:
    """The program, and the module that it is checked against."""
    from ..execution.program import Program

    source = options.read(arguments)
    start = source if isinstance(source, bytes) else read_start(source)
    if start.startswith(_VMFB_MAGIC):
        if arguments.check:
            raise AttnormError("--check: expected a StableHLO module to evaluate, got a .vmfb")
        vmfb = source if isinstance(source, bytes) else read_bytes(source)
        return Program(vmfb, device=arguments.device, weights=arguments.weights), None
    if arguments.weights:
        raise AttnormError("--weights: expected a .vmfb that takes weights, got a module")
    module = _lower(options.load(source, arguments), arguments)
    program = Program(_build(module, arguments), device=arguments.device)
    return program, module if arguments.check else None


def _agree(
    name: str,
    results: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    arguments: argparse.Namespace,
) -> bool:
    """Compares each result, reporting on stderr; both sides of those that differ."""
    from ..execution.arrays import format_array
    from ..execution.compare import compare

    agrees = True
    for index, (result, want) in enumerate(zip(results, expected, strict=True)):
        comparison = compare(result, want, arguments.rtol, arguments.atol)
        verdict = "agrees with" if comparison.agrees else "differs from"
        print(f"result {index} {verdict} {name}: {comparison.report}", file=sys.stderr)
        if not comparison.agrees:
            print(f"  expected {format_array(want)}", file=sys.stderr)
            print(f"  got      {format_array(result)}", file=sys.stderr)
            agrees = False
    return agrees


# -- report --------------------------------------------------------------------------------------


def _report(arguments: argparse.Namespace) -> int:
    from ..checking.contents import report
    from .report import show

    module = options.load(options.read(arguments), arguments)
    found = report(module, arguments.pass_pipeline, kernels=arguments.kernels)
    show(found, as_json=arguments.json)
    return 1 if arguments.fail_on_left and found.left else 0


# -- arguments -----------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    from ..execution.targets import TARGETS

    targets = "\n".join(f"  {t.name:14}{t.description}" for t in TARGETS.values())
    reading = argparse.ArgumentParser(add_help=False)
    options.add_input_format(reading)
    building = argparse.ArgumentParser(add_help=False, parents=[reading])
    building.add_argument(
        "--target",
        default="host",
        metavar="NAME[:CPU][,+FEATURE]...",
        help="what to compile for (default: host); the names are below",
    )
    building.add_argument(
        "--pass-pipeline",
        default=TO_IREE,
        metavar="PIPELINE",
        help=f"the lowering, by name or as builtin.module(...) (default: {TO_IREE})",
    )
    options.add_dims(building)
    building.add_argument(
        "--iree-flag",
        action="append",
        default=[],
        metavar="FLAG",
        help="a flag of iree-compile, after ours: --iree-flag=--iree-opt-level=O2; repeatable",
    )
    building.add_argument(
        "--explain",
        action="store_true",
        help="say on stderr which flags and kernels were chosen, and why",
    )
    parser = argparse.ArgumentParser(
        prog="attnorm", description="Compiles and runs StableHLO on CPUs through IREE."
    )
    parser.add_argument("--version", action=options.Version)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, summary: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=summary,
            description=summary,
            parents=[building],
            epilog=f"targets:\n{targets}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    compiling = command("compile", "lower a module and compile it to a .vmfb")
    compiling.add_argument("input", metavar="IN", help="MLIR text or bytecode; - is stdin")
    compiling.add_argument("-o", dest="output", required=True, metavar="OUT.vmfb")
    weights.add_options(compiling)
    compiling.set_defaults(command=_compile)

    running = command("run", "run a module (lowering and compiling it first) or a .vmfb")
    running.add_argument(
        "input", metavar="IN", help="MLIR text or bytecode, or a .vmfb; - is stdin"
    )
    weights.add_files(running)
    options.add_arguments(running, function="the only one, or main")
    running.add_argument(
        "--output",
        dest="outputs",
        action="append",
        default=[],
        metavar="@FILE.npy",
        help="write a result instead of printing; one for each result",
    )
    running.add_argument(
        "--expected",
        action="append",
        default=[],
        metavar="SPEC",
        help="what a result has to be, one for each result; exit status 1 where it is not",
    )
    running.add_argument(
        "--check",
        action="store_true",
        help="compare with the StableHLO reference interpreter on the lowered module",
    )
    options.add_tolerances(running)
    running.add_argument(
        "--device",
        choices=("local-task", "local-sync"),
        default="local-task",
        help="all cores (local-task, the default) or the calling thread",
    )
    running.set_defaults(command=_run)

    summary = "say what a module contains, what was nearly recognised and what is left"
    reporting = commands.add_parser(
        "report", help=summary, description=summary, parents=[reading], epilog=_REPORT
    )
    reporting.add_argument("input", metavar="IN", help="MLIR text or bytecode; - is stdin")
    reporting.add_argument(
        "--json",
        action="store_true",
        help="print JSON, as `pydoc attnorm.checking.contents` describes it",
    )
    reporting.add_argument(
        "--fail-on-left",
        action="store_true",
        help="exit status 1 where custom calls or composites are left",
    )
    reporting.add_argument(
        "--pass-pipeline",
        default=_RAISE,
        metavar="PIPELINE",
        help=f"what raises, by name or as builtin.module(...) (default: {_RAISE})",
    )
    reporting.add_argument(
        "--kernels",
        action="store_true",
        help="also lower for IREE, and say what becomes a kernel there and why the rest does not",
    )
    reporting.set_defaults(command=_report)
    check.add_command(commands)
    export.add_command(commands)
    generate.add_command(commands)
    reduce.add_command(commands)
    weights.add_command(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
