"""Weights as IREE's parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping

from iree.compiler import ir

from ..ir.tensor_type import TensorType
from .parameter_names import REFLECTION, SCOPE, describe
from .weights import Weight

_REFERENCE = re.compile(r"dense_resource<([\w.]+)>")


def insert_parameters(module: ir.Operation, weights: Mapping[str, Weight]) -> None:
    """Makes the constants that stand for weights loads of parameters, in IREE's bindings.

    A parameter is an immutable global: IREE computes what derives from weights alone when the
    program is loaded. The first public function's reflection says what the weights are.
    """
    if not weights:
        return
    # Parsing has loaded those dialects only that the module has ops of.
    module.context.load_all_available_dialects()
    body = module.regions[0].blocks[0]
    constants = _constants(module)
    with module.context, ir.Location.unknown():
        _describe(body, weights)
        for index, (key, weight) in enumerate(weights.items()):
            _insert(body, f"{REFLECTION}.{index}", weight, constants.get(key, []))


def _constants(module: ir.Operation) -> dict[str, list[ir.Operation]]:
    """The constants that are a resource, by its key."""
    found: dict[str, list[ir.Operation]] = {}

    def visit(op: ir.Operation) -> ir.WalkResult:
        if op.name == "stablehlo.constant":
            resource = _REFERENCE.match(str(op.attributes["value"]))
            if resource:
                found.setdefault(resource[1], []).append(op)
        return ir.WalkResult.ADVANCE

    module.walk(visit)
    return found


def _insert(body: ir.Block, symbol: str, weight: Weight, constants: list[ir.Operation]) -> None:
    name = ir.StringAttr.get(weight.name)
    parameter = f'#flow.parameter.named<"{SCOPE}"::{name}> : tensor<{weight.type}>'
    with ir.InsertionPoint.at_block_begin(body):
        _declare(symbol, weight.type, initial_value=ir.Attribute.parse(parameter))
    if weight.type != weight.own_type:
        # IREE leaves conversions that make more bytes to every call.
        widened = [op for constant in constants for op in _conversions(constant, weight.own_type)]
        if widened:
            _declare_converted(body, symbol, weight)
        for op in widened:
            _replace(op, _converted(symbol))
    for constant in constants:
        _replace(constant, symbol)


def _declare(symbol: str, type_: TensorType, **attributes: ir.Attribute) -> None:
    attributes |= {
        "sym_name": ir.StringAttr.get(symbol),
        "sym_visibility": ir.StringAttr.get("private"),
        "type": ir.TypeAttr.get(ir.Type.parse(f"tensor<{type_}>")),
    }
    ir.Operation.create("util.global", attributes=attributes)


def _converted(symbol: str) -> str:
    return f"{symbol}.converted"


def _declare_converted(body: ir.Block, symbol: str, weight: Weight) -> None:
    """A global that is a weight in the module's own type, converted when the program is loaded."""
    stored, own = (f"tensor<{type_}>" for type_ in (weight.type, weight.own_type))
    holder = ir.Module.parse(f"""
      util.global private @{symbol} : {stored}
      util.global private @{_converted(symbol)} : {own}
      util.initializer {{
        %0 = util.global.load @{symbol} : {stored}
        %1 = stablehlo.convert %0 : ({stored}) -> {own}
        util.global.store %1, @{_converted(symbol)} : {own}
        util.return
      }}""")
    for op in list(holder.body)[:0:-1]:
        op.operation.move_after(body.operations[0])


def _conversions(constant: ir.Operation, type_: TensorType) -> list[ir.Operation]:
    users = (use.owner.operation for use in constant.results[0].uses)
    wanted = f"tensor<{type_}>"
    return [
        user
        for user in users
        if user.name == "stablehlo.convert" and str(user.results[0].type) == wanted
    ]


def _replace(op: ir.Operation, symbol: str) -> None:
    """Puts the load of a global in the place of an op."""
    with ir.InsertionPoint(op), op.location:
        load = ir.Operation.create(
            "util.global.load",
            results=[op.results[0].type],
            attributes={"global": ir.FlatSymbolRefAttr.get(symbol)},
        )
    op.results[0].replace_all_uses_with(load.result)
    op.erase()


def _describe(body: ir.Block, weights: Mapping[str, Weight]) -> None:
    public = (
        op.operation
        for op in body
        if op.operation.name == "func.func" and "sym_visibility" not in op.attributes
    )
    function = next(public, None)
    if function is None:
        return
    types = {weight.name: weight.type for weight in weights.values()}
    attributes = function.attributes
    said = {REFLECTION: ir.StringAttr.get(describe(types))}
    if "iree.reflection" in attributes:
        said |= {entry.name: entry.attr for entry in attributes["iree.reflection"]}
    attributes["iree.reflection"] = ir.DictAttr.get(said)
