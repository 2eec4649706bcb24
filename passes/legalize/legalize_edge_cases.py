"""`legalize-edge-cases`: functions that IREE gets wrong for negative numbers, zeros, infinities."""

from __future__ import annotations

import math
from dataclasses import dataclass

from attnorm.analysis.views import splat
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import operations
from attnorm.ir.stablehlo import Builder, element_type, is_float, is_static, shape_of

from ..base import Pass, Report

_RIGHT_EXPONENTS = (-1.0, 0.0, 0.5, 1.0, 2.0, 3.0)
"""Constant exponents that IREE writes as other functions; and -0.5 is a root's."""
_MOST_PRODUCTS = 64
_TANH = (1, -1 / 3, 2 / 15, -17 / 315, 62 / 2835, -1382 / 155925, 21844 / 6081075)
_NEAR_ZERO = 0.125
"""Taylor's coefficients of tanh(x) / x in x^2, and how far they reach with an f64's digits."""


def legalize_power(op: ir.Operation, b: Builder) -> ir.Value | None:
    """Pattern: power(x, n), n a whole number -> products of x

    Pattern: power(x, y) -> power(abs(x), y), with the sign and the exceptions that x and y give it
    """
    x, y = op.operands
    number = splat(y)
    if not is_float(element_type(x)) or number in _RIGHT_EXPONENTS:
        return None
    if number is not None and float(number).is_integer() and abs(number) <= _MOST_PRODUCTS:
        value = _products(b, x, int(abs(number)))
        return b.divide(b.like(1.0, x), value) if number < 0 else value
    # A logarithm's error grows with the exponent: in f64 it stays below an f32's last digit.
    wide = ir.F64Type.get()
    return b.convert(_power(b, b.convert(x, wide), b.convert(y, wide)), element_type(x))


def _products(b: Builder, x: ir.Value, exponent: int) -> ir.Value:
    """x to a power of 1 or more, by squares; in f32 where x is of a half type."""
    narrow = element_type(x)
    base = b.convert(x, ir.F32Type.get()) if narrow.width < 32 else x
    total = None
    while exponent:
        if exponent & 1:
            total = base if total is None else b.multiply(total, base)
        exponent >>= 1
        base = b.multiply(base, base) if exponent else base
    assert total is not None
    return b.convert(total, narrow)


def _power(b: Builder, x: ir.Value, y: ir.Value) -> ir.Value:
    """As C99 has it (annex F.9.4.4), by the power of a number that is not negative."""
    size = b.unary("abs", x)
    power = b.binary("power", size, y)
    is_whole = b.compare("EQ", b.unary("floor", y), y)
    half = b.multiply(y, 0.5)
    is_odd = b.binary("and", is_whole, b.compare("NE", b.unary("floor", half), half))
    signed = b.select(b.binary("and", _sign_bit(b, x), is_odd), b.unary("negate", power), power)
    # A negative number, but for zero and infinity, has whole powers only.
    lies_between = b.binary("and", b.compare("LT", x, 0.0), b.compare("LT", size, math.inf))
    lost = b.binary("and", lies_between, b.unary("not", is_whole))
    value = b.select(lost, math.nan, signed)
    is_one = b.binary("or", b.compare("EQ", x, 1.0), b.compare("EQ", y, 0.0))
    endless = b.compare("EQ", b.unary("abs", y), math.inf)
    is_one = b.binary("or", is_one, b.binary("and", b.compare("EQ", size, 1.0), endless))
    return b.select(is_one, 1.0, value)


def _sign_bit(b: Builder, x: ir.Value) -> ir.Value:
    """Whether a float's sign is set: -0's is, and a comparison does not see it."""
    integer = ir.IntegerType.get_signless(element_type(x).width)
    return b.compare("LT", b.op("bitcast_convert", [x], b.tensor(x.type.shape, integer)), 0)


def legalize_cube_root(op: ir.Operation, b: Builder) -> ir.Value:
    """Pattern: cbrt(x) -> select(x is infinite, x, cbrt(x))"""
    (x,) = op.operands
    return b.select(b.compare("EQ", b.unary("abs", x), math.inf), x, b.unary("cbrt", x))


