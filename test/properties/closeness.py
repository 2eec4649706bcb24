"""How near a result has to be to its float64 definition.

Everything is computed in f32 (f64 where an operand or the result is) and rounded once. So a result
is right if it is the rounding, to its own type, of some value within the f32 error of the
definition: nothing is added for the half types.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

# Below the smallest normal f32 a processor that flushes subnormals gives 0.
TINY = 2.0**-126


def precision(dtypes: Iterable[np.dtype], f32: float) -> float:
    """The relative error of a computation over operands and results of these types."""
    return f32 * 2.0**-29 if np.dtype(np.float64) in list(dtypes) else f32


def assert_close(
    got: np.ndarray, want: np.ndarray, error: np.ndarray | float, what: object = ""
) -> None:
    """Checks that `got` is a rounding of a value in `want` +- `error` (absolute, elementwise).

    An expected value that is no float64 is exact.
    """
    assert got.shape == want.shape
    if want.dtype != np.float64:
        assert_same_bits(got, want, what)
        return
    with np.errstate(all="ignore"):
        error = np.where(np.isfinite(want), np.nan_to_num(error, nan=0.0) + TINY, 0.0)
        low, high = ((want + sign * error).astype(got.dtype) for sign in (-1, 1))
        right = ((low <= got) & (got <= high)) | (np.isnan(got) & np.isnan(want))
        worst = np.where(right, 0, np.abs(got.astype(np.float64) - want))
    if not right.all():
        at = tuple(int(i) for i in np.argwhere(~right)[np.argmax(worst[~right])])
        raise AssertionError(
            f"{what}: {(~right).sum()} of {right.size} differ; {list(at)}: "
            f"got {got[at]}, expected {want[at]} within {error[at]:.2g}"
        )


def assert_same_bits(got: np.ndarray, want: np.ndarray, what: object = "") -> None:
    """Checks that two arrays are of one type and equal bit for bit."""
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    assert got.tobytes() == want.tobytes(), f"{what}: {got} is not {want}"
