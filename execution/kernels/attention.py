"""The kernel of attention."""

from __future__ import annotations

from iree.compiler import ir

from . import attention_tile
from .attention_problem import read
from .dispatch import Dispatcher, View
from .machine import Machine


def take(
    composite: ir.Operation, function: ir.Operation, machine: Machine, dispatcher: Dispatcher
) -> list[ir.Value]:
    """The attention of a composite "attnorm.sdpa", as a dispatch."""
    problem, operands = read(composite)
    kernel = attention_tile.kernel(problem, machine)
    count = len(composite.results)
    further = [_tensor(view) for view in kernel.outputs[count:]]
    results = [result.type for result in composite.results]
    return dispatcher.call(kernel, operands, [*results, *further])[:count]


def _tensor(view: View) -> ir.Type:
    """The type of a result that only the kernel knows."""
    return ir.RankedTensorType.get([n or 0 for n in view.shape], view.element)
