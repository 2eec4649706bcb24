"""The kernel of a composite "attnorm.rows": norms, softmaxes and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iree.compiler import ir
from iree.compiler.dialects import tensor

from . import emit
from .dispatch import Dispatcher, Kernel, View
from .emit import Index
from .machine import Machine
from .refusal import Refused
from .row_code import RowCode
from .row_plan import Plan, plan
from .row_program import ELEMENTWISE, Node, RowProgram, places_of, product, read_program
from .row_values import is_bool, supports

_SCRATCH_BYTES = 24 << 10  # of the 32 KiB of stack that IREE allows
_GROUP_ELEMENTS = 32 << 10  # of a workgroup: some microseconds of work
_GROUPS = 16  # at least so many workgroups, where there are rows enough, for cores to share


def take(
    composite: ir.Operation, function: ir.Operation, machine: Machine, dispatcher: Dispatcher
) -> list[ir.Value]:
    """The rows of a composite as one dispatch; raises `Refused` for what it cannot be."""
    program = read_program(function)
    _check(program)
    kernel = _kernel(program, machine, str(function.attributes["sym_name"]))
    operands, results = list(composite.operands), [result.type for result in composite.results]
    whole = _whole(program)
    sizes = _sizes(program, operands[whole.position], whole)
    return dispatcher.call(
        kernel,
        operands,
        results,
        sizes=sizes,
        operand_sizes=[size for operand in operands for size in _dynamic_sizes(operand)],
        result_sizes=_result_sizes(program, operands[whole.position], whole),
    )


def _check(program: RowProgram) -> None:
    """Raises `Refused` for what the code below cannot do."""
    for node in program.nodes():
        if node.kind in ELEMENTWISE:
            supports(node)
        dynamic = [axis for axis in range(program.row_rank) if program.space[axis] is None]
        rows = [place for place in places_of(node) if place < program.row_rank]
        if node.kind == "argument" and dynamic and rows not in ([], program.wide_rows):
            raise Refused("an argument of some of the rows, the number of which is dynamic")
    _whole(program)


def _whole(program: RowProgram) -> Node:
    """An argument that has all rows and columns."""
    for node in program.arguments:
        if places_of(node) == program.wide:
            return node
    raise Refused("no argument has all rows and columns")


# -- the dispatch --------------------------------------------------------------------------------


def _sizes(program: RowProgram, operand: ir.Value, whole: Node) -> list[ir.Value]:
    """The number of rows and of columns, where they are dynamic; `operand` has all of both."""
    rank = program.row_rank
    found = []
    for begin, end in ((0, rank), (rank, len(program.space))):
        if product(program.space[begin:end]) is None:
            count: Index = 1
            for axis in range(begin, end):
                count = emit.multiply(count, _size(program, operand, whole, axis))
            found.append(emit.index(count))
    return found


def _size(program: RowProgram, operand: ir.Value, whole: Node, axis: int) -> Index:
    size = program.space[axis]
    if size is not None:
        return size
    assert whole.axes is not None
    return tensor.dim(operand, emit.index(whole.axes.index(axis)))


def _dynamic_sizes(operand: ir.Value) -> list[ir.Value]:
    type_ = ir.RankedTensorType(operand.type)
    axes = [axis for axis in range(type_.rank) if type_.is_dynamic_dim(axis)]
    return [tensor.dim(operand, emit.index(axis)) for axis in axes]


def _result_sizes(program: RowProgram, operand: ir.Value, whole: Node) -> list[ir.Value]:
    """The dynamic dimensions of the results."""
    return [
        emit.index(_size(program, operand, whole, axis))
        for node in program.results
        for axis, size in zip(node.axes or (), node.shape, strict=True)
        if size is None
    ]


# -- the kernel ----------------------------------------------------------------------------------


def _kernel(program: RowProgram, machine: Machine, key: str) -> Kernel:
    made = plan(program)
    group = _rows_of_a_group(program)
    dynamic = [size for size in (program.rows, program.columns) if size is None]
    inputs = [_view(program, node) for node in program.arguments]
    outputs = [_view(program, node) for node in program.results]
    column_size = len(dynamic) - 1

    def rows(sizes: Sequence[ir.Value]) -> Index:
        return sizes[0] if program.rows is None else program.rows

    def body(ins, outs, ids, sizes) -> None:
        columns = sizes[column_size] if program.columns is None else program.columns
        first = emit.multiply(ids[0], group)
        last = emit.smaller(emit.add(first, group), rows(sizes))
        code = RowCode(program, machine, ins, outs, columns, _Keeper(program, made, outs))
        emit.loop(first, last, 1, [], lambda row: code.emit(made.sweeps, row))

    return Kernel(
        name="rows",
        key=key,
        inputs=inputs,
        outputs=outputs,
        grid=lambda sizes: [emit.divide(emit.add(rows(sizes), group - 1), group)],
        body=body,
        sizes=[
            column_size if axis or program.rows is not None else 0
            for view in (*inputs, *outputs)
            for axis in _dynamic_axes(view)
        ],
        size_count=len(dynamic),
    )


def _dynamic_axes(view: View) -> list[int]:
    return [axis for axis, size in enumerate(view.shape) if size is None]


def _rows_of_a_group(program: RowProgram) -> int:
    by_size = max(1, _GROUP_ELEMENTS // (program.columns or _GROUP_ELEMENTS))
    return by_size if program.rows is None else max(1, min(by_size, program.rows // _GROUPS))


def _view(program: RowProgram, node: Node) -> View:
    """An argument or result as [rows, columns], or [rows] where it does not change along a row."""
    places = [place for place in places_of(node) if place < program.row_rank]
    rows = product(program.space[place] for place in places)
    shape = (rows, program.columns) if program.along_columns(node) else (rows,)
    return View(shape, ir.IntegerType.get_signless(8) if is_bool(node.element) else node.element)


class _Keeper:
    """Where a value waits for a later sweep: on the stack, else in a result that is written last.

    None where there is no room: then it is computed again.
    """

    def __init__(self, program: RowProgram, made: Plan, outputs: Sequence[ir.Value]):
        self._places: dict[Node, tuple[ir.Value, bool]] = {}
        columns = program.columns
        room = _SCRATCH_BYTES // 4 // columns if columns else 0
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
                    memory[1] = memory[1] or emit.scratch(columns)
                    self._places[node] = (memory[1], memory[2])

    def __call__(self, node: Node, row: Index) -> tuple[ir.Value, tuple[Index, ...]] | None:
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
