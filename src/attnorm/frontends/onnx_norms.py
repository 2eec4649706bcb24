"""RMS norms of ONNX and of onnxruntime's `com.microsoft` domain."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import TensorProto, helper

from .onnx_graph import Graph, Node, Refusal


def rms_normalization(graph: Graph, node: Node) -> list[str]:
    """RMSNormalization(x, scale) -> rms_norm, the cast before the weight.

    `stash_type` names the type of the statistics; rms_norm computes in f32 or wider.
    """
    x, scale, axes, epsilon = _read(graph, node)
    return [_norm(graph, x, scale, axes, epsilon, "before_weight")]


def simplified_layer_normalization(graph: Graph, node: Node) -> list[str]:
    """SimplifiedLayerNormalization(x, scale) -> rms_norm; the inverse deviation where asked for.

    onnxruntime casts after the weight.
    """
    x, scale, axes, epsilon = _read(graph, node)
    results = [_norm(graph, x, scale, axes, epsilon, "after_weight")]
    if node.has_output(1):
        results.append(_inverse_deviation(graph, x, axes, epsilon))
    return results


def skip_simplified_layer_normalization(graph: Graph, node: Node) -> list[str]:
    """SkipSimplifiedLayerNormalization(x, skip, gamma, bias) -> add, rms_norm, and the sum.

    onnxruntime adds half types in f32, and norms the sum as it is before it is rounded.
    """
    inputs = node.inputs("input", "skip", "gamma", "bias")
    epsilon = node.attributes(epsilon=1e-12)["epsilon"]
    node.refuse_output(1, "mean")
    x, element = inputs["input"], graph.element(inputs["input"])
    total, skip, gamma = (_wide(graph, inputs[name]) for name in ("input", "skip", "gamma"))
    type_ = graph.types[total]
    total = graph.emit("Add", [total, skip])
    if inputs["bias"]:
        total = graph.emit("Add", [total, _wide(graph, inputs["bias"])])
    graph.types[total] = type_
    axes = [len(graph.shape(x)) - 1]
    normed = _norm(graph, total, gamma, axes, epsilon, "after_weight")
    graph.types[normed] = type_
    results = [graph.cast(normed, element), "", "", graph.cast(total, element)]
    if node.has_output(2):
        results[2] = _inverse_deviation(graph, total, axes, epsilon)
    return results


def _read(graph: Graph, node: Node) -> tuple[str, str, list[int], float]:
    """x, the scale, the axes and epsilon."""
    inputs = node.inputs("X", "scale")
    attributes = node.attributes(axis=-1, epsilon=1e-5, stash_type=1)
    axes = _axes(graph, inputs["X"], attributes["axis"])
    return inputs["X"], inputs["scale"], axes, attributes["epsilon"]


def _wide(graph: Graph, x: str) -> str:
    """A value in the type that onnxruntime computes in: f32 for half types."""
    if graph.element(x) not in (TensorProto.FLOAT16, TensorProto.BFLOAT16):
        return x
    wide = graph.cast(x, TensorProto.FLOAT)
    graph.types[wide] = helper.make_tensor_type_proto(TensorProto.FLOAT, graph.shape(x))
    return wide


def _axes(graph: Graph, x: str, first: int) -> list[int]:
    rank = len(graph.shape(x))
    if not -rank <= first < rank:
        raise Refusal(f"axis: expected a value in [{-rank}, {rank}), got {first}")
    return list(range(first % rank, rank))


def _norm(graph: Graph, x: str, weight: str, axes: Sequence[int], epsilon: float, cast: str) -> str:
    if graph.element(weight) != graph.element(x):
        raise Refusal("scale: expected X's element type")
    shape = graph.shape(weight)
    while len(shape) > len(axes) and shape[0] == 1:
        shape = shape[1:]
    parameters = {"axes": list(axes), "epsilon": epsilon, "cast": cast}
    if len(shape) > len(axes) or None in shape:
        # It is broadcast along more than the axes.
        element = graph.element(x)
        if cast == "after_weight":
            x, weight = _wide(graph, x), _wide(graph, weight)
        product = graph.emit("Mul", [graph.own("rms_norm", {"x": x}, **parameters), weight])
        return product if graph.element(x) == element else graph.emit("Cast", [product], to=element)
    sizes = [1] * (len(axes) - len(shape)) + [size or 0 for size in shape]
    if sizes != graph.shape(weight):
        weight = graph.reshape(weight, sizes)
    return graph.own("rms_norm", {"x": x, "weight": weight}, **parameters)


def _inverse_deviation(graph: Graph, x: str, axes: Sequence[int], epsilon: float) -> str:
    """1 / sqrt(mean(x^2) + epsilon) in f32, with dimensions of 1."""
    wide = graph.cast(x, TensorProto.FLOAT)
    square = graph.emit("Mul", [wide, wide])
    if graph.opset < 18:
        mean = graph.emit("ReduceMean", [square], axes=list(axes))
    else:
        mean = graph.emit("ReduceMean", [square, graph.constant(axes)])
    above = graph.emit("Add", [mean, graph.constant(epsilon, "float32")])
    return graph.emit("Reciprocal", [graph.emit("Sqrt", [above])])
