"""`fuse-group-norm-silu`: a SiLU that follows a GroupNorm becomes its activation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from attnorm import dialect
from attnorm.analysis.affine import unwidened
from attnorm.analysis.statistics import one_over, only_user
from attnorm.analysis.views import is_splat, made_by, narrows, users
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Refusal, Rewriter, apply_patterns, erase_dead
from attnorm.ir.stablehlo import element_type
from attnorm.ir.values import producer

from ..base import Pass, Report


def fuse_silu(op: ir.Operation, rewriter: Rewriter, *, report: Report) -> bool:
    """Pattern: multiply(y, logistic(y)), y = group_norm(x, w, b) -> group_norm silu(x, w, b)
    Pattern: multiply(y, 1 / (1 + exponential(negate(y)))), y likewise -> group_norm silu(x, w, b)
    """
    for y, sigmoid in (tuple(op.operands), tuple(op.operands)[::-1]):
        norm = producer(unwidened(y))
        if norm is None or norm.name != "attnorm.group_norm":
            continue
        if norm.opview.activation != "none" or not _is_sigmoid(sigmoid, norm.results[0]):
            continue
        try:
            _fuse(norm, op)
        except Refusal as refusal:
            report.refuse(norm, str(refusal))
            return False
        return True
    return False


def _is_sigmoid(value: ir.Value, y: ir.Value) -> bool:
    """Whether a value is 1 / (1 + exp(-y)), also of y in a wider type."""
    logistic = made_by(value, "logistic")
    if logistic is not None:
        return unwidened(logistic.operands[0]) == y
    quotient = made_by(value, "divide")
    total = made_by(quotient.operands[1], "add") if quotient and one_over(quotient) else None
    if total is None:
        return False
    for power, one in (tuple(total.operands), tuple(total.operands)[::-1]):
        exponential = made_by(power, "exponential")
        negate = made_by(exponential.operands[0], "negate") if exponential else None
        if negate is not None and is_splat(one, 1):
            return unwidened(negate.operands[0]) == y
    return False


def _fuse(norm: ir.Operation, product: ir.Operation) -> None:
    """Puts a norm with the activation in the place of the product, or of its rounding."""
    y, end = norm.results[0], product.results[0]
    rounding = only_user(end)
    if rounding is not None and rounding.name == "stablehlo.convert" and end.type != y.type:
        rounded = rounding.results[0]
        end = rounded if narrows(element_type(end), element_type(rounded)) else end
    if end.type != y.type:
        raise Refusal(f"result: expected a SiLU of type {y.type}, got {end.type}")
    if not all(_leads_to(user, product) for user in users(y)):
        raise Refusal("result: expected no use but the SiLU's, got another")
    last = producer(end)
    assert last is not None, "computed"
    view = norm.opview
    fused = dialect.group_norm(
        view.x,
        view.weight,
        view.bias,
        groups=view.groups,
        channel_axis=view.channel_axis,
        epsilon=view.epsilon,
        activation="silu",
        result=y.type,
        loc=product.location,
        ip=ir.InsertionPoint(last),
    )
    end.replace_all_uses_with(fused)


def _leads_to(op: ir.Operation, product: ir.Operation) -> bool:
    """Whether what an op computes is read by the product alone."""
    if op == product:
        return True
    return len(op.results) == 1 and all(_leads_to(user, product) for user in _readers(op))


def _readers(op: ir.Operation) -> list[ir.Operation]:
    """The ops that read the result of an op of a sigmoid; the op itself for any other, or none."""
    part = op.name.removeprefix("stablehlo.")
    found = users(op.results[0])
    inside = part in ("convert", "logistic", "negate", "exponential", "add", "divide")
    return found if inside and found else [op]


@dataclass(frozen=True)
class FuseGroupNormSiluPass(Pass):
    """A SiLU that follows a GroupNorm becomes its activation.

    Fires on `attnorm.group_norm` without an activation whose result y is read by `y * logistic(y)`
    alone, the logistic also written as `1 / (1 + exp(-y))`, also where it is computed in a wider
    type and rounded to y's.

    Refuses a norm that something else reads, and a SiLU that is not rounded to y's type.

    ```mlir
    func.func @norm(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
      %0 = "attnorm.group_norm"(%x) {
        groups = 2 : i64, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
      } : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
      %1 = stablehlo.logistic %0 : tensor<2x6x5xf32>
      %2 = stablehlo.multiply %0, %1 : tensor<2x6x5xf32>
      return %2 : tensor<2x6x5xf32>
    }
    ```

    becomes

    ```mlir
    func.func @norm(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
      %0 = "attnorm.group_norm"(%x) {
        groups = 2 : i64, epsilon = 1.0e-5 : f64, activation = "silu",
        operandSegmentSizes = array<i32: 1, 0, 0>
      } : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
      return %0 : tensor<2x6x5xf32>
    }
    ```
    """

    name = "fuse-group-norm-silu"
    roots = ("stablehlo.multiply",)
    partners = ("attnorm.group_norm",)
    rounds = "a SiLU whose steps are in a half type is computed in f32, and rounded once"

    def run(self, module: ir.Operation, report: Report) -> None:
        """Fuses every SiLU below `module`."""
        pattern = partial(fuse_silu, report=report)
        if apply_patterns(module, [(root, pattern) for root in self.roots]):
            erase_dead(module)
