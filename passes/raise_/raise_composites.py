"""`raise-composites`: composites known by name, and by nothing else, become attnorm ops."""

from __future__ import annotations

from dataclasses import dataclass

from attnorm.dialect import COMPOSITES, call_attributes, composites
from attnorm.dialect.calls import Call
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Refusal, Rewriter, apply_patterns, run_native

from ..base import Pass, Report


def raise_composite(op: ir.Operation, rewriter: Rewriter, *, report: Report) -> bool:
    """Pattern: composite "known" -> the attnorm op that its declaration builds"""
    name = op.attributes["name"].value
    if not composites.is_own(op) and (name not in COMPOSITES or _has_body(op)):
        return False
    try:
        if name in COMPOSITES:
            values = COMPOSITES[name].raise_(Call(op, call_attributes.read(op), rewriter))
        else:
            values = _own_op(op, rewriter)
    except Refusal as refusal:
        report.refuse(op, f'"{name}": {refusal}')
        return False
    rewriter.replace(op, values)
    return True


def _has_body(composite: ir.Operation) -> bool:
    """Whether the module says what a composite means."""
    module = composite
    while module.name != "builtin.module":
        module = module.parent.operation
    function = ir.SymbolTable(module)[composite.attributes["decomposition"].value]
    return bool(len(function.operation.regions[0].blocks))


def _own_op(op: ir.Operation, rewriter: Rewriter) -> list[ir.Value]:
    """The op that `to-composites` made a composite of."""
    try:
        raised = composites.op_of(op)
    except ValueError as error:
        raise Refusal(str(error)) from None
    rewriter.ip.insert(raised)
    return list(raised.results)


@dataclass(frozen=True)
class RaiseCompositesPass(Pass):
    """Composites known by name, and by nothing else, become attnorm ops.

    Fires on the names that an op is declared with in its file of `dialect/`, such as
    `odml.rms_norm`, where the decomposition is a declaration without a body, and on `attnorm.*`,
    which `to-composites` made. Private functions that nothing refers to any more are erased.

    A body wins over the name: exporters give the same name to bodies that differ (a scale of one's
    own at the end of `odml.rms_norm`). It is opened later, and recognised by what it computes.

    Refuses, and leaves as it is, a composite with attributes, operands or types that the
    declaration does not know. Every other name stays.

    ```mlir
    func.func @norm(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
      %0 = stablehlo.composite "odml.rms_norm" %x, %w {
        composite_attributes = {epsilon = 1.0e-5 : f64}, decomposition = @odml.rms_norm.impl
      } : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    func.func private @odml.rms_norm.impl(tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
    ```

    becomes

    ```mlir
    func.func @norm(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
      %0 = "attnorm.rms_norm"(%x, %w) {
        axes = array<i64: 1>, cast = "before_weight", epsilon = 1.0e-5 : f64,
        operandSegmentSizes = array<i32: 1, 1>
      } : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```
    """

    name = "raise-composites"
    anchor = "builtin.module"
    roots = ("stablehlo.composite",)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Raises every known composite below `module`."""
        raised = False

        def pattern(op: ir.Operation, rewriter: Rewriter) -> bool:
            nonlocal raised
            done = raise_composite(op, rewriter, report=report)
            raised |= done
            return done

        apply_patterns(module, [(root, pattern) for root in self.roots])
        if raised:
            run_native(module, "symbol-dce")
