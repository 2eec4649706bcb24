"""`attnorm.from_onnx`: the imported module computes what onnxruntime computes."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from agreeing import compiled_error, error
from needs import needs

import attnorm
from attnorm.errors import AttnormError
from attnorm.ir.mlir import ir

onnx = needs("onnx")
helper = onnx.helper

Arrays = dict[str, np.ndarray]
MICROSOFT = "com.microsoft"


def normal(*shape: int, dtype: str = "float32") -> np.ndarray:
    """Random numbers, the same ones each time."""
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def value_info(name: str, array: np.ndarray | None) -> Any:
    """A declaration of an array, or of a value of f32 whose shape is not given."""
    if array is None:
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
    element = helper.np_dtype_to_tensor_dtype(array.dtype)
    return helper.make_tensor_value_info(name, element, array.shape)


def model(
    nodes: Sequence[Any],
    inputs: Arrays,
    outputs: Sequence[str],
    constants: Arrays | None = None,
    opset: int = 23,
    element: int = 1,
) -> Any:
    """A model of a graph; the shapes of its outputs are not given."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [value_info(name, array) for name, array in inputs.items()],
        [helper.make_tensor_value_info(name, element, None) for name in outputs],
        [onnx.numpy_helper.from_array(x, name) for name, x in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def node_model(
    operator: str,
    inputs: dict[str, np.ndarray | None],
    outputs: int | Sequence[str] = 1,
    domain: str = MICROSOFT,
    constants: Sequence[str] = (),
    opset: int = 23,
    **attributes: Any,
) -> tuple[Any, Arrays]:
    """A model of one node, and its inputs; None leaves an input out."""
    given = {name: array for name, array in inputs.items() if array is not None}
    names = [f"out{i}" for i in range(outputs)] if isinstance(outputs, int) else list(outputs)
    node = helper.make_node(
        operator,
        [name if name in given else "" for name in inputs],
        names,
        name="the_node",
        domain=domain,
        **attributes,
    )
    fixed = {name: given.pop(name) for name in constants}
    first = next(iter(given.values()))
    element = helper.np_dtype_to_tensor_dtype(first.dtype)
    return model([node], given, [n for n in names if n], fixed, opset, element), given


def run(proto: Any, inputs: Arrays) -> list[np.ndarray]:
    """What onnxruntime computes."""
    runtime = needs("onnxruntime")
    session = runtime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, inputs)


def refer(proto: Any, inputs: Arrays) -> list[np.ndarray]:
    """What ONNX's reference evaluator computes."""
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(proto).run(None, inputs)


def composites(module: ir.Operation) -> Counter[str]:
    """How often each op of the dialect stands in @main."""
    main = module.regions[0].blocks[0].operations[0]
    ops = [op.operation for op in main.regions[0].blocks[0].operations]
    return Counter(op.attributes["name"].value for op in ops if op.name == "stablehlo.composite")


def error_of(proto: Any, inputs: Arrays, expected: Sequence[np.ndarray], op: str) -> float:
    """How far the import of a model is from what is expected; it has one op of the dialect."""
    module = attnorm.from_onnx(proto.SerializeToString())
    assert composites(module) == {f"attnorm.{op}": 1}
    return error(module, list(inputs.values()), expected)


# -- norms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("axis", "scale"),
    [(-1, (8,)), (1, (3, 8)), (1, (8,)), (-1, (1, 1, 8)), (-1, (3, 8)), (2, (1,))],
)
def test_rms_normalization(axis: int, scale: tuple[int, ...]) -> None:
    """RMSNormalization-23 over some axes, with a scale that broadcasts."""
    proto, inputs = node_model(
        "RMSNormalization",
        {"x": normal(2, 3, 8), "scale": normal(*scale)},
        domain="",
        axis=axis,
        epsilon=1e-2,
    )
    assert error_of(proto, inputs, refer(proto, inputs), "rms_norm") < 1e-6


