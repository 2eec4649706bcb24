"""What every case means, in float64 NumPy, and when a result counts as equal to it.

Written from the formulas and from nothing in attnorm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..suite import Wide
from .cases import DTYPES, EPSILON, Array, Attention, Case, Rows, mask

_TOLERANCES = {"f32": 1e-5, "f16": 2**-10, "bf16": 2**-7}
"""Relative. For half types two roundings to nearest: of the norm, and of its product."""
_KEYS = 2048
"""Values that cancel in a mean, from which on its own size falls faster than its error."""
_QUERIES = 512
"""Queries at a time: the scores of all would be gigabytes."""


def expected(case: Case, operands: Mapping[str, Array]) -> list[Wide]:
    """The results, unrounded."""
    wide = {name: array.astype(np.float64) for name, array in operands.items()}
    if isinstance(case, Attention):
        return [_attention(case, **wide)]
    return _rows(case, **wide)


def error(result: Array, wanted: Wide) -> float:
    """The greatest difference, in units of |wanted| plus wanted's root mean square.

    The same numbers in another shape are right.
    """
    if result.size != wanted.size:
        return float("inf")
    scale = np.abs(wanted) + np.sqrt(np.mean(wanted**2))
    worst = np.max(np.abs(result.reshape(wanted.shape).astype(np.float64) - wanted) / scale)
    return float("inf") if np.isnan(worst) else float(worst)


def tolerance(case: Case) -> float:
    """The greatest `error` of a right result."""
    terms = case.repeat if isinstance(case, Rows) else case.keys / _KEYS
    return _TOLERANCES[case.dtype] * max(1.0, terms**0.5)


def verdict(case: Case, results: Sequence[Array], wanted: Sequence[Wide]) -> float:
    """The greatest `error` of the results; infinite where their number or a type is wrong."""
    types = {result.dtype for result in results}
    if len(results) != len(wanted) or types != {DTYPES[case.dtype]}:
        return float("inf")
    return max(error(result, want) for result, want in zip(results, wanted, strict=True))


# -- definitions ---------------------------------------------------------------------------------


def _rows(case: Rows, **operands: Wide) -> list[Wide]:
    if case.op == "softmax":
        return [_softmax(operands["x"])]
    if case.op == "layer_norm":
        centred = operands["x"] - operands["x"].mean(axis=1, keepdims=True)
        return [_normed(centred) * operands["weight"] + operands["bias"]]
    if case.op == "add_rms_norm":
        total = operands["a"] + operands["b"]
        return [total, _normed(total) * operands["weight"]]
    x = operands["x"]
    for _ in range(case.repeat):
        x = _normed(x) * operands["weight"]
    return [x * operands["multiplier"] if case.op == "rms_norm_mul" else x]


def _normed(x: Wide) -> Wide:
    """x / sqrt(mean(x^2) + epsilon), row by row."""
    return x / np.sqrt(np.mean(x**2, axis=1, keepdims=True) + EPSILON)


def _softmax(x: Wide) -> Wide:
    power = np.exp(x - x.max(axis=-1, keepdims=True))
    return power / power.sum(axis=-1, keepdims=True)


def _attention(case: Attention, q: Wide, k: Wide, v: Wide) -> Wide:
    seen, result = mask(case), np.empty_like(q)
    for head in range(case.heads):
        keys, values = k[0, head // case.groups], v[0, head // case.groups]
        for begin in range(0, case.queries, _QUERIES):
            block = slice(begin, begin + _QUERIES)
            scores = q[0, head, block] @ keys.T * case.scale
            if seen is not None:
                scores[~seen[block]] = -np.inf
            result[0, head, block] = _softmax(scores) @ values
    return result
