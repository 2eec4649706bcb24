"""Attention as ONNX and onnxruntime have it: docs/semantics/sdpa.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from agreement import Array, assert_means, normal, same
from attention_rows import INF, ROW_OF_NONE, Attention, additive
from cases import F16, F32
from needs import needs
from systems import MICROSOFT, by_onnx, by_onnxruntime, imported, node_model

import attnorm
from attnorm import reference
from attnorm.errors import AttnormError

onnx = needs("onnx")
needs("onnxruntime")
MASK = normal(3, 5, seed=7)
ZERO = {"fully_masked": "zero"}
NOT_ZERO = {"fully_masked": ["nan", "uniform"]}
CAUSAL = {"is_causal": 1}

# -- Attention of ONNX ---------------------------------------------------------------------------

ROWS = {
    "plain": Attention(),
    "scale": Attention(asked={"scale": 0.3}, means={"scale": 0.3}),
    "Dv, grouped heads": Attention(heads=(4, 2), depths=(8, 6)),
    "causal, Sq < Sk": Attention(
        asked=CAUSAL, means={"causal": True, **ZERO}, unlike={"offset": [2], "causal": [False]}
    ),
    "causal, Sq > Sk": Attention(
        lengths=(5, 3), asked=CAUSAL, means={"causal": True, **ZERO}, unlike={"offset": [-2, 1]}
    ),
    "softcap, then mask": Attention(
        mask=np.where(np.tri(3, 5, 2, bool), MASK, -INF).astype(F32),
        asked={"softcap": 1.5},
        means={"softcap": 1.5},
        unlike={"softcap": [None]},
        size=4,
    ),
    "bool mask": Attention(mask=ROW_OF_NONE, means=ZERO, unlike=NOT_ZERO),
    "mask of -inf": Attention(mask=additive(ROW_OF_NONE), means=ZERO, unlike=NOT_ZERO),
    "bool mask, causal": Attention(
        mask=ROW_OF_NONE,
        asked=CAUSAL,
        means={"causal": True, **ZERO},
        unlike={"causal": [False], **NOT_ZERO},
    ),
    "mask of heads": Attention(mask=normal(4, 3, 5)),
}
WINDOWS = {
    "left": ((1, -1), {}, [(2, -1), (0, -1)]),
    "right": ((-1, 1), {}, [(-1, 2), (-1, 0)]),
    "own position": ((0, 0), {}, [(1, 0), (0, 1)]),
    "both": ((1, 1), {}, [(1, 2), (2, 1)]),
    "left, causal": ((1, -1), {"is_causal": 1}, [(2, -1), (0, -1)]),
}
PAST = {name: normal(2, 4, 3, 8, seed=seed) for seed, name in enumerate(("past_key", "past_value"))}


def attention(
    row: Attention, opset: int, dtype: Any = F32, **more: Array | None
) -> tuple[Any, dict[str, Array | None]]:
    """A model of one node Attention, and its inputs."""
    operands = row.operands(dtype)
    inputs = {name.upper(): operands[name] for name in "qkv"}
    inputs["attn_mask"] = row.mask
    return node_model("Attention", {**inputs, **more}, opset=opset, **row.asked), {
        **inputs,
        **more,
    }


@pytest.mark.parametrize("name", ROWS)
def test_rows(name: str) -> None:
    """Each mode, by ONNX's evaluator at each opset, and by onnxruntime at those that it has."""
    row = ROWS[name]
    for opset in (23, 24, 25):
        model, inputs = attention(row, opset)
        for run in (by_onnx, by_onnxruntime):
            got = run(model, inputs)[0]
            attributes = row.attributes()
            assert_means(got, "sdpa", row.operands(), attributes, unlike=row.unlike)


@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name: str) -> None:
    """Opset 25: key p - left to p + right of the query at p, -1 leaves a side open.

    onnxruntime does not know the attributes.
    """
    window, more, others = WINDOWS[name]
    asked = {"left_window_size": window[0], "right_window_size": window[1], **more}
    row = Attention(lengths=(4, 6), asked=asked)
    model, inputs = attention(row, 25)
    means = {**row.attributes(**ZERO), "window": window, "causal": bool(more)}
    got = by_onnx(model, inputs)[0]
    assert_means(got, "sdpa", row.operands(), means, unlike={"window": others})
    (own,) = imported(model, inputs)
    assert same(own, got)
    with pytest.raises(Exception, match="INVALID_GRAPH"):
        by_onnxruntime(model, inputs)


