"""How near the values of a module after a pipeline have to be to those before."""

from __future__ import annotations

from collections.abc import Iterable

import ml_dtypes
import numpy as np
from entries import Entry

REAL = 1e-6
"""Without any rounding, of the largest value of a row: numbers of f32 are folded and inverted."""
REAL_F64 = 1e-10
"""The same where all is f64."""
MEANT = 0.1
"""Of the largest value of a row: how far rounding may be from its value."""
STEPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}
ULPS = 16
SHARE = 2.0**-10
"""Of the largest value of all: what cancels in a row may have been as large as others."""
WORSE = 8
"""How much further from the value without rounding a result may be than it was before."""


def is_float(array: np.ndarray) -> bool:
    """Whether the elements are floats."""
    return array.dtype == ml_dtypes.bfloat16 or np.issubdtype(array.dtype, np.floating)


def is_extreme(arrays: Iterable[np.ndarray]) -> bool:
    """Whether products of a few elements are beyond f32, where its infinities decide."""
    with np.errstate(all="ignore"):
        sizes = [np.abs(x.astype(np.float64)) for x in arrays if is_float(x)]
    return any(bool(np.any(np.isfinite(x) & (x != 0) & ((x > 1e9) | (x < 1e-9)))) for x in sizes)


def without_rounding(
    want: np.ndarray, got: np.ndarray, typed: np.ndarray, noise: np.ndarray, *, entry: Entry
) -> str | None:
    """What is wrong with values that nothing rounds; `typed` are those of the types, before.

    Where these are others altogether something overflowed: what does not has no meaning there. They
    are right, too: what is folded or raised may be what the types make of it.
    `noise` is what a change in the last place of what the ops read does.
    """
    if not is_float(want):
        return _said(want != got, want, got)
    scale, one = largest(want), typed.astype(np.float64)
    meant = same(want, one) | (distance(want, one) <= MEANT * scale)
    allowed = (REAL_F64 if entry.is_wide else REAL) * scale + WORSE * _most(noise) + 1e-300
    right = same(want, got) | same(one, got) | (distance(want, got) <= allowed) | ~meant
    return _said(~(right | _ignored(want, got, entry)), want, got)


def with_rounding(
    want: np.ndarray, got: np.ndarray, real: np.ndarray, noise: np.ndarray, *, entry: Entry
) -> str | None:
    """What is wrong with values of the types; `real` are those that nothing rounds, before."""
    if (want.dtype, want.shape) != (got.dtype, got.shape):
        return f"{got.dtype}{list(got.shape)} instead of {want.dtype}{list(want.shape)}"
    if not is_float(want):
        return _said(want != got, want, got)
    step = STEPS[str(want.dtype)]
    # A processor may flush subnormal numbers on the way.
    smallest = 2.0**-126 + ULPS * float(ml_dtypes.finfo(want.dtype).smallest_subnormal)
    one, other = want.astype(np.float64), got.astype(np.float64)
    own = largest(distance(real, one)) + _most(noise)
    scale = largest(real) + SHARE * np.max(largest(real), initial=0.0)
    allowed = ULPS * step * scale + WORSE * own + smallest
    near = (distance(real, other) <= allowed) | (distance(one, other) <= allowed)
    # What overflowed before may be anything.
    lost = np.isfinite(real) & ~np.isfinite(one)
    right = same(one, other) | near | lost
    return _said(~(right | _ignored(one, other, entry)), want, got)


def _ignored(one: np.ndarray, other: np.ndarray, entry: Entry) -> np.ndarray:
    """Where infinities and NaN may rightly be treated otherwise, although no argument is one."""
    return np.full(one.shape, entry.tame) & ~(np.isfinite(one) & np.isfinite(other))


def same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where numbers are equal, or both are NaN."""
    return (a == b) | (np.isnan(a) & np.isnan(b))


def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The difference of finite numbers, infinite elsewhere."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return np.where(np.isfinite(a) & np.isfinite(b), np.abs(a - b), np.inf)


def largest(x: np.ndarray) -> np.ndarray:
    """The largest finite number of each row."""
    finite = np.where(np.isfinite(x), np.abs(x), 0.0)
    return finite.max(axis=-1, keepdims=True, initial=0.0) if x.ndim else finite


def _most(noise: np.ndarray) -> np.ndarray:
    """The noise of each row; infinite where it makes the difference between a number and none."""
    return noise.max(axis=-1, keepdims=True, initial=0.0) if noise.ndim else noise


def _said(wrong: np.ndarray, want: np.ndarray, got: np.ndarray) -> str | None:
    if not np.any(wrong):
        return None
    at = tuple(int(n) for n in np.argwhere(wrong)[0])
    return f"{list(at)}: {got[at]} instead of {want[at]}, {np.sum(wrong)} of {np.size(wrong)}"
