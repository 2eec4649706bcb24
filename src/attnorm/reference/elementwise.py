"""Elementwise ops of StableHLO.

Integers wrap. What the specification leaves open is what XLA does: x / 0 is -1 (all bits set) and
x rem 0 is x; shifts by the width or more give 0, or copies of the sign. A float that does not fit
in an integer becomes the nearest integer that does, NaN becomes 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from ..errors import AttnormError
from .kinds import FLOAT64, as_declared
from .step import Handler, Step, elementwise
from .wide import Array, wide


def is_bool(x: Array) -> bool:
    """Whether an array is of truth values."""
    return x.dtype == np.bool_


def is_float(x: Array) -> bool:
    """Whether an array is of floats, which are all held as float64."""
    return x.dtype == FLOAT64


# -- arithmetic ----------------------------------------------------------------------------------


def divide(a: Array, b: Array) -> Array:
    """a / b, of integers towards zero."""
    if is_float(a):
        return np.divide(a, b)
    zero = b == 0
    b = np.where(zero, b.dtype.type(1), b)
    if a.dtype.kind == "u":
        return np.where(zero, np.iinfo(a.dtype).max, np.floor_divide(a, b)).astype(a.dtype)
    # NumPy rounds down: one more where that is below the quotient.
    quotient = np.floor_divide(a, b)
    quotient = quotient + ((np.remainder(a, b) != 0) & ((a < 0) != (b < 0)))
    return np.where(zero, -1, quotient).astype(a.dtype)


def remainder(a: Array, b: Array) -> Array:
    """a - b * trunc(a / b): of a's sign."""
    if is_float(a):
        return np.fmod(a, b)
    zero = b == 0
    return np.where(zero, a, np.fmod(a, np.where(zero, b.dtype.type(1), b)))


def power(a: Array, b: Array) -> Array:
    """a ** b; of integers by squaring, wrapping, and truncated where b is negative."""
    if is_float(a):
        return np.power(a, b)
    if is_bool(a):
        return a | ~b
    base, exponent = np.broadcast_arrays(a, b)
    result = np.ones_like(base)
    left = np.where(exponent < 0, 0, exponent).astype(base.dtype)
    square = base
    while left.any():
        result = np.where(left & 1, result * square, result)
        square, left = square * square, left >> 1
    if base.dtype.kind == "i":
        sign = np.where(exponent & 1, base, 1)
        result = np.where(exponent < 0, np.where(np.abs(base) == 1, sign, 0), result)
    return result.astype(a.dtype)


def maximum(a: Array, b: Array) -> Array:
    """The larger; NaN where there is one, +0 over -0."""
    found = np.maximum(a, b)
    return np.where((a == 0) & (b == 0), a + b, found) if is_float(a) else found


def minimum(a: Array, b: Array) -> Array:
    """The smaller; NaN where there is one, -0 under +0."""
    found = np.minimum(a, b)
    return np.where((a == 0) & (b == 0), -(-a - b), found) if is_float(a) else found


def sign(x: Array) -> Array:
    """-1, 0 or 1; zeros and NaN stay."""
    return np.where((x == 0) | np.isnan(x), x, np.sign(x)) if is_float(x) else np.sign(x)


def negate(x: Array) -> Array:
    """-x."""
    return np.negative(x)


def clamp(low: Array, x: Array, high: Array) -> Array:
    """min(max(x, low), high)."""
    return minimum(maximum(x, low), high)


def select(predicate: Array, on_true: Array, on_false: Array) -> Array:
    """Elementwise choice."""
    return np.where(predicate, on_true, on_false)


# -- functions -----------------------------------------------------------------------------------


