"""Softmax against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from cases import FLOATS, Question, check_compiled, check_interpreted, op_case, tensor
from closeness import precision
from drawing import normal, seeds, shapes, subsets, with_specials
from hypothesis import given, settings
from hypothesis import strategies as st

from attnorm import reference

# Of f32, relative: the exponent of a small weight is rounded, and its rounding is seen.
ERROR = 1e-5


def question(x, axis, result, dynamic=()):
    """One softmax on an array."""
    want = reference.softmax(x, axis=axis)
    shape = [None if index in dynamic else size for index, size in enumerate(x.shape)]
    case = op_case(
        "softmax", {"x": x}, {"axis": axis}, [tensor(shape, result)], [("x", i) for i in dynamic]
    )
    return Question(case, [(want, precision([x.dtype, result], ERROR) * np.abs(want))])


@st.composite
def softmaxes(draw, dynamic=False):
    """Any axis, any types, any magnitude, with and without -inf."""
    shape = draw(shapes(1, 4, 1, 7))
    kind, seed = st.sampled_from(FLOATS), draw(seeds)
    x = normal(shape, draw(kind), seed, draw(st.sampled_from([0.1, 1.0, 30.0, 1e4])))
    if draw(st.booleans()):
        x = with_specials(x, seed, -np.inf, share=0.4)
    axis = draw(st.integers(0, len(shape) - 1))
    return question(x, axis, draw(kind), draw(subsets(len(shape))) if dynamic else ())


@given(softmaxes())
@settings(max_examples=150)
def test_interpreted(asked):
    """Every axis, type and magnitude means its formula; rows of -inf are NaN."""
    check_interpreted(asked)


@given(softmaxes(dynamic=True))
@settings(max_examples=30)
def test_dynamic_sizes(asked):
    """Sizes that are known at run time only change nothing."""
    check_interpreted(asked)


@given(st.lists(softmaxes(), min_size=25, max_size=25))
@settings(max_examples=2)
def test_compiled(asked):
    """IREE gives the same values."""
    check_compiled(asked)


@pytest.mark.parametrize("dtype", FLOATS)
def test_specials(dtype):
    """Rows with +inf or NaN are NaN, rows of -inf too, and the others are not."""
    x = with_specials(normal((30, 4), dtype, 0), 1, np.nan, np.inf, -np.inf)
    x[-2:] = -np.inf
    asked = question(x, 1, dtype)
    lost = np.isnan(asked.answers[0][0]).any(1)
    assert lost[-2:].all()
    assert not lost.all()
    check_interpreted(asked)
    check_compiled([asked])
