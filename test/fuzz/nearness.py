"""How near the values of a module after a pipeline have to be to those before."""

from __future__ import annotations

import ml_dtypes
import numpy as np

ERRORS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 1e-5, "float64": 1e-11}
"""Of the largest value of a row."""
ULPS = 8


def difference(want: np.ndarray, got: np.ndarray) -> str | None:
    """What is wrong with values; None where nothing is."""
    if (want.dtype, want.shape) != (got.dtype, got.shape):
        return f"{got.dtype}{list(got.shape)} instead of {want.dtype}{list(want.shape)}"
    if not np.issubdtype(want.dtype, np.floating) and want.dtype != ml_dtypes.bfloat16:
        wrong = want != got
    else:
        one, other = want.astype(np.float64), got.astype(np.float64)
        same = (one == other) | (np.isnan(one) & np.isnan(other))
        finite = np.where(np.isfinite(one), np.abs(one), 0.0)
        scale = finite.max(axis=-1, keepdims=True, initial=0.0) if one.ndim else finite
        allowed = ULPS * ERRORS[str(want.dtype)] * scale + 2.0**-120
        near = np.isfinite(one) & (np.abs(one - other) <= allowed)
        wrong = ~(same | near)
    if not wrong.any():
        return None
    at = tuple(int(n) for n in np.argwhere(wrong)[0])
    return f"{want.dtype}{list(at)}: {got[at]} instead of {want[at]}, {wrong.sum()} of {wrong.size}"
