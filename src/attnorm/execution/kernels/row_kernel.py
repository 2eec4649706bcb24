"""The kernel of a row program: its workgroups, its views of memory, and where values wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iree.compiler import ir

from . import emit
from .column_code import ColumnCode
from .dispatch import Kernel, View
from .emit import Index
from .machine import Machine
from .row_code import RowCode
from .row_evaluation import Place
from .row_plan import Plan, plan
from .row_program import Node, RowProgram, combiner, places_of, product
from .row_values import is_bool

_SCRATCH_BYTES = 24 << 10  # of the 32 KiB of stack that IREE allows
_GROUP_ELEMENTS = 32 << 10  # of a workgroup: some microseconds of work
_GROUPS = 16  # at least so many workgroups, where there are rows enough, for cores to share
_PANELS = 4  # at least so many panels of interleaved rows: a wide one reads memory in order
_PANEL_VECTORS = 4  # a panel is a multiple of so many
_ROWS, _COLUMNS, _INNER = range(3)


def kernel(program: RowProgram, machine: Machine, key: str) -> Kernel:
    """The kernel of a program; kernels of one `key` have the same code."""
    return _Maker(program, machine).kernel(key)


class _Maker:
    def __init__(self, program: RowProgram, machine: Machine):
        self.program, self.machine = program, machine
        self.plan = plan(program)
        self.sizes = (program.rows, program.columns, program.inner)
        self.dynamic = [axis for axis, size in enumerate(self.sizes) if size is None]
        self.interleaved = program.inner != 1
        self.panel = self._panel() if self.interleaved else 1
        self.group = self._rows_of_a_group()

    def kernel(self, key: str) -> Kernel:
        """The kernel."""
        inputs = [self._view(node) for node in self.program.arguments]
        outputs = [self._view(node) for node in self.program.results]
        axes = [
            axis
            for node in (*self.program.arguments, *self.program.results)
            for axis, size in zip(self._axes(node), self._view(node).shape, strict=True)
            if size is None
        ]
        return Kernel(
            name="columns" if self.interleaved else "rows",
            key=key,
            inputs=inputs,
            outputs=outputs,
            grid=self._grid,
            body=self._columns if self.interleaved else self._rows,
            sizes=[self.dynamic.index(axis) for axis in axes],
            size_count=len(self.dynamic),
        )

    def _size(self, axis: int, sizes: Sequence[ir.Value]) -> Index:
        size = self.sizes[axis]
        return sizes[self.dynamic.index(axis)] if size is None else size

    def _axes(self, node: Node) -> list[int]:
        """What an argument's or result's view has dimensions for."""
        axes = [_ROWS]
        if self.program.along_columns(node):
            axes.append(_COLUMNS)
        if self.program.along_inner(node):
            axes.append(_INNER)
        return axes

    def _view(self, node: Node) -> View:
        """An argument or result as [rows, columns, inner], where it changes along the last two."""
        program = self.program
        places = [place for place in places_of(node) if place < program.row_rank]
        rows = product(program.space[place] for place in places)
        shape = (rows, *(self.sizes[axis] for axis in self._axes(node)[1:]))
        byte = ir.IntegerType.get_signless(8)
        return View(shape, byte if is_bool(node.element) else node.element)

    # -- workgroups --------------------------------------------------------------------------------

    def _panel(self) -> int:
        """How many interleaved rows a workgroup takes."""
        words = sum(2 if combiner(node) == "add" else 1 for node in self.program.reductions)
        room = _SCRATCH_BYTES // 4 // words
        if self.program.inner is not None:
            room = min(room, self.program.inner // _PANELS)
        step = _PANEL_VECTORS * self.machine.lanes
        return max(room // step, 1) * step

    def _rows_of_a_group(self) -> int:
        program = self.program
        columns = (program.columns or _GROUP_ELEMENTS) * min(
            self.panel, program.inner or self.panel
        )
        by_size = max(1, _GROUP_ELEMENTS // columns)
        return by_size if program.rows is None else max(1, min(by_size, program.rows // _GROUPS))

    def _grid(self, sizes: Sequence[ir.Value]) -> list[Index]:
        counts = [_divided_up(self._size(_ROWS, sizes), self.group)]
        if self.interleaved:
            counts.append(_divided_up(self._size(_INNER, sizes), self.panel))
        return counts

    def _rows(self, ins, outs, ids, sizes) -> None:
        first, last = self._range(ids[0], self.group, self._size(_ROWS, sizes))
        keep = _Keeper(self.program, self.plan, outs)
        columns = self._size(_COLUMNS, sizes)
        code = RowCode(self.program, self.machine, ins, outs, columns, keep)
        emit.loop(first, last, 1, [], lambda row: code.emit(self.plan.sweeps, row))

    def _columns(self, ins, outs, ids, sizes) -> None:
        rows = self._range(ids[0], self.group, self._size(_ROWS, sizes))
        inner = self._size(_INNER, sizes)
        begin, end = self._range(ids[1], self.panel, inner)
        keep = _Keeper(self.program, self.plan, outs)
        code = ColumnCode(
            self.program,
            self.machine,
            ins,
            outs,
            (self._size(_COLUMNS, sizes), inner),
            self.panel,
            keep,
        )
        emit.loop(*rows, 1, [], lambda row: code.emit(self.plan.sweeps, row, begin, end))

    @staticmethod
    def _range(number: ir.Value, length: int, size: Index) -> tuple[Index, Index]:
        """Which part of `size` belongs to a workgroup."""
        if isinstance(size, int) and size <= length:
            return 0, size
        first = emit.multiply(number, length)
        return first, emit.smaller(emit.add(first, length), size)


def _divided_up(size: Index, length: int) -> Index:
    return emit.divide(emit.add(size, length - 1), length)


class _Keeper:
    """Where a value waits for a later sweep: on the stack, else in a result that is written last.

    None where there is no room: then it is computed again.
    """

    def __init__(self, program: RowProgram, made: Plan, outputs: Sequence[ir.Value]):
        self._places: dict[Node, tuple[ir.Value, bool]] = {}
        columns = program.columns
        # A panel of interleaved rows would take more of the stack than there is.
        room = _SCRATCH_BYTES // 4 // columns if columns and program.inner == 1 else 0
        # Of each piece of memory, the last sweep that reads what is in it.
        memories = [
            *([-1, None, False] for _ in range(room)),
            *([-1, output, True] for output in _free_outputs(program, made, outputs)),
        ]
        for sweep in made.sweeps:
            for node in sweep.keeps:
                memory = next((m for m in memories if m[0] <= sweep.level), None)
                if memory:
                    memory[0] = made.until[node]
                    memory[1] = memory[1] or emit.scratch(columns or 0)
                    self._places[node] = (memory[1], memory[2])

    def __call__(self, node: Node, row: Index) -> Place | None:
        if node not in self._places:
            return None
        memory, in_output = self._places[node]
        return memory, ((row,) if in_output else ())


def _free_outputs(
    program: RowProgram, made: Plan, outputs: Sequence[ir.Value]
) -> Iterator[ir.Value]:
    """Results in f32 that are written in the last sweep."""
    for position in made.sweeps[-1].stores:
        if isinstance(program.results[position].element, ir.F32Type):
            yield outputs[position]
