"""LayerNorm as the systems have it: docs/semantics/layer_norm.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from agreement import Array, assert_means, gains, normal, same, thirds
from cases import BF16, F16, F32, F64, HALVES, interpret, op_case, tensor
from needs import needs
from systems import (
    by_onnx,
    by_onnxruntime,
    by_specification,
    by_tract,
    from_mlx,
    from_torch,
    imported,
    node_model,
    to_mlx,
    to_torch,
)

from attnorm import reference

# -- the systems' norms: f(x, weight, bias, epsilon), epsilon None for their own -------------------

Norm = Callable[[Array, "Array | None", "Array | None", "float | None"], Array]


def torch_norm(x: Array, weight: Array | None, bias: Array | None, epsilon: float | None) -> Array:
    """torch.nn.LayerNorm."""
    torch = needs("torch")
    given = {} if epsilon is None else {"eps": epsilon}
    module = torch.nn.LayerNorm(x.shape[-1], bias=bias is not None, **given)
    module.weight.data = to_torch(np.asarray(weight))
    if bias is not None:
        module.bias.data = to_torch(bias)
    return from_torch(module(to_torch(x)))


def cohere_norm(x: Array, weight: Array | None, bias: Array | None, epsilon: float | None) -> Array:
    """Cohere's LayerNorm, which has no bias."""
    needs("transformers")
    modeling = import_module("transformers.models.cohere.modeling_cohere")
    given = {} if epsilon is None else {"eps": epsilon}
    module = modeling.CohereLayerNorm(x.shape[-1], **given)
    module.weight.data = to_torch(np.asarray(weight))
    return from_torch(module(to_torch(x)))


def flax_norm(x: Array, weight: Array | None, bias: Array | None, epsilon: float | None) -> Array:
    """flax.nnx.LayerNorm, whose parameters are of x's type here."""
    nnx = needs("flax.nnx")
    given = {} if epsilon is None else {"epsilon": epsilon}
    module = nnx.LayerNorm(x.shape[-1], rngs=nnx.Rngs(0), param_dtype=x.dtype, **given)
    module.scale[...], module.bias[...] = weight, bias
    return np.asarray(module(x))


def linen_norm(x: Array, weight: Array | None, bias: Array | None, epsilon: float | None) -> Array:
    """flax.linen.LayerNorm."""
    linen = needs("flax.linen")
    given = {} if epsilon is None else {"epsilon": epsilon}
    parameters = {"params": {"scale": weight, "bias": bias}}
    return np.asarray(linen.LayerNorm(**given).apply(parameters, x))


def mlx_norm(x: Array, weight: Array | None, bias: Array | None, epsilon: float | None) -> Array:
    """What MLX's mlx.nn.LayerNorm calls."""
    nn = needs("mlx.nn")
    core = needs("mlx.core")
    epsilon = nn.LayerNorm(1).eps if epsilon is None else epsilon
    affine = (to_mlx(np.asarray(weight)), to_mlx(np.asarray(bias)))
    return from_mlx(core.fast.layer_norm(to_mlx(x), *affine, epsilon), x.dtype)


def specified(x: Array, weight: Array | None, bias: Array | None, epsilon: float | None) -> Array:
    """The function that ONNX specifies LayerNormalization-17 by."""
    inputs = {"X": x, "Scale": np.asarray(weight), "B": np.asarray(bias)}
    return by_specification("LayerNormalization", 17, inputs, epsilon=epsilon or 1e-5)[0]


def in_onnx(run: Callable[..., list[Array]]) -> Norm:
    """LayerNormalization-17, as a runtime computes it."""

    def norm(x: Array, weight: Array | None, bias: Array | None, epsilon: float | None) -> Array:
        needs("onnx")
        inputs = {"X": x, "scale": weight, "B": bias}
        attributes: dict[str, Any] = {} if epsilon is None else {"epsilon": epsilon}
        return run(node_model("LayerNormalization", inputs, opset=17, **attributes), inputs)[0]

    return norm


