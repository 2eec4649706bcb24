"""The values of a row program's nodes: those of a row, and those of its elements.

What a value is made of is the same everywhere; where numbers come from is not. A kernel along rows
has a scalar for a row and vectors of its columns; a kernel across rows has vectors of neighbouring
rows for both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from iree.compiler import ir
from iree.compiler.dialects import arith

from . import emit
from .emit import Index
from .row_program import Node, RowProgram, combiner, constant_value
from .row_totals import JOIN, NEUTRAL
from .row_values import constant, evaluate, is_bool, rounded

Place = tuple[ir.Value, tuple[Index, ...]]
"""A memory, and the first indices into it."""


class RowValues(ABC):
    """What does not change along the columns: scalars, or vectors of `lanes` neighbouring rows."""

    def __init__(self, program: RowProgram, lanes: int | None, columns: Index):
        self.program, self.lanes, self._columns = program, lanes, columns
        self.known: dict[Node, ir.Value] = {}
        self.inverses: dict[Node, tuple[ir.Value, ir.Value]] = {}

    def prepare(self, level: int) -> None:
        """Computes what the sweep of `level` can know beforehand."""
        for node in self.program.nodes():
            if not self.program.along_columns(node) and node.level <= level:
                self.value(node)
        # In the order of the program: the same input gives the same code.
        for node in dict.fromkeys(self._divisors(level)):
            if node not in self.inverses:
                self.inverses[node] = emit.inverse(self.known[node])

    def _divisors(self, level: int) -> list[Node]:
        """What the elements of a row are divided by."""
        return [
            node.operands[1]
            for node in self.program.nodes()
            if node.kind == "divide"
            and self.program.along_columns(node)
            and not self.program.along_columns(node.operands[1])
            and node.operands[1].level <= level
        ]

    def value(self, node: Node) -> ir.Value:
        """A value, floats as f32."""
        if node not in self.known:
            self.known[node] = self._value(node)
        return self.known[node]

    def _value(self, node: Node) -> ir.Value:
        if node.kind == "argument":
            return self.argument(node)
        if node.kind == "constant":
            element = node.element if is_bool(node.element) else emit.f32()
            return constant(node, emit.vector_of(self.lanes, element) if self.lanes else element)
        if node.kind == "move":
            return self.value(node.operands[0])
        if node.kind == "size":
            count = arith.index_cast(ir.IntegerType.get_signless(64), emit.index(self._columns))
            number = arith.sitofp(emit.f32(), count)
            return emit.splat(number, self.lanes) if self.lanes else number
        return evaluate(node, [self.value(operand) for operand in node.operands])

    @abstractmethod
    def argument(self, node: Node) -> ir.Value:
        """An argument that does not change along the columns."""

    def finish(self, node: Node, total: ir.Value) -> None:
        """Makes a reduction known, from the total of its elements."""
        kind, start = combiner(node), node.operands[1]
        if start.kind != "constant" or constant_value(start) != NEUTRAL[kind]:
            total = JOIN[kind](total, self.value(start))
        self.known[node] = rounded(total, node.element)


class ElementValues(ABC):
    """What changes along the columns, in `lanes` elements: side by side in memory, or not."""

    def __init__(self, row: RowValues, lanes: int, kept: Mapping[Node, Place]):
        self.row, self.lanes, self.kept = row, lanes, kept
        self._values: dict[Node, ir.Value] = {}

    def value(self, node: Node) -> ir.Value:
        """A value in these elements, floats as f32."""
        if node not in self._values:
            self._values[node] = self._value(node)
        return self._values[node]

    def _value(self, node: Node) -> ir.Value:
        if node.kind == "constant":
            element = node.element if is_bool(node.element) else emit.f32()
            return constant(node, emit.vector_of(self.lanes, element))
        if not self.row.program.along_columns(node):
            return self._spread(self.row.known[node])
        if node in self.kept:
            return self.read(self.kept[node])
        if node.kind == "move":
            return self.value(node.operands[0])
        if node.kind == "argument":
            return self.argument(node)
        if node.kind == "divide" and node.operands[1] in self.row.inverses:
            return rounded(self._divide(*node.operands), node.element)
        return evaluate(node, [self.value(operand) for operand in node.operands])

    def _spread(self, value: ir.Value) -> ir.Value:
        return value if isinstance(value.type, ir.VectorType) else emit.splat(value, self.lanes)

    def _divide(self, node: Node, divisor: Node) -> ir.Value:
        """A product with what the whole row is divided by: a division costs ten of them."""
        value = self.value(node)
        for factor in self.row.inverses[divisor]:
            value = arith.mulf(value, self._spread(factor))
        return value

    @abstractmethod
    def argument(self, node: Node) -> ir.Value:
        """An argument that changes along the columns."""

    @abstractmethod
    def read(self, place: Place) -> ir.Value:
        """A value that was kept."""

    def accumulate(self, kind: str, node: Node, total: ir.Value) -> ir.Value:
        """An accumulator with a value more in it; a product is added without being rounded."""
        is_product = node.kind == "multiply" and isinstance(node.element, ir.F32Type)
        if kind == "add" and is_product and node not in self.kept:
            a, b = (self.value(operand) for operand in node.operands)
            return emit.multiply_add(a, b, total)
        return JOIN[kind](total, self.value(node))