def test_rms_normalization_in_f16() -> None:
    """The statistics are of f32, and the cast stands before the scale."""
    x = normal(4, 64, dtype="float16") * np.float16(300)
    scale = normal(64, dtype="float16")
    proto, inputs = node_model("RMSNormalization", {"x": x, "scale": scale}, domain="")
    wide = x.astype(np.float32)
    normalized = wide / np.sqrt(np.mean(wide * wide, axis=-1, keepdims=True) + np.float32(1e-5))
    expected = normalized.astype(np.float16) * scale
    assert error_of(proto, inputs, [expected], "rms_norm") < 1e-3


@pytest.mark.parametrize("domain", ["", MICROSOFT])
def test_simplified_layer_normalization(domain: str) -> None:
    """Both results of SimplifiedLayerNormalization, in either domain."""
    x, scale = normal(2, 3, 8), normal(8)
    proto, inputs = node_model(
        "SimplifiedLayerNormalization",
        {"x": x, "scale": scale},
        2,
        domain,
        opset=17,
        axis=-1,
        epsilon=1e-3,
    )
    deviation = np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-3)
    expected = [x / deviation * scale, (1 / deviation).astype(np.float32)]
    assert error_of(proto, inputs, [expected[0].astype(np.float32), expected[1]], "rms_norm") < 1e-6


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("outputs", [["y"], ["y", "", "", "sum"]])
def test_skip_simplified_layer_normalization(bias: bool, outputs: list[str]) -> None:
    """The norm of a sum, and the sum."""
    inputs = {"x": normal(2, 3, 8), "skip": normal(2, 3, 8) + 1, "gamma": normal(8)}
    if bias:
        inputs["bias"] = normal(8) - 1
    proto, inputs = node_model("SkipSimplifiedLayerNormalization", inputs, outputs, epsilon=1e-3)
    assert error_of(proto, inputs, run(proto, inputs), "rms_norm") < 1e-6


def test_inverse_deviation_of_a_sum() -> None:
    """SkipSimplifiedLayerNormalization's third output, which onnxruntime leaves unset."""
    inputs = {"x": normal(2, 3, 8), "skip": normal(2, 3, 8) + 1, "gamma": normal(8)}
    outputs = ["y", "", "inverse", "sum"]
    proto, inputs = node_model("SkipSimplifiedLayerNormalization", inputs, outputs, epsilon=1e-3)
    total = inputs["x"] + inputs["skip"]
    inverse = 1 / np.sqrt(np.mean(total * total, axis=-1, keepdims=True) + np.float32(1e-3))
    expected = [total * inverse * inputs["gamma"], inverse, total]
    assert error_of(proto, inputs, expected, "rms_norm") < 1e-6


# -- Attention-23 --------------------------------------------------------------------------------

ATTENTION: dict[str, tuple[Arrays, dict[str, Any]]] = {
    "plain": ({}, {}),
    "causal": ({}, {"is_causal": 1}),
    "softcap": ({}, {"softcap": 1.5, "scale": 0.7}),
    "bool mask": ({"mask": np.tri(5, 6, -1, bool)}, {}),
    "float mask": ({"mask": normal(2, 1, 5, 6)}, {"softcap": 1.5}),
    "mask of heads, causal": ({"mask": normal(4, 5, 6)}, {"is_causal": 1}),
    "caches": ({"past_k": normal(2, 2, 3, 8), "past_v": normal(2, 2, 3, 4)}, {"is_causal": 1}),
}


@pytest.mark.parametrize("rank", [3, 4])
@pytest.mark.parametrize("name", ATTENTION)
def test_attention(name: str, rank: int) -> None:
    """Grouped heads in both layouts, values of another depth; a row without keys gives zeros."""
    more, attributes = ATTENTION[name]
    q, k, v = normal(2, 4, 5, 8), normal(2, 2, 6, 8), normal(2, 2, 6, 4)
    if rank == 3:
        q, k, v = (x.swapaxes(1, 2).reshape(2, x.shape[2], -1) for x in (q, k, v))
        attributes = {**attributes, "q_num_heads": 4, "kv_num_heads": 2}
    others = {key: more.get(key) for key in ("mask", "past_k", "past_v")}
    outputs = 3 if "past_k" in more else 1
    proto, inputs = node_model(
        "Attention", {"q": q, "k": k, "v": v, **others}, outputs, "", **attributes
    )
    assert error_of(proto, inputs, refer(proto, inputs), "sdpa") < 2e-6