def logistic(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    power_ = np.exp(-np.abs(x))
    return np.where(x < 0, power_, 1.0) / (1 + power_)


def rsqrt(x: Array) -> Array:
    """1 / sqrt(x)."""
    return 1 / np.sqrt(x)


def round_afz(x: Array) -> Array:
    """The nearest integer, ties away from zero."""
    whole = np.trunc(x)
    return np.copysign(whole + np.where(np.abs(x - whole) >= 0.5, np.copysign(1.0, x), 0.0), x)


# -- bits ----------------------------------------------------------------------------------------


def logical_not(x: Array) -> Array:
    """Every bit, or truth value, turned."""
    return np.invert(x)


def _unsigned(x: Array) -> Array:
    return np.asarray(x).view(np.dtype(f"uint{8 * x.dtype.itemsize}"))


def shift_left(x: Array, amount: Array) -> Array:
    """x * 2^n; 0 where n is the width or more, or below 0."""
    return np.left_shift(x, amount)


def shift_right_arithmetic(step: Step) -> Array:
    """Copies of the highest bit come in, into an unsigned type too."""
    x, amount = step.operands
    unused = 8 * x.dtype.itemsize - step.results[0].width
    value = _signed(x) << unused >> unused
    return (value >> _signed(amount)).astype(x.dtype)


def shift_right_logical(step: Step) -> Array:
    """Zeros come in."""
    amount = _unsigned(step.operands[1])
    return (_bits(step) >> amount).astype(step.operands[0].dtype)


def _signed(x: Array) -> Array:
    return np.asarray(x).view(np.dtype(f"int{8 * x.dtype.itemsize}"))


def popcnt(step: Step) -> Array:
    """How many bits are set."""
    (x,) = step.operands
    bits, count = _bits(step), np.zeros_like(_unsigned(x))
    for _ in range(step.results[0].width):
        count, bits = count + (bits & 1), bits >> 1
    return count.astype(x.dtype)


def count_leading_zeros(step: Step) -> Array:
    """How many bits above the highest one that is set."""
    (x,) = step.operands
    bits, length = _bits(step), np.zeros_like(_unsigned(x))
    for _ in range(step.results[0].width):
        length, bits = length + (bits != 0), bits >> 1
    return (step.results[0].width - length).astype(x.dtype)


def _bits(step: Step) -> Array:
    bits = _unsigned(step.operands[0])
    return bits & bits.dtype.type((1 << step.results[0].width) - 1)


# -- comparisons and conversions -----------------------------------------------------------------

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "EQ": np.equal,
    "NE": np.not_equal,
    "GE": np.greater_equal,
    "GT": np.greater,
    "LE": np.less_equal,
    "LT": np.less,
}


def compare(step: Step) -> Array:
    """A truth value an element; TOTALORDER has -NaN < -inf < -0 < +0 < inf < NaN."""
    a, b = step.operands
    if is_float(a) and _word(step, "compare_type") == "TOTALORDER":
        a, b = total_order(a), total_order(b)
    return COMPARISONS[_word(step, "comparison_direction")](a, b)


def _word(step: Step, name: str) -> str:
    """The last word of an attribute such as #stablehlo<comparison_direction LT>, or of CHLO's."""
    return str(step.op.attributes[name]).rstrip(">").split()[-1] if step.has(name) else ""


def total_order(x: Array) -> Array:
    """Integers in the order that IEEE-754 gives all floats."""
    bits = np.asarray(x).view(np.int64)
    return bits ^ ((bits >> 63) & np.int64(2**63 - 1))


def convert(step: Step) -> Array:
    """The value in another type."""
    (x,), kind = step.operands, step.results[0]
    if kind.dtype is None:
        return x
    if kind.is_float:
        return to_float(x, kind.dtype)
    return to_integer(x, kind.dtype, kind.width)


def to_float(x: Array, dtype: np.dtype) -> Array:
    """A number as float64, from which it is rounded once more to `dtype`."""
    if is_float(x):
        return x
    if dtype != FLOAT64 and x.dtype.itemsize == 8:
        # 64 bits do not fit: the last bit that does tells whether there are any below it, so that
        # the next rounding sees no tie where there is none.
        low = x & 0xFFF
        large = (x >= 2**53) | (x < -(2**53)) if x.dtype.kind == "i" else x >= 2**53
        sticky = (x - low) | (np.where(low != 0, 0x800, 0)).astype(x.dtype)
        x = np.where(large, sticky, x)
    return wide(x)


