"""What a comparison says of numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable

from ..ir.mlir import ir

Number = float | int

_COMPARISONS: dict[str, Callable[[Number, Number], bool]] = {
    "EQ": operator.eq,
    "NE": operator.ne,
    "GE": operator.ge,
    "GT": operator.gt,
    "LE": operator.le,
    "LT": operator.lt,
}


def comparison(compare: ir.Operation) -> Callable[[Number, Number], bool] | None:
    """What a `compare` says of two numbers; None where it tells zeros and NaNs apart."""
    if "TOTALORDER" in str(compare.attributes.get("compare_type", "")):
        return None
    direction = str(compare.attributes["comparison_direction"])
    return next(f for name, f in _COMPARISONS.items() if f" {name}>" in direction)
