"""`fold-constants`: arithmetic on numbers becomes a number."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from attnorm.analysis.comparisons import comparison
from attnorm.analysis.statistics import body_kind
from attnorm.ir.attributes import constant_value
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns, simplify
from attnorm.ir.stablehlo import Builder, is_bool, is_float

from ..base import Pass, Report

Number = float | int

_MOVES = {"broadcast_in_dim", "convert", "gather", "reshape", "transpose"}
"""Of their first operand: indices do not matter where it is one number."""


def _divide(a: Number, b: Number) -> Number:
    if isinstance(a, int):
        raise ArithmeticError("integer division is left to the run time")
    return a / b


_ARITHMETIC: dict[str, Callable[..., Number]] = {
    "add": lambda a, b: a + b,
    "divide": _divide,
    "multiply": lambda a, b: a * b,
    "negate": lambda a: -a,
    "rsqrt": lambda a: 1 / math.sqrt(a),
    "sqrt": math.sqrt,
    "subtract": lambda a, b: a - b,
}


def fold_users(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: convert | reshape | broadcast_in_dim | transpose | gather (constant c) -> constant c
    Pattern: reduce_window add (constant 0, constant 0) -> constant 0
    Pattern: add | subtract | multiply | divide | negate | sqrt | rsqrt (constants) -> constant
    Pattern: compare (constants) -> constant
    Pattern: arith.constant -> stablehlo.constant
    """
    changed = False
    pending = [op]
    while pending:
        constant = pending.pop()
        for user in [use.owner.operation for use in constant.results[0].uses]:
            folded = _fold(user)
            if folded is not None:
                # The user is left for the next clean-up: a walk may still come to it.
                user.results[0].replace_all_uses_with(folded)
                pending.append(folded.owner.operation)
                changed = True
    if op.name == "arith.constant":
        type_ = op.results[0].type
        if isinstance(type_, ir.RankedTensorType) and _is_number_type(type_.element_type):
            made = _constant(op, type_, op.attributes["value"])
            op.results[0].replace_all_uses_with(made)
            changed = True
    return changed


def _fold(user: ir.Operation) -> ir.Value | None:
    name = user.name.removeprefix("stablehlo.")
    compute = _computation(user, name)
    if compute is None:
        return None
    numbers = []
    for index in range(1 if name in _MOVES else len(user.operands)):
        number = _number(user.operands[index])
        if number is None:
            return None
        numbers.append(number)
    type_ = user.results[0].type
    if not type_.has_static_shape or not _is_number_type(type_.element_type):
        return None
    if not list(user.results[0].uses):
        return None
    try:
        number = compute(*numbers)
    except (ArithmeticError, ValueError):
        return None
    b = Builder(ir.InsertionPoint(user), user.location)
    shape = tuple(type_.shape)
    return b.full(_fit(number, type_.element_type), type_.element_type, shape)


def _computation(user: ir.Operation, name: str) -> Callable[..., Number] | None:
    """What an op does to numbers; None where that is not known here."""
    if name in _MOVES:
        return lambda a: a
    if name == "reduce_window":
        return _sum_of_zeros if body_kind(user) == "add" else None
    return comparison(user) if name == "compare" else _ARITHMETIC.get(name)


def _sum_of_zeros(x: Number, init: Number) -> Number:
    if x or init or isinstance(x, float):
        raise ArithmeticError("another sum")
    return 0


def _is_number_type(element: ir.Type) -> bool:
    # Other integers, which arith has, StableHLO has not.
    integer = isinstance(element, ir.IntegerType) and element.width in (1, 2, 4, 8, 16, 32, 64)
    return is_float(element) or integer


def _fit(number: Number, element: ir.Type) -> Number:
    """A number as an element type holds it."""
    if is_float(element):
        return float(number)
    if is_bool(element):
        return int(number != 0)
    if isinstance(number, float) and not math.isfinite(number):
        raise ArithmeticError("no integer")
    wrapped = int(number) % 2**element.width
    signed = not element.is_unsigned and wrapped >= 2 ** (element.width - 1)
    return wrapped - 2**element.width if signed else wrapped


def _number(value: ir.Value) -> Number | None:
    """The number that a constant holds everywhere."""
    if isinstance(value.owner, ir.Block):
        return None
    op = value.owner.operation
    if op.name not in ("stablehlo.constant", "arith.constant"):
        return None
    dense = constant_value(op)
    if not isinstance(dense, ir.DenseElementsAttr) or not dense.is_splat:
        return None
    if not _is_number_type(dense.type.element_type):
        return None
    number = dense.get_splat_value().value
    return int(number) if isinstance(number, bool) else number


def _constant(op: ir.Operation, type_: ir.Type, dense: ir.Attribute) -> ir.Value:
    b = Builder(ir.InsertionPoint(op), op.location)
    return b.op("constant", [], type_, value=dense)


@dataclass(frozen=True)
class FoldConstantsPass(Pass):
    """Arithmetic on numbers becomes a number.

    Fires on constants with one value everywhere and what is computed from them alone: conversions,
    moves, gathers, the four operations, roots, comparisons, windows of zeros added up. Float
    results are rounded to their type once, as the operation itself rounds. torch-mlir's
    `arith.constant` becomes `stablehlo.constant`. Refuses integer division, roots of negative
    numbers, and constants of many values.

    ```mlir
    func.func @scale() -> tensor<2x4xf32> {
      %depth = arith.constant dense<16> : tensor<1xi64>
      %0 = stablehlo.convert %depth : (tensor<1xi64>) -> tensor<1xf32>
      %1 = stablehlo.sqrt %0 : tensor<1xf32>
      %2 = stablehlo.reshape %1 : (tensor<1xf32>) -> tensor<f32>
      %3 = stablehlo.broadcast_in_dim %2, dims = [] : (tensor<f32>) -> tensor<2x4xf32>
      return %3 : tensor<2x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @scale() -> tensor<2x4xf32> {
      %0 = stablehlo.constant dense<4.0> : tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```
    """

    name = "fold-constants"
    roots = ("stablehlo.constant", "arith.constant")

    def run(self, module: ir.Operation, report: Report) -> None:
        """Folds below `module`."""
        if apply_patterns(module, [(root, fold_users) for root in self.roots]):
            simplify(module)