# -- MultiHeadAttention --------------------------------------------------------------------------

PADDING = np.array([[1, 1, 1, 1, 1, 0], [0, 0, 1, 1, 1, 1]], np.int32)
MULTI_HEAD: dict[str, tuple[dict[str, np.ndarray | None], dict[str, Any]]] = {
    "plain": ({}, {}),
    "scale": ({}, {"scale": 0.3}),
    "causal": ({}, {"unidirectional": 1}),
    "bias": ({"bias": normal(96)}, {}),
    "padding": ({"key_padding_mask": PADDING}, {}),
    "padding, causal": ({"key_padding_mask": PADDING}, {"unidirectional": 1}),
    "padding, bias of scores": (
        {"key_padding_mask": PADDING, "attention_bias": normal(1, 4, 6, 6)},
        {},
    ),
    "bias of scores": ({"attention_bias": normal(2, 4, 6, 6)}, {}),
    "keys in heads": ({"key": normal(2, 4, 6, 8), "value": normal(2, 4, 6, 8)}, {}),
    "caches": ({"past_key": normal(2, 4, 3, 8), "past_value": normal(2, 4, 3, 8)}, {}),
    "caches, causal": (
        {"past_key": normal(2, 4, 3, 8), "past_value": normal(2, 4, 3, 8)},
        {"unidirectional": 1},
    ),
}


def multi_head_model(more: dict[str, np.ndarray | None], **attributes: Any) -> tuple[Any, Arrays]:
    """A node with four heads of depth 8, and its inputs."""
    inputs: dict[str, np.ndarray | None] = {
        **{key: normal(2, 6, 32) + i for i, key in enumerate(("query", "key", "value"))},
        **dict.fromkeys(("bias", "key_padding_mask", "attention_bias", "past_key", "past_value")),
        **more,
    }
    outputs = 3 if inputs["past_key"] is not None else 1
    return node_model("MultiHeadAttention", inputs, outputs, opset=17, num_heads=4, **attributes)


@pytest.mark.parametrize("name", MULTI_HEAD)
def test_multi_head_attention(name: str) -> None:
    """Each form of the inputs of MultiHeadAttention that onnxruntime has for CPUs."""
    more, attributes = MULTI_HEAD[name]
    proto, inputs = multi_head_model(more, **attributes)
    assert error_of(proto, inputs, run(proto, inputs), "sdpa") < 2e-6


@pytest.mark.parametrize("names", [["query", "key", "value"], ["key", "value"]])
def test_packed_multi_head_attention(names: list[str]) -> None:
    """Inputs that are packed mean what they mean apart."""
    proto, inputs = multi_head_model({})
    expected = run(proto, inputs)
    parts = [inputs.pop(name).reshape(2, 6, 4, 8) for name in names]
    packed = {**dict.fromkeys(names), **inputs, names[0]: np.stack(parts, 3)}
    proto, inputs = multi_head_model(packed)
    assert error_of(proto, inputs, expected, "sdpa") < 2e-6


# -- GroupQueryAttention -------------------------------------------------------------------------

PROMPT, LATER = 6, 2
GROUPED: dict[str, tuple[dict[str, np.ndarray | None], dict[str, Any]]] = {
    "plain": ({}, {}),
    "scale and softcap": ({"query": 4 * normal(2, PROMPT, 64)}, {"scale": 0.9, "softcap": 1.5}),
    "window": ({}, {"local_window_size": 2}),
    "packed": ({"query": normal(2, PROMPT, 128), "key": None, "value": None}, {}),
    "rotary": ({}, {"do_rotary": 1}),
    "rotary, interleaved": ({}, {"do_rotary": 1, "rotary_interleaved": 1}),
    "rotary, packed": (
        {"query": normal(2, PROMPT, 128), "key": None, "value": None},
        {"do_rotary": 1},
    ),
    # Of those of a prompt, only the first counts.
    "rotary, positions": (
        {"position_ids": np.array([[3], [7]]) + np.arange(PROMPT)},
        {"do_rotary": 1},
    ),
    "bias of scores": ({"attention_bias": normal(1, 4, PROMPT, PROMPT)}, {}),
    "sinks": ({"head_sink": normal(4)}, {}),
    "smooth softmax": ({}, {"smooth_softmax": 1}),
}


