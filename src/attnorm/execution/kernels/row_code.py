"""The code of a row kernel: sweeps over the columns of one row after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from iree.compiler import ir

from . import emit, row_totals
from .emit import Index
from .machine import Machine
from .row_evaluation import ElementValues, Place, RowValues
from .row_memory import narrowed, row_of, streams, widened
from .row_plan import Sweep
from .row_program import Node, RowProgram, combiner
from .row_totals import JOIN, RUN, Long


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
        keep: Callable[[Node, Index], Place | None],
    ):
        self.program, self.machine = program, machine
        self.inputs, self.outputs, self.columns, self.keep = inputs, outputs, columns, keep
        self.row: Index = 0
        self.kept: dict[Node, Place] = {}
        self.values = _Row(self)

    def emit(self, sweeps: Sequence[Sweep], row: ir.Value) -> None:
        """Everything for the row at index `row`."""
        self.row, self.kept, self.values = row, {}, _Row(self)
        for sweep in sweeps:
            self.values.prepare(sweep.level)
            totals = _Columns(self, sweep).emit()
            for node, total in zip(sweep.reductions, totals, strict=True):
                self.values.finish(node, total)
            for node in sweep.keeps:
                place = self.keep(node, row)
                if place:
                    self.kept[node] = place
        for position, node in enumerate(self.program.results):
            if not self.program.along_columns(node):
                value = narrowed(self.values.value(node), node, self.machine)
                emit.store_scalar(value, self.outputs[position], [row])


class _Row(RowValues):
    """The scalars of the current row."""

    def __init__(self, code: RowCode):
        super().__init__(code.program, None, code.columns)
        self._code = code

    def argument(self, node: Node) -> ir.Value:
        memory, row = self._code.inputs[node.position], self._code.row
        return widened(emit.load_scalar(memory, [row_of(self.program, node, row)]), node)


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
        block = RUN * self.lanes * self.unroll
        short = isinstance(end, int) and end <= block
        if "add" not in self.kinds or short:
            return self._stretch(0, end) if end != 0 else []

        def body(column: ir.Value, *carried: ir.Value) -> list[ir.Value]:
            upper = emit.smaller(emit.add(column, block), end)
            part = self._stretch(column, upper)
            before = Long.unflatten(self.kinds, carried)
            return row_totals.flatten(map(row_totals.add_to, self.kinds, before, part))

        start = row_totals.flatten(row_totals.start(kind, self.lanes) for kind in self.kinds)
        ends = emit.loop(0, end, block, start, body)
        return [row_totals.settle(long) for long in Long.unflatten(self.kinds, ends)]

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
        return [row_totals.start(kind, lanes).total for kind in self.kinds]

    def _tree(self, parts: Sequence[Sequence[ir.Value]]) -> list[ir.Value]:
        """Parts joined pair by pair."""
        if not self.kinds:
            return []
        while len(parts) > 1:
            pairs = [self._join(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
            parts = [*pairs, *(parts[-1:] if len(parts) % 2 else [])]
        return list(parts[0])

    def _join(self, a: Sequence[ir.Value], b: Sequence[ir.Value]) -> list[ir.Value]:
        return [JOIN[kind](x, y) for kind, x, y in zip(self.kinds, a, b, strict=True)]

    def _horizontal(self, totals: Sequence[ir.Value]) -> list[ir.Value]:
        return [
            row_totals.reduce(kind, total) for kind, total in zip(self.kinds, totals, strict=True)
        ]

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
            if (
                self.program.along_columns(node)
                and row_of(self.program, node, self.code.row) is self.code.row
            ):
                emit.prefetch(self.code.inputs[node.position], [row, column])


class _Vector(ElementValues):
    """The values of a program in `lanes` columns from `column` on."""

    def __init__(self, code: RowCode, column: Index, lanes: int):
        super().__init__(code.values, lanes, code.kept)
        self._code, self._column = code, column

    def argument(self, node: Node) -> ir.Value:
        code = self._code
        row = row_of(code.program, node, code.row)
        return widened(self.read((code.inputs[node.position], (row,))), node)

    def read(self, place: Place) -> ir.Value:
        memory, indices = place
        return emit.load(memory, [*indices, self._column], self.lanes)

    def store(self, position: int, main: bool) -> None:
        """Writes a result; past the caches where it is large and every vector is aligned."""
        code = self._code
        node, memory = code.program.results[position], code.outputs[position]
        value = narrowed(self.value(node), node, code.machine)
        streaming = main and streams(code.program, node)
        emit.store(value, memory, [code.row, self._column], streaming=streaming)
