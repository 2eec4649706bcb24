"""Makes an ONNX model one that torch-mlir can import, with a node for each op of the dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import onnx
from onnx import helper, numpy_helper

from ..dialect import SPECS
from ..dialect.base import is_single
from ..dialect.spec import OpSpec, resolve
from ..errors import AttnormError, Diagnostic
from .onnx_graph import DOMAIN, Graph, Node, NotYet, Refusal, sizes
from .onnx_names import Places, describe, settle_names
from .onnx_sizes import settle_sizes

Rewrite = Callable[[Graph, Node], list[str]]
"""Emits what a node means; the values of its outputs, "" for one that is not asked for."""

OPS: dict[str, OpSpec] = {spec.name: spec for spec in SPECS if spec.onnx}
"""The ops of the dialect that nodes become."""
REWRITES: dict[tuple[str, str], Rewrite] = {
    (domain, operator): resolve(function)
    for spec in OPS.values()
    for name, function in spec.onnx.items()
    for domain, _, operator in [name.rpartition(".")]
}
_OLDEST = 13
"""The opset from which on the operators that rewrites emit have the inputs they are given."""

_LARGE = 1024
"""Constants of more bytes take no part in the inference of shapes."""


def rewrite(
    model: onnx.ModelProto, dims: Mapping[str, int], file: str
) -> tuple[onnx.ModelProto, Places]:
    """Gives sizes to dimensions, replaces nodes, infers all shapes; says where each node is."""
    _check_ranks(model.graph, file)
    _set_dims(model, dims, file)
    settle_names(model.graph, file)
    _name_outputs(model.graph)
    written = list(model.graph.node)
    for tensor in model.graph.initializer:
        if tensor.data_type in (onnx.TensorProto.BOOL, onnx.TensorProto.UINT8):
            # From raw data they would become a resource, of a type that IREE does not take.
            _spell_out(tensor)
    model.ir_version = max(model.ir_version, 8)  # the first with functions
    model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    model.functions.extend(_shape_functions())
    graph = Graph(
        opset=next((x.version for x in model.opset_import if x.domain == ""), 1),
        declared={output.name: sizes(output.type) for output in model.graph.output},
    )
    large = _detach_large(model.graph)
    declared = list(model.graph.value_info)
    while True:
        model = _infer(model, file)
        graph.know(model.graph)
        settled = settle_sizes(graph, model.graph)
        if settled:
            # What was inferred is not inferred again, with sizes that are known now.
            del model.graph.value_info[:]
            model.graph.value_info.extend(declared)
        if not _replace_some(graph, model.graph, file, last=not settled) and not settled:
            break
    _check_known(graph, model.graph, file)
    _attach(model.graph, large)
    return model, Places(file, {node.name: describe(node, graph.types) for node in written})


def _check_ranks(graph: onnx.GraphProto, file: str) -> None:
    """Refuses an input of any shape: torch-mlir would take it for a scalar."""
    constants = {x.name for x in graph.initializer}
    for value in graph.input:
        tensor = value.type.tensor_type
        if value.name not in constants and tensor.elem_type and not tensor.HasField("shape"):
            raise AttnormError(Diagnostic(f"input '{value.name}': expected a known rank", file))


def _set_dims(model: onnx.ModelProto, dims: Mapping[str, int], file: str) -> None:
    known = set()
    for value in (*model.graph.input, *model.graph.output):
        for dim in value.type.tensor_type.shape.dim:
            known.add(dim.dim_param)
            if dim.dim_param in dims:
                dim.dim_value = dims[dim.dim_param]
    for name in dims:
        if name not in known:
            names = ", ".join(sorted(known - {""})) or "none"
            raise AttnormError(Diagnostic(f"dims: expected one of {names}, got '{name}'", file))
    if dims:
        del model.graph.value_info[:]


def _name_outputs(graph: onnx.GraphProto) -> None:
    """Names outputs that are left out ahead of others, which torch-mlir does not take."""
    for node in graph.node:
        if (node.domain, node.op_type) in REWRITES:
            continue
        for index, output in enumerate(node.output):
            if not output and any(node.output[index:]):
                node.output[index] = f"attnorm.unused.{node.name}.{index}"


def _spell_out(tensor: onnx.TensorProto) -> None:
    array = numpy_helper.to_array(tensor)
    tensor.CopyFrom(
        helper.make_tensor(tensor.name, tensor.data_type, array.shape, array.reshape(-1).tolist())
    )


def _shape_functions() -> list[onnx.FunctionProto]:
    """What inference takes our own nodes for: something that has a result of the same shape."""
    opset = [helper.make_opsetid("", 23)]
    functions = []
    for name, spec in OPS.items():
        operands = [item.name for item in spec.op.operand_defs]
        required = [item.name for item in spec.op.operand_defs if is_single(item)]
        body = helper.make_node(spec.onnx_shape, required, ["y"])
        functions.append(helper.make_function(DOMAIN, name, operands, ["y"], [body], opset))
    return functions


def _detach_large(graph: onnx.GraphProto) -> list[onnx.TensorProto]:
    """Makes inputs of the large initializers, and returns them."""
    large = [x for x in graph.initializer if x.ByteSize() > _LARGE]
    small = [x for x in graph.initializer if x.ByteSize() <= _LARGE]
    inputs = {value.name for value in graph.input}
    graph.input.extend(
        helper.make_tensor_value_info(x.name, x.data_type, x.dims)
        for x in large
        if x.name not in inputs
    )
    del graph.initializer[:]
    graph.initializer.extend(small)
    return large


def _attach(graph: onnx.GraphProto, large: list[onnx.TensorProto]) -> None:
    """The way back. An initializer that is an input is a constant too."""
    graph.initializer.extend(large)
    names = {x.name for x in graph.initializer}
    inputs = [value for value in graph.input if value.name not in names]
    del graph.input[:]
    graph.input.extend(inputs)


def _infer(model: onnx.ModelProto, file: str) -> onnx.ModelProto:
    try:
        return onnx.shape_inference.infer_shapes(model, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        raise AttnormError(Diagnostic(f"cannot infer shapes: {error}", file)) from None


def _replace_some(graph: Graph, proto: onnx.GraphProto, file: str, *, last: bool) -> bool:
    """Replaces the nodes whose shapes are known; whether there were any.

    Refuses the others where this is the `last` time.
    """
    graph.nodes = []
    replaced, waiting = False, []
    for node in proto.node:
        if (node.domain, node.op_type) not in REWRITES:
            graph.nodes.append(node)
            continue
        before = len(graph.nodes)
        try:
            _replace(graph, node)
            replaced = True
        except Refusal as refusal:
            error = Diagnostic(f"node '{node.name}' ({node.op_type}): {refusal}", file)
            if not isinstance(refusal, NotYet):
                raise AttnormError(error) from None
            graph.nodes[before:] = [node]
            waiting.append(error)
    if waiting and not replaced and last:
        _check_known(graph, proto, file)
        raise AttnormError(waiting[0])
    del proto.node[:]
    proto.node.extend(graph.nodes)
    return replaced


def _check_known(graph: Graph, proto: onnx.GraphProto, file: str) -> None:
    """Refuses the first operator of whose results nothing is known, though others read them."""
    read = {name for node in proto.node for name in node.input}
    for node in proto.node:
        if any(name in read and name not in graph.types for name in node.output):
            operator = ".".join(filter(None, (node.domain, node.op_type)))
            reason = f"expected an operator whose results are known, got {operator}"
            place = f"node '{node.name}' ({describe(node, graph.types)})"
            raise AttnormError(Diagnostic(f"{place}: {reason}", file))


def _replace(graph: Graph, node: onnx.NodeProto) -> None:
    if graph.opset < _OLDEST:
        raise Refusal(f"expected opset {_OLDEST} or newer, got {graph.opset}")
    before = len(graph.nodes)
    values = REWRITES[node.domain, node.op_type](graph, Node(node))
    for value, output in zip(values, node.output, strict=False):
        if output:
            graph.nodes.append(helper.make_node("Identity", [value], [output]))
    for emitted in graph.nodes[before:]:
        emitted.name = node.name or node.output[0]
