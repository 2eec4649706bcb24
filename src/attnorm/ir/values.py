"""What every pass asks of a value."""

from __future__ import annotations

from .mlir import ir


def producer(value: ir.Value) -> ir.Operation | None:
    """The op that makes a value; None for an argument."""
    owner = value.owner
    return None if isinstance(owner, ir.Block) else owner.operation