def grouped_model(
    more: dict[str, np.ndarray | None],
    batch: int,
    length: int,
    total: int,
    constants: Sequence[str] = (),
    **attributes: Any,
) -> tuple[Any, Arrays]:
    """A node with four query heads and two key heads of depth 16."""
    rotary = "do_rotary" in attributes
    angles = np.arange(16)[:, None] / 3.0 ** np.arange(8)
    inputs: dict[str, np.ndarray | None] = {
        "query": normal(batch, length, 64),
        "key": normal(batch, length, 32),
        "value": normal(batch, length, 32) + 1,
        "past_key": None,
        "past_value": None,
        "seqlens_k": np.full(batch, total - 1, np.int32),
        "total_sequence_length": np.array(total, np.int32),
        "cos": np.cos(angles).astype(np.float32) if rotary else None,
        "sin": np.sin(angles).astype(np.float32) if rotary else None,
        "position_ids": None,
        "attention_bias": None,
        "head_sink": None,
        **more,
    }
    return node_model(
        "GroupQueryAttention",
        inputs,
        3,
        constants=constants,
        opset=17,
        num_heads=4,
        kv_num_heads=2,
        **attributes,
    )


@pytest.mark.parametrize("name", GROUPED)
def test_group_query_attention_of_a_prompt(name: str) -> None:
    """Each form of the inputs of GroupQueryAttention without a cache."""
    more, attributes = GROUPED[name]
    proto, inputs = grouped_model(more, 2, PROMPT, PROMPT, **attributes)
    assert error_of(proto, inputs, run(proto, inputs), "sdpa") < 2e-6


CACHE = {"past_key": normal(2, 2, 5, 16), "past_value": normal(2, 2, 5, 16) + 1}


@pytest.mark.parametrize(
    ("name", "positions"),
    [
        *((name, None) for name in ("plain", "window", "rotary", "rotary, interleaved", "sinks")),
        ("rotary", np.array([[9], [4]])),
    ],
)
def test_group_query_attention_of_a_growing_cache(name: str, positions: np.ndarray | None) -> None:
    """Lengths that are constants leave the caches plain concatenations, for any batch."""
    more, attributes = GROUPED[name]
    more = {**more, "position_ids": positions}
    constants = ["seqlens_k", "total_sequence_length"]
    proto, inputs = grouped_model({**CACHE, **more}, 2, 1, 5 + 1, constants, **attributes)
    assert error_of(proto, inputs, run(proto, inputs), "sdpa") < 2e-6


@pytest.mark.parametrize("name", ["plain", "window", "rotary"])
def test_group_query_attention_of_a_length_known_when_it_runs(name: str) -> None:
    """With a batch of one, the new keys stand where seqlens_k says."""
    more, attributes = GROUPED[name]
    cache = {key: array[:1] for key, array in CACHE.items()}
    proto, inputs = grouped_model({**cache, **more}, 1, LATER, 5 + LATER, **attributes)
    assert error_of(proto, inputs, run(proto, inputs), "sdpa") < 2e-6


@pytest.mark.parametrize("total", [2, 4, 5])
def test_group_query_attention_of_a_shared_buffer(total: int) -> None:
    """A cache that is longer than what is in it keeps its length."""
    cache = {key: array[:1] for key, array in CACHE.items()}
    proto, inputs = grouped_model(cache, 1, LATER, total, ["total_sequence_length"], do_rotary=1)
    expected = run(proto, inputs)
    module = attnorm.from_onnx(proto.SerializeToString())
    returned = attnorm.compile(module)(*inputs.values())
    assert np.abs(returned[0] - expected[0]).max() < 1e-5
    for got, want in zip(returned[1:], expected[1:], strict=True):
        assert got.shape == want.shape
        assert np.abs(got - want)[:, :, :total].max() < 1e-6