def to_integer(x: Array, dtype: np.dtype, width: int) -> Array:
    """Truncated; floats out of range become the nearest integer, integers wrap."""
    if dtype == np.bool_:
        return x != 0
    if not is_float(x):
        return x.astype(dtype)
    unsigned = dtype.kind == "u"
    low = 0 if unsigned else -(2 ** (width - 1))
    high = 2 ** (width if unsigned else width - 1) - 1
    whole = np.trunc(np.nan_to_num(x, nan=0.0, posinf=math.inf, neginf=-math.inf))
    # The bounds of 64 bits are no float64: what reaches them is put there.
    inside = (whole > low) & (whole < high)
    kept = np.where(inside, whole, 0).astype(dtype)
    return np.where(whole >= high, dtype.type(high), np.where(whole <= low, dtype.type(low), kept))


def bitcast_convert(step: Step) -> Array:
    """The bits as another type, which may split an element into several or join some."""
    (x,), kind = step.operands, step.results[0]
    source = step.operand_kind(0).dtype
    if source is None or kind.dtype is None:
        raise AttnormError("no definition for these types")
    stored = np.ascontiguousarray(as_declared(x, source))
    if kind.dtype.itemsize > source.itemsize:
        found = stored.view(kind.dtype)[..., 0]
    elif kind.dtype.itemsize < source.itemsize:
        found = stored[..., np.newaxis].view(kind.dtype)
    else:
        found = stored.view(kind.dtype).reshape(x.shape)
    return wide(found) if kind.is_float else found


def reduce_precision(step: Step) -> Array:
    """Rounded to so many bits of mantissa, ties to even; beyond the exponents it is inf or 0.

    A subnormal number has as many bits fewer as its type holds it with.
    """
    (x,), dtype = step.operands, step.results[0].dtype
    exponent, mantissa = step.integer("exponent_bits"), step.integer("mantissa_bits")
    precision = step.frame.precision
    if precision == "real" or (precision != "native" and mantissa >= 23):
        return x
    own = ml_dtypes.finfo(dtype)
    value = x
    if mantissa < own.nmant:
        _, power_ = np.frexp(x)
        last = np.maximum(power_ - 1, own.minexp) - mantissa
        value = np.ldexp(np.rint(np.ldexp(x, -last)), last)
    bias = 2 ** (exponent - 1) - 1
    if bias + 1 < own.maxexp:
        value = np.where(np.abs(value) < 2.0 ** (1 - bias), np.copysign(0.0, x), value)
    largest = 2.0 ** min(bias, own.maxexp - 1)
    value = np.where(np.abs(value) / 2 >= largest, np.copysign(np.inf, x), value)
    return np.where(np.isfinite(x), value, x)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "add": np.add,
    "and": np.bitwise_and,
    "atan2": np.arctan2,
    "cbrt": np.cbrt,
    "ceil": np.ceil,
    "clamp": clamp,
    "cosine": np.cos,
    "divide": divide,
    "exponential": np.exp,
    "exponential_minus_one": np.expm1,
    "floor": np.floor,
    "is_finite": np.isfinite,
    "log": np.log,
    "log_plus_one": np.log1p,
    "logistic": logistic,
    "maximum": maximum,
    "minimum": minimum,
    "multiply": np.multiply,
    "negate": negate,
    "not": logical_not,
    "or": np.bitwise_or,
    "power": power,
    "remainder": remainder,
    "round_nearest_afz": round_afz,
    "round_nearest_even": np.rint,
    "rsqrt": rsqrt,
    "select": select,
    "shift_left": shift_left,
    "sign": sign,
    "sine": np.sin,
    "sqrt": np.sqrt,
    "subtract": np.subtract,
    "tan": np.tan,
    "tanh": np.tanh,
    "xor": np.bitwise_xor,
}
"""By name without the dialect: functions of the operands alone."""

HANDLERS: dict[str, Handler] = {
    **{f"stablehlo.{name}": elementwise(function) for name, function in FUNCTIONS.items()},
    "stablehlo.bitcast_convert": bitcast_convert,
    "stablehlo.compare": compare,
    "stablehlo.convert": convert,
    "stablehlo.count_leading_zeros": count_leading_zeros,
    "stablehlo.popcnt": popcnt,
    "stablehlo.reduce_precision": reduce_precision,
    "stablehlo.shift_right_arithmetic": shift_right_arithmetic,
    "stablehlo.shift_right_logical": shift_right_logical,
}
