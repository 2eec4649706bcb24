"""What the reductions do to IR: walks, ops built anew, functions with another signature."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from ..ir.mlir import ir

CALLS = {"func.call": "callee", "stablehlo.composite": "decomposition"}
"""Ops that hand their operands to a function and return its results, and where they name it."""
_SYMBOL = re.compile(r'@(?:"((?:[^"\\]|\\.)*)"|([\w.$-]+))')


@dataclass(frozen=True)
class Edit:
    """A way to make a module smaller: places where it applies, and what is done to some of them.

    `find` leaves the module as it is; `apply` takes a part of what it found, in order.
    """

    name: str
    find: Callable[[ir.Operation], Sequence]
    apply: Callable[[ir.Operation, Sequence], None]


# -- walks ---------------------------------------------------------------------------------------


def operations(op: ir.Operation) -> list[ir.Operation]:
    """Every op below `op`, those in its regions before itself."""
    found: list[ir.Operation] = []

    def visit(inner: ir.Operation) -> ir.WalkResult:
        found.append(inner.operation)
        return ir.WalkResult.ADVANCE

    op.walk(visit)
    return found[:-1]


def body(op: ir.Operation) -> list[ir.Operation]:
    """The ops of a block that is the only one of the only region; none where it is not that."""
    blocks = [block for region in op.regions for block in region.blocks]
    return [inner.operation for inner in blocks[0].operations] if len(blocks) == 1 else []


def functions(module: ir.Operation) -> Iterator[ir.Operation]:
    """The functions that have one block, which a return ends."""
    for op in body(module):
        inner = body(op) if op.name == "func.func" else []
        if inner and inner[-1].name == "func.return":
            yield op


def inner_operations(module: ir.Operation) -> list[ir.Operation]:
    """The ops inside of functions, at any depth, that end no block."""
    return [
        op for function in functions(module) for op in operations(function) if not is_terminator(op)
    ]


def is_terminator(op: ir.Operation) -> bool:
    """Whether an op ends its block."""
    return op.name in ("func.return", "stablehlo.return") or op.has_trait(ir.IsTerminatorTrait)


def is_unused(value: ir.Value) -> bool:
    """Whether nothing reads a value."""
    return next(iter(value.uses), None) is None


# -- symbols -------------------------------------------------------------------------------------


def symbol(op: ir.Operation) -> str | None:
    """The name that an op defines."""
    if "sym_name" not in op.attributes:
        return None
    return ir.StringAttr(op.attributes["sym_name"]).value


def references(op: ir.Operation) -> set[str]:
    """The names of symbols that an op's attributes hold."""
    found: set[str] = set()
    # A constant's value can be long, and the bindings cannot hand out each.
    for name in set(op.attributes) - {"value", "function_type"}:
        value = str(op.attributes[name])
        found.update(quoted or plain for quoted, plain in _SYMBOL.findall(value))
    return found


def users(module: ir.Operation) -> dict[str, list[ir.Operation]]:
    """The ops that hold the name of a symbol, by that name."""
    found: dict[str, list[ir.Operation]] = {}
    for op in operations(module):
        for name in references(op):
            found.setdefault(name, []).append(op)
    return found


# -- changes -------------------------------------------------------------------------------------


def rebuild(
    op: ir.Operation,
    operands: Sequence[ir.Value],
    results: Collection[int],
    **changed: ir.Attribute,
) -> None:
    """Puts an op of other operands, and of some of the results, in place of one.

    The other results have to be without use. Regions move, they are not copied.
    """
    attributes = dict(op.attributes.items())
    made = ir.Operation.create(
        op.name,
        results=[op.results[index].type for index in results],
        operands=list(operands),
        attributes={**attributes, **changed},
        regions=len(op.regions),
        loc=op.location,
        ip=ir.InsertionPoint(op),
    )
    for old, new in zip(op.regions, made.regions, strict=True):
        for block in list(old.blocks):
            block.append_to(new)
    for index, result in zip(results, made.results, strict=True):
        op.results[index].replace_all_uses_with(result)
    op.erase()


