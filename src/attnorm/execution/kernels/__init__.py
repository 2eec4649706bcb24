"""Kernels of our own for what IREE's code generator is slow at, put in place of composites.

`insert_kernels` runs on IREE's module right after parsing. A composite that no kernel takes becomes
its decomposition, in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from iree.compiler import ir

from ... import dialect
from ...dialect.spec import resolve
from . import rows
from .dispatch import Dispatcher
from .machine import Machine
from .refusal import Refused

Take = Callable[[ir.Operation, ir.Operation, Machine, Dispatcher], list[ir.Value]]
"""Makes the kernel of a composite, given its decomposition; raises `Refused` before it does."""

_TAKES: dict[str, Take] = {
    "attnorm.rows": rows.take,
    **{spec.op.OPERATION_NAME: resolve(spec.kernel) for spec in dialect.SPECS if spec.kernel},
}


@dataclass(frozen=True)
class Choice:
    """What became of a composite: a kernel, or its decomposition for a `reason`."""

    name: str
    location: str
    reason: str | None


def insert_kernels(module: ir.Operation, machine: Machine) -> list[Choice]:
    """Replaces the composites of `module` that a kernel takes."""
    found = [op for op in _composites(module) if op.attributes["name"].value in _TAKES]
    if not found:
        return []
    # Parsing has loaded those dialects only that the module has ops of.
    module.context.load_all_available_dialects()
    functions = {op.attributes["sym_name"].value: op for op in module.regions[0].blocks[0]}
    dispatcher = Dispatcher(module)
    left = list(found)
    bodies = {_body(composite) for composite in found}
    choices = []
    for composite in found:
        if _owner(composite) in bodies - {_body(other) for other in left}:
            continue  # Kernels have taken the place of everything that this was a part of.
        name, where = composite.attributes["name"].value, composite.location
        function = functions[_body(composite)]
        reason = None
        with module.context, where, ir.InsertionPoint(composite):
            try:
                results = _TAKES[name](composite, function, machine, dispatcher)
            except Refused as refusal:
                reason = str(refusal)
                # What is nested in it is still to be asked about, by its own name.
                results = None if _composites(function) else _inlined(composite, function)
            if results is not None:
                for old, new in zip(composite.results, results, strict=True):
                    old.replace_all_uses_with(new)
                left.remove(composite)
                composite.erase()
        choices.append(Choice(name, str(where), reason))
    return choices


def _inlined(composite: ir.Operation, function: ir.Operation) -> list[ir.Value]:
    """A function's body at the insertion point, on a composite's operands; what it returns.

    IREE inlines functions after it has rewritten each one by itself, and then fails on an operand
    that it moves past two conversions, the function's and its caller's ("failed to legalize
    operation 'stablehlo.subtract'").
    """
    block = function.regions[0].blocks[0]
    values = dict(zip(block.arguments, composite.operands, strict=True))

    def mapped(op: ir.Operation) -> ir.WalkResult:
        for number, value in enumerate(op.operands):
            op.operands[number] = values.get(value, value)
        return ir.WalkResult.ADVANCE

    for op in block.operations:
        if op.operation.name == "func.return":
            return [values[value] for value in op.operands]
        made = op.operation.clone()
        made.walk(mapped)
        values |= zip(op.results, made.results, strict=True)
    raise AssertionError("a function returns")


def _body(composite: ir.Operation) -> str:
    """The name of the function that says what a composite means."""
    return composite.attributes["decomposition"].value


def _owner(op: ir.Operation) -> str:
    """The name of the function that an operation stands in."""
    while op.name != "func.func":
        op = op.parent.operation
    return op.attributes["sym_name"].value


def _composites(module: ir.Operation) -> list[ir.Operation]:
    found: list[ir.Operation] = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        if op.name == "stablehlo.composite":
            found.append(op)
        return ir.WalkResult.ADVANCE

    module.walk(visit)
    return found
