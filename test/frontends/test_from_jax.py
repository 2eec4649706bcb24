"""`attnorm.from_jax`: the imported module computes what JAX computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from agreeing import error
from needs import needs

import attnorm

jax = needs("jax")
jnp = jax.numpy


def error_of(function: Callable[..., Any], *args: Any) -> float:
    """How far the import of a function is from it, on the arguments that it was traced with."""
    leaves, expected = jax.tree.leaves(args), jax.tree.leaves(function(*args))
    imported = attnorm.from_jax(function, *args)
    return error(imported, [np.asarray(x) for x in leaves], [np.asarray(x) for x in expected])


def normal(*shape: int, dtype: str = "float32") -> Any:
    """Random numbers, the same ones each time."""
    return jax.random.normal(jax.random.key(sum(shape)), shape, dtype)


def test_pytrees_and_unused_arguments() -> None:
    """Leaves stand in JAX's order, and an argument that is not used keeps its place."""

    def function(parameters: Any, unused: Any, x: Any) -> Any:
        return {"b": x @ parameters["w"] + parameters["b"], "a": (x + 1,)}

    parameters = {"w": normal(3, 4), "b": normal(4)}
    assert error_of(function, parameters, normal(2), normal(2, 3)) < 1e-6


def test_closed_over_arrays_are_constants() -> None:
    """Arrays that the function closes over are no arguments; specifications do for the others."""
    weight, x = normal(3, 4), normal(2, 3)
    imported = attnorm.from_jax(lambda x: x @ weight, jax.ShapeDtypeStruct(x.shape, x.dtype))
    assert error(imported, [np.asarray(x)], [np.asarray(x @ weight)]) < 1e-6


def test_symbolic_dimensions() -> None:
    """A symbolic dimension is open in @main."""
    (batch,) = jax.export.symbolic_shape("batch")
    imported = attnorm.from_jax(jnp.sin, jax.ShapeDtypeStruct((batch, 8), jnp.float32))
    assert "@main(%arg0: tensor<?x8xf32>" in str(imported)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
@pytest.mark.parametrize("name", ["RMSNorm", "LayerNorm"])
def test_flax_norm(name: str, dtype: str) -> None:
    """flax.nnx norms are functions that close over their parameters."""
    nnx = needs("flax.nnx")
    norm = getattr(nnx, name)(64, rngs=nnx.Rngs(0), dtype=dtype)
    norm.scale[...] = normal(64)
    assert error_of(norm, normal(4, 64, dtype=dtype)) <= (1e-6 if dtype == "float32" else 8e-3)


ATTENTION = {
    "plain": {},
    "causal": {"is_causal": True},
    "scale": {"scale": 0.3},
    "window": {"local_window_size": (2, 1)},
    "mask": {"mask": jnp.tril(jnp.ones((1, 1, 6, 6), bool))},
    "bias": {"bias": jnp.linspace(-2, 2, 36).reshape(1, 1, 6, 6)},
    "grouped": {},
}


@pytest.mark.parametrize("name", ATTENTION)
def test_dot_product_attention(name: str) -> None:
    """Each variant of jax.nn.dot_product_attention, positions before heads."""
    heads = 2 if name == "grouped" else 4
    args = normal(2, 6, 4, 16), normal(2, 6, heads, 16), normal(2, 6, heads, 16)

    def attention(q: Any, k: Any, v: Any) -> Any:
        return jax.nn.dot_product_attention(q, k, v, **ATTENTION[name])

    assert error_of(attention, *args) < 2e-6


def test_dot_product_attention_in_f16() -> None:
    """XLA's CPU has no product for it, and JAX refused the export with a ValueError."""
    args = (normal(2, 6, 4, 16, dtype="float16"),) * 3
    assert error_of(jax.nn.dot_product_attention, *args) < 1e-3


def raised(function: Callable[..., Any], *args: Any) -> dict[str, int]:
    """The ops that are found in a function, which keeps its values."""
    assert error_of(function, *args) < 1e-5
    counts = attnorm.report(attnorm.from_jax(function, *args)).counts
    return {op: count for op, count in counts.items() if count}


W = normal(64)
NORMS = {
    "plain": lambda x, mean, root: (x - mean) * root,
    "Keras": lambda x, mean, root: x * root + -mean * root,
    "TensorFlow": lambda x, mean, root: x * (root * W) + (W - mean * (root * W)),
}


@pytest.mark.parametrize("clamped", [False, True])
@pytest.mark.parametrize("name", NORMS)
def test_norms_by_hand(name: str, clamped: bool) -> None:
    """jnp.var asks whether its count is positive; Equinox clamps what it gives."""

    def norm(x: Any) -> Any:
        variance = x.var(-1, keepdims=True)
        variance = jnp.maximum(variance, 0) if clamped else variance
        return NORMS[name](x, x.mean(-1, keepdims=True), jax.lax.rsqrt(variance + 1e-5))

    assert raised(norm, normal(4, 64)) == {"layer_norm": 1}


def test_a_mask_that_is_subtracted() -> None:
    """`s - 1e10 * (1 - m)`"""

    def attention(q: Any, k: Any, v: Any) -> Any:
        hidden = 1e10 * (1 - jnp.tril(jnp.ones((6, 6))))
        return jax.nn.softmax(q @ k.swapaxes(1, 2) / 4 - hidden) @ v

    assert raised(attention, *[normal(2, 6, 16)] * 3) == {"sdpa": 1}


def test_flax_causal_mask() -> None:
    """flax's masks are floats, of which it asks whether they are 0: a causal one is causal."""
    nnx = needs("flax.nnx")

    def attention(q: Any, k: Any, v: Any) -> Any:
        mask = nnx.make_causal_mask(jnp.ones((2, 6)))
        return nnx.dot_product_attention(q, k, v, mask=mask)

    args = [normal(2, 6, 4, 16)] * 3
    assert raised(attention, *args) == {"sdpa": 1}
    (op,) = attnorm.report(attnorm.from_jax(attention, *args)).ops
    assert op.attributes["causal"] and "mask" not in op.operands


def test_layers_in_a_loop() -> None:
    """A stack of attention blocks as a scan, and its gradient."""

    def layer(x: Any, weights: Any) -> tuple[Any, None]:
        deviation = x - x.mean(-1, keepdims=True)
        h = deviation * jax.lax.rsqrt(x.var(-1, keepdims=True) + 1e-5) * weights["gain"]
        q, k, v = jnp.split((h @ weights["qkv"]).reshape(2, 6, 4, 48), 3, -1)
        return x + jax.nn.dot_product_attention(q, k, v).reshape(x.shape), None

    def stack(weights: Any, x: Any) -> Any:
        return jnp.mean(jax.lax.scan(layer, x, weights)[0] ** 2)

    weights = {"gain": normal(3, 64), "qkv": normal(3, 64, 192) / 8}
    assert raised(stack, weights, normal(2, 6, 64)) == {"layer_norm": 1, "sdpa": 1}
    # What is differentiated reads the probabilities, so that no attention is left.
    found = raised(jax.value_and_grad(stack), weights, normal(2, 6, 64))
    assert found == {"layer_norm": 1, "softmax": 1}
