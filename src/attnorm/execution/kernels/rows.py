"""The kernel of a composite "attnorm.rows": norms, softmaxes and what stands beside them."""

from __future__ import annotations

from itertools import pairwise

from iree.compiler import ir
from iree.compiler.dialects import tensor

from . import emit
from .dispatch import Dispatcher
from .emit import Index
from .machine import Machine
from .refusal import Refused
from .row_kernel import kernel
from .row_program import ELEMENTWISE, Node, RowProgram, places_of, product, read_program
from .row_values import supports


def take(
    composite: ir.Operation, function: ir.Operation, machine: Machine, dispatcher: Dispatcher
) -> list[ir.Value]:
    """The rows of a composite as one dispatch; raises `Refused` for what it cannot be."""
    program = read_program(function)
    _check(program)
    operands, results = list(composite.operands), [result.type for result in composite.results]
    whole = _whole(program)
    sizes = _sizes(program, operands[whole.position], whole)
    return dispatcher.call(
        kernel(program, machine, str(function.attributes["sym_name"])),
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
    """The number of rows, columns and inner positions, where dynamic; `operand` has all of them."""
    bounds = [0, program.row_rank, program.inner_rank, len(program.space)]
    found = []
    for begin, end in pairwise(bounds):
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
