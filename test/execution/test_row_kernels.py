"""The kernels over rows, through IREE, against float64 NumPy."""

from __future__ import annotations

import math

import aarch64
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from row_modules import BF16, CPUS, F16, F32, UNIT, built, close, function, normal, run

import attnorm
from attnorm import reference
from attnorm.execution.build import build
from attnorm.execution.program import Program
from attnorm.execution.targets import TARGETS

LENGTHS = [2, 3, 7, 16, 31, 64, 77, 128, 200, 640, 4001, 4096]


# -- what kernels are made of --------------------------------------------------------------------


def rms_norm(x, w):
    norm = f"{{{{axes = array<i64: {x.ndim - 1}>, epsilon = 1.0e-6 : f64}}}}"
    body = f'%r0 = "attnorm.rms_norm"(%a0, %a1) {norm} : ({{0}}, {{1}}) -> {{2}}'
    return function([x, w], [x], body)


@pytest.mark.parametrize("dtype", [F32, F16, BF16], ids=str)
@pytest.mark.parametrize("length", LENGTHS)
def test_rms_norm(length, dtype):
    x, w = normal((5, length), dtype=dtype), normal(length, 1, dtype)
    want = reference.rms_norm(x.astype(float), w.astype(float), axes=(1,), epsilon=1e-6)
    close(run(rms_norm(x, w), x, w), want, dtype)


@pytest.mark.parametrize("shape", [(64,), (1, 640), (2, 3, 100), (2, 1, 5, 33), (700, 16)])
def test_shapes(shape):
    x, w = normal(shape), normal(shape[-1], 1)
    want = reference.rms_norm(
        x.astype(float), w.astype(float), axes=(len(shape) - 1,), epsilon=1e-6
    )
    close(run(rms_norm(x, w), x, w), want, F32)


def test_both_results_of_add_rms_norm():
    a, b, w = normal((6, 300)), normal((6, 300), 1), normal(300, 2)
    text = function(
        [a, b, w],
        [a, a],
        '%r0, %r1 = "attnorm.add_rms_norm"(%a0, %a1, %a2) '
        "{{axes = array<i64: 1>, epsilon = 1.0e-6 : f64}} : ({0}, {1}, {2}) -> ({3}, {4})",
    )
    total, normed = run(text, a, b, w)
    np.testing.assert_array_equal(total, a + b)
    want = reference.rms_norm((a + b).astype(float), w.astype(float), axes=(1,), epsilon=1e-6)
    close(normed, want, F32)


@pytest.mark.parametrize("length", [5, 640, 6145, 20000])
def test_softmax(length):
    x = normal((4, length)) * 5
    text = function([x], [x], '%r0 = "attnorm.softmax"(%a0) {{axis = 1 : i64}} : ({0}) -> {1}')
    got = run(text, x)
    want = reference.softmax(x.astype(float), axis=1)
    assert (np.abs(got - want) <= 1e-5 * want).all()


@pytest.mark.parametrize("axes", [(2,), (1, 2)])
def test_layer_norm(axes):
    x = normal((3, 4, 50)) + 3
    shape = tuple(x.shape[axis] for axis in axes)
    w, b = normal(shape, 1), normal(shape, 2)
    text = function(
        [x, w, b],
        [x],
        '%r0 = "attnorm.layer_norm"(%a0, %a1, %a2) '
        f"{{{{axes = array<i64: {', '.join(map(str, axes))}>, epsilon = 1.0e-5 : f64, "
        "operandSegmentSizes = array<i32: 1, 1, 1>}} "
        ": ({0}, {1}, {2}) -> {3}",
    )
    wide = [array.astype(float) for array in (x, w, b)]
    close(run(text, x, w, b), reference.layer_norm(*wide, axes=axes, epsilon=1e-5), F32)


def test_neighbours_join():
    """A residual before, a gate behind, a cast: one kernel and one pass."""
    x, r, w, g = (normal((2, 3, 72), i, BF16) for i in range(4))
    w = w[0, 0].copy()
    out = x.astype(F32)
    text = function(
        [x, r, w, g],
        [out],
        """  %0 = stablehlo.add %a0, %a1 : {0}
  %1 = "attnorm.rms_norm"(%0, %a2) {{axes = array<i64: 2>, epsilon = 1.0e-6 : f64}}
      : ({0}, {2}) -> {0}
  %2 = stablehlo.logistic %a3 : {3}
  %3 = stablehlo.multiply %1, %2 : {0}
  %r0 = stablehlo.convert %3 : ({0}) -> {4}""",
    )
    names = []
    module = attnorm.lower(attnorm.load(text), "attnorm-to-iree")
    vmfb = build(module, on_choice=lambda choice: names.append((choice.name, choice.reason)))
    assert names == [("attnorm.rows", None)]
    total = (x + r).astype(float)
    want = reference.rms_norm(total, w.astype(float), axes=(2,), epsilon=1e-6)
    want = want / (1 + np.exp(-g.astype(float)))
    close(Program(vmfb)(x, r, w, g), want, BF16)


