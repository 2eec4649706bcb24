"""Runs an imported module and says how far it is from its framework."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import attnorm
from attnorm.execution.interpreter import evaluate
from attnorm.ir.mlir import ir
from attnorm.pipeline.pipelines import TO_IREE


def error(
    module: ir.Operation, inputs: Sequence[np.ndarray], expected: Sequence[np.ndarray]
) -> float:
    """How far the lowered module is from what is expected, in the reference interpreter."""
    return distance(evaluate(attnorm.lower(module, TO_IREE), *inputs), expected)


def compiled_error(
    module: ir.Operation, inputs: Sequence[np.ndarray], expected: Sequence[np.ndarray]
) -> float:
    """How far the compiled module is from what is expected."""
    returned = attnorm.compile(module)(*inputs)
    return distance(returned if isinstance(returned, tuple) else (returned,), expected)


def distance(results: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> float:
    """The largest difference of a result, relative to the largest value of that result."""
    assert len(results) == len(expected)
    worst = 0.0
    for got, want in zip(results, expected, strict=True):
        assert (got.shape, got.dtype) == (want.shape, want.dtype)
        got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
        assert np.array_equal(np.isfinite(got), np.isfinite(want))
        scale = float(np.abs(want).max()) or 1.0
        worst = max(worst, float(np.abs(got - want).max()) / scale)
    return worst
