"""Reductions of single ops: to one of their operands, to a number, to fewer operands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from ..ir.mlir import ir
from .reduce_functions import full, has_constants
from .reduce_ir import (
    Edit,
    copy_body,
    inner_operations,
    is_terminator,
    operations,
    rebuild,
    substitute,
)

_VARIADIC = {
    "stablehlo.concatenate",
    "stablehlo.custom_call",
    "stablehlo.optimization_barrier",
    "stablehlo.tuple",
}
_SEGMENTS = "operandSegmentSizes"
# What an op is; the verifier does not look for these carefully.
_STRUCTURE = {"sym_name", "function_type", "value", _SEGMENTS, "resultSegmentSizes"}

# -- results -------------------------------------------------------------------------------------


def _passing(number: int, module: ir.Operation) -> list[ir.Operation]:
    """Ops whose results have the types of their operands number `number` and on."""
    return [op for op in inner_operations(module) if _passed(op, number)]


def _passed(op: ir.Operation, number: int) -> list[ir.Value]:
    values = list(op.operands)[number:][: len(op.results)]
    same = [value.type for value in values] == [result.type for result in op.results]
    return values if same else []


def _pass(number: int, module: ir.Operation, chosen: Sequence[ir.Operation]) -> None:
    for op in chosen:
        substitute(op, _passed(op, number))


def _computed(module: ir.Operation) -> list[ir.Operation]:
    """Ops that are no constants and could be."""
    return [
        op
        for op in inner_operations(module)
        if op.name != "stablehlo.constant"
        and len(op.results)
        and all(has_constants(result.type) for result in op.results)
    ]


def _fill(number: int, module: ir.Operation, chosen: Sequence[ir.Operation]) -> None:
    for op in chosen:
        substitute(op, [full(op, result.type, number) for result in op.results])


def _other_constants(number: int, module: ir.Operation) -> list[ir.Operation]:
    """Constants of another value than `number` and the numbers below it."""
    found: list[ir.Operation] = []
    for op in inner_operations(module):
        if op.name == "stablehlo.constant" and has_constants(op.results[0].type):
            simpler = [full(op, op.results[0].type, simple) for simple in range(number + 1)]
            values = [value.owner.attributes["value"] for value in simpler]
            if op.attributes["value"] not in values:
                found.append(op)
            for value in simpler:
                value.owner.erase()
    return found


# -- regions -------------------------------------------------------------------------------------


def _regions(module: ir.Operation) -> list[tuple[ir.Operation, ir.Block]]:
    """Blocks that compute the results of their op from its operands, or from no arguments."""
    found: list[tuple[ir.Operation, ir.Block]] = []
    for op in inner_operations(module):
        for region in op.regions:
            blocks = [block for block in region.blocks if len(block.operations)]
            if len(blocks) == 1 and _computes(blocks[0], op):
                found.append((op, blocks[0]))
    return found


def _computes(block: ir.Block, op: ir.Operation) -> bool:
    *_, end = [inner.operation for inner in block.operations]
    arguments = [argument.type for argument in block.arguments]
    takes = not arguments or arguments == [value.type for value in op.operands]
    gives = [value.type for value in end.operands] == [result.type for result in op.results]
    return takes and gives and is_terminator(end)


def _hoist(module: ir.Operation, chosen: Sequence[tuple[ir.Operation, ir.Block]]) -> None:
    """Puts the ops of a block in the place of the op around it."""
    blocks = dict(reversed(chosen))
    for op in dict.fromkeys(op for op, _ in chosen):
        block = blocks[op]
        arguments = list(op.operands) if len(block.arguments) else []
        substitute(op, copy_body(block, arguments, op))


def _carried(module: ir.Operation) -> list[tuple[ir.Operation, int]]:
    """The values that a loop carries."""
    return [
        (op, index)
        for op in inner_operations(module)
        if op.name == "stablehlo.while"
        for index in range(len(op.operands))
    ]


def _uncarry(module: ir.Operation, chosen: Sequence[tuple[ir.Operation, int]]) -> None:
    """Makes what loops carry what it is before them."""
    for op in dict.fromkeys(op for op, _ in chosen):
        dropped = {index for owner, index in chosen if owner == op}
        kept = [index for index in range(len(op.operands)) if index not in dropped]
        for index in sorted(dropped, reverse=True):
            initial = op.operands[index]
            op.results[index].replace_all_uses_with(initial)
            for region in op.regions:
                region.blocks[0].arguments[index].replace_all_uses_with(initial)
                region.blocks[0].erase_argument(index)
        *_, end = [inner.operation for inner in op.regions[1].blocks[0].operations]
        rebuild(end, [end.operands[index] for index in kept], ())
        rebuild(op, [op.operands[index] for index in kept], kept)


# -- operands and attributes ---------------------------------------------------------------------


def _optional(module: ir.Operation) -> list[tuple[ir.Operation, int]]:
    """Operands that their op may do without."""
    return [
        (op, index)
        for op in inner_operations(module)
        if op.name in _VARIADIC or _SEGMENTS in op.attributes
        for index in range(len(op.operands))
    ]


def _drop_operands(module: ir.Operation, chosen: Sequence[tuple[ir.Operation, int]]) -> None:
    for op in dict.fromkeys(op for op, _ in chosen):
        dropped = {index for owner, index in chosen if owner == op}
        kept = [value for index, value in enumerate(op.operands) if index not in dropped]
        changed = {}
        if _SEGMENTS in op.attributes:
            changed[_SEGMENTS] = _shortened(op.attributes[_SEGMENTS], dropped)
        rebuild(op, kept, range(len(op.results)), **changed)


def _shortened(sizes: ir.Attribute, dropped: set[int]) -> ir.Attribute:
    """The sizes of segments without some operands."""
    shorter: list[int] = []
    start = 0
    for size in sizes:
        shorter.append(size - len(dropped.intersection(range(start, start + size))))
        start += size
    return ir.DenseI32ArrayAttr.get(shorter)


Smaller = tuple[ir.Operation, str, ir.Attribute | None]
"""An op, the name of an attribute, and what may stand in its place (None: nothing)."""


def _attributes(module: ir.Operation) -> list[Smaller]:
    """Attributes that their op may do without, as a whole or in part."""
    return [
        (op, name, smaller)
        for op in [*operations(module), module]
        for name in list(op.attributes)
        if name not in _STRUCTURE
        for smaller in _smaller(op.attributes[name])
        if _verifies(op, name, smaller)
    ]


def _smaller(value: ir.Attribute) -> Iterator[ir.Attribute | None]:
    yield None
    if isinstance(value, ir.DictAttr):
        entries = {entry.name: entry.attr for entry in value}
        for name in entries:
            yield ir.DictAttr.get({key: entries[key] for key in entries if key != name})
    elif isinstance(value, ir.ArrayAttr):
        parts, empty = list(value), ir.DictAttr.get({})
        for index, part in enumerate(parts):
            if isinstance(part, ir.DictAttr) and part != empty:
                yield ir.ArrayAttr.get([*parts[:index], empty, *parts[index + 1 :]])


def _verifies(op: ir.Operation, name: str, smaller: ir.Attribute | None) -> bool:
    """Whether an op is valid with another attribute; it is left as it was."""
    value = op.attributes[name]
    _set(op, name, smaller)
    try:
        op.verify()
    except ir.MLIRError:
        return False
    finally:
        op.attributes[name] = value
    return True


def _set(op: ir.Operation, name: str, value: ir.Attribute | None) -> None:
    if value is None:
        del op.attributes[name]
    else:
        op.attributes[name] = value


def _shrink_attributes(module: ir.Operation, chosen: Sequence[Smaller]) -> None:
    for op, name, smaller in chosen:
        if name in op.attributes:
            _set(op, name, smaller)


EDITS = (
    Edit("regions", _regions, _hoist),
    *(
        Edit(f"results that are operand {n}", partial(_passing, n), partial(_pass, n))
        for n in range(3)
    ),
    *(Edit(f"results that are {n}", _computed, partial(_fill, n)) for n in range(2)),
    *(
        Edit(f"constants that are {n}", partial(_other_constants, n), partial(_fill, n))
        for n in range(2)
    ),
    Edit("carried values", _carried, _uncarry),
    Edit("operands", _optional, _drop_operands),
    Edit("attributes", _attributes, _shrink_attributes),
)
