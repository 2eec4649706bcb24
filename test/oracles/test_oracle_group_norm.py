"""GroupNorm and InstanceNorm as the systems have them: docs/semantics/group_norm.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from agreement import Array, assert_means, gains, normal
from cases import BF16, F16, F32, F64, HALVES
from needs import needs
from systems import (
    by_onnx,
    by_onnxruntime,
    by_specification,
    from_torch,
    imported,
    node_model,
    to_torch,
)

from attnorm import reference

# -- the systems' norms: f(x, weight, bias, groups, epsilon), epsilon None for their own; x is
# [N, C, H, W], and where `last` is said [N, H, W, C] ---------------------------------------------

Norm = Callable[[Array, Array, Array, int, "float | None"], Array]


def torch_group(x: Array, weight: Array, bias: Array, groups: int, epsilon: float | None) -> Array:
    """torch.nn.GroupNorm."""
    nn = needs("torch").nn
    given = {} if epsilon is None else {"eps": epsilon}
    module = nn.GroupNorm(groups, len(weight), **given)
    module.weight.data, module.bias.data = to_torch(weight), to_torch(bias)
    return from_torch(module(to_torch(x)))


def torch_instance(
    x: Array, weight: Array, bias: Array, groups: int, epsilon: float | None
) -> Array:
    """torch.nn.InstanceNorm2d."""
    nn = needs("torch").nn
    given = {} if epsilon is None else {"eps": epsilon}
    module = nn.InstanceNorm2d(groups, affine=True, **given)
    module.weight.data, module.bias.data = to_torch(weight), to_torch(bias)
    return from_torch(module(to_torch(x)))


def flax_group(x: Array, weight: Array, bias: Array, groups: int, epsilon: float | None) -> Array:
    """flax.nnx.GroupNorm."""
    nnx = needs("flax.nnx")
    given: dict[str, Any] = {} if epsilon is None else {"epsilon": epsilon}
    given |= {"param_dtype": x.dtype, "rngs": nnx.Rngs(0)}
    module = nnx.GroupNorm(len(weight), num_groups=groups, **given)
    module.scale[...], module.bias[...] = weight, bias
    return np.asarray(module(x))


def flax_instance(
    x: Array, weight: Array, bias: Array, groups: int, epsilon: float | None
) -> Array:
    """flax.nnx.InstanceNorm."""
    nnx = needs("flax.nnx")
    given: dict[str, Any] = {} if epsilon is None else {"epsilon": epsilon}
    module = nnx.InstanceNorm(groups, param_dtype=x.dtype, rngs=nnx.Rngs(0), **given)
    module.scale[...], module.bias[...] = weight, bias
    return np.asarray(module(x))


def specified(x: Array, weight: Array, bias: Array, groups: int, epsilon: float | None) -> Array:
    """The function that ONNX specifies GroupNormalization-21 by."""
    inputs = {"X": x, "scale": weight, "bias": bias}
    values = {"num_groups": groups, "epsilon": epsilon or 1e-5}
    return by_specification("GroupNormalization", 21, inputs, **values)[0]


def in_onnx(run: Callable[..., list[Array]], operator: str, opset: int) -> Norm:
    """An operator, as a runtime computes it."""

    def norm(x: Array, weight: Array, bias: Array, groups: int, epsilon: float | None) -> Array:
        needs("onnx")
        inputs = {"x": x, "scale": weight, "bias": bias}
        attributes: dict[str, Any] = {} if epsilon is None else {"epsilon": epsilon}
        if operator == "GroupNormalization":
            attributes["num_groups"] = groups
        return run(node_model(operator, inputs, opset=opset, **attributes), inputs)[0]

    return norm


@dataclass(frozen=True)
class Row:
    """A row of the table: whose norm, its own epsilon, the half types it has.

    `once`: a half result is rounded once; else after the norm, the weight and the bias. `last`: the
    channels are the last dimension. `instance`: every channel is a group.
    """

    norm: Norm
    epsilon: float
    halves: tuple[np.dtype, ...] = ()
    once: bool = True
    last: bool = False
    instance: bool = False


GROUP, INSTANCE = ("GroupNormalization", 21), ("InstanceNormalization", 17)
ROWS = {
    "torch.nn.GroupNorm": Row(torch_group, 1e-5, HALVES),
    "torch.nn.InstanceNorm2d": Row(torch_instance, 1e-5, instance=True),
    "flax.nnx.GroupNorm": Row(flax_group, 1e-6, HALVES, last=True),
    "flax.nnx.InstanceNorm": Row(flax_instance, 1e-6, HALVES, last=True, instance=True),
    "ONNX's specification": Row(specified, 1e-5, (F16,), once=False),
    "ONNX's evaluator": Row(in_onnx(by_onnx, *GROUP), 1e-5),
    "ONNX's evaluator, instances": Row(in_onnx(by_onnx, *INSTANCE), 1e-5, instance=True),
    "onnxruntime": Row(in_onnx(by_onnxruntime, *GROUP), 1e-5),
    "onnxruntime, instances": Row(in_onnx(by_onnxruntime, *INSTANCE), 1e-5, instance=True),
}
EVERY = pytest.mark.parametrize("name", ROWS)
CHANNELS = 6


def placed(row: Row, x: Array) -> Array:
    """[N, C, H, W] as a system wants it."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if row.last else x


