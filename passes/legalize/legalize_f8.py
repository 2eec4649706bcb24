"""`legalize-f8`: arithmetic of floats of 8 bits is in f32, and rounded."""

from __future__ import annotations

from dataclasses import dataclass

from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder, element_type, is_float

from ..base import Pass, Report

_ELEMENTWISE = (
    *("abs", "add", "atan2", "cbrt", "ceil", "clamp", "compare", "cosine", "divide"),
    *("exponential", "exponential_minus_one", "floor", "is_finite", "log", "log_plus_one"),
    *("logistic", "maximum", "minimum", "multiply", "negate", "power", "remainder"),
    *("round_nearest_afz", "round_nearest_even", "rsqrt", "sign", "sine", "sqrt", "subtract"),
    *("tan", "tanh"),
)


def legalize_arithmetic(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: f(x : f8) : f8 -> convert(f(convert(x : f32)) : f8)"""
    (result,) = op.results
    if not any(_is_f8(element_type(x)) for x in (*op.operands, result)):
        return False
    b = Builder(rewriter.ip, op.location)
    f32 = ir.F32Type.get()
    operands = [b.convert(x, f32) if _is_f8(element_type(x)) else x for x in op.operands]
    element = element_type(result)
    type_ = b.tensor(result.type.shape, f32) if _is_f8(element) else result.type
    attributes = {name: op.attributes[name] for name in op.attributes}
    value = b.op(op.name.removeprefix("stablehlo."), operands, type_, **attributes)
    rewriter.replace(op, [b.convert(value, element)])
    return True


def legalize_convert(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: convert(x : f8) : f16 or f64 -> convert(convert(x : f32)), which is exact

    Pattern: convert(x : f16) : f8 -> convert(convert(x : f32) : f8)
    """
    (x,), (result,) = op.operands, op.results
    before, after = element_type(x), element_type(result)
    widens = _is_f8(before) and isinstance(after, (ir.F16Type, ir.F64Type))
    if not widens and not (_is_f8(after) and isinstance(before, ir.F16Type)):
        return False
    b = Builder(rewriter.ip, op.location)
    rewriter.replace(op, [b.convert(b.convert(x, ir.F32Type.get()), after)])
    return True


def _is_f8(element: ir.Type) -> bool:
    return is_float(element) and element.width <= 8


@dataclass(frozen=True)
class LegalizeF8Pass(Pass):
    """Arithmetic of floats of 8 bits is in f32, and rounded.

    IREE 3.13 has little arithmetic of such types: "failed to legalize operation 'math.absf'", and
    for f8E4M3FN, which has no infinity, no number is finite to it. It converts them right.

    Fires on every elementwise function and comparison of a float of 8 bits or fewer. That is how
    StableHLO's reference interpreter and XLA compute them. A conversion from such a type to f16 or
    f64, or from f16 to one, goes by way of f32: IREE has none of them.

    ```mlir
    func.func @abs(%x: tensor<4xf8E4M3FN>) -> tensor<4xf8E4M3FN> {
      %0 = stablehlo.abs %x : tensor<4xf8E4M3FN>
      return %0 : tensor<4xf8E4M3FN>
    }
    ```

    becomes

    ```mlir
    func.func @abs(%x: tensor<4xf8E4M3FN>) -> tensor<4xf8E4M3FN> {
      %0 = stablehlo.convert %x : (tensor<4xf8E4M3FN>) -> tensor<4xf32>
      %1 = stablehlo.abs %0 : tensor<4xf32>
      %2 = stablehlo.convert %1 : (tensor<4xf32>) -> tensor<4xf8E4M3FN>
      return %2 : tensor<4xf8E4M3FN>
    }
    ```
    """

    name = "legalize-f8"
    roots = (*(f"stablehlo.{name}" for name in _ELEMENTWISE), "stablehlo.convert")

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites every such op below `module`."""
        patterns = [(root, legalize_arithmetic) for root in self.roots[:-1]]
        apply_patterns(module, [*patterns, (self.roots[-1], legalize_convert)])
