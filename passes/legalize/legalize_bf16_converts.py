"""`legalize-bf16-converts`: integers and booleans become bf16 in two steps that stay two."""

from __future__ import annotations

from dataclasses import dataclass

from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder, element_type, shape_of

from ..base import Pass, Report

_LARGEST = 3.4028234663852886e38
"""The largest finite f32: no integer of 64 bits reaches it."""


def legalize_convert(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: convert(integer : bf16) -> convert(clamp(-max, convert(integer : f32), max) : bf16)

    Pattern: convert(i1 : bf16) -> select(i1, 1, 0)
    """
    (x,) = op.operands
    source = element_type(x)
    if not isinstance(source, ir.IntegerType) or not _is_bf16(op.results[0]):
        return False
    b = Builder(rewriter.ip, op.location)
    if source.width == 1:
        one, zero = (b.full(value, ir.BF16Type.get(), shape_of(x)) for value in (1.0, 0.0))
        rewriter.replace(op, [b.select(x, one, zero)])
    else:
        rewriter.replace(op, [_narrowed(b, b.convert(x, ir.F32Type.get()))])
    return True


def legalize_iota(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: iota : bf16 -> convert(clamp(-max, iota : f32, max) : bf16)"""
    (result,) = op.results
    if not _is_bf16(result):
        return False
    b = Builder(rewriter.ip, op.location)
    kept = {name: op.attributes[name] for name in op.attributes}
    type_ = b.tensor(result.type.shape, ir.F32Type.get())
    name = op.name.removeprefix("stablehlo.")
    rewriter.replace(op, [_narrowed(b, b.op(name, list(op.operands), type_, **kept))])
    return True


def _is_bf16(value: ir.Value) -> bool:
    return isinstance(element_type(value), ir.BF16Type)


def _narrowed(b: Builder, x: ir.Value) -> ir.Value:
    """x, in f32 and of an integer's value, as bf16."""
    low, high = (b.full(value, ir.F32Type.get()) for value in (-_LARGEST, _LARGEST))
    return b.convert(b.op("clamp", [low, x, high], x.type), ir.BF16Type.get())


@dataclass(frozen=True)
class LegalizeBf16ConvertsPass(Pass):
    """Integers and booleans become bf16 in two steps that stay two.

    IREE 3.13 makes one instruction, an integer to bf16, of a `stablehlo.convert` to bf16 and of the
    pair of converts by way of f32 (MLIR folds `arith.truncf` of `arith.sitofp`), and does not
    expand it. LLVM then calls `__truncsfbf2`, which no program of IREE's has: "undefined symbol".
    That is so on every target without instructions for bf16.

    Fires on every `convert` of integers or booleans to bf16, and on every `iota` of bf16. A clamp
    to the finite numbers, which changes no integer, keeps the two converts apart; a boolean selects
    1 or 0. An integer of more than 24 bits is rounded to f32 first, as torch and XLA do.

    ```mlir
    func.func @convert(%x: tensor<4xi32>) -> tensor<4xbf16> {
      %0 = stablehlo.convert %x : (tensor<4xi32>) -> tensor<4xbf16>
      return %0 : tensor<4xbf16>
    }
    ```

    becomes

    ```mlir
    func.func @convert(%x: tensor<4xi32>) -> tensor<4xbf16> {
      %0 = stablehlo.convert %x : (tensor<4xi32>) -> tensor<4xf32>
      %low = stablehlo.constant dense<-3.40282347E+38> : tensor<f32>
      %high = stablehlo.constant dense<3.40282347E+38> : tensor<f32>
      %1 = stablehlo.clamp %low, %0, %high
          : (tensor<f32>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
      %2 = stablehlo.convert %1 : (tensor<4xf32>) -> tensor<4xbf16>
      return %2 : tensor<4xbf16>
    }
    ```
    """

    name = "legalize-bf16-converts"
    roots = ("stablehlo.convert", "stablehlo.iota", "stablehlo.dynamic_iota")

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites every such op below `module`."""
        patterns = (legalize_convert, legalize_iota, legalize_iota)
        apply_patterns(module, list(zip(self.roots, patterns, strict=True)))
