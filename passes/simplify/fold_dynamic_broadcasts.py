"""`fold-dynamic-broadcasts`: broadcasts to the shape that is there are gone."""

from __future__ import annotations

from dataclasses import dataclass

from attnorm.analysis.sizes import Sizes
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import operations, simplify

from ..base import Pass, Report


def keeps_shape(op: ir.Operation, sizes: Sizes) -> bool:
    """Pattern: dynamic_broadcast_in_dim(x, shape(x)) -> x"""
    x, result = op.operands[0], op.results[0]
    ordered = list(op.attributes["broadcast_dimensions"]) == list(range(result.type.rank))
    if not ordered or x.type != result.type:
        return False
    return all(
        sizes.dim(x, axis) == sizes.dim(result, axis)
        for axis in range(result.type.rank)
        if result.type.is_dynamic_dim(axis)
    )


@dataclass(frozen=True)
class FoldDynamicBroadcastsPass(Pass):
    """Broadcasts to the shape that is there are gone.

    Fires on a `dynamic_broadcast_in_dim` to the sizes of its operand, however they are computed:
    torch-mlir broadcasts both operands of every op on dynamic shapes to their common one.

    Refuses sizes that it cannot show to be equal.

    ```mlir
    func.func @add(%x: tensor<?x4xf32>, %w: tensor<4xf32>) -> tensor<?x4xf32> {
      %four = shape.const_shape [4] : tensor<1xindex>
      %0 = shape.shape_of %x : tensor<?x4xf32> -> tensor<2xindex>
      %1 = shape.broadcast %0, %four : tensor<2xindex>, tensor<1xindex> -> tensor<2xindex>
      %2 = stablehlo.dynamic_broadcast_in_dim %x, %1, dims = [0, 1]
          : (tensor<?x4xf32>, tensor<2xindex>) -> tensor<?x4xf32>
      %3 = stablehlo.dynamic_broadcast_in_dim %w, %1, dims = [1]
          : (tensor<4xf32>, tensor<2xindex>) -> tensor<?x4xf32>
      %4 = stablehlo.add %2, %3 : tensor<?x4xf32>
      return %4 : tensor<?x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @add(%x: tensor<?x4xf32>, %w: tensor<4xf32>) -> tensor<?x4xf32> {
      %four = shape.const_shape [4] : tensor<1xindex>
      %0 = shape.shape_of %x : tensor<?x4xf32> -> tensor<2xindex>
      %1 = shape.broadcast %0, %four : tensor<2xindex>, tensor<1xindex> -> tensor<2xindex>
      %2 = stablehlo.dynamic_broadcast_in_dim %w, %1, dims = [1]
          : (tensor<4xf32>, tensor<2xindex>) -> tensor<?x4xf32>
      %3 = stablehlo.add %x, %2 : tensor<?x4xf32>
      return %3 : tensor<?x4xf32>
    }
    ```
    """

    name = "fold-dynamic-broadcasts"
    roots = ("stablehlo.dynamic_broadcast_in_dim",)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Folds below `module`."""
        sizes = Sizes()
        broadcasts = operations(module, "stablehlo.dynamic_broadcast_in_dim")
        folded = [op for op in broadcasts if keeps_shape(op, sizes)]
        for op in folded:
            op.results[0].replace_all_uses_with(op.operands[0])
        if folded:
            simplify(module)
