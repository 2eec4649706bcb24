"""The kernels over rows that lie interleaved, through IREE, against float64 NumPy."""

from __future__ import annotations

import math

import aarch64
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from row_modules import BF16, CPUS, F16, F32, UNIT, built, close, function, normal, run

from attnorm import reference
from attnorm.execution.program import Program
from attnorm.execution.targets import TARGETS

SHAPES = [
    ((2, 1), 0),
    ((7, 3), 0),
    ((16, 31), 0),
    ((77, 64), 0),
    ((300, 16), 0),
    ((33, 5000), 0),
    ((3, 40, 100), 1),
    ((2, 5, 6, 7), 1),
    ((2, 5, 6, 7), 2),
    ((20, 3, 1, 130), 1),
    ((9, 4, 1), 0),
]


def rms_norm(x, w, axis):
    attributes = f"{{{{axes = array<i64: {axis}>, epsilon = 1.0e-6 : f64}}}}"
    body = f'%r0 = "attnorm.rms_norm"(%a0, %a1) {attributes} : ({{0}}, {{1}}) -> {{2}}'
    return function([x, w], [x], body)


def softmax(x, axis):
    body = f'%r0 = "attnorm.softmax"(%a0) {{{{axis = {axis} : i64}}}} : ({{0}}) -> {{1}}'
    return function([x], [x], body)


def total(x, axis, kind="add", init="0.0"):
    result = x.sum(axis)
    return function(
        [x],
        [result],
        f"""  %z = stablehlo.constant dense<{init}> : tensor<f32>
  %r0 = stablehlo.reduce(%a0 init: %z) applies stablehlo.{kind} across dimensions = [{axis}]
      : ({{0}}, tensor<f32>) -> {{1}}""",
    )


@pytest.mark.parametrize("dtype", [F32, F16, BF16], ids=str)
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_rms_norm(shape, axis, dtype):
    x, w = normal(shape, dtype=dtype), normal(shape[axis], 1, dtype)
    want = reference.rms_norm(x.astype(float), w.astype(float), axes=(axis,), epsilon=1e-6)
    close(run(rms_norm(x, w, axis), x, w), want, dtype)


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_softmax(shape, axis):
    x = normal(shape) * 5
    got = run(softmax(x, axis), x)
    want = reference.softmax(x.astype(float), axis=axis)
    assert (np.abs(got - want) <= 1e-5 * want).all()


@pytest.mark.parametrize("axes", [(1,), (1, 2), (0, 1)])
def test_layer_norm(axes):
    x = normal((3, 14, 5, 60)) + 3
    shape = tuple(x.shape[axis] for axis in axes)
    w, b = normal(shape, 1), normal(shape, 2)
    text = function(
        [x, w, b],
        [x],
        '%r0 = "attnorm.layer_norm"(%a0, %a1, %a2) '
        f"{{{{axes = array<i64: {', '.join(map(str, axes))}>, epsilon = 1.0e-5 : f64, "
        "operandSegmentSizes = array<i32: 1, 1, 1>}} : ({0}, {1}, {2}) -> {3}",
    )
    wide = [array.astype(float) for array in (x, w, b)]
    close(run(text, x, w, b), reference.layer_norm(*wide, axes=axes, epsilon=1e-5), F32)


def test_operands_of_every_place():
    """Spread along the rows, the columns, the inner dimension; a mask; and a result of the rows."""
    x, r, i = normal((3, 50, 40)), normal((3, 1, 1), 1), normal((40,), 2)
    p, m = normal((50, 40), 3), normal((3, 50, 1), 4) > 0
    text = function(
        [x, r, i, p, m],
        [x, x[:, 0]],
        """  %r = stablehlo.broadcast_in_dim %a1, dims = [0, 1, 2] : ({1}) -> {0}
  %i = stablehlo.broadcast_in_dim %a2, dims = [2] : ({2}) -> {0}
  %p = stablehlo.broadcast_in_dim %a3, dims = [1, 2] : ({3}) -> {0}
  %m = stablehlo.broadcast_in_dim %a4, dims = [0, 1, 2] : ({4}) -> tensor<3x50x40xi1>
  %0 = stablehlo.multiply %a0, %r : {0}
  %1 = stablehlo.add %0, %i : {0}
  %2 = stablehlo.multiply %1, %p : {0}
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %zs = stablehlo.broadcast_in_dim %z, dims = [] : (tensor<f32>) -> {0}
  %3 = stablehlo.select %m, %2, %zs : tensor<3x50x40xi1>, {0}
  %r1 = stablehlo.reduce(%3 init: %z) applies stablehlo.add across dimensions = [1]
      : ({0}, tensor<f32>) -> {6}
  %s = stablehlo.broadcast_in_dim %r1, dims = [0, 2] : ({6}) -> {0}
  %r0 = stablehlo.subtract %3, %s : {0}""",
    )
    wide = [array.astype(float) for array in (x, r, i, p, m)]
    masked = (wide[0] * wide[1] + wide[2]) * wide[3] * wide[4]
    got, sums = run(text, x, r, i, p, m)
    close(sums, masked.sum(1), F32)
    close(got, masked - masked.sum(1, keepdims=True), F32)