def test_offset_of_a_cache() -> None:
    """Behind a cache, queries stand at its end: causality and windows are of that position."""
    row = Attention(asked={"is_causal": 1, "left_window_size": 2})
    model, inputs = attention(row, 25, **PAST)
    operands = row.operands()
    for name, past in (("k", "past_key"), ("v", "past_value")):
        operands[name] = np.concatenate([PAST[past], np.asarray(operands[name])], 2)
    means = {**row.attributes(), "causal": True, "window": (2, -1), "offset": 3}
    got = by_onnx(model, inputs)[0]
    assert_means(got, "sdpa", operands, means, unlike={"offset": [0, 5], "window": [(1, -1)]})


@pytest.mark.parametrize("kept", [[5, 5], [4, 2], [0, 3]])
def test_lengths_of_keys(kept: list[int]) -> None:
    """Opset 24's nonpad_kv_seqlen: keys from there on are masked, and causality ends there.

    The offset is of a batch row, which `offset` is not: a mask says it. The import refuses.
    """
    row = Attention(asked={"is_causal": 1})
    past = {"past_key": None, "past_value": None}
    lengths = np.array(kept, np.int64)
    model, inputs = attention(row, 24, **past, nonpad_kv_seqlen=lengths)
    i, j = np.arange(3)[:, None], np.arange(5)
    ends = lengths[:, None, None, None]
    mask = (j <= i + ends - 3) & (j < ends)
    operands = {**row.operands(), "mask": mask}
    for run in (by_onnx, by_onnxruntime):
        assert_means(run(model, inputs)[0], "sdpa", operands, row.attributes(**ZERO))
    with pytest.raises(AttnormError, match="input 6: expected none"):
        attnorm.from_onnx(model.SerializeToString())


def test_short_mask() -> None:
    """A mask of fewer columns than there are keys hides the others; the import refuses it."""
    row = Attention(mask=ROW_OF_NONE[:, :4])
    model, inputs = attention(row, 24)
    mask = np.concatenate([ROW_OF_NONE[:, :4], np.zeros((3, 1), bool)], 1)
    operands = {**row.operands(), "mask": mask}
    assert_means(by_onnx(model, inputs)[0], "sdpa", operands, row.attributes(**ZERO))
    with pytest.raises(AttnormError, match="attn_mask: expected as many columns"):
        attnorm.from_onnx(model.SerializeToString())


def test_scale_of_0() -> None:
    """A scale of 0 is 0 to ONNX; onnxruntime refuses it."""
    row = Attention(asked={"scale": 0.0}, means={"scale": 0.0})
    model, inputs = attention(row, 23)
    got = by_onnx(model, inputs)[0]
    assert_means(got, "sdpa", row.operands(), row.attributes(), unlike={"scale": [8**-0.5]})
    with pytest.raises(Exception, match=r"attention\.cc"):
        by_onnxruntime(model, inputs)
    assert same(imported(model, inputs)[0], got)


def test_negative_scale() -> None:
    """ONNX multiplies q and k by the root of the scale: of a negative one there is none."""
    model, inputs = attention(Attention(asked={"scale": -0.5}), 23)
    assert np.isnan(by_onnx(model, inputs)[0]).all()
    with pytest.raises(AttnormError, match="scale: expected a number with a square root"):
        attnorm.from_onnx(model.SerializeToString())


@pytest.mark.parametrize("name", ["plain", "causal, Sq > Sk", "bool mask"])
def test_halves(name: str) -> None:
    """In f16 the evaluator rounds at every step, onnxruntime to its probabilities."""
    row = ROWS[name]
    row = replace(row, mask=row.mask if row.mask is None else ROW_OF_NONE)
    model, inputs = attention(row, 23, F16)
    for run, error in ((by_onnx, 2.0**-8), (by_onnxruntime, 2.0**-9)):
        got = run(model, inputs)[0]
        assert_means(got, "sdpa", row.operands(F16), row.attributes(), error=error)


