"""Holds what a system computed against the definition of an op, and attnorm's lowering too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from cases import F32, call_case, interpret, op_case, tensor
from closeness import assert_close, precision

from attnorm import reference
from attnorm.dialect import OPS

Array = np.ndarray
Operands = Mapping[str, Array | None]
Attributes = Mapping[str, Any]

ERROR = 1e-5
"""Of f32: relative for norms and softmaxes, of the largest value where one may cancel."""


def assert_means(
    got: Array,
    op: str,
    operands: Operands,
    attributes: Attributes,
    *,
    error: float = ERROR,
    unlike: Mapping[str, Sequence[Any]] | None = None,
) -> None:
    """Checks that `got` is what the definition of `op` gives, and that attnorm's lowering gives it.

    `error` is the system's, before its result is rounded; attnorm's is never more than `ERROR`.
    `unlike` has other values of attributes, under each of which `got` would be wrong: a test that
    passes under any of them would say nothing.
    """
    want, size = _definition(op, operands, attributes, got.dtype)
    assert_close(got, want, _scaled(error, operands, got) * size, f"the system, {op} {attributes}")
    case = op_case(op, operands, attributes, [tensor(got.shape, got.dtype)])
    (own,) = interpret(case)
    assert_close(own, want, _scaled(ERROR, operands, got) * size, f"attnorm, {op} {attributes}")
    for name, values in (unlike or {}).items():
        for value in values:
            other, size = _definition(op, operands, {**attributes, name: value}, got.dtype)
            with pytest.raises(AssertionError):
                assert_close(got, other, _scaled(error, operands, got) * size)


def assert_reduces(
    got: Array, target: str, x: Array, axes: Sequence[int], *, correction: float = 0.0
) -> None:
    """Checks that `got` is the opaque reduction `target` of x, for attnorm's lowering too."""
    values = {"correction": correction, "result": got.dtype}
    want = reference.reduce(target, x, axes, **values)
    error = 0.0
    if want.dtype == np.float64:
        with np.errstate(all="ignore"):
            error = _scaled(ERROR, {"x": x}, got) * (1 + np.abs(want))
    assert_close(got, want, error, f"the system, {target}")
    spelt = f"dimensions = {list(axes)}"
    if target == "reduce_variance":
        spelt += f", correction = {correction}"
    (own,) = interpret(call_case(target, [x], spelt, [tensor(got.shape, got.dtype)]))
    assert_close(own, want, error, f"attnorm, {target}")


def _definition(
    op: str, operands: Operands, attributes: Attributes, result: np.dtype
) -> tuple[Array, Array]:
    """The values, and by how much an error of 1 changes each."""
    if op == "sdpa":
        want, _ = reference.sdpa(**operands, **attributes)  # pyright: ignore[reportArgumentType]
        v = np.where(np.isfinite(_wide(operands["v"])), _wide(operands["v"]), 0)
        return want, np.full(want.shape, np.abs(v).max(initial=0))
    extra = {"result": result} if op == "rms_norm" else {}
    want = getattr(reference, op)(**operands, **attributes, **extra)
    with np.errstate(all="ignore"):
        size = np.abs(want)
        # What is less its mean cancels, and so does a sum with a bias.
        cancels = any(item.name == "bias" for item in OPS[f"attnorm.{op}"].operand_defs)
        return want, np.full(want.shape, np.nanmax(size)) if cancels else size


def _wide(x: Array | None) -> Array:
    return np.asarray(x).astype(np.float64)


def _scaled(error: float, operands: Operands, got: Array) -> float:
    """The error, which is one of f32, in f64 where anything is."""
    types = [x.dtype for x in operands.values() if x is not None]
    return precision([got.dtype, *types], error)


def same(got: Array, want: Array, error: float = 1e-6) -> bool:
    """Whether two results of one type are equal but for an error relative to the largest value."""
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    got, want = got.astype(np.float64), want.astype(np.float64)
    largest = np.abs(want[np.isfinite(want)]).max(initial=1.0)
    return np.allclose(got, want, rtol=0, atol=error * largest, equal_nan=True)


def normal(*shape: int, dtype: Any = F32, seed: int = 0, scale: float = 1.0) -> Array:
    """Normal numbers, the same ones each time."""
    generator = np.random.default_rng([seed, *shape])
    return (generator.standard_normal(shape) * scale).astype(dtype)


def thirds(dtype: np.dtype, rows: int = 6) -> tuple[Array, float]:
    """Rows whose norm is x / 3, and the epsilon that makes it so; their mean is 0.

    In f32 everything up to the root is exact, and no x / 3 is halfway between two halves, nor is
    its product with one of the `gains`: so a result in a half type has one right value, and every
    other place of the cast shows.
    """
    generator = np.random.default_rng(0)
    found = []
    while len(found) < rows:
        half = generator.choice([1, 2, 4, 5], 16)
        if (half**2).sum() == 127:
            found.append(generator.permutation([*half, *-half]))
    return np.array(found).astype(dtype), 9 - 2 * 127 / 32


def gains(dtype: np.dtype, seed: int = 1) -> Array:
    """32 weights for `thirds`: n / 64, where 3 divides neither n nor 64 + n."""
    return ((np.random.default_rng(seed).integers(-42, 42, 32) * 3 + 1) / 64).astype(dtype)
