"""`legalize-half-sums`: products, convolutions and sums of narrow floats accumulate in f32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder, element_type, is_float, shape_of

from ..base import Pass, Report

_BODY = {f"stablehlo.{name}" for name in ("add", "maximum", "minimum", "multiply", "return")}
_ROUNDING = {"stablehlo.add", "stablehlo.multiply"}


def legalize_product(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: dot_general(a, b) : half -> convert(dot_general(a, b) : f32)

    Pattern: convolution(a, b) : half -> convert(convolution(a, b) : f32)
    """
    (result,) = op.results
    if not _is_narrow(element_type(result)):
        return False
    b = Builder(rewriter.ip, op.location)
    attributes = {name: op.attributes[name] for name in op.attributes}
    type_ = b.tensor(result.type.shape, ir.F32Type.get())
    operands = [b.convert(x, ir.F32Type.get()) if _is_f8(x) else x for x in op.operands]
    total = b.op(op.name.removeprefix("stablehlo."), operands, type_, **attributes)
    rewriter.replace(op, [b.convert(total, element_type(result))])
    return True


def legalize_reduction(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: reduce(x : half, add) -> convert(reduce(convert(x : f32), add))

    Pattern: reduce_window(x : half, add) -> convert(reduce_window(convert(x : f32), add))
    """
    (block,) = op.regions[0].blocks
    body = [inner.operation for inner in block.operations]
    names = {inner.name for inner in body}
    narrow = any(_is_narrow(element_type(result)) for result in op.results)
    keeps = not names & _ROUNDING and not any(map(_is_f8, op.results))
    if not narrow or not names <= _BODY or keeps:
        return False
    b = Builder(rewriter.ip, op.location)
    operands = [b.convert(x, _widened(element_type(x))) for x in op.operands]
    wide = ir.Operation.create(
        op.name,
        results=[_widened_tensor(b, result) for result in op.results],
        operands=operands,
        attributes={name: op.attributes[name] for name in op.attributes},
        regions=1,
        loc=op.location,
        ip=rewriter.ip,
    )
    _write_body(wide, block, body)
    found = zip(wide.results, op.results, strict=True)
    rewriter.replace(op, [b.convert(value, element_type(result)) for value, result in found])
    return True


def _write_body(wide: ir.Operation, block: ir.Block, body: Sequence[ir.Operation]) -> None:
    """The ops of a reduction's region once more, in the types that it has now."""
    scalars = [ir.RankedTensorType.get([], element_type(x)) for x in wide.operands]
    # A region takes every operand's accumulator, then every operand's element.
    types = scalars[len(scalars) // 2 :] * 2
    inner = wide.regions[0].blocks.append(*types, arg_locs=[wide.location] * len(types))
    values = dict(zip(block.arguments, inner.arguments, strict=True))
    with ir.InsertionPoint(inner), wide.location:
        for op in body:
            operands = [values[x] for x in op.operands]
            results = [operands[0].type] if op.results else []
            made = ir.Operation.create(op.name, results=results, operands=operands)
            values |= zip(op.results, made.results, strict=True)


def _is_narrow(element: ir.Type) -> bool:
    return is_float(element) and element.width < 32


def _is_f8(value: ir.Value) -> bool:
    return is_float(element_type(value)) and element_type(value).width <= 8


def _widened(element: ir.Type) -> ir.Type:
    return ir.F32Type.get() if _is_narrow(element) else element


def _widened_tensor(b: Builder, value: ir.Value) -> ir.RankedTensorType:
    return b.tensor(shape_of(value), _widened(element_type(value)))


@dataclass(frozen=True)
class LegalizeHalfSumsPass(Pass):
    """Products, convolutions and sums of narrow floats accumulate in f32.

    IREE 3.13 accumulates in the type of the result. In a half type that loses digits with every
    term: 65,536 ones sum to 256 in bf16, to 2048 in f16, and a product of 4096 terms in bf16 is
    1.9e-2 off where torch and XLA, which accumulate in f32, are 1.7e-3 off. StableHLO leaves the
    precision of the sum to the implementation.

    Fires on every `dot_general`, `convolution`, and every `reduce` and `reduce_window` that adds or
    multiplies, whose result is a float of fewer than 32 bits; on the largest and the least of f8
    too, which IREE refuses. It is computed in f32 and rounded once.

    ```mlir
    func.func @sum(%x: tensor<4x8xbf16>) -> tensor<4xbf16> {
      %zero = stablehlo.constant dense<0.0> : tensor<bf16>
      %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1]
          : (tensor<4x8xbf16>, tensor<bf16>) -> tensor<4xbf16>
      return %0 : tensor<4xbf16>
    }
    ```

    becomes

    ```mlir
    func.func @sum(%x: tensor<4x8xbf16>) -> tensor<4xbf16> {
      %zero = stablehlo.constant dense<0.0> : tensor<bf16>
      %0 = stablehlo.convert %x : (tensor<4x8xbf16>) -> tensor<4x8xf32>
      %init = stablehlo.convert %zero : (tensor<bf16>) -> tensor<f32>
      %1 = stablehlo.reduce(%0 init: %init) applies stablehlo.add across dimensions = [1]
          : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
      %2 = stablehlo.convert %1 : (tensor<4xf32>) -> tensor<4xbf16>
      return %2 : tensor<4xbf16>
    }
    ```
    """

    name = "legalize-half-sums"
    roots = (
        *("stablehlo.dot_general", "stablehlo.convolution", "stablehlo.dynamic_conv"),
        *("stablehlo.reduce", "stablehlo.reduce_window"),
    )

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites every such op below `module`."""
        patterns = [(root, legalize_product) for root in self.roots[:3]]
        patterns += [(root, legalize_reduction) for root in self.roots[3:]]
        apply_patterns(module, patterns)
