"""When a row kernel computes what: sweeps over a row, and what is kept between them."""

from __future__ import annotations

from dataclasses import dataclass, field

from .row_program import Node, RowProgram
from .row_values import EXPENSIVE

_WORTH_KEEPING = 5
"""Loads and operations, above which a value is kept rather than computed again."""
_EXPENSE = 8
"""What one of `EXPENSIVE` counts as."""


@dataclass
class Sweep:
    """One pass over a row: everything that waits for the same number of reductions.

    `reductions` end with it; `stores` are positions of results that are written in it; `keeps` are
    values that a later sweep reads again. Of several sweeps, one `fetches` the next row meanwhile.
    """

    level: int
    reductions: list[Node] = field(default_factory=list)
    stores: list[int] = field(default_factory=list)
    keeps: list[Node] = field(default_factory=list)
    fetches: bool = False

    def roots(self, program: RowProgram) -> list[Node]:
        """The values along the row that the sweep is for."""
        return [
            *(node.operands[0] for node in self.reductions),
            *(program.results[position] for position in self.stores),
        ]


@dataclass
class Plan:
    """The sweeps in order; `until` is the level of the last sweep that reads a kept value."""

    sweeps: list[Sweep]
    until: dict[Node, int] = field(default_factory=dict)


def plan(program: RowProgram) -> Plan:
    """A program's sweeps. What is cheap is computed again in each that needs it."""
    last = max(node.level for node in [*program.reductions, *program.results])
    sweeps = [Sweep(level) for level in range(last + 1)]
    for node in program.reductions:
        sweeps[node.level - 1].reductions.append(node)
    for position, node in enumerate(program.results):
        if program.along_columns(node):
            sweeps[node.level].stores.append(position)
    made = Plan([sweep for sweep in sweeps if sweep.reductions or sweep.stores])
    _keep(program, made)
    if len(made.sweeps) > 1:
        busy = [sweep for sweep in made.sweeps if sweep.keeps]
        (busy or made.sweeps[-1:])[0].fetches = True
    return made


def _keep(program: RowProgram, made: Plan) -> None:
    """Finds what costs too much to be computed in two sweeps."""
    first: dict[Node, Sweep] = {}

    def visit(node: Node, sweep: Sweep, seen: set[Node]) -> None:
        if node in seen or not program.along_columns(node):
            return
        seen.add(node)
        before = first.setdefault(node, sweep)
        if before is not sweep and program.along_rows(node) and _is_worth(program, node, made):
            if node not in made.until:
                before.keeps.append(node)
            made.until[node] = sweep.level
            return
        for operand in node.operands:
            visit(operand, sweep, seen)

    for sweep in made.sweeps:
        seen: set[Node] = set()
        for root in sweep.roots(program):
            visit(root, sweep, seen)


def _is_worth(program: RowProgram, node: Node, made: Plan) -> bool:
    if node in made.until:
        return True
    cost = 0
    pending, seen = [node], set()
    while pending:
        inner = pending.pop()
        if inner in seen or not program.along_columns(inner):
            continue
        seen.add(inner)
        cost += _EXPENSE if inner.kind in EXPENSIVE else inner.kind not in ("move", "constant")
        if inner not in made.until:
            pending += inner.operands
    return cost > _WORTH_KEEPING