# -- sums ------------------------------------------------------------------------------------------

ROUNDINGS = 18
"""At most, of a sum of any length, each of the sum of magnitudes: see `row_totals`."""


@pytest.mark.parametrize("length", [4096, 100_000])
@pytest.mark.parametrize("kind", ["normal", "alternating", "tiny behind large", "equal"])
def test_sums_have_few_roundings(length, kind):
    x = {
        "normal": normal((length, 3)),
        "alternating": np.where(np.arange(length) % 2, -1, 1)[:, None]
        * (1 + normal((length, 3)) * 1e-3),
        "tiny behind large": np.where(np.arange(length) < 9, 1e7, 1e-1)[:, None] * np.ones((1, 3)),
        "equal": np.full((length, 3), 0.1),
    }[kind].astype(np.float32)
    exact = np.array([math.fsum(row.tolist()) for row in x.T])
    error = np.abs(run(total(x, 0), x) - exact)
    assert (error <= ROUNDINGS * UNIT * np.abs(x.astype(float)).sum(0)).all()


@pytest.mark.parametrize("hard", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0), (37, 18), (299, 20)])
def test_hard_values(hard, place):
    x = normal((300, 21))
    x[place] = hard
    for kind, init, want in (
        ("add", "0.0", x.sum(0)),
        ("maximum", "0xFF800000", x.max(0)),
        ("minimum", "0x7F800000", x.min(0)),
    ):
        got = run(total(x, 0, kind, init), x)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-4)


@given(st.integers(1, 3), st.integers(2, 70), st.integers(1, 90), st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_any_size(rows, columns, inner, seed):
    x = normal((rows, columns, inner), seed)
    want = x.astype(float).sum(1) + 1.5
    np.testing.assert_allclose(run(total(x, 1, init="1.5"), x), want, 1e-5, 1e-4)


@pytest.mark.parametrize("shape", [("?", 40, 25), (3, "?", 25), (3, 40, "?"), ("?", "?", "?")])
def test_dynamic(shape):
    x, w = normal((3, 40, 25)), normal(40, 1)
    type_ = f"tensor<{'x'.join(map(str, shape))}xf32>"
    weight = f"tensor<{shape[1]}xf32>"
    text = (
        f"func.func @main(%x: {type_}, %w: {weight}) -> {type_} {{\n"
        '  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 1>, epsilon = 1.0e-6 : f64}'
        f" : ({type_}, {weight}) -> {type_}\n  return %0 : {type_}\n}}"
    )
    want = reference.rms_norm(x.astype(float), w.astype(float), axes=(1,), epsilon=1e-6)
    close(run(text, x, w), want, F32)


# -- other machines ------------------------------------------------------------------------------


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_every_target_compiles(target):
    built(rms_norm(normal((4, 70), dtype=F16), normal(4, dtype=F16), 0), target)


@pytest.mark.parametrize("target", ["x86-64", "x86-64-v3"])
def test_narrower_vectors(target):
    x = normal((4, 33, 39)) * 4
    got = Program(built(softmax(x, 1), target))(x)
    close(got, reference.softmax(x.astype(float), axis=1), F32)


@pytest.mark.skipif(bool(aarch64.missing()), reason=aarch64.missing())
@pytest.mark.parametrize(("target", "cpu"), CPUS)
@pytest.mark.parametrize("kind", ["rms_norm", "rms_norm f16", "softmax"])
def test_aarch64(kind, target, cpu, tmp_path):
    dtype = F16 if kind.endswith("f16") else F32
    x, w = normal((2, 45, 57), dtype=dtype), normal(45, 1, dtype)
    wide = x.astype(float)
    if kind == "softmax":
        arrays, text, want = [x], softmax(x, 1), reference.softmax(wide, axis=1)
    else:
        arrays, text = [x, w], rms_norm(x, w, 1)
        want = reference.rms_norm(wide, w.astype(float), axes=(1,), epsilon=1e-6)
    got = aarch64.run(built(text, target), arrays, cpu, tmp_path)
    assert isinstance(got, np.ndarray), got
    close(got, want, dtype)
