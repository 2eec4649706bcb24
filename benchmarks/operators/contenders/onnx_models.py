"""The cases as ONNX models: with standard ops, and with onnxruntime's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from ...contender import Unsupported
from ..cases import EPSILON, PARAMETERS, Array, Attention, Case, Rows, additive_mask

_CONTRIB = "com.microsoft"
_ELEMENTS = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "bfloat16": TensorProto.BFLOAT16,
    "int32": TensorProto.INT32,
}


@dataclass
class Model:
    """A graph, its inputs with their values, and its outputs with the case's results first.

    `parameters` become constants. `shared` names outputs that use an input's memory. Results come
    as [1, queries, heads * depth] where `packed` says so.
    """

    nodes: list[NodeProto]
    inputs: dict[str, Array]
    outputs: dict[str, tuple[int, ...]]
    form: str
    parameters: dict[str, Array] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)
    packed: bool = False

    def serialize(self) -> bytes:
        """The model's bytes, opset 23."""
        element = next(iter(self.inputs.values())).dtype
        graph = helper.make_graph(
            self.nodes,
            "case",
            [_info(name, array.shape, array.dtype) for name, array in self.inputs.items()],
            [_info(name, shape, element) for name, shape in self.outputs.items()],
            [numpy_helper.from_array(array, name) for name, array in self.parameters.items()],
        )
        opsets = [helper.make_opsetid("", 23), helper.make_opsetid(_CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()


def element(array: Array) -> int:
    """ONNX's number for an array's type."""
    return _ELEMENTS[array.dtype.name]


def _info(name: str, shape: Sequence[int], dtype: np.dtype) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, _ELEMENTS[dtype.name], shape)


def _node(op: str, inputs: Sequence[str], *outputs: str, **attributes: Any) -> NodeProto:
    return helper.make_node(op, inputs, outputs, **attributes)


# -- standard ops --------------------------------------------------------------------------------


def standard(case: Case, operands: Mapping[str, Array]) -> Model:
    """RMSNormalization, LayerNormalization, Softmax, Attention."""
    if isinstance(case, Attention):
        return _attention(case, operands)
    return _rows(case, operands, "RMSNormalization")


def _rows(case: Rows, operands: Mapping[str, Array], norm: str) -> Model:
    nodes, outputs = _row_nodes(case, norm)
    parameters = {name: operands[name] for name in PARAMETERS if name in operands}
    inputs = {name: array for name, array in operands.items() if name not in PARAMETERS}
    shape = (case.rows, case.columns)
    form = ", ".join(dict.fromkeys(node.op_type for node in nodes))
    return Model(nodes, inputs, dict.fromkeys(outputs, shape), form, parameters)


def _row_nodes(case: Rows, norm: str) -> tuple[list[NodeProto], list[str]]:
    """The nodes, and the outputs in the case's order."""
    how = {"axis": -1, "epsilon": EPSILON}
    if case.op == "softmax":
        return [_node("Softmax", ["x"], "y", axis=-1)], ["y"]
    if case.op == "layer_norm":
        return [_node("LayerNormalization", ["x", "weight", "bias"], "y", **how)], ["y"]
    if case.op == "add_rms_norm":
        add = _node("Add", ["a", "b"], "sum")
        return [add, _node(norm, ["sum", "weight"], "y", **how)], ["sum", "y"]
    names = ["x", *(f"x{index}" for index in range(1, case.repeat)), "y"]
    nodes = [
        _node(norm, [names[index], "weight"], names[index + 1], **how)
        for index in range(case.repeat)
    ]
    if case.op == "rms_norm_mul":
        return [*nodes, _node("Mul", ["y", "multiplier"], "z")], ["z"]
    return nodes, ["y"]


def _attention(case: Attention, operands: Mapping[str, Array]) -> Model:
    """A window is a mask; causality a flag."""
    names, parameters = ["q", "k", "v"], {}
    if case.window:
        parameters["mask"] = additive_mask(case)
    causal = int(case.causal and not case.window)
    node = _node("Attention", [*names, *parameters], "y", scale=case.scale, is_causal=causal)
    form = "Attention-23, " + ("attn_mask" if case.window else f"is_causal={causal}")
    return Model([node], dict(operands), {"y": case.shapes["q"]}, form, parameters)


# -- onnxruntime's own ---------------------------------------------------------------------------


def contrib(case: Case, operands: Mapping[str, Array]) -> Model:
    """(Skip)SimplifiedLayerNormalization, MultiHeadAttention, GroupQueryAttention."""
    if isinstance(case, Rows):
        if case.op in ("layer_norm", "softmax"):
            raise Unsupported("the standard op is onnxruntime's own")
        if case.op == "add_rms_norm":
            return _skip(case, operands)
        return _rows(case, operands, "SimplifiedLayerNormalization")
    if case.window or case.groups > 1:
        return _grouped(case, operands)
    return _multi_head(case, operands)


def _skip(case: Rows, operands: Mapping[str, Array]) -> Model:
    node = _node(
        *("SkipSimplifiedLayerNormalization", ["a", "b", "weight"], "y", "", "", "sum"),
        domain=_CONTRIB,
        epsilon=EPSILON,
    )
    shape, parameters = (case.rows, case.columns), {"weight": operands["weight"]}
    inputs = {name: operands[name] for name in "ab"}
    return Model([node], inputs, {"sum": shape, "y": shape}, node.op_type, parameters)


def _packed(array: Array) -> Array:
    """[1, heads, length, depth] as [1, length, heads * depth]."""
    heads, length, depth = array.shape[1:]
    return np.ascontiguousarray(array.transpose(0, 2, 1, 3)).reshape(1, length, heads * depth)


def _multi_head(case: Attention, operands: Mapping[str, Array]) -> Model:
    """Keys and values stay [1, heads, keys, depth] for a single query, as a cache holds them."""
    inputs = {"q": _packed(operands["q"])}
    for name in "kv":
        inputs[name] = operands[name] if case.queries == 1 else _packed(operands[name])
    node = _node(
        *("MultiHeadAttention", ["q", "k", "v"], "y"),
        domain=_CONTRIB,
        num_heads=case.heads,
        scale=case.scale,
        unidirectional=int(case.causal),
    )
    form = f"MultiHeadAttention, unidirectional={int(case.causal)}"
    return Model([node], inputs, {"y": inputs["q"].shape}, form, packed=True)


def _grouped(case: Attention, operands: Mapping[str, Array]) -> Model:
    """Causal always: a prompt by itself, or the last query with a cache that it is written to."""
    decode = case.queries == 1
    if not (case.causal or decode):
        raise Unsupported("GroupQueryAttention is always causal, MultiHeadAttention never grouped")
    keys, values = operands["k"], operands["v"]
    inputs = {"q": _packed(operands["q"])}
    inputs["k"], inputs["v"] = (_packed(array[:, :, -case.queries :]) for array in (keys, values))
    if decode:
        inputs |= {"past_k": keys.copy(), "past_v": values.copy()}
    inputs["last"] = np.array([case.keys - 1], np.int32)
    inputs["total"] = np.array([case.keys], np.int32)
    past = ["past_k", "past_v"] if decode else ["", ""]
    node = _node(
        *("GroupQueryAttention", ["q", "k", "v", *past, "last", "total"], "y", "new_k", "new_v"),
        domain=_CONTRIB,
        num_heads=case.heads,
        kv_num_heads=case.key_heads,
        scale=case.scale,
        local_window_size=case.window or -1,
    )
    outputs = {"y": inputs["q"].shape, "new_k": keys.shape, "new_v": values.shape}
    shared = {"new_k": "past_k", "new_v": "past_v"} if decode else {}
    form = "GroupQueryAttention" + (", cache bound as past and present" if decode else "")
    return Model([node], inputs, outputs, form, shared=shared, packed=True)
