"""Every way of writing attention out, against its definition."""

from __future__ import annotations

import pytest
from cases import check_compiled, check_interpreted
from hypothesis import given, settings
from hypothesis import strategies as st
from test_sdpa import attentions, question

# Blocks so small that the small cases have several, of queries and of keys, that are not whole.
PASSES = (
    "expand-sdpa{strategy=dense}",
    "expand-sdpa{strategy=blocks queries=2}",
    "expand-sdpa{strategy=online queries=2 keys=3}",
    "expand-sdpa{strategy=online queries=3 keys=2}",
)


@given(attentions(), st.sampled_from(PASSES))
@settings(max_examples=300)
def test_interpreted(asked, passes):
    """Every combination of masks, bands, caps, sinks, groups, modes and types is the formula."""
    check_interpreted(question(asked), passes)


@given(attentions(dynamic=True), st.sampled_from(PASSES))
@settings(max_examples=40)
def test_dynamic_lengths(asked, passes):
    """Dynamic lengths are written out at once, whatever is asked for."""
    check_interpreted(question(asked), passes)


@pytest.mark.parametrize("passes", PASSES)
@given(st.lists(attentions(), min_size=10, max_size=10))
@settings(max_examples=1)
def test_compiled(passes, asked):
    """IREE gives the same values."""
    check_compiled([question(one) for one in asked if one.sound_in_iree()], passes)
