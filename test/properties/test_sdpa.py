"""Attention against its definition."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from cases import (
    BF16,
    F16,
    F32,
    FLOATS,
    Question,
    check_compiled,
    check_interpreted,
    op_case,
    tensor,
)
from closeness import precision
from drawing import normal, seeds, with_specials
from hypothesis import given, settings
from hypothesis import strategies as st

from attnorm import reference

# Of f32, relative to the largest value that a weight may pick (a weighted mean cancels).
ERROR = 1e-5
MODES = ("nan", "zero", "uniform")


@dataclass(frozen=True)
class Attention:
    """Operands, attributes and result types of one `attnorm.sdpa`."""

    operands: dict[str, np.ndarray | None]
    values: dict[str, Any]
    result: np.dtype = F32
    log_sum_exp: np.dtype | None = F32
    dynamic: frozenset[str] = field(default_factory=frozenset)
    """Of "queries" and "keys", and their batch, those not known."""

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What hypothesis shows: no arrays."""
        printer.text(repr(question(self)))

    def sound_in_iree(self) -> bool:
        """Whether IREE takes it.

        It cannot link an f64 tanh, refuses the dynamic_reshape that it makes itself of a reduction
        over one key or a depth of 1, and asks for 2^59 bytes of stack in some dynamic reductions in
        f64.
        """
        wide, single = "f64" in question(self).elements(), 1 in self.operands["k"].shape[-2:]
        return not (self.dynamic and (wide or single)) and not (wide and self.values["softcap"])


