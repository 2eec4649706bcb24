"""`attnorm check`: does a pipeline keep the values of a module, pass by pass?"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..pipeline.pipelines import DEFAULT
from . import options

if TYPE_CHECKING:
    from ..checking import Check, Output, PassCheck

_SUMMARY = "run a pipeline pass by pass, and compare the values before and after each"
_EPILOG = (
    "same: the values agree where f32 is not rounded. rounds: they do where nothing is; the pass "
    "rounds elsewhere, which fails unless it says why that is no less accurate. differs: they do "
    "not. docs/check.md has the rest. Exit status 1 where a pass, or another system, differs."
)
_LONG = 2.0  # seconds


def add_command(commands: Any) -> None:
    """Adds `check` to the subcommands of `attnorm`."""
    checking = commands.add_parser(
        "check",
        help=_SUMMARY,
        description=f"{_SUMMARY[:1].upper()}{_SUMMARY[1:]}.",
        epilog=_EPILOG,
    )
    checking.add_argument("input", metavar="IN", help="MLIR text or bytecode; - is stdin")
    options.add_input_format(checking)
    checking.add_argument(
        "--pass-pipeline",
        default=DEFAULT,
        metavar="PIPELINE",
        help=f"what is checked, by name or as builtin.module(...) (default: {DEFAULT})",
    )
    options.add_dims(checking)
    options.add_arguments(
        checking,
        inputs=" (default: generated, ordinary and hard ones)",
        function="every public one",
    )
    checking.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of generated arguments (default: 0)"
    )
    options.add_tolerances(checking)
    checking.add_argument(
        "--no-anchors",
        dest="anchors",
        action="store_false",
        help="do not ask StableHLO's interpreter and IREE as well, which takes seconds",
    )
    checking.add_argument(
        "--save",
        metavar="DIR",
        help="write the IR before and after the first pass that fails there",
    )
    checking.add_argument(
        "--json", action="store_true", help="print JSON, as `pydoc attnorm.checking` describes it"
    )
    checking.set_defaults(command=_check)


def _check(arguments: argparse.Namespace) -> int:
    from ..checking import check
    from ..execution.arrays import parse_array

    inputs = [parse_array(spec) for spec in arguments.inputs]
    module = options.load(options.read(arguments), arguments)
    found = check(
        module,
        arguments.pass_pipeline,
        inputs=inputs or None,
        function=arguments.function,
        dims=arguments.dims,
        seed=arguments.seed,
        rtol=arguments.rtol,
        atol=arguments.atol,
        anchors=arguments.anchors,
        save=arguments.save,
        on_progress=_progress(),
    )
    if arguments.json:
        print(found.to_json(), flush=True)
    else:
        _show(found)
    if not found.ok:
        print(f"{arguments.input}: {found}", file=sys.stderr)
    return 0 if found.ok else 1


def _progress() -> Callable[[str], None]:
    """Prints to stderr what is being done, from the third second on."""
    start = time.monotonic()

    def tell(text: str) -> None:
        seconds = time.monotonic() - start
        if seconds > _LONG:
            print(f"{seconds:.0f} s: {text}", file=sys.stderr, flush=True)

    return tell


# -- the table -------------------------------------------------------------------------------------

_COLUMNS = ("pass", "output", "ulps", "relative", "exact", "verdict")


def _show(found: Check) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = 1000
    table = Table(box=SIMPLE_HEAD)
    for column in _COLUMNS:
        table.add_column(column, overflow="fold")
    for item in found.passes:
        for output in item.verdict.outputs:
            table.add_row(*_row(item, output))
    if table.row_count:
        console.print(table)
    unchanged = sum(not item.changed for item in found.passes)
    console.print(f"{len(found.passes)} passes, {unchanged} of which changed nothing")
    for anchor in found.anchors:
        console.print(str(anchor))


def _row(item: PassCheck, output: Output) -> tuple[str, ...]:
    verdict = output.kind
    if output.kind == "rounds" and item.rounds:
        verdict = f"rounds: {item.rounds}"
    elif output.kind != "same":
        verdict = f"{output.kind}, for {output.inputs}: {output.reason}"
    numbers = (output.ulps, output.relative, output.exact)
    place = f"{output.function} {output.index} {output.type}"
    return item.name, place, *map(_number, numbers), verdict


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if math.isfinite(value) else "overflow"
