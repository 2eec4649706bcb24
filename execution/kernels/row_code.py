"""The code of a row kernel: sweeps over the columns of one row after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from iree.compiler import ir
from iree.compiler.dialects import arith, vector

from . import emit
from .emit import Index
from .machine import Machine
from .row_plan import Sweep
from .row_program import Node, RowProgram, combiner, constant_value, places_of, product
from .row_values import constant, evaluate, is_bool, rounded

_RUN = 16
"""Additions to one accumulator before it joins a total that keeps what it rounds off.

With 8 accumulators of 16 lanes, a sum of n numbers is then off by at most 16 + 3 + 4 roundings (the
accumulators', their tree's, the lanes'), 6 for what the ends of a row add to these trees, and one
for the total: 30, whatever n is. NumPy's pairwise summation has 19 + log2(n / 128).
"""
_STREAM_BYTES = 8 << 20  # a result of this size may go past the caches
_JOIN: dict[str, Callable[[ir.Value, ir.Value], ir.Value]] = {
    "add": arith.addf,
    "maximum": emit.maximum,
    "minimum": emit.minimum,
    "multiply": arith.mulf,
}
_NEUTRAL = {"add": 0.0, "maximum": -math.inf, "minimum": math.inf, "multiply": 1.0}
_HORIZONTAL = {"add": "add", "maximum": "maximumf", "minimum": "minimumf", "multiply": "mul"}


@dataclass
class _Long:
    """A total over many vectors: a sum keeps what its additions round off in `error`."""

    total: ir.Value
    error: ir.Value | None


class RowCode:
    """Writes the sweeps of one row.

    `inputs` and `outputs` are memories of [rows, columns] (or [rows], for what does not change
    along a row); `keep` gives the memory, and the row in it, for a value that a later sweep reads.
    """

    def __init__(
        self,
        program: RowProgram,
        machine: Machine,
        inputs: Sequence[ir.Value],
        outputs: Sequence[ir.Value],
        columns: Index,
        keep: Callable[[Node, Index], tuple[ir.Value, tuple[Index, ...]] | None],
    ):
        self.program, self.machine = program, machine
        self.inputs, self.outputs, self.columns, self.keep = inputs, outputs, columns, keep
        self.row: Index = 0
        self.scalars: dict[Node, ir.Value] = {}
        self.inverses: dict[Node, tuple[ir.Value, ir.Value]] = {}
        self.kept: dict[Node, tuple[ir.Value, tuple[Index, ...]]] = {}

    def emit(self, sweeps: Sequence[Sweep], row: ir.Value) -> None:
        """Everything for the row at index `row`."""
        self.row, self.scalars, self.inverses, self.kept = row, {}, {}, {}
        for sweep in sweeps:
            for node in self._row_nodes(sweep.level):
                self.scalar(node)
            for node in self._divisors(sweep.level):
                self.inverses[node] = emit.inverse(self.scalars[node])
            totals = _Columns(self, sweep).emit()
            for node, total in zip(sweep.reductions, totals, strict=True):
                self.scalars[node] = self._finish(node, total)
            for node in sweep.keeps:
                place = self.keep(node, row)
                if place:
                    self.kept[node] = place
        for position, node in enumerate(self.program.results):
            if not self.program.along_columns(node):
                self._store_scalar(self.scalar(node), node, self.outputs[position])

    def _row_nodes(self, level: int) -> list[Node]:
        """What does not change along a row and can be computed before the sweep of `level`."""
        return [
            node
            for node in self.program.nodes()
            if not self.program.along_columns(node) and node.level <= level
        ]

    def _divisors(self, level: int) -> list[Node]:
        """What values of a row are divided by, as far as only the sweep of `level` can know it."""
        found = [
            node.operands[1]
            for node in self.program.nodes()
            if node.kind == "divide"
            and self.program.along_columns(node)
            and not self.program.along_columns(node.operands[1])
            and node.operands[1].level <= level
        ]
        # In the order of the program: the same input gives the same code.
        return [node for node in dict.fromkeys(found) if node not in self.inverses]

    def _finish(self, node: Node, total: ir.Value) -> ir.Value:
        """A reduction's result from the total of its elements."""
        kind, start = combiner(node), node.operands[1]
        if start.kind != "constant" or constant_value(start) != _NEUTRAL[kind]:
            total = _JOIN[kind](total, self.scalar(start))
        return rounded(total, node.element)

    # -- values ------------------------------------------------------------------------------------

    def scalar(self, node: Node) -> ir.Value:
        """A value that does not change along a row."""
        if node not in self.scalars:
            self.scalars[node] = self._scalar(node)
        return self.scalars[node]

    def _scalar(self, node: Node) -> ir.Value:
        if node.kind == "argument":
            memory = self.inputs[node.position]
            return _wide(emit.load_scalar(memory, [self.row_of(node)]), node)
        if node.kind == "constant":
            return constant(node, node.element if is_bool(node.element) else emit.f32())
        if node.kind == "move":
            return self.scalar(node.operands[0])
        if node.kind == "size":
            count = arith.index_cast(ir.IntegerType.get_signless(64), emit.index(self.columns))
            return arith.sitofp(emit.f32(), count)
        return evaluate(node, [self.scalar(operand) for operand in node.operands])

    def row_of(self, node: Node) -> Index:
        """Which row of an argument belongs to the current row."""
        space, rank = self.program.space, self.program.row_rank
        places = [place for place in places_of(node) if place < rank]
        if places == self.program.wide_rows:
            return self.row
        found: Index = 0
        for place in places:
            inner, size = product(space[place + 1 : rank]), space[place]
            assert inner is not None and size is not None  # `RowProgram` refuses what is dynamic
            index = emit.remainder(emit.divide(self.row, inner), size)
            found = emit.add(emit.multiply(found, size), index)
        return found

    def _store_scalar(self, value: ir.Value, node: Node, memory: ir.Value) -> None:
        emit.store_scalar(_narrow(value, node), memory, [self.row])


class _Columns:
    """One sweep: a loop over vectors, what is left of the row in ever smaller ones."""

    def __init__(self, code: RowCode, sweep: Sweep):
        self.code, self.sweep, self.program = code, sweep, code.program
        self.lanes = code.machine.lanes
        several = len(sweep.reductions) > 1 or code.machine.registers < 32
        self.unroll = 2 if sweep.keeps else 4 if several else 8
        self.kinds = [combiner(node) for node in sweep.reductions]

    def emit(self) -> list[ir.Value]:
        """The totals of the sweep's reductions, as scalars."""
        columns, step = self.code.columns, self.lanes * self.unroll
        main = emit.multiply(emit.divide(columns, step), step)
        totals = self._main(main)
        if not isinstance(columns, int):
            return self._dynamic_rest(totals, main, columns)
        assert isinstance(main, int)
        rest = []
        for column in range(main, columns - self.lanes + 1, self.lanes):
            rest.append(self._step(column, self._neutral(self.lanes), self.lanes))
        scalars = []
        if main or rest:
            scalars.append(self._horizontal(self._tree([*([totals] if main else []), *rest])))
        column, lanes = columns - columns % self.lanes, self.lanes // 2
        while lanes:
            if column + lanes <= columns:
                partial = self._step(column, self._neutral(lanes), lanes)
                scalars.append(self._horizontal(partial))
                column += lanes
            lanes //= 2
        return self._tree(scalars)

    def _dynamic_rest(self, totals: list[ir.Value], main: Index, columns: Index) -> list[ir.Value]:
        whole = emit.multiply(emit.divide(columns, self.lanes), self.lanes)
        totals = emit.loop(
            main, whole, self.lanes, totals, lambda column, *c: self._step(column, c, self.lanes)
        )
        ones = emit.loop(
            whole, columns, 1, self._neutral(1), lambda column, *c: self._step(column, c, 1)
        )
        return self._tree([self._horizontal(totals), self._horizontal(ones)])

    def _main(self, end: Index) -> list[ir.Value]:
        """The columns before `end`, unrolled; a vector of totals for each reduction."""
        block = _RUN * self.lanes * self.unroll
        short = isinstance(end, int) and end <= block
        if "add" not in self.kinds or short:
            return self._stretch(0, end) if end != 0 else []

        def body(column: ir.Value, *carried: ir.Value) -> list[ir.Value]:
            upper = emit.smaller(emit.add(column, block), end)
            part = self._stretch(column, upper)
            return _flatten(map(_add_to, self.kinds, self._unflatten(carried), part))

        start = _flatten(
            _Long(value, value if kind == "add" else None)
            for kind, value in zip(self.kinds, self._neutral(self.lanes), strict=True)
        )
        return [_settle(long) for long in self._unflatten(emit.loop(0, end, block, start, body))]

    def _unflatten(self, values: Sequence[ir.Value]) -> list[_Long]:
        remaining = iter(values)
        return [
            _Long(next(remaining), next(remaining) if kind == "add" else None)
            for kind in self.kinds
        ]

    def _stretch(self, begin: Index, end: Index) -> list[ir.Value]:
        """A loop of `unroll` vectors a turn, each with accumulators of its own."""
        count = len(self.kinds)

        def body(column: ir.Value, *carried: ir.Value) -> list[ir.Value]:
            out: list[ir.Value] = []
            for slot in range(self.unroll):
                own = carried[slot * count : (slot + 1) * count]
                out += self._step(emit.add(column, slot * self.lanes), own, self.lanes, main=True)
            return out

        start = self._neutral(self.lanes) * self.unroll
        ends = emit.loop(begin, end, self.lanes * self.unroll, start, body)
        return self._tree([ends[slot * count : (slot + 1) * count] for slot in range(self.unroll)])

    # -- accumulators ------------------------------------------------------------------------------

    def _neutral(self, lanes: int) -> list[ir.Value]:
        type_ = emit.vector_of(lanes, emit.f32())
        return [emit.constant(type_, _NEUTRAL[kind]) for kind in self.kinds]

    def _tree(self, parts: Sequence[Sequence[ir.Value]]) -> list[ir.Value]:
        """Parts joined pair by pair."""
        if not self.kinds:
            return []
        while len(parts) > 1:
            pairs = [self._join(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
            parts = [*pairs, *(parts[-1:] if len(parts) % 2 else [])]
        return list(parts[0])

    def _join(self, a: Sequence[ir.Value], b: Sequence[ir.Value]) -> list[ir.Value]:
        return [_JOIN[kind](x, y) for kind, x, y in zip(self.kinds, a, b, strict=True)]

    def _horizontal(self, totals: Sequence[ir.Value]) -> list[ir.Value]:
        return [_reduce(kind, total) for kind, total in zip(self.kinds, totals, strict=True)]

    # -- one vector --------------------------------------------------------------------------------

    def _step(
        self, column: Index, carried: Sequence[ir.Value], lanes: int, *, main: bool = False
    ) -> list[ir.Value]:
        """The sweep's work on one vector; the reductions' new accumulators."""
        at = _Vector(self.code, column, lanes)
        if main and self.sweep.fetches:
            self._fetch_next_row(column)
        out = [
            at.accumulate(kind, node.operands[0], total)
            for kind, node, total in zip(self.kinds, self.sweep.reductions, carried, strict=True)
        ]
        for position in self.sweep.stores:
            at.store(position, main)
        # Last: it may take the place of what was read above.
        for node in self.sweep.keeps:
            place = self.code.keep(node, self.code.row)
            if place:
                memory, indices = place
                emit.store(at.value(node), memory, [*indices, column])
        return out

    def _fetch_next_row(self, column: Index) -> None:
        """Has the memory busy while this sweep works on what is in the cache already."""
        row = emit.add(self.code.row, 1)
        for node in self.program.arguments:
            if self.program.along_columns(node) and self.code.row_of(node) is self.code.row:
                emit.prefetch(self.code.inputs[node.position], [row, column])


class _Vector:
    """The values of a program in `lanes` columns from `column` on."""

    def __init__(self, code: RowCode, column: Index, lanes: int):
        self.code, self.column, self.lanes = code, column, lanes
        self._values: dict[Node, ir.Value] = {}

    def value(self, node: Node) -> ir.Value:
        """A value in these columns, floats as f32."""
        if node not in self._values:
            self._values[node] = self._value(node)
        return self._values[node]

    def _value(self, node: Node) -> ir.Value:
        code = self.code
        if node.kind == "constant":
            element = node.element if is_bool(node.element) else emit.f32()
            return constant(node, emit.vector_of(self.lanes, element))
        if not code.program.along_columns(node):
            return emit.splat(code.scalars[node], self.lanes)
        if node in code.kept:
            memory, indices = code.kept[node]
            return emit.load(memory, [*indices, self.column], self.lanes)
        if node.kind == "move":
            return self.value(node.operands[0])
        if node.kind == "argument":
            memory = code.inputs[node.position]
            raw = emit.load(memory, [code.row_of(node), self.column], self.lanes)
            return _wide(raw, node)
        if node.kind == "divide" and node.operands[1] in code.inverses:
            return rounded(self._divide(*node.operands), node.element)
        return evaluate(node, [self.value(operand) for operand in node.operands])

    def _divide(self, node: Node, divisor: Node) -> ir.Value:
        """A product with what the whole row is divided by: a division costs ten of them."""
        value = self.value(node)
        for factor in self.code.inverses[divisor]:
            value = arith.mulf(value, emit.splat(factor, self.lanes))
        return value

    def accumulate(self, kind: str, node: Node, total: ir.Value) -> ir.Value:
        """An accumulator with a value more in it; a product is added without being rounded."""
        is_product = node.kind == "multiply" and isinstance(node.element, ir.F32Type)
        if kind == "add" and is_product and node not in self.code.kept:
            a, b = (self.value(operand) for operand in node.operands)
            return emit.multiply_add(a, b, total)
        return _JOIN[kind](total, self.value(node))

    def store(self, position: int, main: bool) -> None:
        """Writes a result; past the caches where it is large and every vector is aligned."""
        node, memory = self.code.program.results[position], self.code.outputs[position]
        streaming = main and _streams(self.code.program, node)
        if isinstance(node.element, ir.BF16Type) and self.code.machine.narrows_bf16(self.lanes):
            value = emit.bf16(self.value(node))
        else:
            value = _narrow(self.value(node), node)
        emit.store(value, memory, [self.code.row, self.column], streaming=streaming)


def _streams(program: RowProgram, node: Node) -> bool:
    if is_bool(node.element) or program.rows is None or program.columns is None:
        return False
    row_bytes = program.columns * node.element.width // 8
    return row_bytes % 64 == 0 and program.rows * row_bytes >= _STREAM_BYTES


def _wide(value: ir.Value, node: Node) -> ir.Value:
    """What was loaded, as it is computed with. A boolean is a byte in memory."""
    if is_bool(node.element):
        return arith.cmpi(arith.CmpIPredicate.ne, value, emit.constant_like(value, 0))
    return emit.convert(value, emit.f32())


def _narrow(value: ir.Value, node: Node) -> ir.Value:
    """What was computed, as it is stored."""
    if is_bool(node.element):
        return arith.extui(emit.like(value, ir.IntegerType.get_signless(8)), value)
    return emit.convert(value, node.element)


# -- totals --------------------------------------------------------------------------------------


def _reduce(kind: str, total: ir.Value) -> ir.Value:
    """The lanes of a vector as one number; a sum of pairs of sums, as the hardware does it."""
    combining = ir.Attribute.parse(f"#vector.kind<{_HORIZONTAL[kind]}>")
    fast = arith.FastMathFlags.reassoc if kind == "add" else None
    return vector.reduction(emit.f32(), combining, total, fastmath=fast)


def _add_to(kind: str, long: _Long, part: ir.Value) -> _Long:
    """A long total and a part; of a sum, the rounding error is kept (Knuth's TwoSum)."""
    if long.error is None:
        return _Long(_JOIN[kind](long.total, part), None)
    total = arith.addf(long.total, part)
    before = arith.subf(total, part)
    lost = arith.addf(arith.subf(long.total, before), arith.subf(part, arith.subf(total, before)))
    return _Long(total, arith.addf(long.error, lost))


def _settle(long: _Long) -> ir.Value:
    """The total with its error; beyond the finite numbers the error is NaN and does not count."""
    if long.error is None:
        return long.total
    same = arith.cmpf(arith.CmpFPredicate.ORD, long.error, long.error)
    return arith.select(same, arith.addf(long.total, long.error), long.total)


def _flatten(longs) -> list[ir.Value]:
    return [value for long in longs for value in (long.total, long.error) if value is not None]
