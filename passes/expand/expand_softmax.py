"""`expand-softmax`: softmax becomes StableHLO primitives."""

from __future__ import annotations

from dataclasses import dataclass

from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder, compute_type, element_type

from ..base import Pass, Report


def expand_softmax(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: softmax(x) -> e / sum(e), e = exp(x - max(x))"""
    softmax, b = op.opview, Builder(rewriter.ip, op.location)
    result, axes = element_type(softmax.result), [softmax.axis]
    x = b.convert(softmax.x, compute_type(element_type(softmax.x), result))
    power = b.unary("exponential", b.subtract(x, b.reduce_keep("maximum", x, axes)))
    rewriter.replace(op, [b.convert(b.divide(power, b.reduce_keep("add", power, axes)), result)])
    return True


PATTERNS = [("attnorm.softmax", expand_softmax)]


@dataclass(frozen=True)
class ExpandSoftmaxPass(Pass):
    """Softmax becomes StableHLO primitives.

    Fires on `attnorm.softmax`, always. The largest value is subtracted first, so nothing overflows.
    Computed in f32 (f64 where x or the result is f64), rounded once.

    ```mlir
    func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %0 = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
      %peak = stablehlo.reduce(%x init: %low) applies stablehlo.maximum across dimensions = [1]
          : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
      %peaks = stablehlo.broadcast_in_dim %peak, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
      %shifted = stablehlo.subtract %x, %peaks : tensor<2x4xf32>
      %power = stablehlo.exponential %shifted : tensor<2x4xf32>
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %sum = stablehlo.reduce(%power init: %zero) applies stablehlo.add across dimensions = [1]
          : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
      %sums = stablehlo.broadcast_in_dim %sum, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
      %0 = stablehlo.divide %power, %sums : tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```
    """

    name = "expand-softmax"
    roots = tuple(root for root, _ in PATTERNS)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Expands every softmax below `module`."""
        apply_patterns(module, PATTERNS)
