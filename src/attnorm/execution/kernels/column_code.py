"""The code of a row kernel whose rows lie interleaved: a vector holds a column of several rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from iree.compiler import ir

from . import emit, row_totals
from .emit import Index
from .machine import Machine
from .row_evaluation import ElementValues, Place, RowValues
from .row_memory import narrowed, row_of, streams, widened
from .row_plan import Sweep
from .row_program import Node, RowProgram, combiner
from .row_totals import RUN, Long


@dataclass(frozen=True)
class _Strip:
    """`vectors` vectors side by side from the inner position `begin` on."""

    begin: Index
    vectors: int
    lanes: int

    def starts(self) -> list[Index]:
        """Where each vector begins."""
        return [emit.add(self.begin, k * self.lanes) for k in range(self.vectors)]


class ColumnCode:
    """Writes the sweeps of a panel: up to `panel` rows that lie side by side in memory.

    `inputs` and `outputs` are memories of [rows, columns, inner] without what a value does not
    change along; `keep` gives the memory for a value that a later sweep reads. Runs of columns are
    added up in registers, the totals are on the stack.
    """

    def __init__(
        self,
        program: RowProgram,
        machine: Machine,
        inputs: Sequence[ir.Value],
        outputs: Sequence[ir.Value],
        sizes: tuple[Index, Index],
        panel: int,
        keep: Callable[[Node, Index], Place | None],
    ):
        self.program, self.machine = program, machine
        self.inputs, self.outputs, self.keep = inputs, outputs, keep
        self.columns, self.inner = sizes
        self.row: Index = 0
        self.first: Index = 0
        self.kept: dict[Node, Place] = {}
        self.done: list[Node] = []
        self.totals = {node: _scratch(combiner(node), panel) for node in program.reductions}

    def emit(self, sweeps: Sequence[Sweep], row: Index, begin: Index, end: Index) -> None:
        """Everything for the inner positions from `begin` to `end` of the rows at `row`."""
        self.row, self.first, self.kept, self.done = row, begin, {}, []
        for sweep in sweeps:
            self._strips(begin, end, 1, lambda strip, sweep=sweep: self._clear(strip, sweep))
            self._sweep(sweep, begin, end)
            self.done += sweep.reductions
            for node in sweep.keeps:
                place = self.keep(node, row)
                if place:
                    self.kept[node] = place
        if any(not self.program.along_columns(node) for node in self.program.results):
            self._strips(begin, end, 1, self._store_rows)

    def _strips(
        self, begin: Index, end: Index, vectors: int, body: Callable[[_Strip], None]
    ) -> None:
        """Covers a panel with vectors, its end with ever smaller ones."""
        for lower, upper, count, lanes in self._stretches(vectors):
            lower, upper = emit.larger(begin, lower), emit.smaller(end, upper)
            if not (isinstance(lower, int) and isinstance(upper, int) and lower >= upper):
                emit.loop(
                    lower,
                    upper,
                    count * lanes,
                    [],
                    lambda at, count=count, lanes=lanes: body(_Strip(at, count, lanes)),
                )

    def _stretches(self, vectors: int) -> Iterator[tuple[Index, Index, int, int]]:
        """Where which strips go: the first and last position, vectors, and lanes of each."""
        lanes, at, count = self.machine.lanes, 0, vectors
        while count:
            step = count * lanes
            upper = emit.multiply(emit.divide(self.inner, step), step)
            if upper is not at:
                yield at, upper, count, lanes
            at, count = upper, 1 if count > 1 else 0
        if not isinstance(at, int) or not isinstance(self.inner, int):
            yield at, self.inner, 1, 1
            return
        while lanes := lanes // 2:
            if at + lanes <= self.inner:
                yield at, at + lanes, 1, lanes
                at += lanes

    # -- one sweep -----------------------------------------------------------------------------

    def _clear(self, strip: _Strip, sweep: Sweep) -> None:
        for node in sweep.reductions:
            start = row_totals.start(combiner(node), strip.lanes)
            for value, memory in zip(row_totals.flatten([start]), self.totals[node], strict=True):
                emit.store(value, memory, [emit.subtract(strip.begin, self.first)])

    def _sweep(self, sweep: Sweep, begin: Index, end: Index) -> None:
        vectors = 2 if sweep.keeps or self.machine.registers < 32 else 4

        def block(column: Index) -> None:
            upper = emit.smaller(emit.add(column, RUN), self.columns)
            self._strips(
                begin, end, vectors, lambda strip: self._block(sweep, strip, column, upper)
            )

        emit.loop(0, self.columns, RUN, [], block)

    def _block(self, sweep: Sweep, strip: _Strip, begin: Index, end: Index) -> None:
        """A sweep's work on some columns of a strip."""
        rows = [_Rows(self, start, strip.lanes) for start in strip.starts()]
        for row in rows:
            row.prepare(sweep.level)
        kinds = [combiner(node) for node in sweep.reductions]
        count = len(kinds)

        def body(column: ir.Value, *carried: ir.Value) -> list[ir.Value]:
            out: list[ir.Value] = []
            for slot, row in enumerate(rows):
                own = carried[slot * count : (slot + 1) * count]
                out += self._step(sweep, _Elements(row, column), own)
            return out

        start = [row_totals.start(kind, strip.lanes).total for kind in kinds] * strip.vectors
        parts = emit.loop(begin, end, 1, start, body)
        for slot, row in enumerate(rows):
            for node, part in zip(sweep.reductions, parts[slot * count :], strict=False):
                row.add_to(node, part)

    def _step(self, sweep: Sweep, at: _Elements, carried: Sequence[ir.Value]) -> list[ir.Value]:
        """The sweep's work on one vector; the reductions' new accumulators."""
        out = [
            at.accumulate(combiner(node), node.operands[0], total)
            for node, total in zip(sweep.reductions, carried, strict=True)
        ]
        for position in sweep.stores:
            at.store(position)
        # Last: it may take the place of what was read above.
        for node in sweep.keeps:
            place = self.keep(node, self.row)
            if place:
                memory, indices = place
                emit.store(at.value(node), memory, [*indices, at.column, at.row.begin])
        return out

    def _store_rows(self, strip: _Strip) -> None:
        values = _Rows(self, strip.begin, strip.lanes)
        values.prepare(len(self.program.reductions))
        for position, node in enumerate(self.program.results):
            if not self.program.along_columns(node):
                value = narrowed(values.value(node), node, self.machine)
                emit.store(value, self.outputs[position], [self.row, strip.begin])


