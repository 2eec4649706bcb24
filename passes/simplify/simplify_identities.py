"""`simplify-identities`: operations with a number that change nothing, or have a plainer form."""

from __future__ import annotations

import math
from dataclasses import dataclass

from attnorm.analysis.comparisons import comparison
from attnorm.analysis.views import is_move, is_splat, splat, users
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns, simplify
from attnorm.ir.stablehlo import Builder, element_type, is_bool
from attnorm.ir.values import producer

from ..base import Pass, Report

INFINITY = float("inf")


def simplify_users(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: subtract(x, 0) -> x
    Pattern: multiply(x, 1), divide(x, 1) -> x
    Pattern: maximum(x, -inf), minimum(x, inf) -> x
    Pattern: power(x, 2) -> multiply(x, x)
    Pattern: select(p, true, false) -> p
    Pattern: select(true, x, y) -> x, select(false, x, y) -> y
    """
    if splat(op.results[0]) not in _NUMBERS:
        return False
    changed = False
    pending = [op]
    while pending:
        for user in users(pending.pop().results[0]):
            if is_move(user):
                pending.append(user)
                continue
            changed |= _replace(user, _simpler(user))
    return changed


_NUMBERS = {0, 1, 2, INFINITY, -INFINITY}
"""Those that have a meaning here, among them true and false."""


def decide_truth(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: compare(convert(p), c) -> p, not(p), where p is true or false"""
    return _replace(op, _truth(op))


def _replace(op: ir.Operation, value: ir.Value | None) -> bool:
    """Puts a value of its type in the place of an op, which is left for the next clean-up.

    A walk may still come to it.
    """
    if value is None or value.type != op.results[0].type:
        return False
    op.results[0].replace_all_uses_with(value)
    return True


def _simpler(user: ir.Operation) -> ir.Value | None:
    name = user.name.removeprefix("stablehlo.")
    if name not in _SIMPLIFIED:
        return None
    operands = list(user.operands)
    match name:
        case "subtract" if _is_positive_zero(operands[1]):
            return operands[0]
        case "divide" if is_splat(operands[1], 1):
            return operands[0]
        case "multiply":
            return _other(operands, 1)
        case "maximum":
            return _other(operands, -INFINITY)
        case "minimum":
            return _other(operands, INFINITY)
        case "power" if is_splat(operands[1], 2):
            b = Builder(ir.InsertionPoint(user), user.location)
            return b.multiply(operands[0], operands[0])
        case "select" if _is_true(operands[1]) and _is_false(operands[2]):
            return operands[0]
        case "select" if _is_true(operands[0]):
            return operands[1]
        case "select" if _is_false(operands[0]):
            return operands[2]
    return None


_SIMPLIFIED = {"divide", "maximum", "minimum", "multiply", "power", "select", "subtract"}


def _is_positive_zero(value: ir.Value) -> bool:
    """Whether a value is 0, and not -0: what is less -0 loses its own sign of 0."""
    number = splat(value)
    return number is not None and is_splat(value, 0) and math.copysign(1, float(number)) > 0


def _other(operands: list[ir.Value], neutral: float) -> ir.Value | None:
    for mine, other in (operands, operands[::-1]):
        if is_splat(other, neutral):
            return mine
    return None


def _truth(compare: ir.Operation) -> ir.Value | None:
    """What a comparison of a truth value, converted to a number, with a number says of it."""
    says = comparison(compare)
    if says is None:
        return None
    for index in (0, 1):
        number, convert = splat(compare.operands[1 - index]), producer(compare.operands[index])
        if number is None or convert is None or convert.name != "stablehlo.convert":
            continue
        truth = convert.operands[0]
        if not is_bool(element_type(truth)):
            continue
        of_false, of_true = (
            says(*((value, number) if index == 0 else (number, value))) for value in (0, 1)
        )
        if of_true and not of_false:
            return truth
        if of_false and not of_true:
            b = Builder(ir.InsertionPoint(compare), compare.location)
            return b.unary("not", truth)
    return None


def _is_true(value: ir.Value) -> bool:
    return splat(value) is True


def _is_false(value: ir.Value) -> bool:
    return splat(value) is False


@dataclass(frozen=True)
class SimplifyIdentitiesPass(Pass):
    """Operations with a number that change nothing, or that have a plainer form.

    Fires on users of constants with one value everywhere: `x - 0`, `x * 1`, `x / 1`,
    `max(x, -inf)`, `min(x, inf)`, `power(x, 2)`, a select between true and false, or
    by one of them, a comparison of what was a truth value. Every value stays what it is, signed
    zeros and NaN included; so `x + 0`, which loses a -0, is left alone.

    ```mlir
    func.func @simplify(%x: tensor<4xf32>) -> tensor<4xf32> {
      %zero = stablehlo.constant dense<0.0> : tensor<4xf32>
      %two = stablehlo.constant dense<2.0> : tensor<4xf32>
      %0 = stablehlo.subtract %x, %zero : tensor<4xf32>
      %1 = stablehlo.power %0, %two : tensor<4xf32>
      return %1 : tensor<4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @simplify(%x: tensor<4xf32>) -> tensor<4xf32> {
      %0 = stablehlo.multiply %x, %x : tensor<4xf32>
      return %0 : tensor<4xf32>
    }
    ```
    """

    name = "simplify-identities"
    roots = ("stablehlo.constant",)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Simplifies below `module`."""
        patterns = [("stablehlo.constant", simplify_users), ("stablehlo.compare", decide_truth)]
        if apply_patterns(module, patterns):
            simplify(module)
