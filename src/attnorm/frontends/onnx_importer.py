"""torch-mlir's importer of ONNX models, adapted; it imports onnx."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import onnx
from torch_mlir.dialects import torch as torch_dialect
from torch_mlir.extras.onnx_importer import Config, ModelInfo, NodeImporter

from ..errors import AttnormError, Diagnostic
from ..ir.mlir import ir
from ..ir.rewriting import run_native
from .nan_order import order_nan
from .onnx_names import Places

# torch-backend-to-stablehlo-backend-pipeline up to the check of its result, which no call passes.
_TO_STABLEHLO = (
    "torch-onnx-to-torch-backend-pipeline,"
    "func.func(convert-torch-to-stablehlo{allow-non-finites=true},chlo-legalize-to-stablehlo,"
    "convert-torch-to-arith,canonicalize,cse),torch-func-backend-type-conversion-for-stablehlo,"
    "func.func(canonicalize,torch-finalizing-backend-type-conversion-for-stablehlo)"
)
_FINISH = (
    "torch-verify-stablehlo-backend-contract,"
    "func.func(stablehlo-canonicalize-dynamism,canonicalize,stablehlo-legalize-deprecated-ops)"
)
_META = "torch.onnx_meta."
_ATTRIBUTE = "torch.onnx."

Build = Callable[[str, dict[str, Any], list[ir.Value], list[ir.Type]], list[ir.Value]]
"""Makes what a node of our own stands for: operator, attributes, operands, result types."""


def import_model(
    model: onnx.ModelProto, context: ir.Context, own: set[str], build: Build, places: Places
) -> ir.Operation:
    """The graph of a model, its shapes inferred, as verified StableHLO with the function `@main`.

    Nodes whose operator is in `own` go through torch-mlir as calls, which `build` then replaces.
    """
    torch_dialect.register_dialect(context)
    info = ModelInfo(model, config=Config())
    module = info.create_module(context).operation
    try:
        NodeImporter.define_function(info.main_graph, module).import_all()
    except Exception as error:  # it has no error of its own for most
        raise AttnormError(places.error(f"cannot import the graph: {error}")) from error
    main = module.regions[0].blocks[0].operations[0]
    with context:
        main.attributes["sym_name"] = ir.StringAttr.get("main")
        calls = _call(module, own)
    with _locating(module, places):
        run_native(module, _TO_STABLEHLO)
        _replace(module, calls, build)
        module.verify()
    order_nan(module)
    for name in [name for name in main.attributes if name.startswith(_META)]:
        del main.attributes[name]
    return module


def finish(module: ir.Operation, places: Places) -> None:
    """Checks that nothing of torch is left, and cleans up."""
    with _locating(module, places):
        run_native(module, _FINISH)
        module.verify()


_Calls = dict[str, tuple[str, dict[str, Any]]]


def _operations(module: ir.Operation) -> list[ir.Operation]:
    """The ops of the first function, which is the graph."""
    function = module.regions[0].blocks[0].operations[0]
    return [op.operation for op in function.regions[0].blocks[0].operations]


def _call(module: ir.Operation, own: set[str]) -> _Calls:
    """Makes each node of our own a call of a declaration; what each declaration stands for."""
    calls: _Calls = {}
    for op in _operations(module):
        if op.name != "torch.operator":
            continue
        operator = op.attributes["name"].value.removeprefix("onnx.")
        if operator not in own:
            continue
        name = f"{operator}.{len(calls)}"
        calls[name] = (
            operator,
            {
                key.removeprefix(_ATTRIBUTE): op.attributes[key].value
                for key in op.attributes
                if key.startswith(_ATTRIBUTE)
            },
        )
        with op.location:
            _declare(module, name, op)
            call = ir.Operation.create(
                "func.call",
                results=[result.type for result in op.results],
                operands=list(op.operands),
                attributes={"callee": ir.FlatSymbolRefAttr.get(name)},
                ip=ir.InsertionPoint(op),
            )
        _put(op, list(call.results))
    return calls


def _declare(module: ir.Operation, name: str, op: ir.Operation) -> None:
    body = module.regions[0].blocks[0]
    version = f"{_META}opset_version"
    type_ = ir.FunctionType.get([x.type for x in op.operands], [x.type for x in op.results])
    ir.Operation.create(
        "func.func",
        attributes={
            "sym_name": ir.StringAttr.get(name),
            "sym_visibility": ir.StringAttr.get("private"),
            "function_type": ir.TypeAttr.get(type_),
            # Without it, the conversion refuses the function.
            version: body.operations[0].attributes[version],
        },
        regions=1,
        ip=ir.InsertionPoint(body),
    )


def _replace(module: ir.Operation, calls: _Calls, build: Build) -> None:
    for op in _operations(module):
        if op.name != "func.call" or op.attributes["callee"].value not in calls:
            continue
        operator, attributes = calls[op.attributes["callee"].value]
        types = [result.type for result in op.results]
        with op.location, ir.InsertionPoint(op):
            values = build(operator, attributes, list(op.operands), types)
        _put(op, values)
    for function in list(module.regions[0].blocks[0].operations):
        if function.attributes["sym_name"].value in calls:
            function.operation.erase()


def _put(op: ir.Operation, values: list[ir.Value]) -> None:
    """Puts values in the place of an op's results."""
    for old, new in zip(op.results, values, strict=True):
        old.replace_all_uses_with(new)
    op.erase()


@contextmanager
def _locating(module: ir.Operation, places: Places) -> Iterator[None]:
    """Turns the bindings' errors inside the block into an `AttnormError` that names nodes."""
    try:
        yield
    except ir.MLIRError as error:
        found = [_located(info, module, places) for info in error.error_diagnostics]
        what = "cannot lower the graph to StableHLO"
        raise AttnormError(found or [places.error(what)]) from None


def _located(info: ir.DiagnosticInfo, module: ir.Operation, places: Places) -> Diagnostic:
    """Of places, there are only the names of the nodes."""
    name = _node(info.location, places)
    if name is not None:
        return places.error(info.message, name)
    # Constants are moved away from their node; they are left over where what reads them is.
    for op in _operations(module):
        name = _node(op.location, places)
        if op.name.startswith(("torch.aten.", "torch.operator")) and name is not None:
            return places.error(f"failed to legalize operation '{op.name}'", name)
    return places.error(info.message)


def _node(location: ir.Location, places: Places) -> str | None:
    quoted = re.findall(r'"([^"]*)"', str(location))
    return next((name for name in quoted if name in places.nodes), None)
