"""Weights at the command line: `attnorm compile --weights` and `attnorm weights check`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..errors import AttnormError

if TYPE_CHECKING:
    from ..execution.apart import Apart

_FILES = "an archive (.irpa), .safetensors files, or the index of several of these (.json)"


def add_options(compiling: argparse.ArgumentParser) -> None:
    """Adds what compiles a program apart from its weights."""
    group = compiling.add_argument_group("weights")
    group.add_argument(
        "--weights",
        metavar="OUT.irpa",
        help="write the module's large constants to an archive instead of into the program",
    )
    group.add_argument(
        "--weights-min-bytes",
        type=int,
        metavar="N",
        help="smaller constants stay in the program (default: 1024)",
    )
    group.add_argument(
        "--weights-from",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="a checkpoint, whose weights take the place of the module's, by their names: "
        f"{_FILES}. Without --weights, the program reads it itself",
    )
    group.add_argument(
        "--weights-dtype",
        metavar="DTYPE",
        help="what weights with a name are stored as: f32, f16 or bf16 (default: as in the "
        "module); the program computes in the module's types",
    )


def apart(arguments: argparse.Namespace) -> Apart | None:
    """What the options say; None where they say nothing."""
    from ..execution.apart import Apart
    from ..execution.weights import MIN_BYTES

    dtype, min_bytes = arguments.weights_dtype, arguments.weights_min_bytes
    if arguments.weights is None and not arguments.weights_from:
        if dtype is not None or min_bytes is not None:
            raise AttnormError("expected --weights or --weights-from beside --weights-...")
        return None
    size = MIN_BYTES if min_bytes is None else min_bytes
    return Apart(arguments.weights, arguments.weights_from, dtype, size)


def add_files(parser: argparse.ArgumentParser) -> None:
    """Adds what gives a program its weights."""
    parser.add_argument(
        "--weights",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help=f"the weights of a .vmfb that was compiled apart from them: {_FILES}",
    )


def add_command(commands: Any) -> None:
    """Adds `weights` to the subcommands of `attnorm`."""
    summary = "say whether files hold the weights that a program takes"
    weights = commands.add_parser("weights", help=summary, description=summary)
    verbs = weights.add_subparsers(title="commands", metavar="COMMAND", required=True)
    checking = verbs.add_parser(
        "check",
        help=summary,
        description="Compares names, shapes and dtypes; each mismatch listed.",
    )
    checking.add_argument("program", metavar="PROGRAM.vmfb")
    checking.add_argument("files", nargs="+", metavar="FILE", help=_FILES)
    checking.set_defaults(command=_check)


def _check(arguments: argparse.Namespace) -> int:
    from ..execution.program import Program

    program = Program.load(arguments.program, weights=arguments.files)
    print(f"{arguments.program}: {len(program.weights)} weights fit")
    return 0