def test_two_norms_in_a_row_are_one_kernel():
    x, w = normal((3, 500)), normal(500, 1)
    attributes = "{{axes = array<i64: 1>, epsilon = 1.0e-6 : f64}} : ({0}, {1}) -> {0}"
    text = function(
        [x, w],
        [x],
        f'%0 = "attnorm.rms_norm"(%a0, %a1) {attributes}\n  %1 = stablehlo.add %0, %a0 : {{0}}\n'
        f'  %r0 = "attnorm.rms_norm"(%1, %a1) {attributes}',
    )
    wide, weight = x.astype(float), w.astype(float)
    inner = reference.rms_norm(wide, weight, axes=(1,), epsilon=1e-6) + wide
    want = reference.rms_norm(inner, weight, axes=(1,), epsilon=1e-6)
    close(run(text, x, w), want, F32)


@pytest.mark.parametrize("length", [300, 5000])
def test_two_values_wait_at_once(length):
    """On the stack where both fit, else one of them in the result."""
    x = normal((3, length))
    text = function(
        [x],
        [x],
        """  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %t = stablehlo.tanh %a0 : {0}
  %n = stablehlo.reduce(%t init: %zero) applies stablehlo.add across dimensions = [1]
      : ({0}, tensor<f32>) -> tensor<3xf32>
  %m = stablehlo.reduce(%a0 init: %low) applies stablehlo.maximum across dimensions = [1]
      : ({0}, tensor<f32>) -> tensor<3xf32>
  %ms = stablehlo.broadcast_in_dim %m, dims = [0] : (tensor<3xf32>) -> {0}
  %d = stablehlo.subtract %a0, %ms : {0}
  %e = stablehlo.exponential %d : {0}
  %s = stablehlo.reduce(%e init: %zero) applies stablehlo.add across dimensions = [1]
      : ({0}, tensor<f32>) -> tensor<3xf32>
  %k = stablehlo.multiply %s, %n : tensor<3xf32>
  %ks = stablehlo.broadcast_in_dim %k, dims = [0] : (tensor<3xf32>) -> {0}
  %p = stablehlo.multiply %e, %t : {0}
  %r0 = stablehlo.multiply %p, %ks : {0}""",
    )
    wide = x.astype(float)
    power, tanh = np.exp(wide - wide.max(1, keepdims=True)), np.tanh(wide)
    factor = (power.sum(1) * tanh.sum(1))[:, None]
    got = run(text, x)
    assert np.abs(got - power * tanh * factor).max() <= 1e-4 * np.abs(power * tanh * factor).max()


def test_a_total_of_one_value_beside_another():
    """The place of what is not reduced follows from what is spread beside it."""
    a, b = normal((3, 40)), normal((3, 40), 1)
    text = function(
        [a, b],
        [a],
        """  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.reduce(%a0 init: %z) applies stablehlo.add across dimensions = [1]
      : ({0}, tensor<f32>) -> tensor<3xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [0] : (tensor<3xf32>) -> {0}
  %r0 = stablehlo.multiply %a1, %1 : {0}""",
    )
    close(run(text, a, b), b * a.astype(float).sum(1, keepdims=True), F32)


def test_all_rows_and_part_of_them():
    """An operand that is spread over some of the rows is read where they are."""
    x, g = normal((2, 3, 40)), normal((2, 1, 40), 1)
    text = function(
        [x, g],
        [x],
        """  %0 = stablehlo.broadcast_in_dim %a1, dims = [0, 1, 2] : ({1}) -> {0}
  %1 = stablehlo.multiply %a0, %0 : {0}
  %r0 = "attnorm.softmax"(%1) {{axis = 2 : i64}} : ({0}) -> {0}""",
    )
    want = reference.softmax((x * g).astype(float), axis=2)
    close(run(text, x, g), want, F32)


# -- sums ----------------------------------------------------------------------------------------


def total(x, kind="add", init=0.0):
    result = np.zeros(x.shape[:-1], x.dtype)
    number = "0x7FC00000" if math.isnan(init) else f"{init:e}"
    if math.isinf(init):
        number = "0xFF800000" if init < 0 else "0x7F800000"
    return function(
        [x],
        [result],
        f"""  %z = stablehlo.constant dense<{number}> : tensor<f32>
  %r0 = stablehlo.reduce(%a0 init: %z) applies stablehlo.{kind} across dimensions = [1]
      : ({{0}}, tensor<f32>) -> {{1}}""",
    )


