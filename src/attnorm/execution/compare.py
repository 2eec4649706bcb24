"""Whether two arrays agree, and where they agree least."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ir.tensor_type import TensorType

# What one rounding of a correct f32 answer, or a reordered f32 sum, may differ by.
_TOLERANCES = {
    "f64": (1e-12, 1e-12),
    "f32": (1e-5, 1e-5),
    "f16": (2e-3, 1e-3),
    "bf16": (1e-2, 8e-3),
}


@dataclass(frozen=True)
class Comparison:
    """The verdict, and one line that says what was compared and the worst element."""

    agrees: bool
    report: str


def default_tolerance(array: np.ndarray) -> tuple[float, float]:
    """The relative and the absolute tolerance for an array's dtype; integers agree exactly."""
    return _TOLERANCES.get(TensorType.of(array).element, (0.0, 0.0))


def compare(
    actual: np.ndarray,
    expected: np.ndarray,
    rtol: float | None = None,
    atol: float | None = None,
) -> Comparison:
    """Compares elementwise: `|actual - expected| <= atol + rtol * |expected|`.

    NaN agrees with NaN, an infinity with itself. The shapes have to be equal; the dtypes too, but
    an expected value may be of any float type where the actual one is a float. A tolerance that is
    None is the default one of the actual dtype.
    """
    got, want = TensorType.of(actual), TensorType.of(expected)
    floats = "f" in got.element and "f" in want.element
    if got.shape != want.shape or not (floats or got.element == want.element):
        return Comparison(False, f"expected {want}, got {got}")
    defaults = default_tolerance(actual)
    rtol = defaults[0] if rtol is None else rtol
    atol = defaults[1] if atol is None else atol
    if actual.size == 0:
        return Comparison(True, f"{got}: no elements")
    error, excess = _errors(actual, expected, rtol, atol)
    bad = int(np.count_nonzero(excess > 0))
    at = np.unravel_index(int(np.argmax(excess)), actual.shape)
    size = abs(float(expected[at]))
    relative = float(error[at]) / size if size else float(error[at] > 0) * np.inf
    place = f"[{', '.join(str(i) for i in at)}]"
    report = (
        f"{got}: {bad} of {actual.size} elements differ (rtol {rtol:g}, atol {atol:g}); worst "
        f"{place}: expected {expected[at]}, got {actual[at]}, "
        f"error {float(error[at]):.3g} absolute, {relative:.3g} relative"
    )
    return Comparison(bad == 0, report)


def _errors(
    actual: np.ndarray, expected: np.ndarray, rtol: float, atol: float
) -> tuple[np.ndarray, np.ndarray]:
    """The absolute error and by how much it exceeds the tolerance, elementwise."""
    # 64-bit integers do not fit a float64; Python's integers are exact.
    wide = np.float64 if "f" in TensorType.of(actual).element else object
    a, e = actual.astype(wide), expected.astype(wide)
    with np.errstate(invalid="ignore", over="ignore"):
        same = (a == e) | ((a != a) & (e != e))
        error = np.where(same, 0, np.abs(a - e)).astype(np.float64)
        allowed = atol + rtol * np.abs(np.where(same, 0, e).astype(np.float64))
        error = np.where(np.isnan(error), np.inf, error)
        # An infinite or NaN allowance would excuse everything.
        excess = np.where(np.isfinite(allowed), error - allowed, np.inf)
    return error, excess
