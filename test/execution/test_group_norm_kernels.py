"""GroupNorm through IREE against float64 NumPy, and what of it the row kernels take."""

from __future__ import annotations

import numpy as np
import pytest
from row_modules import BF16, F16, F32, built, close, function, normal, run

import attnorm
from attnorm import reference
from attnorm.execution.build import build
from attnorm.execution.program import Program


def norm(x, result, groups, *, channel=1, activation="none", dynamic=False):
    """A norm with weight and bias of f32, as text; the batch, and no more, `dynamic`."""
    w, b = normal(x.shape[channel], 1), normal(x.shape[channel], 2)
    body = (
        f'%r0 = "attnorm.group_norm"(%a0, %a1, %a2) {{{{groups = {groups} : i64, '
        f'channel_axis = {channel} : i64, epsilon = 1.0e-5 : f64, activation = "{activation}", '
        "operandSegmentSizes = array<i32: 1, 1, 1>}} : ({0}, {1}, {2}) -> {3}"
    )
    text = function([x, w, b], [result], body)
    return (text.replace(f"<{len(x)}x", "<?x") if dynamic else text), w, b


def wanted(x, w, b, groups, *, channel=1, activation="none"):
    wide = [array.astype(float) for array in (x, w, b)]
    values = {"channel_axis": channel, "epsilon": 1e-5, "activation": activation}
    return reference.group_norm(*wide, groups=groups, **values, result=x.dtype)


@pytest.mark.parametrize("activation", ["none", "silu"])
@pytest.mark.parametrize("groups", [1, 4, 12])
@pytest.mark.parametrize("shape", [(3, 12, 7, 9), (2, 12, 50), (2, 12, 2, 3, 4)])
def test_groups(shape, groups, activation):
    """With weight and bias; an InstanceNorm is one row kernel, of groups IREE makes one loop."""
    x = normal(shape) * 2 + 3
    text, w, b = norm(x, x, groups, activation=activation)
    reasons = []
    module = attnorm.lower(attnorm.load(text), "attnorm-to-iree")
    vmfb = build(module, on_choice=lambda choice: reasons.append(choice.reason))
    assert reasons == [None if groups == 12 else "a value that lies across the rows"]
    got = Program(vmfb, device="local-sync")(x, w, b)
    close(got, wanted(x, w, b, groups, activation=activation), F32)


@pytest.mark.parametrize("groups", [1, 4, 12])
def test_kernels_without_weights(groups):
    """The rows of groups lie side by side: a kernel, where no weight varies within them."""
    x = normal((2, 12, 7, 9)) * 2 + 3
    text = function(
        [x],
        [x],
        f'%r0 = "attnorm.group_norm"(%a0) {{{{groups = {groups} : i64, epsilon = 1.0e-5 : f64, '
        "operandSegmentSizes = array<i32: 1, 0, 0>}} : ({0}) -> {1}",
    )
    close(run(text, x), reference.group_norm(x.astype(float), groups=groups, epsilon=1e-5), F32)


@pytest.mark.parametrize("dtype", [F16, BF16], ids=str)
def test_half_types(dtype):
    """Computed in f32, and rounded before the activation and behind it."""
    x = (normal((2, 8, 5, 6)) + 1).astype(dtype)
    for groups in (2, 8):
        text, w, b = norm(x, x, groups, activation="silu")
        got = np.asarray(attnorm.compile(attnorm.load(text), device="local-sync")(x, w, b))
        close(got, wanted(x, w, b, groups, activation="silu"), dtype)


@pytest.mark.parametrize("groups", [1, 4, 8])
def test_channels_last(groups):
    """What is reduced does not lie side by side: IREE computes it."""
    x = normal((2, 5, 6, 8)) * 2 + 3
    text, w, b = norm(x, x, groups, channel=3)
    got = attnorm.compile(attnorm.load(text), device="local-sync")(x, w, b)
    close(np.asarray(got), wanted(x, w, b, groups, channel=3), F32)


