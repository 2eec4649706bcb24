"""GroupNorm against its definition, and the calls that mean it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import (
    F32,
    FLOATS,
    Question,
    call_case,
    check_compiled,
    check_interpreted,
    op_case,
    tensor,
)
from closeness import precision
from drawing import normal, seeds
from hypothesis import given, settings
from hypothesis import strategies as st
from test_callees import composite

from attnorm import reference
from attnorm.pipeline.pipelines import TO_IREE

ERROR = 2e-6
SILU_SLOPE = 1.1
"""No slope of a SiLU is steeper."""


def question(x, weight, bias, values, result, dynamic=()):
    """One group_norm on arrays.

    The deviation cancels, and so does the sum with the bias: the error is relative to what they
    are made of, the largest |x| over the smallest deviation, the weight and the bias.
    """
    operands = {"x": x, "weight": weight, "bias": bias}
    want = reference.group_norm(**operands, **values, result=result)
    with np.errstate(all="ignore"):
        wide = x.astype(np.float64)
        rows = np.moveaxis(wide, values["channel_axis"], 1).reshape(len(x), values["groups"], -1)
        size = np.abs(wide).max() / np.sqrt(rows.var(axis=2).min() + values["epsilon"])
        if weight is not None:
            size = size * np.abs(weight.astype(np.float64)).max()
        if bias is not None:
            size = size + np.abs(bias.astype(np.float64)).max()
    types = [array.dtype for array in operands.values() if array is not None]
    error = precision([*types, result], ERROR) * size
    if values["activation"] == "silu":
        error = SILU_SLOPE * error + precision([result], ERROR) * np.abs(want).max()
        # The value before it is rounded to the result's type: to a neighbour, by chance.
        error += precision([result], ERROR) * size
    shape = [None if axis in dynamic else size for axis, size in enumerate(x.shape)]
    case = op_case(
        "group_norm", operands, values, [tensor(shape, result)], [("x", axis) for axis in dynamic]
    )
    return Question(case, [(want, error)])


@st.composite
def group_norms(draw, dynamic=False):
    """Any dimension of channels, any groups, weight and bias present or not, any types."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    groups, per_group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    channel = draw(st.integers(1, len(shape)))
    shape.insert(channel, groups * per_group)
    kind, seed = st.sampled_from(FLOATS), draw(seeds)
    x = normal(tuple(shape), draw(kind), seed, draw(st.sampled_from([1.0, 1e-3, 1e3])))
    affine = []
    for index in (1, 2):
        size = draw(st.sampled_from([1, groups * per_group]))
        affine.append(draw(st.sampled_from([None, normal((size,), draw(kind), seed + index)])))
    values = {
        "groups": groups,
        "channel_axis": channel,
        "epsilon": draw(st.sampled_from([1e-6, 1e-5, 1.0])),
        "activation": draw(st.sampled_from(["none", "silu"])),
    }
    others = [axis for axis in range(len(shape)) if axis != channel]
    unknown = draw(st.sets(st.sampled_from(others))) if dynamic else ()
    return question(x, *affine, values, draw(kind), unknown)


@given(group_norms())
@settings(max_examples=100)
def test_interpreted(asked):
    """Every dimension of channels, number of groups, and mixture of types means its formula."""
    check_interpreted(asked)


@given(group_norms(dynamic=True))
@settings(max_examples=30)
def test_dynamic_sizes(asked):
    """Sizes that are known at run time only change nothing."""
    check_interpreted(asked)


@given(st.lists(group_norms(), min_size=25, max_size=25))
@settings(max_examples=2)
def test_compiled(asked):
    """IREE gives the same values."""
    check_compiled(asked)


@given(st.lists(group_norms(dynamic=True), min_size=10, max_size=10))
@settings(max_examples=2)
def test_compiled_of_dynamic_sizes(asked):
    """Also of sizes known at run time."""
    check_compiled(asked, TO_IREE)


# -- calls ---------------------------------------------------------------------------------------


def call(target, attributes, shape=(2, 6, 5), **values):
    """A call and what it means."""
    values = {"channel_axis": 1, "epsilon": 0.5, "activation": "none", **values}
    x, channels = normal(shape, F32, 0), shape[values["channel_axis"]]
    affine = [normal((channels,), F32, seed) for seed in (1, 2)]
    asked = question(x, *affine, values, F32)
    case = call_case(target, [x, *affine], attributes, [tensor(shape, F32)])
    return replace(asked, case=case)


@pytest.mark.parametrize("target", ["group_norm", "tenstorrent.group_norm"])
def test_group_norm_calls(target):
    """The channels are dimension 1, or that said; counted from the end too."""
    check_interpreted(call(target, "num_groups = 2 : i64, eps = 0.5 : f64", groups=2))
    said = "num_groups = 3 : i64, epsilon = 0.5 : f32, channel_dim = 1 : i64"
    check_interpreted(call(target, said, groups=3))
    last = "num_groups = 2 : i64, epsilon = 0.5 : f32, channel_axis = -1 : i64"
    check_interpreted(call(target, last, (2, 5, 6), groups=2, channel_axis=2))


def test_instance_norm_call():
    """Every channel is a group."""
    check_interpreted(call("instance_norm", "epsilon = 0.5 : f64", groups=6))


def test_composites():
    """LiteRT's, as JAX and torch write it, and tt-mlir's; the decomposition here says nothing."""
    torch = call("odml.group_norm", "num_groups = 2 : i64, eps = 0.5 : f64", groups=2)
    check_interpreted(composite(torch))
    keras = "num_groups = 2 : i64, epsilon = 0.5 : f32, channel_axis = -1 : i64"
    check_interpreted(
        composite(call("odml.group_norm", keras, (2, 5, 6), groups=2, channel_axis=2))
    )
    tt = "num_groups = 2 : i64, epsilon = 0.5 : f32, channel_dim = 1 : i64"
    check_interpreted(composite(call("tenstorrent.group_norm", tt, groups=2)))