# -- models --------------------------------------------------------------------------------------


def block(batch: int | str) -> Any:
    """Two layers of norm, projections and attention, in onnxruntime's operators, without shapes."""
    constants: Arrays = {}
    nodes, x = [], "x"

    def node(operator: str, inputs: list[str], outputs: int = 1, **more: Any) -> list[str]:
        names = [f"{operator}.{len(nodes)}.{i}" for i in range(outputs)]
        nodes.append(helper.make_node(operator, inputs, names, name=names[0], **more))
        return names

    for layer in range(2):
        for name, shape in {"g": (32,), "q": (32, 32), "k": (32, 16), "v": (32, 16)}.items():
            constants[f"{name}{layer}"] = normal(*shape) / np.float32(6)
        (y,) = node("SimplifiedLayerNormalization", [x, f"g{layer}"], epsilon=1e-5)
        q, k, v = (node("MatMul", [y, f"{name}{layer}"])[0] for name in "qkv")
        k, v = (node("Concat", [part, part], axis=2)[0] for part in (k, v))
        (y,) = node("MultiHeadAttention", [q, k, v], num_heads=4, domain=MICROSOFT)
        (x,) = node("Add", [x, y])
    proto = model(nodes, {"x": normal(2, 5, 32)}, [x], constants, opset=17)
    if isinstance(batch, str):
        proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param = batch
    return proto


@pytest.mark.parametrize("batch", [2, "batch"])
def test_model(batch: int | str, tmp_path: Path) -> None:
    """Nodes after a rewritten one get their shapes; a symbolic dimension gets its size by name."""
    path = tmp_path / "model.onnx"
    onnx.save(block(batch), path, save_as_external_data=True, size_threshold=0)
    module = attnorm.from_onnx(path, dims={"batch": 2} if isinstance(batch, str) else None)
    assert composites(module) == {"attnorm.rms_norm": 2, "attnorm.sdpa": 2}
    x = normal(2, 5, 32)
    assert compiled_error(module, [x], run(block(2), {"x": x})) < 2e-6


def test_open_dimensions() -> None:
    """A symbolic dimension without a size stays open."""
    module = attnorm.from_onnx(block("batch").SerializeToString())
    assert "@main(%arg0: tensor<?x5x32xf32>) -> tensor<?x5x32xf32>" in str(module)
    assert composites(module) == {"attnorm.rms_norm": 2, "attnorm.sdpa": 2}


NAN, INF = np.nan, np.inf
MISSING = np.array([[1, NAN, 3, NAN], [-INF, NAN, 2, INF], [2, 1, 2, 1], [NAN] * 4], np.float32)


@pytest.mark.parametrize("opset", [12, 18])
@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("operator", ["ArgMax", "ArgMin"])
def test_nan_has_a_position(operator: str, last: int, opset: int) -> None:
    """torch-mlir's comparison passed over NaN: ArgMax of [1, NaN, 3] was 2."""
    given: dict[str, Any] = {"axis": 1, "keepdims": last, "select_last_index": last}
    proto, inputs = node_model(operator, {"x": MISSING}, opset=opset, domain="", **given)
    proto.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    (expected,) = refer(proto, inputs)
    assert error(attnorm.from_onnx(proto.SerializeToString()), [MISSING], [expected]) == 0


def test_an_input_that_is_an_output() -> None:
    """Its type was looked up by name, and the output's, which said less, was the norm's operand."""
    x, scale = normal(2, 3, 8), normal(8)
    node = helper.make_node("RMSNormalization", ["x", "scale"], ["y"], name="the_node")
    proto = model([node], {"x": x, "scale": scale}, ["x", "y"])
    (y,) = refer(model([node], {"x": x, "scale": scale}, ["y"]), {"x": x, "scale": scale})
    assert error(attnorm.from_onnx(proto.SerializeToString()), [x, scale], [x, y]) < 1e-6


# -- refusals ------------------------------------------------------------------------------------

