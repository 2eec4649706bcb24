"""Reductions at the boundaries of functions: what they take, return and call."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from ..ir.mlir import ir
from ..ir.stablehlo import Builder, is_float
from .reduce_ir import (
    CALLS,
    Edit,
    add_argument,
    body,
    copy_body,
    drop_arguments,
    functions,
    is_unused,
    rebuild,
    references,
    refresh_type,
    set_returned,
    substitute,
    symbol,
    users,
)

# -- whole symbols -------------------------------------------------------------------------------


def _symbols(module: ir.Operation) -> list[ir.Operation]:
    return body(module)


def _drop_symbols(module: ir.Operation, chosen: Sequence[ir.Operation]) -> None:
    """Erases ops of the module; what calls them is cut out."""
    names = {symbol(op) for op in chosen}
    for op in chosen:
        op.erase()
    entries = _entries(module)
    for function in functions(module):
        inside = [op for op in body(function) if names & references(op)]
        _cut_out(function, inside, function in entries, returning=True)


# -- ops of a function ---------------------------------------------------------------------------


def _body_operations(module: ir.Operation) -> list[ir.Operation]:
    return [op for function in functions(module) for op in body(function)[:-1]]


def _cut(module: ir.Operation, chosen: Sequence[ir.Operation], *, returning: bool) -> None:
    """Erases ops: what is read of their results becomes arguments.

    What they returned is not returned any more; with `returning`, what only they read is.
    """
    entries, places = _entries(module), set(chosen)
    groups = [
        (function, [op for op in body(function) if op in places]) for function in functions(module)
    ]
    for function, inside in groups:
        _cut_out(function, inside, function in entries, returning=returning)


def _entries(module: ir.Operation) -> list[ir.Operation]:
    """The functions that nothing refers to, whose signature is free."""
    used = users(module)
    return [function for function in functions(module) if symbol(function) not in used]


def _cut_out(
    function: ir.Operation, chosen: Sequence[ir.Operation], is_entry: bool, *, returning: bool
) -> None:
    if not chosen:
        return
    inside = set(chosen)
    if is_entry:
        end = body(function)[-1]
        dropped = [i for i, value in enumerate(end.operands) if _owner(value) in inside]
        added = _sources(function, chosen, inside) if returning else []
        set_returned(function, dropped, added)
    for op in reversed(chosen):
        for result in op.results:
            if not is_unused(result):
                value = add_argument(function, result.type) if is_entry else _zero(op, result)
                result.replace_all_uses_with(value)
        op.erase()
    refresh_type(function)


def _sources(
    function: ir.Operation, chosen: Iterable[ir.Operation], inside: set[ir.Operation]
) -> list[ir.Value]:
    """The values of a function that only chosen ops read, but constants."""
    block = function.regions[0].blocks[0]
    found: list[ir.Value] = []
    for op in chosen:
        for value in op.operands:
            owner = _owner(value)
            if owner is None or owner in inside or owner.block != block or value in found:
                continue
            read_inside = all(use.owner.operation in inside for use in value.uses)
            if read_inside and owner.name != "stablehlo.constant":
                found.append(value)
    return found


def _owner(value: ir.Value) -> ir.Operation | None:
    """The op that a value is a result of."""
    return None if isinstance(value, ir.BlockArgument) else value.owner.operation


def _zero(op: ir.Operation, result: ir.Value) -> ir.Value:
    """Zeros in place of a result. Raises `ValueError` for a type that has none."""
    return full(op, result.type, 0)


def full(op: ir.Operation, type_: ir.Type, number: int) -> ir.Value:
    """A constant before `op`. Raises `ValueError` where there is none of that type."""
    if not has_constants(type_):
        raise ValueError(f"expected a static tensor of numbers, got {type_}")
    tensor = ir.RankedTensorType(type_)
    builder = Builder(ir.InsertionPoint(op), op.location)
    return builder.full(number, tensor.element_type, tuple(tensor.shape))


def has_constants(type_: ir.Type) -> bool:
    """Whether it is the type of a static tensor of integers or floats."""
    if not isinstance(type_, ir.RankedTensorType) or not type_.has_static_shape:
        return False
    return is_float(type_.element_type) or isinstance(type_.element_type, ir.IntegerType)


# -- signatures ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Signature:
    """A function and every op that calls it; none where something else refers to it."""

    function: ir.Operation
    callers: list[ir.Operation]


def _signatures(module: ir.Operation) -> list[_Signature]:
    """The functions whose signature can change, with what has to change along."""
    used = users(module)
    found = [
        _Signature(function, used.get(symbol(function) or "", [])) for function in functions(module)
    ]
    return [
        item for item in found if all(_calls(op) == symbol(item.function) for op in item.callers)
    ]


def _calls(op: ir.Operation) -> str | None:
    """The function that an op calls."""
    name = CALLS.get(op.name)
    if name is None or name not in op.attributes:
        return None
    return ir.FlatSymbolRefAttr(op.attributes[name]).value


def _returned(module: ir.Operation) -> list[tuple[_Signature, int]]:
    return [
        (signature, index)
        for signature in _signatures(module)
        for index in range(len(body(signature.function)[-1].operands))
        if all(is_unused(caller.results[index]) for caller in signature.callers)
    ]


def _drop_returned(module: ir.Operation, chosen: Sequence[tuple[_Signature, int]]) -> None:
    for signature, indices in _grouped(chosen):
        set_returned(signature.function, indices)
        refresh_type(signature.function)
        for caller in signature.callers:
            kept = [index for index in range(len(caller.results)) if index not in indices]
            rebuild(caller, list(caller.operands), kept)


def _arguments(module: ir.Operation) -> list[tuple[_Signature, int]]:
    return [
        (signature, argument.arg_number)
        for signature in _signatures(module)
        for argument in signature.function.regions[0].blocks[0].arguments
        if is_unused(argument)
    ]


def _drop_arguments(module: ir.Operation, chosen: Sequence[tuple[_Signature, int]]) -> None:
    for signature, indices in _grouped(chosen):
        drop_arguments(signature.function, indices)
        refresh_type(signature.function)
        for caller in signature.callers:
            kept = [value for i, value in enumerate(caller.operands) if i not in indices]
            rebuild(caller, kept, range(len(caller.results)))


def _grouped(
    chosen: Sequence[tuple[_Signature, int]],
) -> list[tuple[_Signature, list[int]]]:
    groups: dict[ir.Operation, tuple[_Signature, list[int]]] = {}
    for signature, index in chosen:
        groups.setdefault(signature.function, (signature, []))[1].append(index)
    return list(groups.values())


def _twins(module: ir.Operation) -> list[tuple[ir.Value, ir.Value]]:
    """Values that are read, each with the first of its block that may stand in its place.

    That is an argument of its type, or the result of an op of the same name and operands.
    """
    found: list[tuple[ir.Value, ir.Value]] = []
    for function in functions(module):
        first: dict[Hashable, ir.Value] = {}
        for argument in function.regions[0].blocks[0].arguments:
            _note_twin(found, first.setdefault(argument.type, argument), argument)
        for op in body(function)[:-1]:
            for index, result in enumerate(op.results):
                key = (op.name, tuple(op.operands), index, result.type)
                _note_twin(found, first.setdefault(key, result), result)
    return found


def _note_twin(found: list[tuple[ir.Value, ir.Value]], twin: ir.Value, value: ir.Value) -> None:
    if twin != value and not is_unused(value):
        found.append((value, twin))


def _merge(module: ir.Operation, chosen: Sequence[tuple[ir.Value, ir.Value]]) -> None:
    for value, twin in chosen:
        value.replace_all_uses_with(twin)


# -- calls ---------------------------------------------------------------------------------------


def _inlinable(module: ir.Operation) -> list[tuple[ir.Operation, ir.Operation]]:
    """Calls, with what they call."""
    callees = {symbol(function): function for function in functions(module)}
    return [
        (op, callees[name])
        for function in functions(module)
        for op in body(function)
        if (name := _calls(op)) in callees and callees[name] != function
    ]


def _inline(module: ir.Operation, chosen: Sequence[tuple[ir.Operation, ir.Operation]]) -> None:
    for call, callee in chosen:
        block = callee.regions[0].blocks[0]
        substitute(call, copy_body(block, list(call.operands), call))
    used = users(module)
    for callee in {callee for _, callee in chosen}:
        if symbol(callee) not in used:
            callee.erase()


EDITS = (
    Edit("functions", _symbols, _drop_symbols),
    Edit("operations, their operands returned", _body_operations, partial(_cut, returning=True)),
    Edit("operations", _body_operations, partial(_cut, returning=False)),
    Edit("results", _returned, _drop_returned),
    Edit("arguments", _arguments, _drop_arguments),
    Edit("calls", _inlinable, _inline),
    Edit("values that are alike", _twins, _merge),
)