def attributes(row: Row, groups: int, epsilon: float) -> dict[str, Any]:
    """Those that mean a row."""
    return {"groups": groups, "channel_axis": 3 if row.last else 1, "epsilon": epsilon}


@EVERY
def test_epsilon(name: str) -> None:
    """In f32, beside variances of epsilon's size, it stands inside the root; so does the default.

    The variance is the population's. Groups are of neighbours, over all positions.
    """
    row = ROWS[name]
    groups = CHANNELS if row.instance else 2
    weight, bias = normal(CHANNELS, seed=1), normal(CHANNELS, seed=2)
    for epsilon in (3e-4, None):
        value = row.epsilon if epsilon is None else epsilon
        x = placed(row, normal(2, CHANNELS, 4, 5, scale=float(np.sqrt(value))))
        unlike: dict[str, Any] = {"epsilon": [value * 1.1, value**2, 0.0], "groups": [1, 3]}
        assert_means(
            row.norm(x, weight, bias, groups, epsilon),
            "group_norm",
            {"x": x, "weight": weight, "bias": bias},
            attributes(row, groups, value),
            error=3e-6,
            unlike=unlike,
        )


@EVERY
def test_one_group(name: str) -> None:
    """One group is a LayerNorm of all channels and positions."""
    row = ROWS[name]
    if row.instance:
        pytest.skip("a group for each channel")
    weight, bias = normal(CHANNELS, seed=1), normal(CHANNELS, seed=2)
    x = placed(row, normal(2, CHANNELS, 4, 5))
    got = row.norm(x, weight, bias, 1, 1e-3)
    operands = {"x": x, "weight": weight, "bias": bias}
    assert_means(got, "group_norm", operands, attributes(row, 1, 1e-3), error=3e-6)
    shape = (1, 1, 1, -1) if row.last else (1, -1, 1, 1)
    layer = reference.layer_norm(x, axes=[1, 2, 3], epsilon=1e-3)
    np.testing.assert_allclose(
        got, layer * weight.reshape(shape) + bias.reshape(shape), rtol=1e-5, atol=1e-5
    )


def stepwise(x: Array, weight: Array, bias: Array, values: dict[str, Any]) -> Array:
    """A norm that is rounded to x's type, as are its product with the weight, and the sum."""
    shape = [-1 if axis == values["channel_axis"] else 1 for axis in range(x.ndim)]
    normed = reference.group_norm(x, **values).astype(x.dtype).astype(F64)
    product = (normed * weight.reshape(shape).astype(F64)).astype(x.dtype).astype(F64)
    return (product + bias.reshape(shape).astype(F64)).astype(x.dtype)


