"""`legalize-unsigned-operands`: products and convolutions read booleans and unsigned integers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import operations
from attnorm.ir.stablehlo import Builder, element_type, is_bool, is_float, is_unsigned, shape_of
from attnorm.ir.values import producer

from ..base import Pass, Report

_CONVERT = "stablehlo.convert"
_MOVES = frozenset(
    f"stablehlo.{name}"
    for name in (
        *("broadcast_in_dim", "concatenate", "convert", "dynamic_broadcast_in_dim", "pad"),
        *("dynamic_pad", "dynamic_reshape", "dynamic_slice", "gather", "dynamic_gather"),
        *("real_dynamic_slice", "reshape", "reverse", "slice", "transpose"),
    )
)
"""What leaves a value's elements as they are: IREE exchanges these with conversions."""


def legalize_operand(op: ir.Operation, position: int) -> None:
    """Pattern: dot_general(x : unsigned, ..) : T -> dot_general(convert(x : T), ..) : T"""
    x, wanted = op.operands[position], element_type(op.results[0])
    if is_unsigned(element_type(x)) and not is_bool(wanted) and element_type(x) != wanted:
        op.operands[position] = Builder(ir.InsertionPoint(op), op.location).convert(x, wanted)


def legalize_conversion(op: ir.Operation) -> None:
    """Pattern: convert(i1 : float) -> select(i1, 1, 0)
    Pattern: convert(unsigned : float) -> maximum(convert(unsigned : float), 0)
    Pattern: convert(unsigned : integer) -> and(convert(unsigned : integer), 2^width - 1)
    """
    (x,), (result,) = op.operands, op.results
    wide, shape = element_type(result), shape_of(x)
    b = Builder(ir.InsertionPoint.after(op), op.location)
    if is_float(wide) and is_bool(element_type(x)):
        kept = b.select(x, b.full(1.0, wide, shape), b.full(0.0, wide, shape))
        result.replace_all_uses_with(kept)
        op.erase()
        return
    if is_float(wide):
        kept = b.binary("maximum", result, 0.0)
    else:
        kept = b.binary("and", result, 2 ** element_type(x).width - 1)
    result.replace_all_uses_except(kept, [kept.owner.operation])


def _conversions(value: ir.Value, seen: set[ir.Operation]) -> Iterator[ir.Operation]:
    """The conversions of unsigned integers and booleans that a value's elements come through."""
    pending = [value]
    while pending:
        op = producer(pending.pop())
        if op is None or op.name not in _MOVES or op in seen:
            continue
        seen.add(op)
        if op.name == _CONVERT and _loses_sign(op):
            yield op
        pending += op.operands


def _loses_sign(op: ir.Operation) -> bool:
    """Whether a conversion widens an unsigned integer or a boolean."""
    narrow, wide = element_type(op.operands[0]), element_type(op.results[0])
    if not is_unsigned(narrow) or isinstance(wide, ir.ComplexType):
        return False
    return is_float(wide) or wide.width > narrow.width


@dataclass(frozen=True)
class LegalizeUnsignedOperandsPass(Pass):
    """Products and convolutions read booleans and unsigned integers.

    IREE 3.13 moves the conversion of an operand into a product, and there widens every integer as a
    signed one: true becomes -1, and 200 in ui8 becomes -56. It does so for `stablehlo.dot_general`
    and convolutions ahead of linalg (all unsigned types), and again for `linalg.matmul`
    (`--iree-opt-generalize-matmul`, booleans).

    Fires on every `convert` of a boolean or an unsigned integer to a wider type that reaches an
    operand of a `dot_general` or `convolution`, also through transposes, broadcasts, reshapes,
    slices and other conversions. What changes none of the values stands behind it and keeps it
    apart: a select between 1 and 0, a maximum with 0, an `and` with the bits that the type has. An
    operand that is unsigned itself is converted to the result's type first.

    ```mlir
    func.func @lookup(%m: tensor<4x8xi1>, %w: tensor<8x2xf32>) -> tensor<4x2xf32> {
      %0 = stablehlo.convert %m : (tensor<4x8xi1>) -> tensor<4x8xf32>
      %1 = stablehlo.dot_general %0, %w, contracting_dims = [1] x [0]
          : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
      return %1 : tensor<4x2xf32>
    }
    ```

    becomes

    ```mlir
    func.func @lookup(%m: tensor<4x8xi1>, %w: tensor<8x2xf32>) -> tensor<4x2xf32> {
      %one = stablehlo.constant dense<1.0> : tensor<4x8xf32>
      %zero = stablehlo.constant dense<0.0> : tensor<4x8xf32>
      %0 = stablehlo.select %m, %one, %zero : tensor<4x8xi1>, tensor<4x8xf32>
      %1 = stablehlo.dot_general %0, %w, contracting_dims = [1] x [0]
          : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
      return %1 : tensor<4x2xf32>
    }
    ```
    """

    name = "legalize-unsigned-operands"
    roots = ("stablehlo.dot_general", "stablehlo.convolution", "stablehlo.dynamic_conv")

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites every such conversion below `module`."""
        seen: set[ir.Operation] = set()
        for op in [op for root in self.roots for op in operations(module, root)]:
            with op.location:
                for position in range(2):
                    legalize_operand(op, position)
                found = [each for x in list(op.operands)[:2] for each in _conversions(x, seen)]
                for conversion in found:
                    legalize_conversion(conversion)
