"""Options that several commands share, and the module that they are about."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import attnorm

from ..io.files import read_bytes

if TYPE_CHECKING:
    from ..ir.mlir import ir

_SPEC = "an array: TYPE=VALUES (2x2xf32=1,2,3,4; one value fills), TYPE=random:SEED or @FILE.npy"


class Version(argparse.Action):
    """Prints the versions that a report of a bug wants, and ends: what `--version` does.

    They are looked up when they are asked for, as that takes time.
    """

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the versions and exit")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Prints them."""
        from importlib.metadata import version

        packages = ("torch-mlir", "iree-base-compiler", "iree-base-runtime")
        beneath = ", ".join(f"{name} {version(name)}" for name in packages)
        print(f"{parser.prog} {attnorm.__version__} ({beneath})")
        parser.exit()


def add_input_format(parser: argparse.ArgumentParser) -> None:
    """Adds what the input is."""
    parser.add_argument(
        "--input-format",
        choices=("auto", "mlir", "skainet"),
        default="auto",
        help="what the input is (default: auto)",
    )


def add_dims(parser: argparse.ArgumentParser) -> None:
    """Adds the sizes of dynamic dimensions."""
    parser.add_argument(
        "--dim",
        dest="dims",
        action="append",
        default=[],
        metavar="ARGUMENT.DIMENSION=SIZE",
        help="the size of a dynamic dimension (0.1=128), or of a symbol (s0=128); repeatable",
    )


def add_arguments(parser: argparse.ArgumentParser, *, inputs: str = "", function: str) -> None:
    """Adds the function and its arguments, with what either is by default."""
    parser.add_argument("--function", metavar="NAME", help=f"default: {function}")
    parser.add_argument(
        "--input",
        dest="inputs",
        action="append",
        default=[],
        metavar="SPEC",
        help=_SPEC + inputs,
    )


def add_tolerances(parser: argparse.ArgumentParser) -> None:
    """Adds by how much values may differ."""
    parser.add_argument("--rtol", type=float, help="relative tolerance (default: by type)")
    parser.add_argument("--atol", type=float, help="absolute tolerance (default: by type)")


def read(arguments: argparse.Namespace) -> bytes | Path:
    """What an input holds, or where: a file's contents are not always needed at once."""
    if arguments.input == "-":
        return sys.stdin.buffer.read()
    path = Path(arguments.input)
    return path if path.is_file() else read_bytes(path)


def load(source: bytes | Path, arguments: argparse.Namespace) -> ir.Operation:
    """The module that an input holds."""
    name = "<stdin>" if arguments.input == "-" else arguments.input
    return attnorm.load(source, input_format=arguments.input_format, name=name)