def _scratch(kind: str, panel: int) -> list[ir.Value]:
    """Memory for the totals of a panel: a sum has an error too."""
    return [emit.scratch(panel) for _ in range(2 if kind == "add" else 1)]


class _Rows(RowValues):
    """What `lanes` rows from the inner position `begin` on have one of each."""

    def __init__(self, code: ColumnCode, begin: Index, lanes: int):
        super().__init__(code.program, lanes, code.columns)
        self.code, self.begin, self.width = code, begin, lanes
        for node in code.done:
            self.finish(node, row_totals.settle(self._total(node)))

    def argument(self, node: Node) -> ir.Value:
        memory = self.code.inputs[node.position]
        row = row_of(self.program, node, self.code.row)
        if self.program.along_inner(node):
            return widened(emit.load(memory, [row, self.begin], self.width), node)
        return widened(emit.splat(emit.load_scalar(memory, [row]), self.width), node)

    def add_to(self, node: Node, part: ir.Value) -> None:
        """Adds a part to a reduction's total."""
        kind = combiner(node)
        long = row_totals.add_to(kind, self._total(node), part)
        for value, memory in zip(row_totals.flatten([long]), self.code.totals[node], strict=True):
            emit.store(value, memory, [self._offset()])

    def _total(self, node: Node) -> Long:
        values = [
            emit.load(memory, [self._offset()], self.width) for memory in self.code.totals[node]
        ]
        return Long.unflatten([combiner(node)], values)[0]

    def _offset(self) -> Index:
        return emit.subtract(self.begin, self.code.first)


class _Elements(ElementValues):
    """The values of a program in a column of some rows."""

    def __init__(self, row: _Rows, column: Index):
        super().__init__(row, row.width, row.code.kept)
        self.row, self.column = row, column

    def argument(self, node: Node) -> ir.Value:
        code = self.row.code
        memory, row = code.inputs[node.position], row_of(code.program, node, code.row)
        if code.program.along_inner(node):
            return widened(self.read((memory, (row,))), node)
        scalar = emit.load_scalar(memory, [row, self.column])
        return widened(emit.splat(scalar, self.lanes), node)

    def read(self, place: Place) -> ir.Value:
        memory, indices = place
        return emit.load(memory, [*indices, self.column, self.row.begin], self.lanes)

    def store(self, position: int) -> None:
        """Writes a result; past the caches where it is large and every vector is aligned."""
        code = self.row.code
        node, memory = code.program.results[position], code.outputs[position]
        value = narrowed(self.value(node), node, code.machine)
        streaming = self.lanes == code.machine.lanes and streams(code.program, node)
        emit.store(value, memory, [code.row, self.column, self.row.begin], streaming=streaming)
