"""Powers of e, as arithmetic on f32 scalars or vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence

from iree.compiler import ir
from iree.compiler.dialects import arith

from . import emit


def exp(x: ir.Value) -> ir.Value:
    """e^x of f32, within 1 ulp of the exact value over the whole range.

    x = n ln 2 + r with |r| <= ln 2 / 2 (Cody and Waite's two-part ln 2), e^r by a polynomial, and
    2^n in two factors, so that subnormal and infinite results come out as they should.
    """
    x = _clamp(x, -104.0, 89.0)
    # Added to a number below 2^22, it leaves the nearest whole number in the last bits.
    shift = emit.constant_like(x, 1.5 * 2**23)
    shifted = emit.multiply_add(x, emit.constant_like(x, math.log2(math.e)), shift)
    n = arith.subf(shifted, shift)
    r = emit.multiply_add(n, emit.constant_like(n, -0.693359375), x)
    r = emit.multiply_add(n, emit.constant_like(n, 2.12194440e-4), r)
    bits = arith.bitcast(emit.like(x, emit.i32()), shifted)
    whole = arith.subi(bits, emit.constant_like(bits, _SHIFT_BITS))
    half = arith.shrsi(whole, emit.constant_like(whole, 1))
    value = arith.mulf(_polynomial(_EXP, r), _power_of_two(half, x.type))
    return arith.mulf(value, _power_of_two(arith.subi(whole, half), x.type))


_SHIFT_BITS = 0x4B400000  # of 1.5 * 2^23
# The Taylor series of e^r from r^0 on: its next term is below 2^-27 where |r| <= ln 2 / 2.
_EXP = tuple(1 / math.factorial(k) for k in range(8))


def _clamp(x: ir.Value, low: float, high: float) -> ir.Value:
    """x between two numbers; NaN stays NaN."""
    lowest, highest = emit.constant_like(x, low), emit.constant_like(x, high)
    x = arith.select(arith.cmpf(arith.CmpFPredicate.OLT, x, lowest), lowest, x)
    return arith.select(arith.cmpf(arith.CmpFPredicate.OGT, x, highest), highest, x)


def _polynomial(coefficients: Sequence[float], x: ir.Value) -> ir.Value:
    """coefficients[0] + coefficients[1] x + ..., by Horner's rule."""
    value = emit.constant_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = emit.multiply_add(value, x, emit.constant_like(x, coefficient))
    return value


def _power_of_two(n: ir.Value, type_: ir.Type) -> ir.Value:
    """2^n as f32, of whole n between -126 and 127; 0 for -127."""
    bias, mantissa = emit.constant_like(n, 127), emit.constant_like(n, 23)
    return arith.bitcast(type_, arith.shli(arith.addi(n, bias), mantissa))


# -- of what is not positive ---------------------------------------------------------------------

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