def add_argument(function: ir.Operation, type_: ir.Type) -> ir.Value:
    """A new last argument of a function that nothing calls; `refresh_type` has to follow."""
    block = function.regions[0].blocks[0]
    if "arg_attrs" in function.attributes:
        entries = [*ir.ArrayAttr(function.attributes["arg_attrs"]), ir.DictAttr.get({})]
        function.attributes["arg_attrs"] = ir.ArrayAttr.get(entries)
    return block.add_argument(type_, ir.Location.unknown())


def drop_arguments(function: ir.Operation, indices: Collection[int]) -> None:
    """Erases arguments without use; `refresh_type` has to follow."""
    block = function.regions[0].blocks[0]
    for index in sorted(indices, reverse=True):
        block.erase_argument(index)
    _drop_entries(function, "arg_attrs", indices)


def set_returned(
    function: ir.Operation, dropped: Collection[int], added: Sequence[ir.Value] = ()
) -> None:
    """Returns fewer values and others; `refresh_type` has to follow."""
    end = body(function)[-1]
    kept = [value for index, value in enumerate(end.operands) if index not in dropped]
    rebuild(end, [*kept, *added], ())
    _drop_entries(function, "res_attrs", dropped)
    if "res_attrs" in function.attributes:
        entries = list(ir.ArrayAttr(function.attributes["res_attrs"]))
        entries += [ir.DictAttr.get({})] * len(added)
        function.attributes["res_attrs"] = ir.ArrayAttr.get(entries)


def _drop_entries(function: ir.Operation, name: str, indices: Collection[int]) -> None:
    if name in function.attributes:
        entries = enumerate(ir.ArrayAttr(function.attributes[name]))
        kept = [entry for index, entry in entries if index not in indices]
        function.attributes[name] = ir.ArrayAttr.get(kept)


def refresh_type(function: ir.Operation) -> None:
    """Makes a function's type that of its arguments and of what it returns."""
    arguments = [argument.type for argument in function.regions[0].blocks[0].arguments]
    results = [value.type for value in body(function)[-1].operands]
    type_ = ir.FunctionType.get(arguments, results)
    function.attributes["function_type"] = ir.TypeAttr.get(type_)


def copy_body(
    block: ir.Block, arguments: Sequence[ir.Value], before: ir.Operation
) -> list[ir.Value]:
    """Copies the ops of a block, with values for its arguments; returns what it would have."""
    values = dict(zip(block.arguments, arguments, strict=True))
    *ops, end = [op.operation for op in block.operations]
    for op in ops:
        copy = op.clone(ir.InsertionPoint(before)).operation
        for inner in [*operations(copy), copy]:
            for index, operand in enumerate(inner.operands):
                if operand in values:
                    inner.operands[index] = values[operand]
        values.update(zip(op.results, copy.results, strict=True))
    return [values.get(value, value) for value in end.operands]


def substitute(op: ir.Operation, values: Sequence[ir.Value]) -> None:
    """Replaces every result of an op and erases it."""
    for result, value in zip(op.results, values, strict=True):
        result.replace_all_uses_with(value)
    op.erase()


def erase_dead(op: ir.Operation) -> None:
    """Erases the ops below `op` whose results nothing reads, and what only these read."""
    for region in op.regions:
        for block in region.blocks:
            for inner in reversed([inner.operation for inner in block.operations]):
                if _is_dead(inner):
                    inner.erase()
                else:
                    erase_dead(inner)


def _is_dead(op: ir.Operation) -> bool:
    unused = len(op.results) > 0 and all(map(is_unused, op.results))
    effect = "has_side_effect" in op.attributes and str(op.attributes["has_side_effect"]) == "true"
    return unused and not effect and not is_terminator(op)
