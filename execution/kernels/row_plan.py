"""When a row kernel computes what: passes over a row, each with its reductions and its stores."""

from __future__ import annotations

from dataclasses import dataclass, field

from .row_program import Node, RowProgram
from .row_values import EXPENSIVE


@dataclass
class Sweep:
    """One pass over a row: everything that waits for the same number of reductions.

    `reductions` end with it; `stores` are positions of results that are written in it; `keeps` are
    values that a later sweep reads again.
    """

    level: int
    reductions: list[Node] = field(default_factory=list)
    stores: list[int] = field(default_factory=list)
    keeps: list[Node] = field(default_factory=list)

    def roots(self, program: RowProgram) -> list[Node]:
        """The values along the row that the sweep is for."""
        return [
            *(node.operands[0] for node in self.reductions),
            *(program.results[position] for position in self.stores),
        ]


def plan(program: RowProgram) -> list[Sweep]:
    """The sweeps in order. What is cheap is computed again in each that needs it."""
    last = max(node.level for node in [*program.reductions, *program.results])
    sweeps = [Sweep(level) for level in range(last + 1)]
    for node in program.reductions:
        sweeps[node.level - 1].reductions.append(node)
    for position, node in enumerate(program.results):
        if program.along_columns(node):
            sweeps[node.level].stores.append(position)
    sweeps = [sweep for sweep in sweeps if sweep.reductions or sweep.stores]
    _keep(program, sweeps)
    return sweeps


def _keep(program: RowProgram, sweeps: list[Sweep]) -> None:
    """Finds what is too expensive to be computed in two sweeps."""
    first: dict[Node, Sweep] = {}

    def visit(node: Node, sweep: Sweep) -> None:
        if not program.along_columns(node) or node.kind == "reduce":
            return
        before = first.setdefault(node, sweep)
        if before is not sweep and node.kind in EXPENSIVE and program.along_rows(node):
            if node not in before.keeps:
                before.keeps.append(node)
            return
        for operand in node.operands:
            visit(operand, sweep)

    for sweep in sweeps:
        for root in sweep.roots(program):
            visit(root, sweep)
