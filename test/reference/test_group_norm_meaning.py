"""GroupNorm by its definition: against loops over groups, as an op, and as calls."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from test_meanings import DTYPES, apply, check, kind, normal, ones

from attnorm import reference
from attnorm.errors import AttnormError

X = normal((2, 6, 4, 3)) * 2 + 1
W, B = normal((6,), seed=1), normal((6,), seed=2)
SIZES = "operandSegmentSizes = array<i32: 1, 1, 1>"


def by_loops(x: np.ndarray, w: np.ndarray, b: np.ndarray, groups: int) -> np.ndarray:
    """The formula for one group of one element of the batch after another; channels first."""
    x, per_group, found = x.astype(np.float64), x.shape[1] // groups, []
    for one in x:
        for group in range(groups):
            part = one[group * per_group : (group + 1) * per_group]
            found.append((part - np.mean(part)) / np.sqrt(np.var(part) + 0.5))
    normed = np.concatenate(found).reshape(x.shape)
    return normed * w[:, None, None].astype(np.float64) + b[:, None, None].astype(np.float64)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_definition(groups: int) -> None:
    """Neighbouring channels are a group; the channels may be the last dimension."""
    want = by_loops(X, W, B, groups)
    got = reference.group_norm(X, W, B, groups=groups, epsilon=0.5)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    last = np.moveaxis(X, 1, 3)
    got = reference.group_norm(last, W, B, groups=groups, channel_axis=3, epsilon=0.5)
    np.testing.assert_allclose(got, np.moveaxis(want, 1, 3), rtol=1e-12, atol=1e-12)
    if groups > 1:
        assert np.abs(want - by_loops(X, W, B, 1)).max() > 0.1


def test_activation() -> None:
    """SiLU of the value as the result's type holds it."""
    x = X.astype(ml_dtypes.bfloat16)
    plain = reference.group_norm(x, W, B, groups=2, epsilon=0.5)
    y = plain.astype(x.dtype).astype(np.float64)
    got = reference.group_norm(x, W, B, groups=2, epsilon=0.5, activation="silu")
    np.testing.assert_allclose(got, y / (1 + np.exp(-y)), rtol=1e-12)
    single = reference.group_norm(
        x, W, B, groups=2, epsilon=0.5, activation="silu", result=np.float32
    )
    assert (got != single).any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_op(dtype) -> None:
    """The evaluator's, with and without weight and bias, and rounded before its activation."""
    x, w, b = (array.astype(dtype) for array in (X, W, B))
    attributes = "groups = 2 : i64, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: "
    for operands, sizes in (([x], "1, 0, 0"), ([x, w], "1, 1, 0"), ([x, w, b], "1, 1, 1")):
        (got,) = apply("attnorm.group_norm", f"{attributes}{sizes}>", operands, [kind(x)])
        check(got, reference.group_norm(*operands, groups=2, epsilon=0.5))
    silu = f'activation = "silu", groups = 3 : i64, epsilon = 0.5 : f64, {SIZES}'
    (got,) = apply("attnorm.group_norm", silu, [x, w, b], [kind(x)])
    check(got, reference.group_norm(x, w, b, groups=3, epsilon=0.5, activation="silu"))


def test_calls() -> None:
    """A group's number as torch spells it, the channels as LiteRT and tt-mlir do; instances."""
    want = reference.group_norm(X, W, B, groups=2, epsilon=0.5)
    for target in ("@group_norm", "@tenstorrent.group_norm"):
        spelled = "num_groups = 2 : i64, eps = 0.5 : f64"
        (got,) = apply(target, spelled, [X, W, B], [kind(X)])
        check(got, want)
    last = np.moveaxis(X, 1, 3).copy()
    for name in ("channel_axis = -1 : i64", "channel_dim = 3 : i64"):
        spelled = f"num_groups = 2 : i64, epsilon = 0.5 : f64, {name}"
        (got,) = apply("@group_norm", spelled, [last, W, B], [kind(last)])
        check(got, np.moveaxis(want, 1, 3))
    (got,) = apply("@instance_norm", "epsilon = 0.5 : f64", [X, W, B], [kind(X)])
    check(got, reference.group_norm(X, W, B, groups=6, epsilon=0.5))
    with pytest.raises(AttnormError, match=r"@group_norm: num_groups: expected an attribute"):
        apply("@group_norm", "epsilon = 0.5 : f64", [X], [kind(X)])
    with pytest.raises(AttnormError, match=r"@instance_norm: epsilon: expected an attribute"):
        apply("@instance_norm", "", [X], [kind(X)])


def test_what_does_not_fit() -> None:
    """Groups that do not divide the channels, a weight of another length."""
    with pytest.raises(ValueError, match="expected a divisor of 6 for groups, got 4"):
        reference.group_norm(X, groups=4, epsilon=0.5)
    with pytest.raises(ValueError, match=r"expected a weight or bias of \[6\], got \[2\]"):
        reference.group_norm(X, ones(2), groups=2, epsilon=0.5)
