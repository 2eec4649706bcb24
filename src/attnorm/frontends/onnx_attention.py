"""Attention of ONNX and of onnxruntime's `com.microsoft` domain."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto

from .onnx_graph import Graph, Node, Refusal

_BATCH, _HEADS, _LENGTH, _DEPTH = range(4)


def attention(graph: Graph, node: Node) -> list[str]:
    """Attention(q, k, v, mask, past_key, past_value) -> sdpa, and the caches."""
    inputs = node.inputs("Q", "K", "V", "attn_mask", "past_key", "past_value")
    attributes = node.attributes(
        is_causal=0,
        q_num_heads=0,
        kv_num_heads=0,
        scale=None,
        softcap=0.0,
        softmax_precision=TensorProto.FLOAT,
        qk_matmul_output_mode=0,
        left_window_size=-1,
        right_window_size=-1,
    )
    node.refuse_output(3, "qk_matmul_output")
    q, k, v = inputs["Q"], inputs["K"], inputs["V"]
    if attributes["softmax_precision"] == TensorProto.DOUBLE != graph.element(q):
        raise Refusal("softmax_precision: expected no wider type than f32")
    if (attributes["scale"] or 0) < 0:
        raise Refusal(
            "scale: expected a number with a square root, which Q and K are multiplied by"
        )
    packed = len(graph.shape(q)) == 3
    depth = graph.size(q, -1)
    if packed:
        heads, key_heads = attributes["q_num_heads"], attributes["kv_num_heads"]
        depth = _depth(depth, heads)
        q, k, v = (_split(graph, x, n) for x, n in ((q, heads), (k, key_heads), (v, key_heads)))
    mask = inputs["attn_mask"]
    past = _past(graph, inputs["past_key"])
    if mask and graph.shape(mask)[-1] != past + graph.size(inputs["K"], -2):
        raise Refusal("attn_mask: expected as many columns as there are keys")
    k, v = _append(graph, inputs["past_key"], k), _append(graph, inputs["past_value"], v)
    scale = attributes["scale"]
    y = _sdpa(
        graph,
        {"q": q, "k": k, "v": v, "mask": mask},
        scale=1 / math.sqrt(depth) if scale is None else scale,
        softcap=attributes["softcap"],
        causal=bool(attributes["is_causal"]),
        offset=past,
        window=[attributes["left_window_size"], attributes["right_window_size"]],
        fully_masked="zero",
    )
    return [_merge(graph, y) if packed else y, k, v]


def multi_head_attention(graph: Graph, node: Node) -> list[str]:
    """MultiHeadAttention -> sdpa, and the caches."""
    inputs = node.inputs(
        *("query", "key", "value", "bias", "key_padding_mask", "attention_bias"),
        *("past_key", "past_value"),
    )
    attributes = node.attributes(
        num_heads=0, scale=0.0, unidirectional=0, mask_filter_value=-10000.0
    )
    node.refuse_output(3, "qk")
    heads = attributes["num_heads"]
    if attributes["unidirectional"] and _lengths_differ(graph, inputs):
        # onnxruntime's last query attends to all of them then.
        raise Refusal("unidirectional: expected as many new keys as queries")
    q, k, v = _unpack(graph, inputs, heads)
    width = graph.size(inputs["query"], -1)
    depth = _depth(width, heads) if len(graph.shape(inputs["query"])) == 3 else width
    k, v = _append(graph, inputs["past_key"], k), _append(graph, inputs["past_value"], v)
    mask = inputs["attention_bias"]
    if inputs["key_padding_mask"]:
        padding = _padding(graph, inputs["key_padding_mask"], attributes["mask_filter_value"])
        if mask:
            padding = graph.emit("Add", [padding, graph.cast(mask, TensorProto.FLOAT)])
        mask = padding
    y = _sdpa(
        graph,
        {"q": q, "k": k, "v": v, "mask": mask},
        scale=attributes["scale"] or 1 / math.sqrt(depth),
        causal=bool(attributes["unidirectional"]),
        offset=_past(graph, inputs["past_key"]),
    )
    return [_merge(graph, y), k, v]


def group_query_attention(graph: Graph, node: Node) -> list[str]:
    """GroupQueryAttention -> sdpa, and the caches."""
    inputs = node.inputs(
        *("query", "key", "value", "past_key", "past_value", "seqlens_k"),
        *("total_sequence_length", "cos_cache", "sin_cache", "position_ids"),
        *("attention_bias", "head_sink"),
    )
    attributes = node.attributes(
        num_heads=0,
        kv_num_heads=0,
        scale=0.0,
        softcap=0.0,
        causal=1,
        do_rotary=0,
        rotary_interleaved=0,
        local_window_size=-1,
        smooth_softmax=0,
        qk_output=0,
        k_quant_type=b"NONE",
        v_quant_type=b"NONE",
    )
    for name in ("k_quant_type", "v_quant_type"):
        if attributes[name] != b"NONE":
            raise Refusal(f"{name}: expected NONE")
    if not attributes["causal"]:
        raise Refusal("causal: expected 1")
    node.refuse_output(3, "output_qk")
    heads = attributes["num_heads"]
    q, k, v, depth = _project(graph, inputs, heads, attributes["kv_num_heads"])
    cache = _find_cache(graph, node, inputs)
    if attributes["do_rotary"]:
        rotation = _find_rotation(graph, inputs, cache, bool(attributes["rotary_interleaved"]))
        q, k = (rotation.apply(graph, x, depth) for x in (q, k))
    k, v = cache.update(graph, inputs["past_key"], k), cache.update(graph, inputs["past_value"], v)
    sinks = inputs["head_sink"]
    if attributes["smooth_softmax"] == 1 and not sinks:
        sinks = graph.constant(np.zeros(heads), "float32")
    y = _sdpa(
        graph,
        {
            "q": q,
            "k": k,
            "v": v,
            "mask": inputs["attention_bias"],
            "sinks": sinks,
            "start": cache.first and graph.emit("Squeeze", [cache.first, graph.constant([0])]),
        },
        scale=attributes["scale"] or 1 / math.sqrt(depth),
        softcap=attributes["softcap"],
        causal=True,
        offset=cache.offset,
        # It counts the query's own position.
        window=[max(attributes["local_window_size"] - 1, -1), -1],
        fully_masked="zero",
    )
    return [_merge(graph, y), k, v]


# -- parts ---------------------------------------------------------------------------------------


def _sdpa(graph: Graph, operands: dict[str, str | None], **parameters: Any) -> str:
    if not parameters.get("softcap"):
        parameters["softcap"] = None
    if not parameters["causal"] and parameters.get("window", [-1, -1]) == [-1, -1]:
        parameters["offset"] = 0
    return graph.own("sdpa", operands, **parameters)


def _depth(width: int, heads: int) -> int:
    if heads < 1 or width % heads:
        raise Refusal(f"number of heads: expected a divisor of {width}, got {heads}")
    return width // heads


def _split(graph: Graph, x: str, heads: int) -> str:
    """[B, S, H * D] -> [B, H, S, D]"""
    depth = _depth(graph.size(x, 2), heads)
    return _swap(graph, graph.reshape(x, [0, 0, heads, depth]))


def _swap(graph: Graph, x: str) -> str:
    return graph.emit("Transpose", [x], perm=[0, 2, 1, 3])


def _merge(graph: Graph, x: str) -> str:
    """[B, H, S, D] -> [B, S, H * D]"""
    return graph.reshape(_swap(graph, x), [0, 0, -1])


def _past(graph: Graph, cache: str) -> int:
    return graph.size(cache, _LENGTH) if cache else 0


def _append(graph: Graph, cache: str, x: str) -> str:
    return graph.emit("Concat", [cache, x], axis=_LENGTH) if cache else x


# -- MultiHeadAttention --------------------------------------------------------------------------


def _is_cache(graph: Graph, x: str) -> bool:
    return len(graph.shape(x)) == 4


def _lengths_differ(graph: Graph, inputs: dict[str, str]) -> bool:
    q, k = inputs["query"], inputs["key"] or inputs["query"]
    length = graph.shape(k)[_LENGTH if _is_cache(graph, k) else 1]
    return length != graph.shape(q)[1]


def _unpack(graph: Graph, inputs: dict[str, str], heads: int) -> list[str]:
    """q, k and v as [B, H, S, D], from one, two or three inputs."""
    q, k, v, bias = (inputs[name] for name in ("query", "key", "value", "bias"))
    if len(graph.shape(q)) == 5 or (k and len(graph.shape(k)) == 5):
        if bias:
            raise Refusal("bias: expected none with packed inputs")
        packed, count = (k, 2) if k else (q, 3)
        parts = [_swap(graph, _pick(graph, packed, index)) for index in range(count)]
        return parts if count == 3 else [_split(graph, q, heads), *parts]
    if not k or not v:
        raise Refusal("key, value: expected both")
    if not _is_cache(graph, k):
        values = _add_bias(graph, [q, k, v], bias)
        return [_split(graph, x, heads) for x in values]
    if bias:
        raise Refusal("bias: expected none with keys that are split into heads")
    return [_split(graph, q, heads), k, v]


def _pick(graph: Graph, x: str, index: int) -> str:
    """[B, S, H, N, D] -> [B, S, H, D]"""
    part = graph.slice(x, 3, index, index + 1)
    return graph.emit("Squeeze", [part, graph.constant([3])])


def _add_bias(graph: Graph, values: list[str], bias: str) -> list[str]:
    if not bias:
        return values
    found, start = [], 0
    for value in values:
        width = graph.size(value, 2)
        part = graph.slice(bias, 0, start, start + width)
        result = graph.emit("Add", [value, part])
        graph.types[result] = graph.types[value]
        found.append(result)
        start += width
    return found


def _padding(graph: Graph, mask: str, fill: float) -> str:
    """What a mask of ones adds to the scores: 0 there, `fill` elsewhere."""
    rank = len(graph.shape(mask))
    if rank not in (2, 3):
        raise Refusal("key_padding_mask: expected rank 2 or 3")
    kept = graph.emit("Greater", [mask, graph.like(0, mask)])
    added = [graph.constant(x, "float32") for x in (0, fill)]
    return graph.unsqueeze(graph.emit("Where", [kept, *added]), *((1, 2) if rank == 2 else (1,)))


# -- GroupQueryAttention -------------------------------------------------------------------------


def _project(
    graph: Graph, inputs: dict[str, str], heads: int, key_heads: int
) -> tuple[str, str, str, int]:
    """q, k and v as [B, H, S, D], from three inputs or from one, and the depth."""
    query, width = inputs["query"], graph.size(inputs["query"], 2)
    if inputs["key"]:
        k, v = (_split(graph, inputs[name], key_heads) for name in ("key", "value"))
        return _split(graph, query, heads), k, v, _depth(width, heads)
    ends = 0, heads, heads + key_heads, heads + 2 * key_heads
    every = _split(graph, query, ends[-1])
    q, k, v = (graph.slice(every, _HEADS, *ends[i : i + 2]) for i in range(3))
    return q, k, v, _depth(width, ends[-1])


@dataclass(frozen=True)
class _Cache:
    """Where new keys stand: after `offset`, or from `first` [1] on, which is known when it runs.

    `order` says which of the old keys and the new ones after them stands at each place.
    """

    offset: int = 0
    first: str = ""
    order: str = ""

    def update(self, graph: Graph, past: str, x: str) -> str:
        """The cache with the new keys or values in it."""
        both = _append(graph, past, x)
        return graph.emit("Gather", [both, self.order], axis=_LENGTH) if self.order else both


def _find_cache(graph: Graph, node: Node, inputs: dict[str, str]) -> _Cache:
    past, length = _past(graph, inputs["past_key"]), graph.size(inputs["query"], 1)
    lasts = graph.value(inputs["seqlens_k"])
    if past == 0 or (lasts is not None and np.all(lasts == past + length - 1)):
        return _Cache(past)
    if graph.size(inputs["query"], 0) != 1:
        raise Refusal("seqlens_k: expected a constant, equal for every row, or a batch of 1")
    last = graph.cast(inputs["seqlens_k"], TensorProto.INT64)
    first = graph.emit("Add", [last, graph.constant([1 - length])])
    total = _total(graph, node, inputs, past, length)
    return _Cache(0, first, _order(graph, first, past, length, total))


def _total(graph: Graph, node: Node, inputs: dict[str, str], past: int, length: int) -> int:
    """The length of the updated cache: that of a shared buffer, or one that grows."""
    total = graph.value(inputs["total_sequence_length"])
    if total is not None:
        return max(past, int(total.item()))
    if node.has_output(1):
        shape = graph.declared.get(node.proto.output[1])
        size = shape[_LENGTH] if shape else None
        if size is not None:
            return size
    return past + length


def _order(graph: Graph, first: str, past: int, length: int, total: int) -> str:
    """Which of the past keys and the new ones after them stands at each place of the cache."""
    place = graph.constant(np.arange(total))
    stop = graph.emit("Add", [first, graph.constant([length])])
    old = graph.emit(
        "Or", [graph.emit("Less", [place, first]), graph.emit("GreaterOrEqual", [place, stop])]
    )
    kept = graph.constant(np.minimum(np.arange(total), past + length - 1))
    added = graph.emit("Add", [graph.emit("Sub", [place, first]), graph.constant([past])])
    return graph.emit("Where", [old, kept, added])


@dataclass(frozen=True)
class _Rotation:
    """Rotary positions: cosines and sines, [.., 1, S, half]."""

    cos: str
    sin: str
    half: int
    interleaved: bool

    def apply(self, graph: Graph, x: str, depth: int) -> str:
        """x with its first 2 * half numbers turned, as pairs."""
        width = 2 * self.half
        axis, shape = (4, [self.half, 2]) if self.interleaved else (3, [2, self.half])
        turned = graph.slice(x, _DEPTH, 0, width)
        pairs = graph.reshape(turned, [0, 0, 0, *shape])
        a, b = (
            graph.emit("Squeeze", [graph.slice(pairs, axis, i, i + 1), graph.constant([axis])])
            for i in (0, 1)
        )
        products = {
            (part, table): graph.emit("Mul", [part, table])
            for part in (a, b)
            for table in (self.cos, self.sin)
        }
        real = graph.emit("Sub", [products[a, self.cos], products[b, self.sin]])
        imaginary = graph.emit("Add", [products[a, self.sin], products[b, self.cos]])
        both = [graph.unsqueeze(part, axis) for part in (real, imaginary)]
        result = graph.reshape(graph.emit("Concat", both, axis=axis), [0, 0, 0, width])
        if width == depth:
            return result
        return graph.emit("Concat", [result, graph.slice(x, _DEPTH, width, depth)], axis=_DEPTH)


def _find_rotation(
    graph: Graph, inputs: dict[str, str], cache: _Cache, interleaved: bool
) -> _Rotation:
    places = _places(graph, inputs, cache)
    cos, sin = (
        graph.unsqueeze(graph.emit("Gather", [inputs[name], places]), 1)
        for name in ("cos_cache", "sin_cache")
    )
    return _Rotation(cos, sin, graph.size(inputs["cos_cache"], 1), interleaved)


def _places(graph: Graph, inputs: dict[str, str], cache: _Cache) -> str:
    """The positions of the queries, [1, S] or [B, S]."""
    ids = inputs["position_ids"]
    steps = graph.constant(np.arange(graph.size(inputs["query"], 1))[None])
    if ids and (cache.offset or cache.first):
        return graph.cast(ids, TensorProto.INT64)
    if ids:
        # Of a prompt, only the first counts.
        first = graph.slice(graph.slice(graph.cast(ids, TensorProto.INT64), 0, 0, 1), 1, 0, 1)
        return graph.emit("Add", [first, steps])
    return graph.emit("Add", [steps, cache.first or graph.constant([cache.offset])])
