"""Arrays of any type, as float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# Infinities and NaN are values here, not accidents.
quietly = np.errstate(all="ignore")


def wide(x: npt.ArrayLike) -> Array:
    """The values as float64."""
    return np.asarray(x).astype(np.float64)


def rounded(x: Array, type_: npt.DTypeLike) -> Array:
    """The nearest values of a type, as float64."""
    return wide(x.astype(type_))
