"""`legalize-dot-algorithm`: what a dot's algorithm demands becomes types."""

from __future__ import annotations

from dataclasses import dataclass

from attnorm.ir.mlir import hlo, ir
from attnorm.ir.rewriting import Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder, shape_of

from ..base import Pass, Report


def legalize_algorithm(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: dot_general(a, b) algorithm = <A, B, C> -> convert(dot_general(a : A, b : B) : C)"""
    if "algorithm" not in op.attributes:
        return False
    algorithm = hlo.DotAlgorithm(op.attributes["algorithm"])
    b = Builder(rewriter.ip, op.location)
    operands = list(op.operands)
    if algorithm.num_primitive_operations == 1:
        wanted = (algorithm.lhs_precision_type, algorithm.rhs_precision_type)
        operands = [
            b.convert(x, _held_in(type_)) for x, type_ in zip(operands, wanted, strict=True)
        ]
    result = op.results[0]
    type_ = b.tensor(shape_of(result), _held_in(algorithm.accumulation_type))
    kept = {name: op.attributes[name] for name in op.attributes if name != "algorithm"}
    dot = b.op("dot_general", operands, type_, **kept)
    rewriter.replace(op, [b.convert(dot, result.type.element_type)])
    return True


def _held_in(type_: ir.Type) -> ir.Type:
    """The type that holds values of a precision: f32 for tf32, which no tensor is made of."""
    return ir.F32Type.get(type_.context) if isinstance(type_, ir.FloatTF32Type) else type_


@dataclass(frozen=True)
class LegalizeDotAlgorithmPass(Pass):
    """What a dot's algorithm demands becomes types.

    IREE 3.13 takes no `stablehlo.dot_general` with an algorithm: "failed to legalize operation
    'stablehlo.dot_general' that was explicitly marked illegal".

    Fires on every `dot_general` with an `algorithm`. Operands are converted to the precision that
    it names, the product has its accumulation type, and is converted to the result type where that
    is another one. Two demands are met by more than they ask for: tf32 is computed in f32, and
    operands whose product is to be put together from several (`num_primitive_operations = 3`: f32
    from bf16) stay as they are.

    ```mlir
    func.func @dot(%a: tensor<2x4xbf16>, %b: tensor<4x2xbf16>) -> tensor<2x2xbf16> {
      %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0], algorithm = <
        lhs_precision_type = bf16, rhs_precision_type = bf16, accumulation_type = f32,
        lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 1,
        allow_imprecise_accumulation = false
      > : (tensor<2x4xbf16>, tensor<4x2xbf16>) -> tensor<2x2xbf16>
      return %0 : tensor<2x2xbf16>
    }
    ```

    becomes

    ```mlir
    func.func @dot(%a: tensor<2x4xbf16>, %b: tensor<4x2xbf16>) -> tensor<2x2xbf16> {
      %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0]
          : (tensor<2x4xbf16>, tensor<4x2xbf16>) -> tensor<2x2xf32>
      %1 = stablehlo.convert %0 : (tensor<2x2xf32>) -> tensor<2x2xbf16>
      return %1 : tensor<2x2xbf16>
    }
    ```
    """

    name = "legalize-dot-algorithm"
    roots = ("stablehlo.dot_general",)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites every such product below `module`."""
        apply_patterns(module, [(root, legalize_algorithm) for root in self.roots])
