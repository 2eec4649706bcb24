"""Idioms with random structure, and mutations of them, mean after the passes what they meant."""

from __future__ import annotations

import numpy as np
import pytest
from attention_idioms import ATTENTION_MUTATIONS, SOFTMAX_MUTATIONS, Attention, Softmax
from hypothesis import given, settings
from hypothesis import strategies as st
from idioms import Idiom, Text, check
from norm_idioms import LAYER_NORM_MUTATIONS, RMS_NORM_MUTATIONS, LayerNorm, RmsNorm

BATCH = 12
"""Functions in a module: the passes cost little more for several."""


def idioms(kind: type, mutation: str | None = None) -> st.SearchStrategy[list[Idiom]]:
    """Several idioms of a kind."""

    @st.composite
    def one(draw: st.DrawFn) -> Idiom:
        return kind(lambda *choices: draw(st.sampled_from(choices)), mutation).idiom()

    return st.lists(one(), min_size=BATCH, max_size=BATCH)


@given(idioms(RmsNorm))
@settings(max_examples=10)
def test_rms_norm(drawn: list[Idiom]) -> None:
    """RMSNorm is found in every form, with the attributes it was written with."""
    check(drawn)


@pytest.mark.parametrize("mutation", RMS_NORM_MUTATIONS)
@given(st.data())
@settings(max_examples=1)
def test_rms_norm_mutated(mutation: str, data: st.DataObject) -> None:
    """What is nearly RMSNorm keeps its values."""
    check(data.draw(idioms(RmsNorm, mutation)))


@given(idioms(LayerNorm))
@settings(max_examples=6)
def test_layer_norm(drawn: list[Idiom]) -> None:
    """LayerNorm is found in every form, with the attributes it was written with."""
    check(drawn)


@pytest.mark.parametrize("mutation", LAYER_NORM_MUTATIONS)
@given(st.data())
@settings(max_examples=1)
def test_layer_norm_mutated(mutation: str, data: st.DataObject) -> None:
    """What is nearly LayerNorm keeps its values."""
    check(data.draw(idioms(LayerNorm, mutation)))


@given(idioms(Softmax))
@settings(max_examples=3)
def test_softmax(drawn: list[Idiom]) -> None:
    """Softmax is found in every form, over the axis it was written over."""
    check(drawn)


@pytest.mark.parametrize("mutation", SOFTMAX_MUTATIONS)
@given(st.data())
@settings(max_examples=1)
def test_softmax_mutated(mutation: str, data: st.DataObject) -> None:
    """What is nearly softmax keeps its values."""
    check(data.draw(idioms(Softmax, mutation)))


@given(idioms(Attention))
@settings(max_examples=10)
def test_attention(drawn: list[Idiom]) -> None:
    """Attention is found in every form, with the attributes it was written with."""
    check(drawn)


@pytest.mark.parametrize("mutation", ATTENTION_MUTATIONS)
@given(st.data())
@settings(max_examples=1)
def test_attention_mutated(mutation: str, data: st.DataObject) -> None:
    """What is nearly attention, or attention of other operands, keeps its values."""
    check(data.draw(idioms(Attention, mutation)))


# -- what the op cannot say ------------------------------------------------------------------------


def selected_and_added(k: list[float], selected: list[bool], added: list[float]) -> Idiom:
    """One query of 1 over keys that are selected, the others at -1e30, and then added to."""
    text = Text(lambda *choices: choices[0])
    q = text.argument((1, 1, 1), "f32", lambda *_: np.ones((1, 1, 1)))
    keys = text.argument((1, len(k), 1), "f32", lambda *_: np.reshape(k, (1, -1, 1)))
    values = text.argument((1, len(k), 1), "f32", lambda *_: np.arange(len(k)).reshape(1, -1, 1))
    kept = text.argument((1, 1, len(k)), "i1", lambda *_: np.reshape(selected, (1, 1, -1)))
    bias = text.argument((1, 1, len(k)), "f32", lambda *_: np.reshape(added, (1, 1, -1)))
    scores = text.dot(q, keys, [(0, 0)], (2, 2))
    scores = text.select(kept, scores, text.number(-1e30, scores))
    scores = text.binary("add", scores, bias)
    softmax = Softmax(text.pick)
    softmax.text, softmax.shape, softmax.axis = text, scores.shape, 2
    result = text.dot(softmax.of(scores), values, [(0, 0)], (2, 1))
    return Idiom("sdpa", text, [result], error=2e-5, floor=lambda _: 1.0, settles=False)


def test_selected_and_added() -> None:
    """The values below are right where a row sees a key and no score is NaN."""
    check([selected_and_added([1.0, 2.0, 3.0], [True, False, True], [0.5, 0.0, -np.inf])])


def test_row_masked_by_two_fills() -> None:
    """In a row that nothing is selected in, what is not -inf weighs the same, the rest nothing."""
    check([selected_and_added([1.0, 2.0, 3.0], [False] * 3, [-np.inf, 0.0, 0.0])])
    check([selected_and_added([1.0, 2.0, 3.0], [True, False, False], [-np.inf, 0.0, 0.0])])


@pytest.mark.xfail(strict=True, reason="a predicate beside an added mask is added as -inf")
def test_nan_behind_a_predicate() -> None:
    """A key that is not selected may be NaN."""
    check([selected_and_added([1.0, np.nan, 3.0], [True, False, True], [0.5, 0.0, 1.0])])