X = normal(2, 6, 32)
REFUSALS: dict[str, tuple[tuple[Any, Arrays], str]] = {
    "scores": (
        node_model("Attention", {"q": X, "k": X, "v": X}, ["y", "", "", "scores"], "",
                   q_num_heads=4, kv_num_heads=4),
        "output qk_matmul_output: expected none",
    ),
    "heads": (
        node_model("Attention", {"q": X, "k": X, "v": X}, 1, "", q_num_heads=5, kv_num_heads=5),
        "number of heads: expected a divisor of 32, got 5",
    ),
    "mean": (
        node_model("SkipSimplifiedLayerNormalization", {"x": X, "s": X, "g": X[0, 0]}, 2),
        "output mean: expected none",
    ),
    "lengths": (
        grouped_model(CACHE, 2, 1, 6),
        "seqlens_k: expected a constant, equal for every row, or a batch of 1",
    ),
    "attribute": (
        node_model("MultiHeadAttention", {"q": X, "k": X, "v": X}, num_heads=4, magic=1),
        "attribute magic: expected one of num_heads",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name: str) -> None:
    """What is not taken is refused at the node, with the reason."""
    (proto, _), reason = REFUSALS[name]
    with pytest.raises(AttnormError) as raised:
        attnorm.from_onnx(proto.SerializeToString())
    (found,) = raised.value.diagnostics
    assert found.file == "<bytes>"
    assert found.message.startswith("node 'the_node' (")
    assert reason in found.message


def test_an_output_that_is_left_out() -> None:
    """A LayerNormalization that is asked for the inverse deviation, and not for the mean."""
    proto, inputs = node_model(
        "LayerNormalization", {"x": X, "w": X[0, 0]}, ["y", "", "inverse"], "", opset=17
    )
    module = attnorm.from_onnx(proto.SerializeToString())
    assert error(module, list(inputs.values()), run(proto, inputs)) < 1e-5


def test_sizes_that_are_computed() -> None:
    """Exporters cut the positions of a buffer by the length of the input, in five nodes."""
    constants = {
        "one": np.array(1), "zero": np.array([0]), "axis": np.array([1]),
        "positions": np.arange(8, dtype=np.float32)[None], "row": np.array([[0] * 8]),
    }  # fmt: skip
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "one"], ["length"]),
        helper.make_node("Unsqueeze", ["length", "zero"], ["stop"]),
        helper.make_node("Slice", ["row", "zero", "stop", "axis"], ["indices"]),
        helper.make_node("GatherElements", ["positions", "indices"], ["cut"], axis=1),
        helper.make_node("Expand", ["cut", "shape"], ["spread"]),
        helper.make_node("Add", ["x", "spread"], ["y"]),
    ]
    x = normal(2, 5)
    proto = model(nodes, {"x": x}, ["y"], constants)
    for dim, name in zip(proto.graph.input[0].type.tensor_type.shape.dim, "bs", strict=True):
        dim.dim_param = name
    module = attnorm.from_onnx(proto.SerializeToString(), dims={"b": 2, "s": 5})
    assert error(module, [x], run(proto, {"x": x})) == 0


