"""The arithmetic of an online softmax: a running peak, and powers relative to it."""

from __future__ import annotations

import math

from iree.compiler import ir
from iree.compiler.dialects import arith

from . import emit

LOWEST = -3.4028234663852886e38
"""A peak before any score: finite, so that -inf minus it is -inf and not NaN."""

# Minimax for |r| <= ln 2 / 2, exact at 0: 9e-8 relative.
_POLYNOMIAL = (
    1.0,
    0.9999997019767761,
    0.4999914765357971,
    0.1666763722896576,
    0.041898053139448166,
    0.008290301077067852,
)
_EXPONENT_BITS = 23
_ROUNDER = 1.5 * 2**_EXPONENT_BITS + 127
"""Added to a small number it leaves the nearest integer, biased as an exponent, in the low bits."""


def power(x: ir.Value) -> ir.Value:
    """e^x of f32 for x <= 0, within 2 ulp; 0 below -87.7, NaN for NaN.

    x = n ln 2 + r, e^r by a polynomial. No integer conversion: LLVM makes scalar code of some.
    """
    low = emit.constant_like(x, -88.0)
    x = arith.select(emit.compare(arith.CmpFPredicate.OLT, x, low), low, x)
    rounder = emit.constant_like(x, _ROUNDER)
    biased = emit.multiply_add(x, emit.constant_like(x, math.log2(math.e)), rounder)
    n = arith.subf(biased, rounder)
    r = emit.multiply_add(n, emit.constant_like(x, -math.log(2)), x)
    value = emit.constant_like(x, _POLYNOMIAL[-1])
    for coefficient in reversed(_POLYNOMIAL[:-1]):
        value = emit.multiply_add(value, r, emit.constant_like(x, coefficient))
    bits = arith.bitcast(emit.like(x, emit.i32()), biased)
    bits = arith.shli(bits, emit.constant_like(bits, _EXPONENT_BITS))
    return arith.mulf(value, arith.bitcast(x.type, bits))


def larger(a: ir.Value, b: ir.Value) -> ir.Value:
    """The larger of two; which, where one is NaN, does not matter: its power is NaN."""
    return arith.select(emit.compare(arith.CmpFPredicate.OGT, a, b), a, b)
