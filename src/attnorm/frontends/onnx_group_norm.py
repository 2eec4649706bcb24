"""GroupNormalization and InstanceNormalization of ONNX."""

from __future__ import annotations

from onnx import TensorProto

from .onnx_graph import Graph, Node, Refusal

_PER_CHANNEL = 21
"""The opset from which on scale and bias have a number for each channel, before for each group."""


def group_normalization(graph: Graph, node: Node) -> list[str]:
    """GroupNormalization(X, scale, bias) -> group_norm.

    It is specified to round half types before the scale, before the bias and after it: such a norm
    becomes one without them, a multiplication and an addition. `stash_type` names the type of the
    statistics; group_norm computes in f32 or wider.
    """
    inputs = node.inputs("X", "scale", "bias")
    attributes = node.attributes(num_groups=None, epsilon=1e-5, stash_type=1)
    x, groups = inputs["X"], attributes["num_groups"]
    if groups is None:
        raise Refusal("attribute num_groups: expected one, got none")
    channels = graph.size(x, 1)
    if groups < 1 or channels % groups:
        raise Refusal(f"attribute num_groups: expected a divisor of {channels}, got {groups}")
    affine = [inputs["scale"], inputs["bias"]]
    if graph.opset < _PER_CHANNEL:
        affine = [_per_channel(graph, name, groups, channels) for name in affine]
    parameters = {"groups": groups, "epsilon": attributes["epsilon"]}
    if graph.element(x) not in (TensorProto.FLOAT16, TensorProto.BFLOAT16):
        operands = {"x": x, "weight": affine[0], "bias": affine[1]}
        return [graph.own("group_norm", operands, **parameters)]
    value = graph.own("group_norm", {"x": x}, **parameters)
    shape = [channels, *[1] * (len(graph.shape(x)) - 2)]
    for operator, name in zip(("Mul", "Add"), affine, strict=True):
        value = graph.emit(operator, [value, graph.reshape(name, shape)])
    return [value]


def instance_normalization(graph: Graph, node: Node) -> list[str]:
    """InstanceNormalization(input, scale, B) -> group_norm, every channel a group."""
    inputs = node.inputs("input", "scale", "B")
    x = inputs["input"]
    parameters = {"groups": graph.size(x, 1), **node.attributes(epsilon=1e-5)}
    operands = {"x": x, "weight": inputs["scale"], "bias": inputs["B"]}
    return [graph.own("group_norm", operands, **parameters)]


def _per_channel(graph: Graph, name: str, groups: int, channels: int) -> str:
    """A number for each group as one for each channel of it."""
    column = graph.reshape(name, [groups, 1])
    spread = graph.emit("Expand", [column, graph.constant([groups, channels // groups])])
    return graph.reshape(spread, [channels])