def question(attention: Attention) -> Question:
    """The op and what it means."""
    operands, values = attention.operands, attention.values
    wants = reference.sdpa(**operands, **values)
    kinds = [attention.result, attention.log_sum_exp]
    kinds = [kind for kind in kinds if kind is not None]
    floats = [x.dtype for x in operands.values() if x is not None and x.dtype in FLOATS]
    wide = precision([*floats, attention.result], ERROR)
    v = operands["v"].astype(np.float64)
    v = np.repeat(v, operands["q"].shape[-3] // v.shape[-3], axis=-3)
    errors = [
        wide * np.broadcast_to(np.abs(v).max(-2, keepdims=True), wants[0].shape),
        wide * (1 + np.abs(wants[1])),
    ]
    axes = {"queries": ("q", "mask"), "keys": ("k", "v", "mask")}
    dynamic = []
    for name, present in (("queries", -2), ("keys", -1)):
        for key in axes[name] if name in attention.dynamic else ():
            array, axis = operands[key], present if key == "mask" else -2
            if array is not None and array.ndim >= -axis and array.shape[axis] != 1:
                dynamic.append((key, array.ndim + axis))
    shape = list(wants[0].shape)
    if "queries" in attention.dynamic and ("q", len(shape) - 2) in dynamic:
        shape[-2] = None
    results = [tensor(sizes, kind) for sizes, kind in zip((shape, shape[:-1]), kinds, strict=False)]
    case = op_case("sdpa", operands, values, results, dynamic)
    return Question(case, list(zip(wants, errors, strict=True))[: len(kinds)])


def attention(
    heads=(2, 2), lengths=(3, 5), depths=(4, 4), batch=(), seed=0, dtypes=(F32,) * 3, **values
) -> Attention:
    """Normal q, k and v, nothing else; `values` are operands or attributes."""
    shapes = {
        "q": (*batch, heads[0], lengths[0], depths[0]),
        "k": (*batch, heads[1], lengths[1], depths[0]),
        "v": (*batch, heads[1], lengths[1], depths[1]),
    }
    operands = {
        key: normal(shape, dtype, seed + index)
        for index, ((key, shape), dtype) in enumerate(zip(shapes.items(), dtypes, strict=True))
    }
    for key in ("mask", "sinks", "start"):
        operands[key] = values.pop(key, None)
    attributes = {
        "scale": 0.5,
        "softcap": None,
        "causal": False,
        "offset": 0,
        "window": (-1, -1),
        "fully_masked": "nan",
    }
    return Attention(operands, {**attributes, **values})


def a_mask(shape, dtype, seed):
    """A mask of bool, or of 0, -inf and moderate numbers; rows may be wholly masked."""
    generator = np.random.default_rng(seed)
    if dtype == np.bool_:
        return generator.random(shape) < 0.6
    mask = normal(shape, dtype, seed)
    mask = with_specials(mask, seed + 1, 0.0, share=0.5)
    mask = with_specials(mask, seed + 2, -np.inf, share=0.3)
    if shape and generator.random() < 0.5:
        mask[tuple(generator.integers(0, size) for size in shape[:-1])] = -np.inf
    return mask


@st.composite
def attentions(draw, dynamic=False):
    """Every attribute at once, in small sizes."""
    rank = draw(st.integers(3, 5))
    batch = tuple(draw(st.lists(st.integers(1, 2), min_size=rank - 3, max_size=rank - 3)))
    key_heads, group = draw(st.integers(1, 2)), draw(st.sampled_from([1, 1, 2, 4]))
    heads = (key_heads * group, key_heads)
    lengths = draw(st.integers(1, 6)), draw(st.integers(1, 7))
    depths = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    kind, seed = st.sampled_from(FLOATS), draw(seeds)
    values: dict[str, Any] = {
        "scale": draw(st.sampled_from([1.0, 0.5, 0.125, -0.7])),
        "softcap": draw(st.sampled_from([None, None, 0.5, 30.0])),
        "fully_masked": draw(st.sampled_from(MODES)),
    }
    if draw(st.booleans()):
        full = (*batch, heads[0], *lengths)
        trailing = full[draw(st.integers(0, rank)) :]
        shape = tuple(draw(st.sampled_from([1, size])) for size in trailing)
        values["mask"] = a_mask(shape, draw(st.sampled_from([*FLOATS, np.dtype(bool)])), seed + 5)
    if draw(st.booleans()):
        values["sinks"] = normal((heads[0],), draw(kind), seed + 6, 2.0)
        if draw(st.booleans()):
            values["sinks"][0] = -np.inf
    values["causal"] = draw(st.booleans())
    sizes = st.integers(-1, 4)
    values["window"] = draw(st.one_of(st.just((-1, -1)), st.tuples(sizes, sizes)))
    if values["causal"] or values["window"] != (-1, -1):
        values["offset"] = draw(
            st.one_of(st.sampled_from([0, lengths[1] - lengths[0]]), st.integers(-9, 9))
        )
        if draw(st.booleans()):
            integer = draw(st.sampled_from([np.int32, np.int64, np.int8, np.uint32]))
            values["start"] = np.array(draw(st.integers(0, 4)), integer)
    same = draw(kind)
    dtypes = (same,) * 3 if draw(st.booleans()) else tuple(draw(kind) for _ in range(3))
    found = attention(heads, lengths, depths, batch, seed, dtypes, **values)
    unknown = draw(st.sets(st.sampled_from(["queries", "keys"]), min_size=1)) if dynamic else ()
    return replace(
        found,
        result=draw(kind),
        log_sum_exp=draw(st.sampled_from([None, *FLOATS])),
        dynamic=frozenset(unknown),
    )


@given(attentions())
@settings(max_examples=300)
def test_interpreted(asked):
    """Every combination of masks, bands, caps, sinks, groups, modes and types is the formula."""
    check_interpreted(question(asked))


@given(attentions(dynamic=True))
@settings(max_examples=80)
def test_dynamic_lengths(asked):
    """Lengths that are known at run time only change nothing."""
    check_interpreted(question(asked))


@given(st.lists(attentions(), min_size=25, max_size=25))
@settings(max_examples=2)
def test_compiled(asked):
    """IREE gives the same values."""
    check_compiled([question(one) for one in asked if one.sound_in_iree()])


@given(st.lists(attentions(dynamic=True), min_size=30, max_size=30))
@settings(max_examples=2)
def test_dynamic_lengths_compiled(asked):
    """IREE takes the dynamic forms."""
    check_compiled([question(one) for one in asked if one.sound_in_iree()])


def every_broadcast(shape):
    """The shapes that broadcast to a shape, aligned at the last axis."""
    for start in range(len(shape) + 1):
        yield from product(*[(1, size) for size in shape[start:]])


def test_every_mask_shape():
    """A mask of rank 0 to 4, each size full or 1, bool or additive, spreads over grouped heads."""
    asked = []
    for index, shape in enumerate(every_broadcast((2, 4, 3, 5))):
        for dtype in (np.dtype(bool), F32):
            mask = a_mask(shape, dtype, index)
            one = attention((4, 2), batch=(2,), mask=mask, fully_masked=MODES[index % 3])
            asked.append(question(one))
            check_interpreted(asked[-1])
    check_compiled(asked[::5])


BANDS = [
    {"causal": True},
    {"causal": True, "window": (1, -1)},
    {"causal": True, "window": (2, 1)},
    {"window": (-1, 1)},
    {"window": (1, -1)},
    {"window": (1, 2)},
    {"window": (0, 0)},
]


@pytest.mark.parametrize("lengths", [(3, 5), (5, 3), (1, 4)])
def test_every_band(lengths):
    """Causality and windows at every offset, also where rows are left with nothing."""
    asked = []
    for index, (band, offset) in enumerate(product(BANDS, (-6, -1, 0, lengths[1] - lengths[0], 6))):
        one = attention(lengths=lengths, offset=offset, fully_masked=MODES[1 + index % 2], **band)
        asked.append(question(one))
        check_interpreted(asked[-1])
    check_compiled(asked[::3])


def test_huge_window_and_offset():
    """A window that is wider than any length is none, and an offset beyond it masks everything."""
    far = 2**30
    for values in (
        {"causal": True, "window": (far, -1)},
        {"window": (far, far), "offset": -far},
        {"window": (far, 3), "offset": far},
        {"causal": True, "offset": far},
        {"causal": True, "offset": -far},
        {"window": (5, -1), "offset": far},
    ):
        check_interpreted(question(attention(fully_masked="zero", **values)))


@pytest.mark.parametrize("mode", MODES)
def test_fully_masked_rows(mode):
    """A row of -inf is NaN, 0 or the mean of v, and 0 in every mode beside a sink above -inf."""
    mask = np.zeros((3, 5), F32)
    mask[1] = -np.inf
    plain = attention(mask=mask, fully_masked=mode)
    sunk = replace(plain, operands={**plain.operands, "sinks": np.array([0.5, -np.inf], F32)})
    v = plain.operands["v"]
    expected = {"nan": np.full((2, 4), np.nan), "zero": np.zeros((2, 4)), "uniform": v.mean(1)}
    for one in (plain, sunk):
        asked = question(one)
        row = asked.answers[0][0][:, 1]
        np.testing.assert_allclose(row[1], expected[mode][1], rtol=1e-6)
        assert np.isfinite(asked.answers[0][0][:, [0, 2]]).all()
        check_interpreted(asked)
        check_compiled([asked])


@pytest.mark.parametrize("dtype", [F16, BF16])
def test_halves_accumulate_in_f32(dtype):
    """Scores beyond f16 and sums over 512 keys are those of f32."""
    one = attention((1, 1), (2, 512), (64, 8), seed=3, dtypes=(dtype,) * 3, scale=0.01)
    operands = {**one.operands, "q": (one.operands["q"] * 100).astype(dtype)}
    operands["k"] = (operands["k"] * 10).astype(dtype)
    check_compiled([question(replace(one, operands=operands, result=dtype))])