# -- onnxruntime's own ---------------------------------------------------------------------------


def first(operands: Mapping[str, Array | None]) -> dict[str, Array | None]:
    """The first batch row."""
    return {name: None if x is None else x[:1] for name, x in operands.items()}


def split(x: Array, heads: int) -> Array:
    """[B, S, H * D] -> [B, H, S, D]"""
    return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)


def merge(x: Array) -> Array:
    """[B, H, S, D] -> [B, S, H * D]"""
    return x.swapaxes(1, 2).reshape(x.shape[0], x.shape[2], -1)


GROUPED = Attention(heads=(4, 2), lengths=(5, 5), depths=(16, 16), means={"causal": True})
BIAS = normal(1, 4, 5, 5, seed=5)
HOLED = BIAS.copy()
HOLED[:, :, 2] = -INF
SINKS = np.array([0.5, -1.0, 2.0, 1.0], F32)


def grouped(**more: Any) -> Attention:
    """GROUPED, with more of what it means and is asked."""
    means = {**GROUPED.means, **ZERO, **more.pop("means", {})}
    return replace(GROUPED, means=means, **more)


GROUPED_ROWS = {
    "plain": grouped(unlike={"causal": [False]}),
    "scale 0": grouped(asked={"scale": 0.0}, unlike={"scale": [0.0]}),
    "window 1": grouped(
        asked={"local_window_size": 1}, means={"window": (0, -1)}, unlike={"window": [(1, -1)]}
    ),
    "window 3": grouped(
        asked={"local_window_size": 3},
        means={"window": (2, -1)},
        unlike={"window": [(1, -1), (3, -1)]},
    ),
    "softcap, then bias": grouped(
        asked={"softcap": 1.5},
        means={"softcap": 1.5},
        unlike={"softcap": [None]},
        mask=BIAS,
        size=4,
    ),
    "row of nothing": grouped(mask=HOLED, unlike=NOT_ZERO),
    "row of nothing, sinks": grouped(mask=HOLED, sinks=SINKS),
    "smooth softmax": grouped(asked={"smooth_softmax": 1}, sinks=np.zeros(4, F32)),
}


def group_query(
    row: Attention, past: Mapping[str, Array] | None = None, dtype: Any = F32
) -> tuple[Any, dict[str, Array | None]]:
    """A model of GroupQueryAttention, and its inputs."""
    operands = row.operands(dtype)
    length = row.lengths[0]
    total = length + (past["past_key"].shape[2] if past else 0)
    names = {"q": "query", "k": "key", "v": "value"}
    inputs = {long: merge(np.asarray(operands[short])) for short, long in names.items()}
    inputs: dict[str, Array | None] = {
        **inputs,
        **(past or {"past_key": None, "past_value": None}),
        "seqlens_k": np.full(2, total - 1, np.int32),
        "total_sequence_length": np.array(total, np.int32),
        **dict.fromkeys(("cos", "sin", "position_ids")),
        "bias": None if row.mask is None else row.mask.astype(dtype),
        "sinks": None if row.sinks is None or "smooth_softmax" in row.asked else row.sinks,
    }
    model = node_model(
        "GroupQueryAttention",
        inputs,
        ["y", "present_key", "present_value"],
        MICROSOFT,
        17,
        num_heads=row.heads[0],
        kv_num_heads=row.heads[1],
        **row.asked,
    )
    return model, inputs


@pytest.mark.parametrize("name", GROUPED_ROWS)
def test_group_query_attention(name: str) -> None:
    """Causal; its window counts the query itself; a row of nothing is 0; a scale of 0 is none."""
    row = GROUPED_ROWS[name]
    got = split(by_onnxruntime(*group_query(row))[0], 4)
    assert_means(got, "sdpa", row.operands(), row.attributes(), unlike=row.unlike)