def legalize_angle(op: ir.Operation, b: Builder) -> ir.Value | None:
    """Pattern: atan2(y, x) -> atan2(abs(y), x) with the sign of y"""
    y, x = op.operands
    element = element_type(y)
    if not is_float(element):
        return None
    wide = element if element.width >= 32 else ir.F32Type.get()
    y, x = b.convert(y, wide), b.convert(x, wide)
    size = b.binary("atan2", b.unary("abs", y), x)
    of_zeros = b.select(_sign_bit(b, x), b.like(math.pi, x), 0.0)
    is_zero = b.binary("and", b.compare("EQ", y, 0.0), b.compare("EQ", x, 0.0))
    size = b.select(is_zero, of_zeros, size)
    angle = b.select(_sign_bit(b, y), b.unary("negate", size), size)
    return b.convert(angle, element)


def legalize_tanh(op: ir.Operation, b: Builder) -> ir.Value | None:
    """Pattern: tanh(x) : f64 -> t / (t + 2) with the sign of x, t = exponential(2 |x|) - 1

    Near 0, where that difference loses digits, it is Taylor's polynomial.
    """
    (x,) = op.operands
    if not isinstance(element_type(x), ir.F64Type):
        return None
    size = b.unary("abs", x)
    # From 20 on it is 1; and NaN stays NaN, which a minimum need not keep.
    held = b.select(b.compare("GT", size, 20.0), 20.0, size)
    less = b.subtract(b.unary("exponential", b.multiply(held, 2.0)), 1.0)
    ratio = b.divide(less, b.add(less, 2.0))
    square = b.multiply(x, x)
    series = b.like(_TANH[-1], x)
    for coefficient in reversed(_TANH[:-1]):
        series = b.add(b.multiply(series, square), coefficient)
    far = b.select(_sign_bit(b, x), b.unary("negate", ratio), ratio)
    near = b.compare("LT", size, _NEAR_ZERO)
    return b.select(near, b.multiply(x, series), far)


def legalize_empty_product(op: ir.Operation, b: Builder) -> ir.Value | None:
    """Pattern: dot_general(a, b) over a dimension of 0 -> 0"""
    (result,) = op.results
    empty = any(0 in x.type.shape for x in op.operands)
    return b.like(0, result) if empty and is_static(shape_of(result)) else None


@dataclass(frozen=True)
class LegalizeEdgeCasesPass(Pass):
    """Functions that IREE gets wrong for negative numbers, zeros, infinities.

    IREE 3.13 takes a power by a logarithm: it is NaN for every negative base, with an exponent of
    4 too, and for an exponent of 0. The cube root of an infinity is NaN, the angle of -0 has the
    wrong sign, a `tanh` in f64 does not link, and a product of booleans over no terms ends the
    process that compiles it.

    Fires on `power`: a constant whole exponent becomes products, any other the power of the
    absolute value, with what C99 has for signs, zeros, ones and infinities (annex F.9.4.4); on
    `cbrt`; on `atan2`; on `tanh` in f64; and on a `dot_general` over a dimension of 0.

    ```mlir
    func.func @fourth(%x: tensor<8xf32>) -> tensor<8xf32> {
      %four = stablehlo.constant dense<4.0> : tensor<8xf32>
      %0 = stablehlo.power %x, %four : tensor<8xf32>
      return %0 : tensor<8xf32>
    }
    ```

    becomes

    ```mlir
    func.func @fourth(%x: tensor<8xf32>) -> tensor<8xf32> {
      %four = stablehlo.constant dense<4.0> : tensor<8xf32>
      %0 = stablehlo.multiply %x, %x : tensor<8xf32>
      %1 = stablehlo.multiply %0, %0 : tensor<8xf32>
      return %1 : tensor<8xf32>
    }
    ```
    """

    name = "legalize-edge-cases"
    roots = (
        *("stablehlo.power", "stablehlo.cbrt", "stablehlo.atan2", "stablehlo.tanh"),
        "stablehlo.dot_general",
    )

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites every such function below `module`."""
        rewrites = (legalize_power, legalize_cube_root, legalize_angle, legalize_tanh)
        rewrites += (legalize_empty_product,)
        for root, rewrite in zip(self.roots, rewrites, strict=True):
            # All of them first: what takes the place of one is made of another.
            for op in operations(module, root):
                with op.location:
                    value = rewrite(op, Builder(ir.InsertionPoint(op), op.location))
                if value is not None:
                    op.results[0].replace_all_uses_with(value)
                    op.erase()
