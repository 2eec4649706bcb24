"""`inline-small-resources`: small bf16 resources become elements of their constants."""

from __future__ import annotations

import math
from dataclasses import dataclass

from attnorm.ir.attributes import inline_resource_of
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns

from ..base import Pass, Report

LARGEST = 128
"""IREE puts constants of at most so many elements into the code that uses them."""


def inline_resource(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: constant dense_resource<w> : tensor<Nxbf16>, N <= 128 -> constant dense<"0x...">"""
    return _is_small_bf16(op.results[0].type) and inline_resource_of(op)


def _is_small_bf16(type_: ir.Type) -> bool:
    if not isinstance(type_, ir.RankedTensorType) or not type_.has_static_shape:
        return False
    return isinstance(type_.element_type, ir.BF16Type) and 0 < math.prod(type_.shape) <= LARGEST


@dataclass(frozen=True)
class InlineSmallResourcesPass(Pass):
    """Small bf16 resources become elements of their constants.

    IREE 3.13 computes bf16 in f32. Where it moves a constant of at most 128 elements into the code
    that uses it, it changes the type of the constant but not that of a resource: "'arith.constant'
    op failed to verify that all of {value, result} have same type". The norm weights of a bf16
    model are such constants.

    Fires on `stablehlo.constant` and `arith.constant` of at most 128 bf16 elements, of any rank,
    whose value is a `dense_resource`. Other types and larger resources compile, and stay.

    ```mlir
    func.func @weight() -> tensor<2xbf16> {
      %0 = stablehlo.constant dense_resource<weight> : tensor<2xbf16>
      return %0 : tensor<2xbf16>
    }
    {-#
      dialect_resources: {
        builtin: {
          weight: "0x02000000803F0040"
        }
      }
    #-}
    ```

    becomes

    ```mlir
    func.func @weight() -> tensor<2xbf16> {
      %0 = stablehlo.constant dense<[1.0, 2.0]> : tensor<2xbf16>
      return %0 : tensor<2xbf16>
    }
    ```
    """

    name = "inline-small-resources"
    roots = ("stablehlo.constant", "arith.constant")

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites every such constant below `module`."""
        apply_patterns(module, [(root, inline_resource) for root in self.roots])