@dataclass(frozen=True)
class Row:
    """A row of the table: whose norm, the epsilon that it takes by itself, the half types it has.

    `once`: a half result is rounded once; else after the norm, the weight and the bias.
    """

    norm: Norm
    epsilon: float
    halves: tuple[np.dtype, ...] = HALVES
    once: bool = True
    bias: bool = True


ROWS = {
    "torch.nn": Row(torch_norm, 1e-5),
    "Cohere": Row(cohere_norm, 1e-5, bias=False),
    "flax.nnx": Row(flax_norm, 1e-6),
    "flax.linen": Row(linen_norm, 1e-6),
    "MLX": Row(mlx_norm, 1e-5, once=False),
    "ONNX's specification": Row(specified, 1e-5, halves=(F16,), once=False),
    "ONNX's evaluator": Row(in_onnx(by_onnx), 1e-5, halves=()),
    "onnxruntime": Row(in_onnx(by_onnxruntime), 1e-5, halves=(F16,)),
    "tract": Row(in_onnx(by_tract), 1e-5, halves=()),
}
EVERY = pytest.mark.parametrize("name", ROWS)


def stepwise(x: Array, weight: Array, bias: Array, epsilon: float) -> Array:
    """A norm that is rounded to x's type, as are its product with the weight, and the sum."""
    normed = reference.layer_norm(x, axes=[1], epsilon=epsilon).astype(x.dtype)
    product = (normed.astype(F64) * weight.astype(F64)).astype(x.dtype)
    return (product.astype(F64) + bias.astype(F64)).astype(x.dtype)


@EVERY
def test_roundings_in_half_types(name: str) -> None:
    """In f16 and bf16 every bit is that of one rounding, or of three: no attribute says three."""
    row = ROWS[name]
    for dtype in row.halves:
        x, epsilon = thirds(dtype)
        x = x + np.array(8, dtype)
        weight, bias = gains(dtype), gains(dtype, seed=2) if row.bias else None
        got = row.norm(x, weight, bias, epsilon)
        operands = {"x": x, "weight": weight, "bias": bias}
        thrice = stepwise(x, weight, np.zeros_like(weight) if bias is None else bias, epsilon)
        if row.once:
            attributes = {"axes": [1], "epsilon": epsilon}
            assert_means(got, "layer_norm", operands, attributes, unlike={"epsilon": [2.0]})
            assert (got != thrice).any()
        else:
            assert (got == thrice).all()
            assert (got != reference.layer_norm(**operands, axes=[1], epsilon=epsilon)).any()
    if not row.halves:
        pytest.skip("not in half types")


@EVERY
def test_epsilon(name: str) -> None:
    """In f32, beside variances of epsilon's size, it stands inside the root; so does the default.

    The variance is the population's.
    """
    row = ROWS[name]
    weight, bias = normal(16, seed=1), normal(16, seed=2) if row.bias else None
    for epsilon in (3e-4, None):
        value = row.epsilon if epsilon is None else epsilon
        x = normal(5, 16, scale=float(np.sqrt(value)))
        assert_means(
            row.norm(x, weight, bias, epsilon),
            "layer_norm",
            {"x": x, "weight": weight, "bias": bias},
            {"axes": [1], "epsilon": value},
            error=3e-6,
            unlike={"epsilon": [value * 1.1, value**2, 0.0]},
        )


def test_import_rounds_as_onnx_specifies() -> None:
    """The import of a half LayerNormalization rounds three times, and no pass takes that away."""
    needs("onnx")
    x, epsilon = thirds(F16)
    weight, bias = gains(F16), gains(F16, seed=2)
    inputs = {"X": x, "scale": weight, "B": bias}
    model = node_model("LayerNormalization", inputs, opset=17, epsilon=epsilon)
    (own,) = imported(model, inputs)
    assert (own == stepwise(x, weight, bias, epsilon)).all()


