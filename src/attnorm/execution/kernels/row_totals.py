"""Totals of reductions in a row kernel, on scalars or vectors: at most 30 roundings for any sum."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from iree.compiler import ir
from iree.compiler.dialects import arith, vector

from . import emit

RUN = 16
"""Additions to one accumulator before it joins a total that keeps what it rounds off.

Along a row, with 8 accumulators of 16 lanes, a sum of n numbers is then off by at most 16 + 3 + 4
roundings (the accumulators', their tree's, the lanes'), 6 for what the ends of a row add to these
trees, and one for the total: 30, whatever n is. Across rows it is 16 and one. NumPy's pairwise
summation has 19 + log2(n / 128).
"""
JOIN: dict[str, Callable[[ir.Value, ir.Value], ir.Value]] = {
    "add": arith.addf,
    "maximum": emit.maximum,
    "minimum": emit.minimum,
    "multiply": arith.mulf,
}
NEUTRAL = {"add": 0.0, "maximum": -math.inf, "minimum": math.inf, "multiply": 1.0}
_HORIZONTAL = {"add": "add", "maximum": "maximumf", "minimum": "minimumf", "multiply": "mul"}


@dataclass
class Long:
    """A total over many vectors: a sum keeps what its additions round off in `error`."""

    total: ir.Value
    error: ir.Value | None

    @staticmethod
    def unflatten(kinds: Iterable[str], values: Iterable[ir.Value]) -> list[Long]:
        """The totals of `kinds`, from their values in order."""
        remaining = iter(values)
        return [Long(next(remaining), next(remaining) if kind == "add" else None) for kind in kinds]


def flatten(longs: Iterable[Long]) -> list[ir.Value]:
    """The values of totals in order."""
    return [value for long in longs for value in (long.total, long.error) if value is not None]


def start(kind: str, lanes: int) -> Long:
    """The total of nothing."""
    value = emit.constant(emit.vector_of(lanes, emit.f32()), NEUTRAL[kind])
    return Long(value, value if kind == "add" else None)


def add_to(kind: str, long: Long, part: ir.Value) -> Long:
    """A long total and a part; of a sum, the rounding error is kept (Knuth's TwoSum)."""
    if long.error is None:
        return Long(JOIN[kind](long.total, part), None)
    total = arith.addf(long.total, part)
    before = arith.subf(total, part)
    lost = arith.addf(arith.subf(long.total, before), arith.subf(part, arith.subf(total, before)))
    return Long(total, arith.addf(long.error, lost))


def settle(long: Long) -> ir.Value:
    """The total with its error; beyond the finite numbers the error is NaN and does not count."""
    if long.error is None:
        return long.total
    same = arith.cmpf(arith.CmpFPredicate.ORD, long.error, long.error)
    return arith.select(same, arith.addf(long.total, long.error), long.total)


def reduce(kind: str, total: ir.Value) -> ir.Value:
    """The lanes of a vector as one number; a sum of pairs of sums, as the hardware does it."""
    combining = ir.Attribute.parse(f"#vector.kind<{_HORIZONTAL[kind]}>")
    fast = arith.FastMathFlags.reassoc if kind == "add" else None
    return vector.reduction(emit.f32(), combining, total, fastmath=fast)
