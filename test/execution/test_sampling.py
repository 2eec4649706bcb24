"""Sampling, against its definition: all tokens sorted, probabilities added up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnorm.execution.language_model import LanguageModel
from attnorm.execution.sampling import Sampler


def probabilities(
    logits: np.ndarray, temperature: float, top_k: int | None, top_p: float | None
) -> np.ndarray:
    """What each token has to be drawn with."""
    order = np.argsort(-logits, kind="stable")
    kept = order[: top_k or logits.size]
    powers = np.exp((logits - logits.max()).astype(float) / temperature)
    shares = powers[kept] / powers[kept].sum()
    if top_p is not None:
        kept = kept[np.cumsum(shares) - shares < top_p * (1 - 1e-12)]
    found = np.zeros(logits.size)
    found[kept] = powers[kept] / powers[kept].sum()
    return found


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("top_k", [None, 1, 4])
@pytest.mark.parametrize("top_p", [None, 0.3, 0.9, 1.0])
def test_frequencies(temperature: float, top_k: int | None, top_p: float | None) -> None:
    logits = np.random.default_rng(0).standard_normal(12).astype(np.float32) * 2
    drawn = Sampler(temperature, top_k, top_p, 1)(np.tile(logits, (20_000, 1)))
    want = probabilities(logits, temperature, top_k, top_p)
    found = np.bincount(drawn, minlength=12) / 20_000
    assert (found[want == 0] == 0).all()
    # Five standard deviations of a share.
    assert (np.abs(found - want) <= 5 * np.sqrt(want * (1 - want) / 20_000)).all()


@given(st.integers(300, 3000), st.floats(0.05, 1.0), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_many_tokens(size: int, top_p: float, seed: int) -> None:
    """More candidates than are sorted at first."""
    logits = np.random.default_rng(seed).standard_normal(size).astype(np.float32) * 0.1
    want = probabilities(logits, 1.0, None, top_p)
    drawn = Sampler(1.0, None, top_p, seed)(np.tile(logits, (50, 1)))
    assert (want[drawn] > 0).all()


def test_zero_is_the_likeliest() -> None:
    logits = np.array([[1, 3, 3, 0], [0, 1, 2, 3]], np.float32)
    np.testing.assert_array_equal(Sampler()(logits), [1, 3])


def test_seeds() -> None:
    logits = np.zeros((100, 50), np.float32)
    np.testing.assert_array_equal(Sampler(1.0, seed=3)(logits), Sampler(1.0, seed=3)(logits))
    assert (Sampler(1.0, seed=3)(logits) != Sampler(1.0, seed=4)(logits)).any()


@given(st.integers(1, 700), st.integers(0, 600))
def test_chunks_cover_a_prompt(count: int, position: int) -> None:
    model = LanguageModel("", 700, 1, (64, 512), None, None, (), 10, None, ())
    left = count = min(count, model.capacity - position)
    steps = []
    while left:
        size = model.chunk_for(left, position)
        assert size in (1, 64, 512) and position + size <= model.capacity
        steps.append(size)
        position += min(size, left)
        left -= min(size, left)
    # No slower than token by token.
    assert sum(16 + size for size in steps) <= 17 * count