@EVERY
def test_roundings_in_half_types(name: str) -> None:
    """In f16 and bf16 a value is that of one rounding but by chance, or of three everywhere."""
    row = ROWS[name]
    for dtype in row.halves:
        x = placed(row, normal(2, CHANNELS, 4, 5).astype(dtype))
        weight, bias = (gains(dtype)[:CHANNELS], gains(dtype, seed=2)[:CHANNELS])
        values = attributes(row, 2 if not row.instance else CHANNELS, 0.5)
        got = row.norm(x, weight, bias, values["groups"], 0.5)
        once = reference.group_norm(x, weight, bias, **values).astype(dtype)
        thrice = stepwise(x, weight, bias, values)
        assert got.dtype == dtype
        assert (once != thrice).any()
        # What is next to a tie falls to either side of it.
        same = np.count_nonzero(got == (once if row.once else thrice)) / got.size
        other = np.count_nonzero(got == (thrice if row.once else once)) / got.size
        assert same > 0.98 > other
    if not row.halves:
        pytest.skip("not in half types")


def test_import_rounds_as_onnx_specifies() -> None:
    """The import of a half GroupNormalization rounds three times, and no pass takes that away."""
    needs("onnx")
    x = normal(2, CHANNELS, 4, 5).astype(F16)
    weight, bias = gains(F16)[:CHANNELS], gains(F16, seed=2)[:CHANNELS]
    inputs = {"X": x, "scale": weight, "bias": bias}
    model = node_model("GroupNormalization", inputs, opset=21, num_groups=2, epsilon=0.5)
    (own,) = imported(model, inputs)
    values = {"groups": 2, "channel_axis": 1, "epsilon": 0.5}
    assert np.count_nonzero(own == stepwise(x, weight, bias, values)) / own.size > 0.98


@pytest.mark.parametrize("name", ["torch.nn.GroupNorm", "flax.nnx.GroupNorm", "onnxruntime"])
def test_extremes(name: str) -> None:
    """NaN and infinities make their group NaN, and no other; a constant group is the bias."""
    row = ROWS[name]
    x = np.full((3, CHANNELS, 2, 2), -7.0, F32)
    x[1, 0, 0, 0], x[2, 4, 1, 0] = np.nan, np.inf
    weight, bias = normal(CHANNELS, seed=1), normal(CHANNELS, seed=2)
    got = row.norm(placed(row, x), weight, bias, 2, 1e-5)
    want = reference.group_norm(x, weight, bias, groups=2, epsilon=1e-5)
    assert np.isnan(want[1, :3]).all() and np.isnan(want[2, 3:]).all()
    assert np.isnan(want).sum() == 2 * 3 * 4
    np.testing.assert_allclose(np.moveaxis(got, -1, 1) if row.last else got, want, atol=1e-4)


def test_large_halves() -> None:
    """Squares that are infinite in f16 are not in torch's norm."""
    x = (normal(2, CHANNELS, 4, 5) * 3000).astype(F16)
    weight, bias = np.ones(CHANNELS, F16), np.zeros(CHANNELS, F16)
    got = torch_group(x, weight, bias, 2, None)
    want = reference.group_norm(x, weight, bias, groups=2, epsilon=1e-5)
    np.testing.assert_allclose(got.astype(F32), want, rtol=2e-3, atol=2e-3)


def test_silu() -> None:
    """The activation is SiLU as torch and JAX have it, of the rounded norm."""
    torch, nn = needs("torch"), needs("jax.nn")
    y = normal(2, CHANNELS, 4, 5).astype(BF16)
    x = reference.group_norm(y, groups=2, epsilon=0.5, activation="silu")
    plain = reference.group_norm(y, groups=2, epsilon=0.5).astype(BF16)
    silu = torch.nn.functional.silu(to_torch(plain))
    assert (from_torch(silu).astype(F64) == x.astype(BF16).astype(F64)).mean() > 0.98
    np.testing.assert_allclose(np.asarray(nn.silu(plain.astype(F32))), x, rtol=1e-5)
