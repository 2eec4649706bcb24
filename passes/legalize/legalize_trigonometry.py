"""`legalize-trigonometry`: sines, cosines and tangents are right far from 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder, element_type, is_float, shape_of
from attnorm.ir.values import producer

from ..base import Pass, Report

_HALF_PI = (
    float.fromhex("0x1.921fb50000000p+0"),
    float.fromhex("0x1.110b460000000p-26"),
    float.fromhex("0x1.1a62633145c07p-54"),
)
"""pi / 2 in three parts; the first two have 26 bits each, so that their multiples are exact
(Cody and Waite 1980)."""
_SINE = [(-1) ** n / math.factorial(2 * n + 1) for n in range(9)]
_COSINE = [(-1) ** n / math.factorial(2 * n) for n in range(10)]
"""Taylor's coefficients: at pi / 4 the next term lies below an f64's last digit."""


def legalize_function(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: sine(x) -> of x's quadrant, +-p(r) or +-q(r), r = x - k * pi / 2, in f64

    Pattern: cosine(x) -> the same, a quadrant ahead

    Pattern: tan(x) -> sine(x) / cosine(x)
    """
    (x,) = op.operands
    element = element_type(x)
    if not is_float(element) or (element.width < 64 and _is_of_constants(x)):
        return False
    b = Builder(rewriter.ip, op.location)
    wide = b.convert(x, ir.F64Type.get())
    turns = b.unary("round_nearest_even", b.multiply(wide, 2 / math.pi))
    rest = wide
    for part in _HALF_PI:
        rest = b.subtract(rest, b.multiply(turns, part))
    quadrant = b.convert(turns, ir.IntegerType.get_signless(32))
    # Beyond 2^30 nothing of the argument is left: a number, if no right one.
    rest = b.op("clamp", [b.full(-1.0, _f64()), rest, b.full(1.0, _f64())], rest.type)
    square = b.multiply(rest, rest)
    parts = (b.multiply(rest, _polynomial(b, square, _SINE)), _polynomial(b, square, _COSINE))
    found = {
        "stablehlo.sine": lambda: _turned(b, *parts, quadrant),
        "stablehlo.cosine": lambda: _turned(b, *parts, b.add(quadrant, 1)),
        "stablehlo.tan": lambda: b.divide(
            _turned(b, *parts, quadrant), _turned(b, *parts, b.add(quadrant, 1))
        ),
    }[op.name]()
    # No infinity has a sine: what the clamp has made a number is NaN again.
    value = b.convert(b.add(found, b.multiply(b.subtract(wide, wide), 0.0)), element)
    rewriter.replace(op, [value])
    return True


def _is_of_constants(x: ir.Value) -> bool:
    """Whether no argument has a part in a value."""
    pending, seen = [x], {x}
    while pending:
        op = producer(pending.pop())
        if op is None:
            return False
        operands = [operand for operand in op.operands if operand not in seen]
        seen.update(operands)
        pending += operands
    return True


def _f64() -> ir.Type:
    return ir.F64Type.get()


def _polynomial(b: Builder, x: ir.Value, coefficients: Sequence[float]) -> ir.Value:
    """By Horner's rule, lowest coefficient first."""
    total = b.full(coefficients[-1], element_type(x), shape_of(x))
    for coefficient in reversed(coefficients[:-1]):
        total = b.add(b.multiply(total, x), coefficient)
    return total


def _turned(b: Builder, sine: ir.Value, cosine: ir.Value, quadrant: ir.Value) -> ir.Value:
    """The sine of an angle in a quadrant, by those of what it is ahead of the quadrant's."""
    is_odd = b.compare("NE", b.binary("and", quadrant, 1), 0)
    is_negative = b.compare("NE", b.binary("and", quadrant, 2), 0)
    value = b.select(is_odd, cosine, sine)
    return b.select(is_negative, b.unary("negate", value), value)


@dataclass(frozen=True)
class LegalizeTrigonometryPass(Pass):
    """Sines, cosines and tangents are right far from 0.

    IREE 3.13 loses about 3e-8 of a radian in each: the sine of a rotary embedding's angle at
    position 131,072 is off by 4e-3, and that of 1e9 is no sine at all (1e12). It links none in f64.

    Fires on every `sine`, `cosine` and `tan` of a float that an argument has a part in, and on
    those in f64: of constants alone, IREE would keep each of the steps as a constant of its own.
    The angle is taken to the nearest multiple of pi / 2 in f64 and summed by Taylor's series there,
    then rounded to its type. Up to 2^30 that is within an ULP of the type (two in f64); beyond, the
    result is between -1 and 1, and no more.
    """

    name = "legalize-trigonometry"
    roots = ("stablehlo.sine", "stablehlo.cosine", "stablehlo.tan")

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites every such function below `module`."""
        apply_patterns(module, [(root, legalize_function) for root in self.roots])
