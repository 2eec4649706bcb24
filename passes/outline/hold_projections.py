"""`hold-projections`: a product keeps its own order of dimensions; a transpose comes after it."""

from __future__ import annotations

from dataclasses import dataclass

from attnorm.ir.mlir import hlo, ir
from attnorm.ir.rewriting import Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder

from ..base import Pass, Report

_ELEMENTWISE = frozenset(f"stablehlo.{name}" for name in ("add", "convert", "multiply"))
_FARTHEST = 4
"""Ops between a product and its transpose: a conversion, a bias, heads split off."""


def hold_projection(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: transpose(reshape(e(dot_general))) -> transpose(reshape(barrier(e(dot_general))))"""
    user = _user_of_projection(op, op, _FARTHEST)
    if user is None:
        return False
    value = user.operands[0]
    owner = value.owner.operation
    builder = Builder(ir.InsertionPoint(user), owner.location)
    user.operands[0] = builder.op("optimization_barrier", [value], value.type)
    return True


def _user_of_projection(user: ir.Operation, place: ir.Operation, left: int) -> ir.Operation | None:
    """Where a projection among `user`'s operands takes its last shape; None where there is none.

    `place` is the op that takes it so far: the transpose, or a reshape ahead of it.
    """
    for value in user.operands:
        if isinstance(value.owner, ir.Block):
            continue
        op = value.owner.operation
        if op.name == "stablehlo.dot_general" and _is_projection(op):
            return place
        if left and op.name in (*_ELEMENTWISE, "stablehlo.reshape"):
            found = _user_of_projection(op, op if op.name.endswith("reshape") else place, left - 1)
            if found:
                return found
    return None


def _is_projection(op: ir.Operation) -> bool:
    numbers = hlo.DotDimensionNumbers(op.attributes["dot_dimension_numbers"])
    return not numbers.lhs_batching_dimensions


@dataclass(frozen=True)
class HoldProjectionsPass(Pass):
    """A product keeps its own order of dimensions; what transposes it comes after.

    IREE 3.13 moves the transpose that splits heads off a projection into the product. That is then
    no matrix product to its tiling: [512,640]x[640,1024] to 4 heads takes 9.3 ms in bf16 and 8.9 in
    f32 where the product alone takes 3.1 and 6.5 (one thread, AVX-512).

    Fires on a transpose of a `dot_general` without batch dimensions, also where reshapes,
    conversions, sums and products stand between (at most four). The barrier stands ahead of the
    reshape, which IREE would move too.

    ```mlir
    func.func @heads(%x: tensor<6x4xf32>, %w: tensor<4x10xf32>) -> tensor<2x6x5xf32> {
      %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0]
          : (tensor<6x4xf32>, tensor<4x10xf32>) -> tensor<6x10xf32>
      %1 = stablehlo.reshape %0 : (tensor<6x10xf32>) -> tensor<6x2x5xf32>
      %2 = stablehlo.transpose %1, dims = [1, 0, 2]
          : (tensor<6x2x5xf32>) -> tensor<2x6x5xf32>
      return %2 : tensor<2x6x5xf32>
    }
    ```

    becomes

    ```mlir
    func.func @heads(%x: tensor<6x4xf32>, %w: tensor<4x10xf32>) -> tensor<2x6x5xf32> {
      %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0]
          : (tensor<6x4xf32>, tensor<4x10xf32>) -> tensor<6x10xf32>
      %1 = stablehlo.optimization_barrier %0 : tensor<6x10xf32>
      %2 = stablehlo.reshape %1 : (tensor<6x10xf32>) -> tensor<6x2x5xf32>
      %3 = stablehlo.transpose %2, dims = [1, 0, 2]
          : (tensor<6x2x5xf32>) -> tensor<2x6x5xf32>
      return %3 : tensor<2x6x5xf32>
    }
    ```
    """

    name = "hold-projections"
    roots = ("stablehlo.transpose",)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Holds every such product below `module`."""
        apply_patterns(module, [(root, hold_projection) for root in self.roots])
