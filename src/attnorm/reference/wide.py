"""Arrays of any type, as float64, and back to what a type holds."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

BF16 = np.dtype(ml_dtypes.bfloat16)

# Infinities and NaN are values here, not accidents.
quietly = np.errstate(all="ignore")


def wide(x: npt.ArrayLike) -> Array:
    """The values as float64."""
    return np.asarray(x).astype(np.float64)


def rounded(x: Array, type_: npt.DTypeLike) -> Array:
    """The nearest values of a type, as float64."""
    return wide(narrow(x, np.dtype(type_)))


def shortened(x: Array) -> Array:
    """The nearest float64 with 40 bits (Veltkamp's splitting): without what float64 rounded."""
    with np.errstate(all="ignore"):
        far = x * (2.0**13 + 1)
        return np.where(np.isfinite(far), far - (far - x), x)


def narrow(x: Array, type_: np.dtype) -> Array:
    """The nearest values of a type, as that type: rounded once, ties to even."""
    if type_ != BF16 or x.dtype != np.float64:
        return x.astype(type_)
    # ml_dtypes goes by way of f32: what lies beside a tie there must not become one.
    single = x.astype(np.float32)
    tie = single.view(np.uint32) & np.uint32(0xFFFF) == 0x8000
    if tie.any():
        beside = np.where(single < x, np.inf, -np.inf).astype(np.float32)
        moved = tie & (single != x)
        single = np.where(moved, np.nextafter(single, beside), single)
    return single.astype(BF16)