@pytest.mark.parametrize("channel", [1, 2])
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_dynamic_batch(groups, channel):
    """One program for any size of the batch."""
    x = normal((5, 6, 6)) * 2 + 3
    text, w, b = norm(x, x, groups, channel=channel, activation="silu", dynamic=True)
    program = attnorm.compile(attnorm.load(text), device="local-sync")
    for count in (1, 2, 5):
        got = np.asarray(program(x[:count].copy(), w, b))
        want = wanted(x[:count], w, b, groups, channel=channel, activation="silu")
        close(got, want, F32)


def test_dynamic_instances_have_a_kernel():
    """A group for each channel is rows as they lie, of any number, where no weight meets them."""
    x = normal((5, 6, 7)) + 3
    text = function(
        [x],
        [x],
        '%r0 = "attnorm.group_norm"(%a0) {{groups = 6 : i64, epsilon = 1.0e-5 : f64, '
        "operandSegmentSizes = array<i32: 1, 0, 0>}} : ({0}) -> {1}",
    ).replace("<5x", "<?x")
    got = Program(built(text), device="local-sync")(x[:3].copy())
    close(got, reference.group_norm(x[:3].astype(float), groups=6, epsilon=1e-5), F32)


def test_large_mean():
    """A mean ten thousand times the deviation costs four digits, not all of them."""
    x = normal((2, 8, 40)) + F32.type(1e4)
    text, w, b = norm(x, x, 2)
    got = np.asarray(attnorm.compile(attnorm.load(text), device="local-sync")(x, w, b))
    error = np.abs(got - wanted(x, w, b, 2))
    assert error.max() < 5e-3 * np.abs(w).max()


def test_primitives_are_raised_and_compiled():
    """From a norm and a SiLU in primitives: one op, and right."""
    x = normal((2, 6, 5)) + 2
    text = """func.func @main(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<15.0> : tensor<2x2xf32>
  %e = stablehlo.constant dense<1.0e-5> : tensor<2x2xf32>
  %g = stablehlo.reshape %x : (tensor<2x6x5xf32>) -> tensor<2x2x15xf32>
  %s = stablehlo.reduce(%g init: %zero) applies stablehlo.add across dimensions = [2]
      : (tensor<2x2x15xf32>, tensor<f32>) -> tensor<2x2xf32>
  %m = stablehlo.divide %s, %n : tensor<2x2xf32>
  %mb = stablehlo.broadcast_in_dim %m, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %d = stablehlo.subtract %g, %mb : tensor<2x2x15xf32>
  %dd = stablehlo.multiply %d, %d : tensor<2x2x15xf32>
  %ss = stablehlo.reduce(%dd init: %zero) applies stablehlo.add across dimensions = [2]
      : (tensor<2x2x15xf32>, tensor<f32>) -> tensor<2x2xf32>
  %v = stablehlo.divide %ss, %n : tensor<2x2xf32>
  %ve = stablehlo.add %v, %e : tensor<2x2xf32>
  %r = stablehlo.rsqrt %ve : tensor<2x2xf32>
  %rb = stablehlo.broadcast_in_dim %r, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
  %y0 = stablehlo.multiply %d, %rb : tensor<2x2x15xf32>
  %y = stablehlo.reshape %y0 : (tensor<2x2x15xf32>) -> tensor<2x6x5xf32>
  %l = stablehlo.logistic %y : tensor<2x6x5xf32>
  %0 = stablehlo.multiply %y, %l : tensor<2x6x5xf32>
  return %0 : tensor<2x6x5xf32>
}"""
    module = attnorm.load(text)
    report = attnorm.report(module)
    assert {name: count for name, count in report.fused.items() if count} == {"group_norm": 1}
    assert (report.ops[0].op, report.ops[0].attributes["groups"]) == ("group_norm", 2)
    fused = attnorm.report(attnorm.lower(module, "attnorm-raise,attnorm-fuse"))
    assert fused.ops[0].attributes["activation"] == "silu"
    want = reference.group_norm(x.astype(float), groups=2, epsilon=1e-5, activation="silu")
    close(run(text, x), want, F32)