@pytest.mark.parametrize("queries", [1, 2])
def test_group_query_attention_is_bottom_right(queries: int) -> None:
    """Behind a cache, the last query is at the last key. Of several, onnxruntime takes one row."""
    row = replace(GROUPED, lengths=(queries, queries), asked={"local_window_size": 3})
    past = {name: normal(2, 2, 4, 16, seed=seed) for seed, name in enumerate(PAST)}
    operands = row.operands()
    for name, key in (("k", "past_key"), ("v", "past_value")):
        operands[name] = np.concatenate([past[key], np.asarray(operands[name])], 2)
    model, inputs = group_query(row, past)
    if queries > 1:
        operands = first(operands)
        total = inputs.pop("total_sequence_length")
        inputs = {**first(inputs), "total_sequence_length": total}
        for value in model.graph.input:
            if value.name != "total_sequence_length":
                value.type.tensor_type.shape.dim[0].dim_value = 1
    got = split(by_onnxruntime(model, inputs)[0], 4)
    means = {**row.attributes(), "offset": 4, "window": (2, -1)}
    assert_means(got, "sdpa", operands, means, unlike={"offset": [0, 3], "window": [(3, -1)]})


def test_group_query_attention_in_f16() -> None:
    """To the rounding of the probabilities."""
    row = GROUPED_ROWS["plain"]
    got = split(by_onnxruntime(*group_query(row, dtype=F16))[0], 4)
    assert_means(got, "sdpa", row.operands(F16), row.attributes(), error=2.0**-9)


def test_import_of_a_row_of_nothing() -> None:
    """GroupQueryAttention is imported with its zeros."""
    model, inputs = group_query(GROUPED_ROWS["row of nothing"])
    assert same(imported(model, inputs)[0], by_onnxruntime(model, inputs)[0], 2e-6)


def multi_head(row: Attention, padding: Array | None = None) -> tuple[Any, dict[str, Array | None]]:
    """A model of MultiHeadAttention, and its inputs."""
    operands = row.operands()
    inputs: dict[str, Array | None] = {
        **{name: merge(np.asarray(operands[name])) for name in "qkv"},
        "bias": None,
        "padding": padding,
        "scores": row.mask,
    }
    heads = row.heads[0]
    model = node_model(
        "MultiHeadAttention", inputs, ["y"], MICROSOFT, 17, num_heads=heads, **row.asked
    )
    return model, inputs


def test_multi_head_padding_is_a_finite_fill() -> None:
    """Padded keys get -10000: a row of nothing else keeps what f32 leaves of its scores."""
    padding = np.array([[1, 1, 1, 0, 0], [0] * 5], np.int32)
    row = Attention(mask=None)
    got = split(by_onnxruntime(*multi_head(row, padding))[0], 4)
    filled = additive(padding > 0, -1e4)[:, None, None]
    operands = {**row.operands(), "mask": filled}
    assert_means(got[:1], "sdpa", first(operands), row.attributes())
    want, _ = reference.sdpa(**operands, **row.attributes())
    assert same(got, want.astype(F32), 1e-3)
    assert not same(got[1], np.broadcast_to(operands["v"][1].mean(-2)[:, None], got[1].shape), 1e-2)


def test_multi_head_row_of_nothing() -> None:
    """Of scores to which -inf is added, NaN is left: the formula."""
    row = Attention(mask=additive(ROW_OF_NONE)[None, None])
    got = split(by_onnxruntime(*multi_head(row))[0], 4)
    assert_means(got, "sdpa", row.operands(), row.attributes(), unlike={"fully_masked": ["zero"]})


def test_multi_head_causal_of_other_lengths() -> None:
    """onnxruntime's last query attends to every key where lengths differ; the import refuses.

    The others see the keys up to their own index: top-left. No attribute says that.
    """
    row = Attention(asked={"unidirectional": 1})
    model, inputs = multi_head(row)
    got = split(by_onnxruntime(model, inputs)[0], 4)
    operands = row.operands()
    kept = np.tri(3, 5, dtype=bool)
    kept[-1] = True
    assert_means(got, "sdpa", {**operands, "mask": kept}, row.attributes())
    for offset in (0, 2):
        other, _ = reference.sdpa(  # pyright: ignore[reportCallIssue]
            **operands,  # pyright: ignore[reportArgumentType]
            **row.attributes(causal=True, offset=offset),
        )
        assert not same(got, other.astype(F32), 1e-3)
    with pytest.raises(AttnormError, match="unidirectional: expected as many new keys as queries"):
        attnorm.from_onnx(model.SerializeToString())