EXTREMES = {
    "zeros": [0.0, 0.0, -0.0, 0.0],
    "NaN": [1.0, np.nan, 2.0, 3.0],
    "an infinity": [1.0, np.inf, 2.0, -3.0],
    "all equal": [-7.0] * 4,
}


@pytest.mark.parametrize("name", ["torch.nn", "flax.nnx", "ONNX's evaluator", "onnxruntime", "MLX"])
def test_extremes(name: str) -> None:
    """NaN and infinities make their row NaN; a constant one is the bias."""
    x = np.array(list(EXTREMES.values()), F32)
    weight, bias = np.array([1.0, 2.0, -0.5, 3.0], F32), np.array([0.0, 1.0, 2.0, 3.0], F32)
    got = ROWS[name].norm(x, weight, bias, 1e-5)
    assert np.isnan(got[1:3]).all()
    attributes = {"axes": [1], "epsilon": 1e-5}
    assert_means(got, "layer_norm", {"x": x, "weight": weight, "bias": bias}, attributes)


def test_flax_variance_cancels() -> None:
    """flax subtracts the square of the mean from that of x: a large mean drowns the variance.

    With use_fast_variance=False it does not, nor does attnorm's lowering.
    """
    nnx = needs("flax.nnx")
    x = normal(4, 64) + F32.type(3000)
    want = reference.layer_norm(x, axes=[1], epsilon=1e-6)
    options = {"use_bias": False, "use_scale": False, "rngs": nnx.Rngs(0)}
    fast, slow = (
        np.asarray(nnx.LayerNorm(64, use_fast_variance=fast, **options)(x))
        for fast in (True, False)
    )
    attributes = {"axes": [1], "epsilon": 1e-6}
    (own,) = interpret(op_case("layer_norm", {"x": x}, attributes, [tensor(x.shape, F32)]))
    # A mean of 3000 is known to 2^-13.
    assert np.abs(fast - want).max() > 0.05
    assert np.abs(slow - want).max() < 1e-3
    assert np.abs(own - want).max() < 1e-3


def test_standardize() -> None:
    """jax.nn.standardize is a norm without weights, epsilon 1e-5, over any axes."""
    nn = needs("jax.nn")
    x = normal(3, 4, 5, scale=3e-3)
    for axes in ([2], [1, 2], [0]):
        got = np.asarray(nn.standardize(x, axis=tuple(axes)))
        assert_means(got, "layer_norm", {"x": x}, {"axes": axes, "epsilon": 1e-5})


def test_torch_in_f64() -> None:
    """An f64 norm is one of f64."""
    x, weight, bias = normal(4, 16, dtype=F64), normal(16, dtype=F64), normal(16, dtype=F64)
    attributes = {"axes": [1], "epsilon": 1e-5}
    got = torch_norm(x, weight, bias, None)
    assert_means(got, "layer_norm", {"x": x, "weight": weight, "bias": bias}, attributes)


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_large_halves(dtype: np.dtype) -> None:
    """Squares that are infinite in f16 are not in torch's and onnxruntime's norms.

    ONNX's evaluator computes them in the type of x.
    """
    x = np.array([[300.0, -2000.0, 60000.0, 1.0]], dtype)
    weight, bias = np.ones(4, dtype), np.zeros(4, dtype)
    names = ["torch.nn", "flax.linen", *(["onnxruntime"] if dtype == F16 else [])]
    want = reference.layer_norm(x, axes=[1], epsilon=1e-5).astype(F32)
    error = {F16: 2.0**-10, BF16: 2.0**-8}[dtype]
    for name in names:
        assert same(ROWS[name].norm(x, weight, bias, None).astype(F32), want, error)
    if dtype == F16:
        evaluated: Any = ROWS["ONNX's evaluator"].norm(x, weight, bias, None)
        assert not same(evaluated.astype(F32), want, error)
