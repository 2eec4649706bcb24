"""Attention as torch and transformers have it: docs/semantics/sdpa.md."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from agreement import Array, assert_means, normal, same
from attention_rows import INF, ROW_OF_NONE, Attention, additive
from cases import BF16, F16, F32, F64
from needs import needs
from systems import from_torch, to_torch

import attnorm
from attnorm import reference
from attnorm.execution.interpreter import evaluate
from attnorm.pipeline.pipelines import TO_IREE

torch = needs("torch")
F = torch.nn.functional
MASK = normal(3, 5, seed=7)

CAUSAL = {"causal": True}
ROWS = {
    "plain": Attention(unlike={"scale": [1.0]}),
    "scale": Attention(asked={"scale": 0.3}, means={"scale": 0.3}),
    "scale 0": Attention(asked={"scale": 0.0}, means={"scale": 0.0}, unlike={"scale": [0.35]}),
    "negative scale": Attention(asked={"scale": -0.5}, means={"scale": -0.5}),
    "Dv": Attention(depths=(8, 6)),
    "grouped heads": Attention(heads=(4, 2), asked={"enable_gqa": True}),
    "causal, Sq < Sk": Attention(
        asked={"is_causal": True}, means=CAUSAL, unlike={"offset": [2], "causal": [False]}
    ),
    "causal, Sq > Sk": Attention(
        lengths=(5, 3), asked={"is_causal": True}, means=CAUSAL, unlike={"offset": [-2, 1]}
    ),
    "causal, Sq = 1": Attention(
        lengths=(1, 5), asked={"is_causal": True}, means=CAUSAL, unlike={"offset": [4]}
    ),
    "bool mask": Attention(
        mask=ROW_OF_NONE,
        means={"fully_masked": "zero"},
        unlike={"fully_masked": ["nan", "uniform"]},
    ),
    "mask of -inf": Attention(
        mask=additive(ROW_OF_NONE),
        means={"fully_masked": "zero"},
        unlike={"fully_masked": ["nan", "uniform"]},
    ),
    "additive mask": Attention(mask=MASK),
    "mask of one query": Attention(mask=MASK[:1]),
    "mask of heads": Attention(mask=normal(4, 1, 5)),
}


def attend(row: Attention, dtype: Any = F32) -> Array:
    """F.scaled_dot_product_attention."""
    operands = row.operands(dtype)
    q, k, v = (to_torch(np.asarray(operands[name])) for name in "qkv")
    mask = None if row.mask is None else to_torch(row.mask)
    if mask is not None and mask.dtype != torch.bool:
        mask = mask.to(q.dtype)
    with warnings.catch_warnings():
        # torch's own, of the backend in f64.
        warnings.simplefilter("ignore", UserWarning)
        return from_torch(F.scaled_dot_product_attention(q, k, v, attn_mask=mask, **row.asked))


@pytest.mark.parametrize("name", ROWS)
def test_rows(name: str) -> None:
    """Each mode in f32 and f64; causal is top-left, a row of nothing 0."""
    row = ROWS[name]
    for dtype in (F32, F64):
        operands = row.operands(dtype)
        assert_means(attend(row, dtype), "sdpa", operands, row.attributes(), unlike=row.unlike)


@pytest.mark.parametrize("backend", ["MATH", "FLASH_ATTENTION"])
def test_backends_agree(backend: str) -> None:
    """Both backends of CPUs take the same side in all of these."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    for name in ("plain", "causal, Sq < Sk", "causal, Sq > Sk", "bool mask", "mask of -inf"):
        row = ROWS[name]
        with sdpa_kernel(getattr(SDPBackend, backend)):
            assert_means(attend(row), "sdpa", row.operands(), row.attributes())


HALF_ERROR = {F16: 2.0**-10, BF16: 2.0**-7}
"""The probabilities are rounded to the half type before their product with v."""


@pytest.mark.parametrize("dtype", [F16, BF16], ids=str)
@pytest.mark.parametrize("name", ["plain", "causal, Sq > Sk", "bool mask", "grouped heads"])
def test_halves(name: str, dtype: np.dtype) -> None:
    """Half types are f32's to the rounding of the probabilities, also where q k^T is beyond f16."""
    row = ROWS[name]
    error = HALF_ERROR[dtype]
    assert_means(attend(row, dtype), "sdpa", row.operands(dtype), row.attributes(), error=error)
    q, k = (np.full((1, 1, 2, 8), 200, dtype) for _ in "qk")
    v = normal(1, 1, 2, 8, dtype=dtype)
    got = F.scaled_dot_product_attention(*map(to_torch, (q, k, v)))
    attributes = {"scale": 8**-0.5}
    assert_means(from_torch(got), "sdpa", {"q": q, "k": k, "v": v}, attributes, error=error)


