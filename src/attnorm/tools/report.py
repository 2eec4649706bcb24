"""`attnorm report`: what a module contains, as tables or as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .. import dialect
from ..checking.contents import FoundOp, Kernels, OpaqueCall, Report, Tensor

if TYPE_CHECKING:
    from rich.console import Console

_CALL_COLUMNS = ("call", "at", "nearest known name")


def show(report: Report, *, as_json: bool) -> None:
    """Prints a report to stdout."""
    if as_json:
        print(report.to_json(), flush=True)
    else:
        _print_tables(report)


def _print_tables(report: Report) -> None:
    from rich.console import Console

    # What stands in the tables is the module's: neither markup nor emoji. Off a terminal, lines
    # are as long as they need to be.
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = 1000
    counts = [(kind, count, report.fused[kind]) for kind, count in report.counts.items()]
    _table(console, "counts", ("op", "raised", "fused"), counts)
    if len(report.functions) > 1:
        kinds = [kind for kind, count in report.counts.items() if count]
        rows = [(name, *map(found.get, kinds)) for name, found in report.functions.items()]
        _table(console, "raised, by function", ("function", *kinds), rows)
    _table(console, "recognised", ("op", "at", "types", "attributes"), map(_op_row, report.ops))
    refusals = [(item.pass_name, item.location, item.reason) for item in report.refusals]
    _table(console, "nearly recognised", ("pass", "at", "why not"), refusals)
    _table(console, "left", _CALL_COLUMNS, map(_call_row, report.left))
    _table(console, "composites opened", _CALL_COLUMNS, map(_call_row, report.opened))
    if report.kernels:
        _print_kernels(console, report.kernels)
    before, after = report.size.before, report.size.after
    console.print(f"ops: {before.ops:,} before, {after.ops:,} after")
    console.print(f"bytes of bytecode: {before.bytes:,} before, {after.bytes:,} after")


def _print_kernels(console: Console, kernels: Kernels) -> None:
    rows = [
        (item.name, item.location, item.count, item.reason or "kernel") for item in kernels.choices
    ]
    _table(console, "kernels", ("composite", "at", "count", "kernel, or why not"), rows)
    if kernels.error:
        console.print(f"kernels: not known, because lowering failed: {kernels.error}")


def _table(
    console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Prints a table, if it has rows."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("?" if cell is None else str(cell) for cell in row))
    if table.row_count:
        console.print(table)


def _op_row(op: FoundOp) -> tuple[object, ...]:
    types = f"{_types(op.operands)} -> {_types(op.results)}"
    return op.op, op.location, types, _attributes(op)


def _types(tensors: dict[str, Tensor]) -> str:
    return ", ".join(f"{name} {tensor}" for name, tensor in tensors.items())


def _attributes(op: FoundOp) -> str:
    """Those that are not at their default."""
    fields = dialect.OPS[f"{dialect.NAMESPACE}.{op.op}"].fields
    return ", ".join(
        f"{name} not in the IR" if name in op.missing else f"{name} {_value(value)}"
        for name, value in op.attributes.items()
        if name in op.missing or value != fields[name].default
    )


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _call_row(call: OpaqueCall) -> tuple[object, ...]:
    return f"{call.kind} {call.name}", call.location, call.nearest or "none"
