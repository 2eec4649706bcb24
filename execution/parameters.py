"""Weights as IREE's parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping

from iree.compiler import ir

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
    with module.context, ir.Location.unknown():
        symbols = {key: f"{REFLECTION}.{index}" for index, key in enumerate(weights)}
        with ir.InsertionPoint.at_block_begin(body):
            for key, weight in weights.items():
                _declare(symbols[key], weight)
        for constant in _constants(module):
            found = _REFERENCE.match(str(constant.attributes["value"]))
            if found and found[1] in symbols:
                _load(constant, symbols[found[1]])
        _describe(body, weights)


def _declare(symbol: str, weight: Weight) -> None:
    type_ = ir.Type.parse(f"tensor<{weight.type}>")
    name = ir.StringAttr.get(weight.name)
    parameter = f'#flow.parameter.named<"{SCOPE}"::{name}> : {type_}'
    ir.Operation.create(
        "util.global",
        attributes={
            "sym_name": ir.StringAttr.get(symbol),
            "sym_visibility": ir.StringAttr.get("private"),
            "type": ir.TypeAttr.get(type_),
            "initial_value": ir.Attribute.parse(parameter),
        },
    )


def _constants(module: ir.Operation) -> list[ir.Operation]:
    found: list[ir.Operation] = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        if op.name == "stablehlo.constant":
            found.append(op)
        return ir.WalkResult.ADVANCE

    module.walk(visit)
    return found


def _load(constant: ir.Operation, symbol: str) -> None:
    with ir.InsertionPoint(constant), constant.location:
        load = ir.Operation.create(
            "util.global.load",
            results=[constant.results[0].type],
            attributes={"global": ir.FlatSymbolRefAttr.get(symbol)},
        )
    constant.results[0].replace_all_uses_with(load.result)
    constant.erase()


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
