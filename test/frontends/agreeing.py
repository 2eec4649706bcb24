"""Runs an imported module and says how far it is from its framework."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import attnorm
from attnorm.bindings import ir

# IREE refuses small resources of bf16.
PIPELINE = "inline-small-resources,attnorm-to-stablehlo"


def error(
    module: ir.Operation, inputs: Sequence[np.ndarray], expected: Sequence[np.ndarray]
) -> float:
    """The largest difference of a result, relative to the largest value of that result."""
    returned = attnorm.compile(module, pipeline=PIPELINE)(*inputs)
    results = returned if isinstance(returned, tuple) else (returned,)
    assert len(results) == len(expected)
    worst = 0.0
    for got, want in zip(results, expected, strict=True):
        assert (got.shape, got.dtype) == (want.shape, want.dtype)
        got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
        assert np.array_equal(np.isfinite(got), np.isfinite(want))
        scale = float(np.abs(want).max()) or 1.0
        worst = max(worst, float(np.abs(got - want).max()) / scale)
    return worst
