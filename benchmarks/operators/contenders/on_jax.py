"""XLA's CPU compiler, through JAX."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...contender import Form, Prepared
from ..cases import EPSILON, Array, Attention, Case, Rows, ways


class Xla:
    """jit, compiled ahead; calls run on the calling thread and XLA's pool."""

    def __init__(self, threads: int) -> None:
        # The pool has as many threads as the process may use cores.
        jax.config.update("jax_cpu_enable_async_dispatch", False)

    def forms(self, case: Case, operands: Mapping[str, Array]) -> list[Form]:
        """Nothing is donated: the operands are needed again."""
        if isinstance(case, Rows):
            return [lambda: _prepared(*_rows(case), operands, _as_it_is)]
        found: list[Form] = [lambda: _prepared(*_library(case), operands, _heads_inside)]
        for way, arrays in ways(case, operands):
            assert isinstance(way, Attention)
            found.append(partial(_prepared, *_products(way), arrays, _as_it_is))
        return found


def _prepared(
    function: Callable[..., Any],
    form: str,
    operands: Mapping[str, Array],
    layout: Callable[[Array], Array],
) -> Prepared:
    """`layout` takes an array from the case's layout to the function's, and back."""
    arrays = [jax.device_put(layout(array)) for array in operands.values()]
    start = time.perf_counter()
    compiled = jax.jit(function).lower(*arrays).compile()
    seconds = time.perf_counter() - start

    def call() -> object:
        return jax.block_until_ready(compiled(*arrays))

    def results() -> list[Array]:
        found = compiled(*arrays)
        found = found if isinstance(found, (tuple, list)) else (found,)
        return [layout(np.asarray(one)) for one in found]

    return Prepared(call, results, form, seconds)


def _as_it_is(array: Array) -> Array:
    return array


def _heads_inside(array: Array) -> Array:
    """[1, heads, length, depth] and [1, length, heads, depth], either way."""
    return np.ascontiguousarray(array.transpose(0, 2, 1, 3))


def _products(case: Attention) -> tuple[Callable[..., Any], str]:
    def attend(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
        q = q.reshape(1, case.key_heads, case.groups, case.queries, case.depth)
        scores = jnp.einsum("bkgqd,bksd->bkgqs", q, k) * case.scale
        if case.causal:
            distance = jnp.arange(case.queries)[:, None] - jnp.arange(case.keys)
            near = (distance >= 0) & (distance < (case.window or case.keys))
            scores = jnp.where(near, scores, -jnp.inf)
        result = jnp.einsum("bkgqs,bksd->bkgqd", jax.nn.softmax(scores), v)
        return result.reshape(case.shapes["q"])

    return attend, "einsum, softmax, einsum"


def _library(case: Attention) -> tuple[Callable[..., Any], str]:
    window = (case.window - 1, 0) if case.window else None

    def attend(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
        return jax.nn.dot_product_attention(
            *(q, k, v), scale=case.scale, is_causal=case.causal, local_window_size=window
        )

    return attend, "jax.nn.dot_product_attention"


def _rows(case: Rows) -> tuple[Callable[..., Any], str]:
    if case.op == "softmax":
        return jax.nn.softmax, "jax.nn.softmax"
    functions = {
        "rms_norm": lambda x, weight: _chain(x, weight, case.repeat),
        "rms_norm_mul": lambda x, weight, other: _norm(x, weight) * other,
        "add_rms_norm": lambda a, b, weight: (a + b, _norm(a + b, weight)),
        "layer_norm": _layer_norm,
    }
    return functions[case.op], "jax.numpy"


def _chain(x: jax.Array, weight: jax.Array, repeat: int) -> jax.Array:
    for _ in range(repeat):
        x = _norm(x, weight)
    return x


def _norm(x: jax.Array, weight: jax.Array) -> jax.Array:
    wide = x.astype(jnp.float32)
    root = jax.lax.rsqrt(jnp.mean(wide * wide, axis=-1, keepdims=True) + EPSILON)
    return (wide * root * weight.astype(jnp.float32)).astype(x.dtype)


def _layer_norm(x: jax.Array, weight: jax.Array, bias: jax.Array) -> jax.Array:
    return jax.nn.standardize(x, axis=-1, epsilon=EPSILON) * weight + bias
