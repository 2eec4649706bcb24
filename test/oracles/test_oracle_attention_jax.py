"""Attention as JAX has it: docs/semantics/sdpa.md."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreement import Array, assert_means, normal, same
from attention_rows import INF, ROW_OF_NONE, Attention, additive
from cases import BF16, F16, F32, F64
from needs import needs

import attnorm
from attnorm import reference
from attnorm.execution.interpreter import evaluate
from attnorm.pipeline.pipelines import TO_IREE

jax = needs("jax")

UNIFORM = {"fully_masked": "uniform"}
NOT_UNIFORM = {"fully_masked": ["nan", "zero"]}
BIAS = normal(1, 1, 3, 5, seed=7)
ROWS = {
    "plain": Attention(),
    "scale": Attention(asked={"scale": 0.3}, means={"scale": 0.3}),
    "scale 0": Attention(asked={"scale": 0.0}, means={"scale": 0.0}, unlike={"scale": [0.35]}),
    "grouped heads": Attention(heads=(4, 2)),
    "causal, Sq < Sk": Attention(
        asked={"is_causal": True}, means={"causal": True}, unlike={"offset": [2]}
    ),
    "causal, Sq > Sk": Attention(
        lengths=(5, 3),
        asked={"is_causal": True},
        means={"causal": True},
        unlike={"offset": [-2, 1]},
    ),
    "mask": Attention(
        mask=ROW_OF_NONE[None, None],
        asked={"mask": ROW_OF_NONE[None, None]},
        means=UNIFORM,
        unlike=NOT_UNIFORM,
    ),
    "bias": Attention(mask=BIAS, asked={"bias": BIAS}),
    "bias of -inf": Attention(
        mask=additive(ROW_OF_NONE)[None, None],
        asked={"bias": additive(ROW_OF_NONE)[None, None]},
        means={"fully_masked": "nan"},
        unlike={"fully_masked": ["zero", "uniform"]},
    ),
    "bias and mask": Attention(
        mask=np.where(ROW_OF_NONE, BIAS, -INF).astype(F32),
        asked={"bias": BIAS, "mask": ROW_OF_NONE[None, None]},
        means=UNIFORM,
        unlike=NOT_UNIFORM,
    ),
    "window": Attention(
        lengths=(5, 6),
        asked={"local_window_size": (2, 1)},
        means={"window": (2, 1)},
        unlike={"window": [(1, 1), (3, 1), (2, 0), (2, 2)], "offset": [1]},
    ),
    "window of a number": Attention(
        lengths=(5, 6),
        asked={"local_window_size": 1},
        means={"window": (1, 1)},
        unlike={"window": [(1, -1)]},
    ),
    "window, causal": Attention(
        lengths=(5, 6),
        asked={"local_window_size": (2, 1), "is_causal": True},
        means={"window": (2, 1), "causal": True},
        unlike={"causal": [False]},
    ),
    "window that leaves nothing": Attention(
        lengths=(5, 3),
        asked={"local_window_size": (0, 0)},
        means={"window": (0, 0), **UNIFORM},
        unlike=NOT_UNIFORM,
    ),
}


def attend(row: Attention, dtype: Any = F32, **more: Any) -> Any:
    """jax.nn.dot_product_attention, from and to [B, H, S, D]."""
    operands = row.operands(dtype)
    q, k, v = (np.asarray(operands[name]).swapaxes(1, 2) for name in "qkv")
    found = jax.nn.dot_product_attention(q, k, v, **{**row.asked, **more})
    if isinstance(found, tuple):
        return tuple(np.asarray(x).swapaxes(1, 2) for x in found)
    return np.asarray(found).swapaxes(1, 2)


@pytest.mark.parametrize("name", ROWS)
def test_rows(name: str) -> None:
    """Each mode; causal is top-left; what a mask or a window hides is a finite fill: uniform."""
    row = ROWS[name]
    assert_means(attend(row), "sdpa", row.operands(), row.attributes(), unlike=row.unlike)


@pytest.mark.parametrize("name", ["plain", "causal, Sq < Sk", "mask"])
def test_halves(name: str) -> None:
    """The scores are of f32, and the probabilities rounded. Compiled for CPUs there is no f16."""
    row = ROWS[name]
    for dtype, error in ((F16, 2.0**-10), (BF16, 2.0**-7)):
        got = attend(row, dtype)
        assert_means(got, "sdpa", row.operands(dtype), row.attributes(), error=error)
    q = normal(1, 3, 4, 8, dtype=F16)
    with pytest.raises(ValueError, match="F16_F16_F32"):
        jax.jit(jax.nn.dot_product_attention)(q, q, q)


def test_values_of_another_depth() -> None:
    """JAX has none."""
    with pytest.raises(ValueError, match="value shape"):
        attend(Attention(depths=(8, 6)))


def test_sequence_lengths() -> None:
    """Keys beyond their length have no weight; queries beyond theirs give 0, not the mean."""
    row = Attention()
    queries, keys = np.array([2, 3], np.int32), np.array([5, 3], np.int32)
    got = attend(row, query_seq_lengths=queries, key_value_seq_lengths=keys)
    there = (np.arange(5) < keys[:, None])[:, None, None]
    inside = (np.arange(3) < queries[:, None])[:, None, :, None]
    operands = {**row.operands(), "mask": there & inside}
    assert_means(got, "sdpa", operands, row.attributes(fully_masked="zero"))
    assert (got[0, :, 2] == 0).all()


def test_length_of_no_keys() -> None:
    """A length of 0 keys is a row of nothing: uniform over what is not there."""
    row = Attention()
    got = attend(row, key_value_seq_lengths=np.array([0, 5], np.int32))
    mask = np.array([False, True])[:, None, None, None]
    operands = {**row.operands(), "mask": mask}
    assert_means(got, "sdpa", operands, row.attributes(**UNIFORM), unlike=NOT_UNIFORM)


def test_log_sum_exp() -> None:
    """The residual is the logarithm of the denominator; of a row of nothing it is the fill's."""
    row = ROWS["mask"]
    got, residual = attend(row, return_residual=True)
    assert_means(got, "sdpa", row.operands(), row.attributes())
    _, want = reference.sdpa(**row.operands(), **row.attributes())  # pyright: ignore[reportArgumentType]
    some = np.isfinite(want)
    assert (~some).any()
    assert same(residual[some], want[some].astype(F32))
    assert (residual[~some] < -0.69 * np.finfo(F32).max).all()


