"""Idioms with random structure, and mutations of them, mean after the passes what they meant."""

from __future__ import annotations

import pytest
from attention_idioms import ATTENTION_MUTATIONS, SOFTMAX_MUTATIONS, Attention, Softmax
from hypothesis import given, settings
from hypothesis import strategies as st
from idioms import Idiom, check
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
