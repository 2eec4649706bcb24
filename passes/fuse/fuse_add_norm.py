"""`fuse-add-norm`: the residual stream's addition joins the norm that follows it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from attnorm import dialect
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns

from ..base import Pass, Report


def fuse_addition(op: ir.Operation, rewriter: Rewriter, *, report: Report) -> bool:
    """Pattern: s = add(a, b); rms_norm(s, w) -> (s, n) = add_rms_norm(a, b, w), s used elsewhere"""
    norm = op.opview
    addition = norm.x.owner
    if isinstance(addition, ir.Block) or addition.name != "stablehlo.add":
        return False
    addition = addition.operation
    if len(list(norm.x.uses)) == 1:
        report.refuse(op, "x: expected a sum with another use, got one for the norm alone")
        return False
    if addition.block != op.block:
        report.refuse(op, "x: expected a sum in the norm's own block, got one outside")
        return False
    if any(operand.type != norm.x.type for operand in addition.operands):
        report.refuse(op, f"x: expected a sum of two operands of its own type, {norm.x.type}")
        return False
    place = _place(addition, op, norm.weight)
    if place is None:
        report.refuse(op, "weight: expected a value defined before the sum's other uses")
        return False
    values = {name: getattr(norm, name) for name in type(norm).fields}
    fused = dialect.AddRmsNorm.build(
        {"a": addition.operands[0], "b": addition.operands[1], "weight": norm.weight},
        [norm.x.type, norm.result.type],
        values,
        loc=op.location,
        ip=ir.InsertionPoint(place),
    )
    rewriter.replace(op, [fused.results[1]])
    rewriter.replace(addition, [fused.results[0]])
    return True


def _place(
    addition: ir.Operation, norm: ir.Operation, weight: ir.Value | None
) -> ir.Operation | None:
    """Where both the operands and every use of the results are served: at the sum or the norm."""
    if weight is None or _is_defined_before(weight, addition):
        return addition
    if weight == addition.results[0]:
        return None
    others = [use.owner.operation for use in addition.results[0].uses]
    after = all(other == norm or _is_before(norm, other) for other in others)
    return norm if after else None


def _is_defined_before(value: ir.Value, op: ir.Operation) -> bool:
    if isinstance(value.owner, ir.Block):
        return True
    owner = value.owner.operation
    return owner.block != op.block or owner.is_before_in_block(op)


def _is_before(first: ir.Operation, second: ir.Operation) -> bool:
    """Whether `first` stands before `second`, or before the op of its block that holds it."""
    while second is not None and second.block != first.block:
        second = second.parent
    return second is not None and first.is_before_in_block(second)


@dataclass(frozen=True)
class FuseAddNormPass(Pass):
    """The residual stream's addition joins the norm that follows it.

    Fires on `attnorm.rms_norm` of a `stablehlo.add` that something else reads too.

    Refuses a sum that only the norm reads, a weight that is defined after a use of the sum, and a
    norm in a region below the sum.

    ```mlir
    func.func @residual(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>)
        -> (tensor<2x4xf32>, tensor<2x4xf32>) {
      %0 = stablehlo.add %a, %b : tensor<2x4xf32>
      %1 = "attnorm.rms_norm"(%0) {
        axes = array<i64: 1>, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 0>
      } : (tensor<2x4xf32>) -> tensor<2x4xf32>
      return %0, %1 : tensor<2x4xf32>, tensor<2x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @residual(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>)
        -> (tensor<2x4xf32>, tensor<2x4xf32>) {
      %0, %1 = "attnorm.add_rms_norm"(%a, %b) {
        axes = array<i64: 1>, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 1, 0>
      } : (tensor<2x4xf32>, tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
      return %0, %1 : tensor<2x4xf32>, tensor<2x4xf32>
    }
    ```
    """

    name = "fuse-add-norm"
    roots = ("attnorm.rms_norm",)
    partners = ("stablehlo.add",)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Fuses every addition below `module`."""
        apply_patterns(
            module, [(root, partial(fuse_addition, report=report)) for root in self.roots]
        )