@pytest.mark.parametrize("fill", [-1e4, -1e9, -1e30, float(np.finfo(F32).min), -INF])
def test_mask_fills(fill: float) -> None:
    """A masked key has no weight by any of the fills; a row of nothing depends on it.

    -inf gives 0. A finite fill leaves softmax(scores + fill): the scores survive -1e4 to 3 digits,
    and f32 forgets them beside -1e9 and more, which makes the row uniform. So the float64
    definition and f32 differ there at -1e9, and agree from -1e30 on.
    """
    row = Attention(mask=additive(ROW_OF_NONE, fill), means={"fully_masked": "zero"})
    operands = row.operands()
    got = attend(row)
    want, _ = reference.sdpa(**operands, **row.attributes())  # pyright: ignore[reportArgumentType]
    assert same(got[:, :, [0, 2]], want[:, :, [0, 2]].astype(F32))
    v = np.asarray(operands["v"])
    uniform = v.mean(-2)
    plain, _ = reference.sdpa(*(np.asarray(operands[x]) for x in "qkv"), scale=8**-0.5)
    expected = uniform if fill != -1e4 else plain[:, :, 1]
    expected = np.zeros_like(uniform) if fill == -INF else expected
    assert same(got[:, :, 1], expected.astype(F32), 1e-3 if fill == -1e4 else 1e-6)
    assert same(want[:, :, 1], got[:, :, 1].astype(F64), 1e-3) == (fill != -1e9)


@pytest.mark.parametrize("lengths", [(3, 5), (5, 3)])
def test_causal_biases(lengths: tuple[int, int]) -> None:
    """causal_lower_right is offset Sk - Sq, with zeros where it leaves nothing; upper_left 0."""
    from torch.nn.attention import bias

    row = Attention(lengths=lengths)
    operands = row.operands()
    q, k, v = (to_torch(np.asarray(operands[name])) for name in "qkv")
    with warnings.catch_warnings():
        # It says that it gives NaN, and gives 0.
        warnings.filterwarnings("ignore", "Lower right causal bias", UserWarning)
        lower = bias.causal_lower_right(*lengths)
        got = from_torch(F.scaled_dot_product_attention(q, k, v, attn_mask=lower))
    offset = lengths[1] - lengths[0]
    attributes = {**row.attributes(**CAUSAL), "offset": offset, "fully_masked": "zero"}
    unlike = {"offset": [0], **({"fully_masked": ["nan", "uniform"]} if offset < 0 else {})}
    assert_means(got, "sdpa", operands, attributes, unlike=unlike)
    upper = bias.causal_upper_left(*lengths)
    got = from_torch(F.scaled_dot_product_attention(q, k, v, attn_mask=upper))
    assert_means(got, "sdpa", operands, row.attributes(**CAUSAL), unlike={"offset": [offset]})


def test_masked_nan() -> None:
    """NaN in a value whose key is masked is 0 * NaN: it spreads to the query that does not see it.

    So it does by the definition, and in attnorm's plain lowering.
    """
    row = ROWS["causal, Sq < Sk"]
    operands = row.operands()
    v = np.asarray(operands["v"])
    v[0, 0, 1, 0] = np.nan
    q, k = (to_torch(np.asarray(operands[name])) for name in "qk")
    got = from_torch(F.scaled_dot_product_attention(q, k, to_torch(v), is_causal=True))
    assert np.isnan(got[0, 0, :, 0]).all()
    assert_means(got, "sdpa", operands, row.attributes())


@pytest.mark.parametrize("where", ["q", "k"])
def test_infinite_scores(where: str) -> None:
    """An infinite score is NaN for its query, as the formula has it."""
    row = ROWS["plain"]
    operands = row.operands()
    np.asarray(operands[where])[0, 0, 0, 0] = INF
    q, k, v = (to_torch(np.asarray(operands[name])) for name in "qkv")
    got = from_torch(F.scaled_dot_product_attention(q, k, v))
    want, _ = reference.sdpa(**operands, **row.attributes())  # pyright: ignore[reportArgumentType]
    assert same(got, want.astype(F32))
    assert np.isnan(got).any()


def test_no_keys() -> None:
    """Attention to no keys at all is 0; attnorm.sdpa has no empty dimensions."""
    q, k = to_torch(normal(1, 2, 3, 8)), to_torch(np.zeros((1, 2, 0, 8), F32))
    assert (from_torch(F.scaled_dot_product_attention(q, k, k)) == 0).all()


class Modes(torch.nn.Module):
    """Every row that takes the same operands, in one module."""

    def forward(self, q: Any, k: Any, v: Any, bools: Any, floats: Any) -> Any:
        """The results in the order of `MODES`."""
        attention = F.scaled_dot_product_attention
        return (
            attention(q, k, v, is_causal=True),
            attention(k, q, v[:, :, :3], is_causal=True),
            attention(q, k, v, attn_mask=bools),
            attention(q, k, v, attn_mask=floats),
            attention(q, k, v, scale=0.0),
            attention(q, k, v, scale=-0.5),
            attention(q, k[:, :2], v[:, :2], enable_gqa=True),
        )