ROUNDINGS = 30
"""At most, of a sum of any length, each of the sum of magnitudes: see `row_code`."""


@pytest.mark.parametrize("length", [4096, 100_000, 1_000_000])
@pytest.mark.parametrize("kind", ["normal", "growing", "alternating", "tiny behind large", "equal"])
def test_sums_are_as_good_as_pairwise(length, kind):
    x = {
        "normal": normal((2, length)),
        "growing": np.linspace(0, 1, 2 * length).reshape(2, length) ** 8,
        "alternating": np.where(np.arange(length) % 2, -1, 1) * (1 + normal((2, length)) * 1e-3),
        "tiny behind large": np.where(np.arange(length) < 9, 1e7, 1e-1) * np.ones((2, 1)),
        "equal": np.full((2, length), 0.1),
    }[kind].astype(np.float32)
    exact = np.array([math.fsum(row.tolist()) for row in x])
    error = np.abs(run(total(x), x) - exact)
    assert (error <= ROUNDINGS * UNIT * np.abs(x.astype(float)).sum(1)).all()


@pytest.mark.parametrize("hard", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, 37, 4999])
def test_hard_values(hard, column):
    x = normal((3, 5000))
    x[1, column] = hard
    for kind, init, want in (
        ("add", 0.0, x.sum(1)),
        ("maximum", -math.inf, x.max(1)),
        ("minimum", math.inf, x.min(1)),
    ):
        got = run(total(x, kind, init), x)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-4)


def test_infinities_of_both_signs_are_no_number():
    x = normal((1, 9000))
    x[0, [3, 8000]] = np.inf, -np.inf
    assert np.isnan(run(total(x), x)).all()


@given(st.integers(2, 300), st.integers(1, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_any_size(length, rows, seed):
    x = normal((rows, length), seed)
    np.testing.assert_allclose(run(total(x, init=1.5), x), x.astype(float).sum(1) + 1.5, 1e-5, 1e-4)


# -- sizes that are known at run time ------------------------------------------------------------


@pytest.mark.parametrize("shape", [("?", 40), ("?", "?"), (3, "?")])
def test_dynamic(shape):
    x, w = normal((3, 40)), normal(40, 1)
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
    built(rms_norm(normal((4, 70), dtype=F16), normal(70, dtype=F16)), target)


@pytest.mark.parametrize("target", ["x86-64", "x86-64-v3"])
def test_narrower_vectors(target):
    x = normal((4, 333)) * 4
    text = function([x], [x], '%r0 = "attnorm.softmax"(%a0) {{axis = 1 : i64}} : ({0}) -> {1}')
    got = Program(built(text, target))(x)
    close(got, reference.softmax(x.astype(float), axis=1), F32)


@pytest.mark.skipif(bool(aarch64.missing()), reason=aarch64.missing())
@pytest.mark.parametrize(("target", "cpu"), CPUS)
@pytest.mark.parametrize("kind", ["rms_norm", "rms_norm f16", "softmax", "layer_norm", "sum"])
def test_aarch64(kind, target, cpu, tmp_path):
    x, w, b = normal((3, 203)) + 1, normal(203, 1), normal(203, 2)
    wide = [array.astype(float) for array in (x, w, b)]
    norm = (
        "{{axes = array<i64: 1>, epsilon = 1.0e-6 : f64, "
        "operandSegmentSizes = array<i32: 1, 1, 1>}}"
    )
    arrays, dtype = [x], F32
    if kind == "softmax":
        text = function([x], [x], '%r0 = "attnorm.softmax"(%a0) {{axis = 1 : i64}} : ({0}) -> {1}')
        want = reference.softmax(wide[0], axis=1)
    elif kind == "layer_norm":
        arrays = [x, w, b]
        body = f'%r0 = "attnorm.layer_norm"(%a0, %a1, %a2) {norm} : ({{0}}, {{1}}, {{2}}) -> {{3}}'
        text = function(arrays, [x], body)
        want = reference.layer_norm(*wide, axes=(1,), epsilon=1e-6)
    elif kind == "sum":
        text, want = total(x), wide[0].sum(1)
    else:
        dtype = F16 if kind.endswith("f16") else F32
        arrays = [x.astype(dtype), w.astype(dtype)]
        text = rms_norm(*arrays)
        want = reference.rms_norm(*(a.astype(float) for a in arrays), axes=(1,), epsilon=1e-6)
    got = aarch64.run(built(text, target), arrays, cpu, tmp_path)
    assert isinstance(got, np.ndarray), got
    close(got, want, dtype)
