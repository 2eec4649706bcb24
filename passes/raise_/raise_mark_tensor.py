"""`raise-mark-tensor`: LiteRT's pairs of markers become composites."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from attnorm.dialect import call_attributes
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Refusal, operations

from ..base import Pass, Report

TARGET = "mark_tensor"

# What StableHLO takes as the name of a composite.
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*(\.[a-zA-Z0-9_$]+)+")

# Ops that are more than their results: a copy of one is not the same program.
_EFFECTS = frozenset(
    f"stablehlo.{name}"
    for name in ("after_all", "infeed", "outfeed", "recv", "rng", "send", "create_token")
)


@dataclass(frozen=True)
class Marker:
    """One `mark_tensor`."""

    op: ir.Operation
    name: str
    id: str
    position: int
    is_input: bool
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Group:
    """The markers of one composite, by position."""

    inputs: list[Marker]
    outputs: list[Marker]

    @property
    def name(self) -> str:
        """The name that all markers agree on."""
        return self.outputs[0].name


def read_marker(op: ir.Operation) -> Marker:
    """The marker that a call is; a `Refusal` where it is malformed."""
    given = call_attributes.read(op)
    kinds = {"name": str, "id": str, "pos": int, "is_input": bool}
    for key, kind in kinds.items():
        if not isinstance(given.get(key), kind):
            raise Refusal(f"{key}: expected {kind.__name__}, got {given.get(key)!r}")
    attributes = given.get("attr") or {}
    if not isinstance(attributes, dict):
        raise Refusal(f"attr: expected a dictionary, got {attributes!r}")
    if [value.type for value in op.operands] != [value.type for value in op.results]:
        raise Refusal("result: expected the operand's type")
    return Marker(op, given["name"], given["id"], given["pos"], given["is_input"], attributes)


def group_markers(markers: Iterable[Marker]) -> Iterator[list[Marker]]:
    """The markers of one id in a block; what ends first comes first, so inner before outer."""
    groups: dict[tuple[str, ir.Block], list[Marker]] = {}
    for marker in markers:
        key = (marker.id, marker.op.block)
        # A later marker moves its group to the end.
        groups[key] = [*groups.pop(key, []), marker]
    yield from groups.values()


def check_group(markers: list[Marker]) -> Group:
    """The group that markers form; a `Refusal` where they are no composite."""
    first = markers[0]
    if not _NAME.fullmatch(first.name):
        raise Refusal(f"name: expected a name with a namespace, got '{first.name}'")
    if any(marker.name != first.name for marker in markers):
        raise Refusal("name: expected one name for all markers of an id")
    inputs, outputs = (
        sorted((m for m in markers if m.is_input is side), key=lambda m: m.position)
        for side in (True, False)
    )
    if not outputs:
        raise Refusal("expected an output, got none")
    for what, side in (("inputs", inputs), ("outputs", outputs)):
        positions = [marker.position for marker in side]
        if positions != list(range(len(side))):
            raise Refusal(f"pos: expected each of 0 to {len(side) - 1} in the {what} once")
    for before in inputs:
        if any(after.op.is_before_in_block(before.op) for after in outputs):
            raise Refusal("expected every input before the outputs")
    return Group(inputs, outputs)


# -- what stands between the markers ---------------------------------------------------------------


def body(group: Group) -> list[ir.Operation]:
    """The ops that make the outputs from the inputs, operands first; raises a `Refusal`."""
    boundary = {marker.op for marker in group.inputs}
    done: dict[ir.Operation, None] = {}
    pending = [(value, False) for m in group.outputs for value in m.op.operands]
    while pending:
        value, ready = pending.pop()
        op = _producer(value)
        if op in boundary or op in done:
            continue
        if ready:
            done[op] = None
        else:
            _check_copyable(op)
            pending.append((value, True))
            pending += [(operand, False) for operand in _operands(op)]
    return list(done)


def _producer(value: ir.Value) -> ir.Operation:
    if isinstance(value.owner, ir.Block):
        raise Refusal("expected values from the marked inputs or constants, got another argument")
    return value.owner.operation


def _check_copyable(op: ir.Operation) -> None:
    effect = "has_side_effect" in op.attributes and op.attributes["has_side_effect"].value
    if op.name in _EFFECTS or effect:
        raise Refusal(f"expected no op with side effects inside, got {op.name}")


def _operands(op: ir.Operation) -> list[ir.Value]:
    """The operands of an op, and what its regions use from outside of it."""
    inside: set[ir.Operation | ir.Block] = set()
    used: list[ir.Value] = []

    def visit(inner: ir.Operation) -> ir.WalkResult:
        inside.add(inner.operation)
        inside.add(inner.operation.block)
        used.extend(inner.operands)
        return ir.WalkResult.ADVANCE

    for region in op.regions:
        for block in region:
            for inner in block:
                inner.operation.walk(visit)
    return [*op.operands, *(value for value in used if _owner(value) not in inside)]


def _owner(value: ir.Value) -> ir.Operation | ir.Block:
    return value.owner if isinstance(value.owner, ir.Block) else value.owner.operation


# -- the composite ---------------------------------------------------------------------------------


def raise_group(group: Group, symbols: ir.SymbolTable, module: ir.Operation) -> None:
    """Pattern: mark(out)(f(mark(in)(x))) -> composite "name" x {decomposition = f}"""
    ops = body(group)
    attributes = _attributes(group)
    place = _place(group)
    symbol = symbols.insert(_outline(group, ops, module))
    composite = ir.Operation.create(
        "stablehlo.composite",
        results=[marker.op.results[0].type for marker in group.outputs],
        operands=[marker.op.operands[0] for marker in group.inputs],
        attributes={
            "name": ir.StringAttr.get(group.name),
            "decomposition": ir.FlatSymbolRefAttr.get(symbol.value),
            "composite_attributes": attributes,
        },
        loc=group.outputs[0].op.location,
        ip=place,
    )
    for marker, result in zip(group.outputs, composite.results, strict=True):
        marker.op.results[0].replace_all_uses_with(result)
        marker.op.erase()
    for op in reversed(ops):
        # Another group still needs its markers.
        if op.name != "stablehlo.custom_call" and not any(list(r.uses) for r in op.results):
            op.erase()
    for marker in group.inputs:
        drop(marker.op)


def drop(op: ir.Operation) -> None:
    """Pattern: mark_tensor(x) -> x"""
    if [value.type for value in op.operands] != [value.type for value in op.results]:
        return
    for result, value in zip(op.results, op.operands, strict=True):
        result.replace_all_uses_with(value)
    op.erase()


def _place(group: Group) -> ir.InsertionPoint:
    """After the last input, ahead of every use of an output."""
    if not group.inputs:
        return ir.InsertionPoint.at_block_begin(group.outputs[0].op.block)
    last = group.inputs[0].op
    for marker in group.inputs:
        last = marker.op if last.is_before_in_block(marker.op) else last
    return ir.InsertionPoint.after(last)


def _attributes(group: Group) -> ir.DictAttr:
    """What the outputs carry, which must not contradict each other."""
    found: dict[str, Any] = {}
    for marker in group.outputs:
        for key, value in marker.attributes.items():
            if found.setdefault(key, value) != value:
                raise Refusal(f"attr: expected one value of '{key}', got {found[key]} and {value}")
    return ir.DictAttr.get({key: _attribute(key, value) for key, value in found.items()})


def _attribute(key: str, value: Any) -> ir.Attribute:
    if isinstance(value, bool):
        return ir.BoolAttr.get(value)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return ir.IntegerAttr.get(ir.IntegerType.get_signless(64), value)
    if isinstance(value, float):
        return ir.FloatAttr.get(ir.F64Type.get(), value)
    if isinstance(value, str):
        return ir.StringAttr.get(value)
    if isinstance(value, list):
        return ir.ArrayAttr.get([_attribute(key, item) for item in value])
    if isinstance(value, dict):
        return ir.DictAttr.get({name: _attribute(key, item) for name, item in value.items()})
    raise Refusal(f"attr: {key}: expected a number, a string, a list or a dictionary, got {value}")


def _outline(group: Group, ops: list[ir.Operation], module: ir.Operation) -> ir.Operation:
    """A private function of copies of `ops`, at the end of the module."""
    location = group.outputs[0].op.location
    starts = [marker.op.results[0] for marker in group.inputs]
    ends = [marker.op.operands[0] for marker in group.outputs]
    types = [value.type for value in starts]
    function = ir.Operation.create(
        "func.func",
        attributes={
            "sym_name": ir.StringAttr.get(f"{group.name}.impl"),
            "sym_visibility": ir.StringAttr.get("private"),
            "function_type": ir.TypeAttr.get(
                ir.FunctionType.get(types, [value.type for value in ends])
            ),
        },
        regions=1,
        loc=location,
        ip=ir.InsertionPoint(module.regions[0].blocks[0]),
    )
    block = function.regions[0].blocks.append(*types, arg_locs=[location] * len(types))
    copies: dict[ir.Value, ir.Value] = dict(zip(starts, block.arguments, strict=True))
    with ir.InsertionPoint(block):
        for op in ops:
            copy = op.clone().operation
            _renew_operands(copy, copies)
            copies.update(zip(op.results, copy.results, strict=True))
        results = [copies[value] for value in ends]
        ir.Operation.create("func.return", operands=results, loc=location)
    return function


def _renew_operands(copy: ir.Operation, copies: dict[ir.Value, ir.Value]) -> None:
    def visit(op: ir.Operation) -> ir.WalkResult:
        for index, value in enumerate(op.operands):
            if value in copies:
                op.operands[index] = copies[value]
        return ir.WalkResult.ADVANCE

    copy.walk(visit)


def _calls(module: ir.Operation) -> list[ir.Operation]:
    calls = operations(module, "stablehlo.custom_call")
    return [op for op in calls if op.attributes["call_target_name"].value == TARGET]


@dataclass(frozen=True)
class RaiseMarkTensorPass(Pass):
    """LiteRT's pairs of markers become composites.

    LiteRT marks where a composite begins and ends by `custom_call @mark_tensor`, a call that
    returns its operand; its own converter turns the pairs into composites. IREE 3.13 takes no
    custom call: "failed to legalize operation 'stablehlo.custom_call' that was explicitly marked
    illegal".

    Fires on the markers of one `id` in one block: their inputs and outputs, in the order of `pos`,
    become the operands and results of a `stablehlo.composite` with the attributes of the outputs,
    and copies of the ops between them its decomposition. Constants that the ops use are copied
    with them. A composite inside of another one is in its decomposition.

    Refuses markers that are malformed, that disagree or are incomplete, and those between which
    values other than constants come from outside. A marker is an identity: where it does not
    become part of a composite it is dropped.

    ```mlir
    func.func @double(%x: tensor<4xf32>) -> tensor<4xf32> {
      %0 = stablehlo.custom_call @mark_tensor(%x) {backend_config =
        "{\\22name\\22:\\22my.f\\22,\\22pos\\22:0,\\22id\\22:\\22a\\22,\\22is_input\\22:true}"
      } : (tensor<4xf32>) -> tensor<4xf32>
      %1 = stablehlo.add %0, %0 : tensor<4xf32>
      %2 = stablehlo.custom_call @mark_tensor(%1) {backend_config =
        "{\\22name\\22:\\22my.f\\22,\\22pos\\22:0,\\22id\\22:\\22a\\22,\\22is_input\\22:false,\\22attr\\22:{\\22n\\22:2}}"
      } : (tensor<4xf32>) -> tensor<4xf32>
      return %2 : tensor<4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @double(%x: tensor<4xf32>) -> tensor<4xf32> {
      %0 = stablehlo.composite "my.f" %x {
        composite_attributes = {n = 2 : i64}, decomposition = @my.f.impl
      } : (tensor<4xf32>) -> tensor<4xf32>
      return %0 : tensor<4xf32>
    }
    func.func private @my.f.impl(%x: tensor<4xf32>) -> tensor<4xf32> {
      %0 = stablehlo.add %x, %x : tensor<4xf32>
      return %0 : tensor<4xf32>
    }
    ```
    """

    name = "raise-mark-tensor"
    anchor = "builtin.module"
    roots = ("stablehlo.custom_call",)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites every marker below `module`."""
        markers: list[Marker] = []
        for op in _calls(module):
            try:
                markers.append(read_marker(op))
            except Refusal as refusal:
                report.refuse(op, f"@{TARGET}: {refusal}")
                drop(op)
        symbols = ir.SymbolTable(module)
        for group in list(group_markers(markers)):
            try:
                # Types and attributes that are made want a location around them.
                with group[-1].op.location:
                    raise_group(check_group(group), symbols, module)
            except Refusal as refusal:
                report.refuse(group[0].op, f'"{group[0].name}": {refusal}')
                for marker in group:
                    drop(marker.op)
        # Of groups that overlap, markers of one were copied with the other.
        for op in _calls(module):
            drop(op)