def test_import() -> None:
    """What `from_torch` makes of the modes is what torch gives, each of them one op."""
    operands = Attention(depths=(8, 6)).operands()
    arrays = [np.asarray(operands[x]) for x in "qkv"] + [ROW_OF_NONE, additive(ROW_OF_NONE)]
    args = tuple(to_torch(x) for x in arrays)
    module = attnorm.from_torch(Modes(), args)
    assert [found.op for found in attnorm.report(module).ops] == ["sdpa"] * 7
    got = evaluate(attnorm.lower(module, TO_IREE), *arrays)
    for own, want in zip(got, Modes()(*args), strict=True):
        assert same(own, from_torch(want), 2e-6)


# -- transformers --------------------------------------------------------------------------------


def modeling(family: str) -> Any:
    """A family's module."""
    needs("transformers")
    from importlib import import_module

    return import_module(f"transformers.models.{family}.modeling_{family}")


def eagerly(family: str, row: Attention, module: dict[str, Any], **options: Any) -> Array:
    """A family's own attention, whose result is [B, S, H, D]."""
    operands = row.operands()
    q, k, v = (to_torch(np.asarray(operands[name])) for name in "qkv")
    mask = None if row.mask is None else to_torch(row.mask)
    groups = SimpleNamespace(
        num_key_value_groups=row.heads[0] // row.heads[1], training=False, **module
    )
    function = modeling(family).eager_attention_forward
    found, _ = function(groups, q, k, v, mask, scaling=row.depths[0] ** -0.5, **options)
    return from_torch(found).swapaxes(1, 2)


def test_softcap_before_the_mask() -> None:
    """Gemma 2 caps the scores, then adds the mask: a mask of -inf stays -inf."""
    mask = np.where(np.tri(3, 5, 2, bool), MASK, -INF).astype(F32)
    row = Attention(heads=(4, 2), mask=mask, means={"softcap": 1.5}, size=4)
    got = eagerly("gemma2", row, {"head_dim": 8}, softcap=1.5)
    assert_means(got, "sdpa", row.operands(), row.attributes(), unlike={"softcap": [None, 3.0]})
    operands = {**row.operands(), "mask": None}
    scores = np.einsum("bhqd,bhkd->bhqk", operands["q"], np.repeat(operands["k"], 2, 1)) * 8**-0.5
    after = 1.5 * np.tanh((scores + mask) / 1.5)
    weights = reference.softmax(after, axis=-1)
    other = np.einsum("bhqk,bhkd->bhqd", weights, np.repeat(operands["v"], 2, 1))
    assert not same(got, other.astype(F32), 1e-3)


@pytest.mark.parametrize("sink", [1.0, -INF])
def test_sinks(sink: float) -> None:
    """gpt-oss: a further score whose value is 0; it makes a row of nothing 0, unless it is -inf."""
    sinks = np.array([0.5, -1.0, 2.0, sink], F32)
    row = Attention(heads=(4, 2), mask=additive(ROW_OF_NONE)[None, None], sinks=sinks)
    got = eagerly("gpt_oss", row, {"sinks": to_torch(sinks)})
    assert_means(got, "sdpa", row.operands(), row.attributes())
    assert (got[:, :3, 1] == 0).all()
    assert np.isnan(got[:, 3, 1]).all() == (sink == -INF)
    other, _ = reference.sdpa(**{**row.operands(), "sinks": None}, **row.attributes())
    assert not same(got[:, :3], other[:, :3].astype(F32), 1e-3)


def test_eager_row_of_nothing() -> None:
    """Llama's eager attention is the formula: NaN where a mask of -inf leaves nothing."""
    row = Attention(heads=(4, 2), mask=additive(ROW_OF_NONE)[None, None])
    got = eagerly("llama", row, {})
    assert np.isnan(got[:, :, 1]).all()
    assert_means(got, "sdpa", row.operands(), row.attributes(), unlike={"fully_masked": ["zero"]})


@pytest.mark.parametrize("window", [1, 2, 3])
def test_sliding_window(window: int) -> None:
    """transformers' sliding_window counts the query itself: n is the window [n - 1, -1].

    The one without causality does not: n is [n, n].
    """
    needs("transformers")
    from transformers import masking_utils

    i, j = torch.arange(5)[:, None] + 2, torch.arange(7)[None]
    row = Attention(lengths=(5, 7))
    operands = row.operands()
    q, k, v = (to_torch(np.asarray(operands[name])) for name in "qkv")
    sided = masking_utils.sliding_window_causal_mask_function(window)(0, 0, i, j)
    got = from_torch(F.scaled_dot_product_attention(q, k, v, attn_mask=sided))
    attributes = {**row.attributes(**CAUSAL), "offset": 2, "window": (window - 1, -1)}
    assert_means(got, "sdpa", operands, attributes, unlike={"window": [(window, -1)]})
    both = masking_utils.sliding_window_bidirectional_overlay(window)(0, 0, i, j)
    got = from_torch(F.scaled_dot_product_attention(q, k, v, attn_mask=both))
    attributes = {**row.attributes(), "offset": 2, "window": (window, window)}
    others = [(window - 1, window - 1), (window, window - 1)]
    assert_means(got, "sdpa", operands, attributes, unlike={"window": others})
