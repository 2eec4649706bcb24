"""What a graph computes of sizes that are known, as constants.

ONNX's inference reads the shapes that nodes are given, and does not follow all that exporters
compute them with. By `dims` most of a model's sizes become known.
"""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from .onnx_graph import Graph, NotYet

_SIZES = {
    *("Add", "And", "Cast", "Concat", "ConstantOfShape", "Equal", "Expand", "Gather", "Greater"),
    *("Identity", "Less", "Mul", "Not", "Or", "Range", "ReduceProd", "Reshape", "Slice"),
    *("Squeeze", "Sub", "Unsqueeze", "Where"),
}
"""Operators that sizes are computed with. Not Div: integers are divided in two ways."""
_LARGEST = 64
"""Of how many elements a constant may be."""


def settle_sizes(graph: Graph, proto: onnx.GraphProto) -> bool:
    """Makes constants of integers and truth values that are known; whether there were any."""
    found = False
    for node in proto.node:
        array = _value(graph, node)
        if array is None or array.dtype.kind not in "ib" or array.size > _LARGEST:
            continue
        element = helper.np_dtype_to_tensor_dtype(array.dtype)
        output = node.output[0]
        # Not from raw data, which torch-mlir makes a resource of.
        tensor = helper.make_tensor(output, element, array.shape, array.reshape(-1).tolist())
        node.CopyFrom(helper.make_node("Constant", [], [output], node.name, value=tensor))
        graph.constants[output] = tensor
        found = True
    return found


def _value(graph: Graph, node: onnx.NodeProto) -> np.ndarray | None:
    if node.domain or len(node.output) != 1:
        return None
    if node.op_type == "Shape":
        return _shape(graph, node)
    given = [name for name in node.input if name]
    if node.op_type not in _SIZES or any(name not in graph.constants for name in given):
        return None
    arrays = {name: numpy_helper.to_array(graph.constants[name]) for name in given}
    if any(array.size > _LARGEST for array in arrays.values()):
        return None
    try:
        if not _is_small(node.op_type, [arrays[name] for name in given]):
            return None
        with np.errstate(all="ignore"):
            (value,) = ReferenceEvaluator(_function(graph, node)).run(None, arrays, {})
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        # Operands that do not fit: inference says it better.
        return None
    return np.asarray(value)


def _is_small(operator: str, operands: list[np.ndarray]) -> bool:
    """Whether a result is small whose size the operands say, before it takes any memory."""
    if operator in ("ConstantOfShape", "Expand"):
        return math.prod(operands[-1].reshape(-1).tolist()) <= _LARGEST
    if operator == "Range":
        start, limit, step = (operand.item() for operand in operands)
        return bool(step) and (limit - start) / step <= _LARGEST
    return True


def _function(graph: Graph, node: onnx.NodeProto) -> onnx.FunctionProto:
    inputs = list(dict.fromkeys(filter(None, node.input)))
    opset = [helper.make_opsetid("", graph.opset)]
    return helper.make_function("", "size", inputs, list(node.output), [node], opset)


def _shape(graph: Graph, node: onnx.NodeProto) -> np.ndarray | None:
    try:
        shape = graph.shape(node.input[0])
    except NotYet:
        return None
    ends = {attribute.name: attribute.i for attribute in node.attribute}
    shape = shape[ends.get("start", 0) : ends.get("end")]
    return None if None in shape else np.asarray(shape, np.int64)
