"""`raise-custom-calls`: custom calls known by name become attnorm ops."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from attnorm.dialect import CUSTOM_CALLS, call_attributes
from attnorm.dialect.calls import Call
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Refusal, Rewriter, apply_patterns

from ..base import Pass, Report, option


def raise_custom_call(
    op: ir.Operation, rewriter: Rewriter, *, report: Report, epsilon: float | None
) -> bool:
    """Pattern: custom_call @known(operands) -> the attnorm op that its declaration builds"""
    target = op.attributes["call_target_name"].value
    if target not in CUSTOM_CALLS:
        return False
    try:
        call = Call(op, call_attributes.read(op), rewriter, epsilon)
        values = CUSTOM_CALLS[target].callee.raise_(call)
    except Refusal as refusal:
        report.error(op, f"@{target}: {refusal}")
        return False
    rewriter.replace(op, values)
    return True


@dataclass(frozen=True)
class RaiseCustomCallsPass(Pass):
    """Custom calls known by name become attnorm ops.

    Fires on the targets that an op is declared with in its file of `dialect/`: norms, softmax and
    attention under the names of LiteRT, JAX, torch, tt-xla and SKaiNET. The declaration says where
    epsilon, scale and causality come from. Leaves other targets alone.

    Fails on a known target whose operands, attributes or types are not what it says, and on
    `@ai_edge_torch.rms_norm` without the option `rms-norm-epsilon`: that call carries no epsilon.

    ```mlir
    func.func @norm(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
      %0 = stablehlo.custom_call @rms_norm(%x, %w) {eps = 1.0e-6 : f32}
          : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @norm(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
      %0 = "attnorm.rms_norm"(%x, %w) {
        axes = array<i64: 1>, epsilon = 9.9999999747524271E-7 : f64,
        operandSegmentSizes = array<i32: 1, 1>
      } : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```
    """

    name = "raise-custom-calls"
    roots = ("stablehlo.custom_call",)

    rms_norm_epsilon: float | None = option(
        "epsilon of the RMSNorm calls that carry none (ai_edge_torch.rms_norm)", None
    )

    def run(self, module: ir.Operation, report: Report) -> None:
        """Raises every known call below `module`."""
        pattern = partial(raise_custom_call, report=report, epsilon=self.rms_norm_epsilon)
        apply_patterns(module, [(root, pattern) for root in self.roots])