MODES = ("plain", "causal, Sq < Sk", "mask", "bias of -inf", "bias and mask", "scale 0")


def modes(q: Any, k: Any, v: Any) -> Any:
    """Every row that takes the same operands, and windows, in one function."""
    attention = jax.nn.dot_product_attention
    return (
        *(attention(q, k, v, **ROWS[name].asked) for name in MODES),
        attention(k, q, q, is_causal=True),
        attention(k, q, q, local_window_size=(0, 0)),
        attention(q, k[:, :, :2], v[:, :, :2], local_window_size=(1, 0)),
    )


def test_import() -> None:
    """What `from_jax` makes of the modes is what JAX gives, each of them one op."""
    operands = Attention().operands()
    arrays = [np.asarray(operands[name]).swapaxes(1, 2) for name in "qkv"]
    module = attnorm.from_jax(modes, *arrays)
    assert [found.op for found in attnorm.report(module).ops] == ["sdpa"] * 9
    got = evaluate(attnorm.lower(module, TO_IREE), *arrays)
    for own, want in zip(got, modes(*arrays), strict=True):
        assert same(own, np.asarray(want), 2e-6)


def test_large_negative_bias() -> None:
    """A bias of the least finite number beside a mask: the mask's fill replaces, it does not add.

    So a masked key's score is -0.7 of the largest number, above a biased one's of -1.
    """
    lowest = float(np.finfo(F32).min)
    bias = np.zeros((1, 1, 3, 5), F32)
    bias[..., :2] = lowest
    mask = np.ones((1, 1, 3, 5), bool)
    mask[..., 2:] = False
    row = Attention(asked={"bias": bias, "mask": mask})
    got = attend(row)
    v = np.asarray(row.operands()["v"])
    assert same(got, np.broadcast_to(v[:, :, 2:].mean(2)[:, :, None], got.shape))
    replaced: Array = np.where(mask, bias, -INF)
    want, _ = reference.sdpa(  # pyright: ignore[reportCallIssue]
        **{**row.operands(), "mask": replaced},  # pyright: ignore[reportArgumentType]
        **row.attributes(**UNIFORM),
    )
    assert not same(got.astype(F64), want, 1e-2)
