"""Elementwise ops: the bits of StableHLO's own interpreter, on values at the ends of every type.

Where it is less accurate than the specification allows the best of results to be, it says so.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from both import FLOATS, INTEGERS, SIGNED, check, function, hard, parse, same

from attnorm import reference
from attnorm.ir.tensor_type import ELEMENTS, TensorType

UNARY_FLOAT = (
    *("abs", "cbrt", "ceil", "cosine", "exponential", "exponential_minus_one", "floor", "log"),
    *("log_plus_one", "negate", "round_nearest_afz", "round_nearest_even", "rsqrt"),
    *("sign", "sine", "sqrt", "tan", "tanh"),
)
BINARY_FLOAT = (
    *("add", "atan2", "divide", "maximum", "minimum", "multiply", "power", "remainder"),
    "subtract",
)
BINARY_INTEGER = (
    *("add", "and", "maximum", "minimum", "multiply", "or", "power", "shift_left"),
    *("shift_right_arithmetic", "shift_right_logical", "subtract", "xor"),
)
# Two libraries of f64 functions.
F64_ULPS = 4
COUNT = 400


def apply(op: str, arguments: str, result: str, attributes: str = "") -> str:
    """A module of one op."""
    types = ", ".join(f"tensor<{kind}>" for kind in arguments.split(", "))
    values = ", ".join(f"%{index}" for index in range(arguments.count(",") + 1))
    body = f'%r = "stablehlo.{op}"({values}) {{{attributes}}} : ({types}) -> tensor<{result}>'
    return function(arguments, result, body)


def repeated(kind: str, count: int = 1) -> str:
    """A list of one type."""
    return ", ".join([kind] * count)


@pytest.mark.parametrize("element", FLOATS)
@pytest.mark.parametrize("op", UNARY_FLOAT)
def test_float_functions(op: str, element: str) -> None:
    """Rounded once."""
    kind = f"{COUNT}x{element}"
    check(apply(op, kind, kind), ulps=F64_ULPS if element == "f64" else 0)


@pytest.mark.parametrize("element", FLOATS)
def test_logistic(element: str) -> None:
    """Rounded once: 1 / (1 + exp(-x)), where exp(-x) overflows too.

    The specification's own interpreter rounds three times, and gives 0 from x = -89 down in f32.
    """
    text = apply("logistic", f"{COUNT}x{element}", f"{COUNT}x{element}")
    x = hard(TensorType.parse(f"{COUNT}x{element}"), 0)
    (got,) = reference.evaluate(parse(text), x)
    check(
        text,
        np.where(x.astype(np.float64) < -10, x.dtype.type(0), x),
        ulps=F64_ULPS if element == "f64" else 2,
    )
    with np.errstate(all="ignore"):
        exact = [_logistic(float(value)) for value in x]
        want = np.array(exact).astype(x.dtype)
    assert same(got, want, F64_ULPS if element == "f64" else 0).all()


def _logistic(x: float) -> float:
    if math.isnan(x):
        return math.nan
    power = math.exp(-abs(x))
    return (power if x < 0 else 1.0) / (1.0 + power)


@pytest.mark.parametrize("element", FLOATS)
@pytest.mark.parametrize("op", BINARY_FLOAT)
def test_float_arithmetic(op: str, element: str) -> None:
    """Rounded once; signs of zeros, NaN and infinities."""
    kind = f"{COUNT}x{element}"
    exact = element != "f64" or op not in ("power", "atan2")
    check(apply(op, repeated(kind, 2), kind), ulps=0 if exact else F64_ULPS)


@pytest.mark.parametrize("element", FLOATS)
def test_every_pair_of_hard_values(element: str) -> None:
    """Maximum, minimum, comparisons and the rest on every pair of what is hard."""
    values = np.unique(hard(TensorType.parse(f"60x{element}"), 0).astype(np.float64))
    with np.errstate(all="ignore"):
        values = np.append(values, [-0.0, 0.0, np.nan]).astype(TensorType.parse(element).dtype)
    a, b = (x.ravel() for x in np.meshgrid(values, values))
    for op in ("add", "divide", "maximum", "minimum", "multiply", "remainder", "subtract"):
        check(apply(op, repeated(f"{a.size}x{element}", 2), f"{a.size}x{element}"), a, b)


@pytest.mark.parametrize("element", INTEGERS)
@pytest.mark.parametrize("op", BINARY_INTEGER)
def test_integer_arithmetic(op: str, element: str) -> None:
    """Wraps; shifts by the width or more, and by negative amounts; negative powers."""
    kind = f"{COUNT}x{element}"
    check(apply(op, repeated(kind, 2), kind))


@pytest.mark.parametrize("element", INTEGERS)
@pytest.mark.parametrize("op", [op for op in BINARY_INTEGER if op.startswith("shift")])
def test_shifts(op: str, element: str) -> None:
    """By every amount up to twice the width."""
    dtype = TensorType.parse(element).dtype
    amounts = np.arange(16 * dtype.itemsize).astype(dtype)
    kind = f"{amounts.size}x{element}"
    for x in (hard(TensorType.parse(kind), 0), np.full_like(amounts, np.iinfo(dtype).max)):
        check(apply(op, repeated(kind, 2), kind), x, amounts)


@pytest.mark.parametrize("element", INTEGERS)
@pytest.mark.parametrize("op", ["divide", "remainder"])
def test_integer_division(op: str, element: str) -> None:
    """Towards zero. By zero, which the specification leaves open, as in XLA; so min / -1."""
    kind = TensorType.parse(f"{COUNT}x{element}")
    a, b = hard(kind, 0), hard(kind, 1)
    lowest, text = np.iinfo(kind.dtype).min, apply(op, repeated(str(kind), 2), str(kind))
    # Its own interpreter ends the process where a divisor is 0.
    some = b != 0
    check(text, np.where(some, a, a.dtype.type(7)), np.where(some, b, b.dtype.type(1)))
    (got,) = reference.evaluate(parse(text), a, np.zeros_like(b))
    # All bits of the quotient are set.
    np.testing.assert_array_equal(got, ~np.zeros_like(a) if op == "divide" else a)
    if lowest:
        (got,) = reference.evaluate(parse(text), np.full_like(a, lowest), np.full_like(b, -1))
        np.testing.assert_array_equal(got, lowest if op == "divide" else 0)


@pytest.mark.parametrize("element", SIGNED)
@pytest.mark.parametrize("op", ["abs", "negate", "sign"])
def test_signed_functions(op: str, element: str) -> None:
    """The least number has no opposite: it stays."""
    check(apply(op, f"{COUNT}x{element}", f"{COUNT}x{element}"))


@pytest.mark.parametrize("element", INTEGERS)
@pytest.mark.parametrize("op", ["count_leading_zeros", "not", "popcnt"])
def test_bits(op: str, element: str) -> None:
    """Of every width."""
    check(apply(op, f"{COUNT}x{element}", f"{COUNT}x{element}"))


@pytest.mark.parametrize("op", ["add", "and", "maximum", "minimum", "multiply", "or", "xor"])
def test_truth_values(op: str) -> None:
    """Sums of i1 are "or", products "and"."""
    check(apply(op, "40xi1, 40xi1", "40xi1"))
    check(apply("not", "40xi1", "40xi1"))


@pytest.mark.parametrize("direction", ["EQ", "NE", "GE", "GT", "LE", "LT"])
@pytest.mark.parametrize("element", ELEMENTS)
def test_comparisons(direction: str, element: str) -> None:
    """NaN is equal to nothing."""
    attributes = f"comparison_direction = #stablehlo<comparison_direction {direction}>"
    check(apply("compare", repeated(f"{COUNT}x{element}", 2), f"{COUNT}xi1", attributes))


@pytest.mark.parametrize("direction", ["EQ", "NE", "GE", "GT", "LE", "LT"])
def test_total_order(direction: str) -> None:
    """-NaN < -inf < -0 < 0 < inf < NaN, by definition: its own interpreter has no such order."""
    line = np.array([-np.nan, -np.inf, -1.0, -0.0, 0.0, 1.0, np.inf, np.nan], np.float32)
    line[0], line[-1] = np.copysign(line[0], -1), np.copysign(line[-1], 1)
    i, j = (x.ravel() for x in np.meshgrid(range(8), range(8)))
    order = "comparison_direction = #stablehlo<comparison_direction {}>, "
    order += "compare_type = #stablehlo<comparison_type TOTALORDER>"
    text = apply("compare", "64xf32, 64xf32", "64xi1", order.format(direction))
    want = {"EQ": i == j, "NE": i != j, "GE": i >= j, "GT": i > j, "LE": i <= j, "LT": i < j}
    (got,) = reference.evaluate(parse(text), line[i], line[j])
    np.testing.assert_array_equal(got, want[direction])


@pytest.mark.parametrize(("source", "target"), list(itertools.product(ELEMENTS, ELEMENTS)))
def test_conversions(source: str, target: str) -> None:
    """Rounded once, truncated towards zero, saturated where a float does not fit; NaN is 0."""
    check(apply("convert", f"{COUNT}x{source}", f"{COUNT}x{target}"))


@pytest.mark.parametrize("target", INTEGERS)
def test_floats_at_the_bounds_of_integers(target: str) -> None:
    """The last that fit, and what is beside them."""
    limits = np.iinfo(TensorType.parse(target).dtype)
    bounds = np.array([limits.min, limits.max], np.float64)
    beside = [bounds, bounds - 1, bounds + 1, np.nextafter(bounds, 0), bounds + 0.5, bounds - 0.5]
    check(apply("convert", "12xf64", f"12x{target}"), np.concatenate(beside))


def test_wide_integers_are_rounded_once() -> None:
    """Beside a tie of f32, by what float64 does not have."""
    tie = 2**62 + 2**38
    x = np.array([tie, tie + 1, tie - 1, tie + 2**39, -tie, -tie - 1, -tie + 1], np.int64)
    check(apply("convert", "7xi64", "7xf32"), x)
    (got,) = reference.evaluate(parse(apply("convert", "7xi64", "7xf32")), x)
    unit = 2.0**39
    want = 2.0**62 + np.array([0, unit, 0, unit * 2, 0, 0, 0])
    np.testing.assert_array_equal(got[:4], want[:4])


@pytest.mark.parametrize("element", ["i4", "ui4"])
@pytest.mark.parametrize("op", [op for op in BINARY_INTEGER if op != "power"])
def test_four_bits(op: str, element: str) -> None:
    """They wrap, and shift, as four."""
    wide, narrow = "tensor<256xi8>", f"tensor<256x{element}>"
    body = f"""%a = stablehlo.convert %0 : ({wide}) -> {narrow}
      %b = stablehlo.convert %1 : ({wide}) -> {narrow}
      %c = stablehlo.{op} %a, %b : {narrow}
      %r = stablehlo.convert %c : ({narrow}) -> {wide}"""
    a, b = (x.ravel().astype(np.int8) for x in np.meshgrid(range(16), range(16)))
    check(function("256xi8, 256xi8", "256xi8", body), a, b)


EIGHTS = ("f8E3M4", "f8E4M3", "f8E4M3B11FNUZ", "f8E4M3FN", "f8E4M3FNUZ", "f8E5M2", "f8E5M2FNUZ")


@pytest.mark.parametrize("element", EIGHTS)
def test_eight_bits(element: str) -> None:
    """Conversions to every format of 8 bits and back, and a product."""
    wide, narrow = "tensor<400xf32>", f"tensor<400x{element}>"
    body = f"""%a = stablehlo.convert %0 : ({wide}) -> {narrow}
      %b = stablehlo.multiply %a, %a : {narrow}
      %r = stablehlo.convert %b : ({narrow}) -> {wide}"""
    x = np.concatenate([np.linspace(-20, 20, 200), np.exp(np.linspace(-12, 3, 200))])
    check(function("400xf32", "400xf32", body), x.astype(np.float32))


@pytest.mark.parametrize(("source", "target"), [("f32", "i32"), ("i16", "bf16"), ("f16", "ui16")])
def test_bits_as_another_type(source: str, target: str) -> None:
    """The same width."""
    check(apply("bitcast_convert", f"{COUNT}x{source}", f"{COUNT}x{target}"))


@pytest.mark.parametrize(
    ("source", "target"), [("4x2xi16", "4xi32"), ("4xf32", "4x4xui8"), ("3x4xi8", "3xf32")]
)
def test_bits_of_another_width(source: str, target: str) -> None:
    """Elements split and joined, the low ones first."""
    check(apply("bitcast_convert", source, target))


@pytest.mark.parametrize("element", FLOATS)
@pytest.mark.parametrize("bits", [(5, 10), (8, 7), (8, 23), (5, 2), (4, 3), (11, 52), (2, 1)])
def test_reduce_precision(element: str, bits: tuple[int, int]) -> None:
    """Ties to even; what the exponent cannot hold is infinite or 0."""
    exponent, mantissa = bits
    attributes = f"exponent_bits = {exponent} : i32, mantissa_bits = {mantissa} : i32"
    kind = f"{COUNT}x{element}"
    check(apply("reduce_precision", kind, kind, attributes))


@pytest.mark.parametrize("element", ELEMENTS)
def test_select_and_clamp(element: str) -> None:
    """With predicates and bounds that are tensors and that are scalars."""
    kind = f"40x{element}"
    check(apply("select", f"40xi1, {kind}, {kind}", kind))
    check(apply("select", f"i1, {kind}, {kind}", kind))
    check(apply("clamp", f"{element}, {kind}, {element}", kind))
    check(apply("clamp", f"{kind}, {kind}, {kind}", kind))


@pytest.mark.parametrize("element", FLOATS)
def test_is_finite(element: str) -> None:
    """Neither NaN nor infinite."""
    check(apply("is_finite", f"{COUNT}x{element}", f"{COUNT}xi1"))
