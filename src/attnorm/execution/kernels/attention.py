"""The kernel of attention."""

from __future__ import annotations

from iree.compiler import ir

from . import attention_merge, attention_row, attention_tile
from .attention_problem import read
from .dispatch import Dispatcher, View
from .machine import Machine


def take(
    composite: ir.Operation, function: ir.Operation, machine: Machine, dispatcher: Dispatcher
) -> list[ir.Value]:
    """The attention of a composite "attnorm.sdpa", as one dispatch or two."""
    problem, operands = read(composite)
    results = [result.type for result in composite.results]
    rows = attention_row.layout(problem, machine)
    if rows is None:
        kernel = attention_tile.kernel(problem, machine)
        further = [_tensor(view) for view in kernel.outputs[len(results) :]]
        return dispatcher.call(kernel, operands, [*results, *further])[: len(results)]
    kernel = attention_row.kernel(rows)
    if rows.splits == 1:
        return dispatcher.call(kernel, operands, results)
    parts = dispatcher.call(kernel, operands, [_tensor(view) for view in kernel.outputs])
    return dispatcher.call(attention_merge.kernel(rows), [*operands, *parts], results)


def _tensor(view: View) -> ir.Type:
    """The type of a tensor that only kernels know."""
    return ir.RankedTensorType.get([n or 0 for n in view.shape], view.element)
