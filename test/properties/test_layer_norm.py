"""LayerNorm against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from cases import F32, F64, FLOATS, Question, check_compiled, check_interpreted, op_case, tensor
from closeness import precision
from drawing import normal, seeds, shapes, subsets, with_specials
from hypothesis import given, settings
from hypothesis import strategies as st

from attnorm import reference

ERROR = 2e-6


def question(x, weight, bias, axes, epsilon, result, dynamic=()):
    """One layer_norm on arrays.

    The deviation cancels, and so does the sum with the bias: the error is relative to what they
    are made of, the largest |x| of a row over the deviation, and the bias.
    """
    operands = {"x": x, "weight": weight, "bias": bias}
    values = {"axes": axes, "epsilon": epsilon}
    want = reference.layer_norm(**operands, **values)
    with np.errstate(all="ignore"):
        wide, along = x.astype(np.float64), {"axis": tuple(axes), "keepdims": True}
        size = np.abs(wide).max(**along) / np.sqrt(wide.var(**along) + epsilon)
        if weight is not None:
            size = size * np.abs(reference.layer_norm(wide * 0, None, weight, axes=axes, epsilon=1))
        if bias is not None:
            size = size + np.abs(reference.layer_norm(wide * 0, None, bias, axes=axes, epsilon=1))
    types = [array.dtype for array in operands.values() if array is not None]
    error = precision([*types, result], ERROR) * np.broadcast_to(size, x.shape)
    shape = [None if axis in dynamic else size for axis, size in enumerate(x.shape)]
    case = op_case(
        "layer_norm", operands, values, [tensor(shape, result)], [("x", axis) for axis in dynamic]
    )
    return Question(case, [(want, error)])


@st.composite
def layer_norms(draw, dynamic=False):
    """Any axes, weight and bias present or not, any mixture of types."""
    shape = draw(shapes(1, 3 if dynamic else 5, 1, 6))
    axes = draw(subsets(len(shape)))
    kind, seed = st.sampled_from(FLOATS), draw(seeds)
    x = normal(shape, draw(kind), seed, draw(st.sampled_from([1.0, 1e-3, 1e3])))
    affine = []
    for index in (1, 2):
        sizes = tuple(draw(st.sampled_from([1, shape[axis]])) for axis in axes)
        array = normal(sizes, draw(kind), seed + index)
        affine.append(draw(st.sampled_from([None, array])))
    unknown = draw(subsets(len(shape))) if dynamic else ()
    epsilon = draw(st.sampled_from([1e-12, 1e-6, 1e-5, 1.0]))
    return question(x, *affine, axes, epsilon, draw(kind), unknown)


@given(layer_norms())
@settings(max_examples=150)
def test_interpreted(asked):
    """Every axis set, weight and bias, and mixture of types means its formula."""
    check_interpreted(asked)


@given(layer_norms(dynamic=True))
@settings(max_examples=30)
def test_dynamic_sizes(asked):
    """Sizes that are known at run time only change nothing."""
    check_interpreted(asked)


@given(st.lists(layer_norms(), min_size=25, max_size=25))
@settings(max_examples=2)
def test_compiled(asked):
    """IREE gives the same values."""
    check_compiled(asked)


@pytest.mark.parametrize("dtype", [F32, F64])
def test_large_mean_small_variance(dtype):
    """A mean ten thousand times the deviation costs four digits, not all of them."""
    x = (10000 + normal((8, 64), np.dtype(np.float64), 0)).astype(dtype)
    asked = question(x, None, None, [1], 1e-6, dtype)
    assert np.abs(asked.answers[0][0]).max() > 2
    assert np.max(asked.answers[0][1]) < 0.03
    check_interpreted(asked)
    check_compiled([asked])


@pytest.mark.parametrize("dtype", FLOATS)
def test_specials(dtype):
    """NaN and infinities make their row NaN; a constant row is the bias."""
    x = with_specials(normal((20, 5), dtype, 0), 1, np.nan, np.inf, -np.inf)
    x[-3:] = 7
    asked = question(x, None, np.arange(5).astype(dtype), [1], 1e-6, dtype)
    assert np.isnan(asked.answers[0][0]).any()
    assert (asked.answers[0][0][-3:] == np.arange(5)).all()
    check_interpreted(asked)
    check_compiled([asked])