@pytest.mark.parametrize(
    ("operator", "operands"),
    [
        ("ConstantOfShape", [np.array([2**20, 2**20])]),
        ("ConstantOfShape", [np.array([-1, 2])]),
        ("Expand", [np.array([1]), np.array([2**20, 2**20])]),
        ("Range", [np.array(0), np.array(2**40), np.array(1)]),
        ("Range", [np.array(0), np.array(4), np.array(0)]),
        ("Range", [np.array([0, 1]), np.array(4), np.array(1)]),
        ("Gather", [np.array([1, 2]), np.array(7)]),
        ("Reshape", [np.array([1, 2]), np.array([3])]),
    ],
)
def test_sizes_that_nobody_has_memory_for(operator: str, operands: list[np.ndarray]) -> None:
    """What a hostile model computes of constants takes no memory, and is an error, if anything."""
    names = [f"c{index}" for index in range(len(operands))]
    nodes = [
        helper.make_node(operator, names, ["large"]),
        helper.make_node("Shape", ["large"], ["sizes"]),
        helper.make_node("Cast", ["sizes"], ["cast"], to=onnx.TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["cast"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    proto = model(nodes, {"x": normal(2)}, ["y"], dict(zip(names, operands, strict=True)))
    tracemalloc.start()
    try:
        with suppress(AttnormError):
            attnorm.from_onnx(proto.SerializeToString())
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()


def test_an_unknown_operator_among_others() -> None:
    """The error is at the operator, not at the first one that reads what it gives."""
    nodes = [
        helper.make_node("FusedGelu", ["x"], ["h"], "the_node", domain=MICROSOFT),
        helper.make_node("MatMul", ["h", "h"], ["y"], "next"),
    ]
    proto = model(nodes, {"x": normal(2, 2)}, ["y"])
    with pytest.raises(AttnormError, match=r"the_node.*got com.microsoft.FusedGelu"):
        attnorm.from_onnx(proto.SerializeToString())


def test_no_way_to_stablehlo() -> None:
    """An operator that torch-mlir does not lower is an error that names the node."""
    proto, _ = node_model("Unheard", {"x": X})
    proto.graph.output[0].CopyFrom(value_info("out0", X))
    with pytest.raises(AttnormError, match=r"(?s)the_node.*Unheard"):
        attnorm.from_onnx(proto.SerializeToString())


def test_integer_mean() -> None:
    """torch-mlir's error was about a constant, of no node, and named no operand."""
    x = np.arange(6, dtype=np.int32).reshape(2, 3)
    proto, _ = node_model("ReduceMean", {"x": x}, domain="", opset=18)
    with pytest.raises(AttnormError, match=r"node 'the_node' \(ReduceMean of x: INT32 2x3\): "):
        attnorm.from_onnx(proto.SerializeToString())


def test_node_without_a_name() -> None:
    """Its error named node ''; the name of its output does."""
    proto = model([helper.make_node("Det", ["x"], ["y"])], {"x": X[0, :3, :3]}, ["y"])
    with pytest.raises(AttnormError, match=r"node 'y' \(Det of x: FLOAT 3x3\): "):
        attnorm.from_onnx(proto.SerializeToString())


def test_sizes_that_do_not_match() -> None:
    """What is verified at the very end had lost the names of nodes."""
    node = helper.make_node("MatMul", ["x", "x"], ["y"], name="the_node")
    proto = model([node], {"x": X[0]}, ["y"])
    with pytest.raises(AttnormError, match=r"<bytes>: error: node 'the_node' \(MatMul of x: "):
        attnorm.from_onnx(proto.SerializeToString())


NAMES = {
    "twice": (["x", "w"], ["x"], r"node 'the_node' \(RMSNormalization\): output 'x': expected"),
    "later": (["x", "z"], ["y"], r"node 'the_node' \(RMSNormalization\): input 'z': expected"),
    "never": (["x", "w"], ["z"], r"error: output 'y': expected the name of a value"),
}


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str) -> None:
    """A node that gave an input's name to its result was an internal error of to-composites."""
    inputs, outputs, reason = NAMES[name]
    node = helper.make_node("RMSNormalization", inputs, outputs, name="the_node")
    proto = model([node], {"x": X[0], "w": X[0, 0]}, ["x" if name == "twice" else "y"])
    proto.graph.output[0].CopyFrom(value_info(proto.graph.output[0].name, X))
    with pytest.raises(AttnormError, match=reason):
        attnorm.from_onnx(proto.SerializeToString())


def test_unknown_rank() -> None:
    """An input without a shape was taken for a scalar."""
    proto = model([helper.make_node("Neg", ["x"], ["y"])], {"x": X}, ["y"])
    proto.graph.input[0].CopyFrom(value_info("x", None))
    with pytest.raises(AttnormError, match="input 'x': expected a known rank"):
        attnorm.from_onnx(proto.SerializeToString())


def test_not_a_model(tmp_path: Path) -> None:
    """Contents of another kind, and a name that is not in the model."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(AttnormError, match="expected an ONNX model"):
        attnorm.from_onnx(path)
    with pytest.raises(AttnormError, match="dims: expected one of batch, got 'rows'"):
        attnorm.from_onnx(block("batch").SerializeToString(), dims={"rows": 1})
