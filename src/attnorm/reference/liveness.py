"""Where the values of a block are read for the last time: nobody need hold them after that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ..ir.mlir import ir

Deaths = Mapping[int, Sequence[ir.Value]]
"""The values that need not be held after the op of a position in its block."""


def deaths(block: ir.Block) -> Deaths:
    """The last reads of what a block's ops make and of its arguments, by ops in regions too."""
    ops = [view.operation for view in block.operations]
    positions = {op: position for position, op in enumerate(ops)}
    found: defaultdict[int, list[ir.Value]] = defaultdict(list)
    for argument in block.arguments:
        found[_last_read(argument, positions, 0)].append(argument)
    for position, op in enumerate(ops):
        for result in op.results:
            found[_last_read(result, positions, position)].append(result)
    return found


def _last_read(value: ir.Value, positions: Mapping[ir.Operation, int], made: int) -> int:
    """The position of the last op that reads a value, or of the one that makes it."""
    last = made
    for use in value.uses:
        op = use.owner.operation
        while op not in positions:
            op = op.parent.operation
        last = max(last, positions[op])
    return last
