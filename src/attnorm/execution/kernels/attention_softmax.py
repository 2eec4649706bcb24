"""The arithmetic of an online softmax: a running peak, and powers relative to it."""

from __future__ import annotations

from iree.compiler import ir
from iree.compiler.dialects import arith

from . import emit

LOWEST = -3.4028234663852886e38
"""A peak before any score: finite, so that -inf minus it is -inf and not NaN."""


def larger(a: ir.Value, b: ir.Value) -> ir.Value:
    """The larger of two; which, where one is NaN, does not matter: its power is NaN."""
    return arith.select(emit.compare(arith.CmpFPredicate.OGT, a, b), a, b)
