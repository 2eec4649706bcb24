"""How a row kernel's arguments and results lie in memory."""

from __future__ import annotations

from iree.compiler import ir
from iree.compiler.dialects import arith

from . import emit
from .emit import Index
from .machine import Machine
from .row_program import Node, RowProgram, places_of, product
from .row_values import is_bool

_STREAM_BYTES = 8 << 20  # a result of this size may go past the caches


def row_of(program: RowProgram, node: Node, row: Index) -> Index:
    """Which row of an argument belongs to the row `row` of the space."""
    space, rank = program.space, program.row_rank
    places = [place for place in places_of(node) if place < rank]
    if places == program.wide_rows:
        return row
    found: Index = 0
    for place in places:
        inner, size = product(space[place + 1 : rank]), space[place]
        assert inner is not None and size is not None  # `rows.take` refuses what is dynamic
        index = emit.remainder(emit.divide(row, inner), size)
        found = emit.add(emit.multiply(found, size), index)
    return found


def widened(value: ir.Value, node: Node) -> ir.Value:
    """What was loaded, as it is computed with. A boolean is a byte in memory."""
    if is_bool(node.element):
        return arith.cmpi(arith.CmpIPredicate.ne, value, emit.constant_like(value, 0))
    return emit.convert(value, emit.f32())


def narrowed(value: ir.Value, node: Node, machine: Machine) -> ir.Value:
    """What was computed, as it is stored."""
    if is_bool(node.element):
        return arith.extui(emit.like(value, ir.IntegerType.get_signless(8)), value)
    lanes = value.type.shape[0] if isinstance(value.type, ir.VectorType) else 1
    if isinstance(node.element, ir.BF16Type) and machine.narrows_bf16(lanes):
        return emit.bf16(value)
    return emit.convert(value, node.element)


def streams(program: RowProgram, node: Node) -> bool:
    """Whether a result goes past the caches: it is large, and every vector of it is aligned."""
    sizes = (program.rows, program.columns, program.inner)
    if is_bool(node.element) or None in sizes:
        return False
    line = product(sizes[2:] if program.inner != 1 else sizes[1:2])
    whole = product(sizes)
    assert line is not None and whole is not None
    width = node.element.width // 8
    return line * width % 64 == 0 and whole * width >= _STREAM_BYTES
