"""What the opaque reductions mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from .wide import Array, quietly, wide


@quietly
def reduce(
    target: str,
    x: Array,
    axes: Sequence[int] = (),
    *,
    keepdim: bool = False,
    correction: float = 0.0,
    result: npt.DTypeLike | None = None,
) -> Array:
    """What `stablehlo.custom_call @target(x)` gives.

    `target`: `reduce_sum`, `_prod`, `_max`, `_min`, `_mean`, `_variance`, `_any`, `_all`,
    `_logsumexp`, `_l2` or `_norm`, `_argmax`, `_argmin`. `axes`: any, negative ones counted from
    the end, none for all; positions count over them in ascending order, row-major. `result`: the
    result's type, by default x's; integer results are of that type, and sums and products wrap in
    it (on bool they are "or" and "and", as in StableHLO).

    Over nothing: the neutral element, NaN for the mean and the variance, 0 for a position. Maximum
    and minimum propagate NaN; a NaN has the position of both; the first of equals has it.
    """
    type_ = np.dtype(x.dtype if result is None else result)
    reduced = sorted(axis % x.ndim for axis in axes) or list(range(x.ndim))
    kept = [axis for axis in range(x.ndim) if axis not in reduced]
    shape = [x.shape[axis] for axis in kept]
    count = prod(x.shape[axis] for axis in reduced)
    # One row an element of the result.
    rows = x.transpose([*kept, *reduced]).reshape(prod(shape), count)
    values = np.array(list(_reduced_rows(target, rows, correction, type_)))
    if keepdim:
        shape = [1 if axis in reduced else x.shape[axis] for axis in range(x.ndim)]
    values = values.reshape(shape)
    return wide(values) if _is_float(type_) else values.astype(type_)


def _is_float(type_: np.dtype) -> bool:
    return type_.kind not in "biu"


def _reduced_rows(target: str, rows: Array, correction: float, type_: np.dtype) -> Iterator[Any]:
    for row in rows:
        if target == "reduce_variance":
            yield _variance(wide(row), correction)
        elif target in ("reduce_sum", "reduce_prod"):
            # Integers wrap in the result's type; floats do not round.
            yield _EXACT[target](wide(row) if _is_float(type_) else row.astype(type_))
        elif target in _EXACT:
            yield _EXACT[target](wide(row) if _is_float(row.dtype) else row)
        else:
            yield _FLOAT[target](wide(row))


def _sum(row: Array) -> Any:
    return row.any() if row.dtype == np.bool_ else row.sum(dtype=row.dtype)


def _product(row: Array) -> Any:
    return row.all() if row.dtype == np.bool_ else row.prod(dtype=row.dtype)


def _lowest(type_: np.dtype) -> Any:
    if type_ == np.bool_:
        return False
    return -np.inf if _is_float(type_) else np.iinfo(type_).min


def _highest(type_: np.dtype) -> Any:
    if type_ == np.bool_:
        return True
    return np.inf if _is_float(type_) else np.iinfo(type_).max


def _mean_of(row: Array) -> Any:
    return row.sum() / np.float64(row.size)


def _variance(row: Array, correction: float) -> Any:
    squares = ((row - _mean_of(row)) ** 2).sum()
    return squares / np.float64(max(row.size - correction, 0))


# Of integers exactly.
_EXACT: dict[str, Callable[[Array], Any]] = {
    "reduce_sum": _sum,
    "reduce_prod": _product,
    "reduce_max": lambda row: row.max(initial=_lowest(row.dtype)),
    "reduce_min": lambda row: row.min(initial=_highest(row.dtype)),
    "reduce_any": lambda row: (row != 0).any(),
    "reduce_all": lambda row: (row != 0).all(),
    "reduce_argmax": lambda row: row.argmax() if row.size else 0,
    "reduce_argmin": lambda row: row.argmin() if row.size else 0,
}
# Of numbers as float64.
_FLOAT: dict[str, Callable[[Array], Any]] = {
    "reduce_mean": _mean_of,
    "reduce_logsumexp": lambda row: np.logaddexp.reduce(row),
    "reduce_l2": lambda row: np.sqrt((row**2).sum()),
    "reduce_norm": lambda row: np.sqrt((row**2).sum()),
}
