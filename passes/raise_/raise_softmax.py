"""`raise-softmax`: softmax written out becomes `attnorm.softmax`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from attnorm import dialect
from attnorm.analysis.affine import unwidened
from attnorm.analysis.statistics import (
    Path,
    axes_of_rows,
    one_over,
    readers,
    reduction_of,
    same_value,
)
from attnorm.analysis.views import made_by
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Refusal, Rewriter, apply_patterns, erase_dead
from attnorm.ir.stablehlo import Builder, element_type

from ..base import Pass, Report


def raise_softmax(op: ir.Operation, rewriter: Rewriter, *, report: Report) -> bool:
    """Pattern: e / sum(e), e = exp(x - max(x)) -> softmax(x)
    Pattern: e * (1 / sum(e)), e = exp(x - max(x)) -> softmax(x)
    """
    found = _less_its_peak(op.operands[0])
    if found is None:
        return False
    x, axes = found
    raised = False
    try:
        for quotient in list(_quotients(op, axes)):
            raised |= _raise(quotient, x, axes)
        if not raised:
            raise Refusal("exponential: expected a quotient by its own sum over the axis, got none")
    except Refusal as refusal:
        report.refuse(op, str(refusal))
    return raised


def _less_its_peak(value: ir.Value) -> tuple[ir.Value, tuple[int, ...]] | None:
    """x and the axes of `x - max(x, axes)`."""
    difference = made_by(value, "subtract")
    if difference is None:
        return None
    x, peak = difference.operands
    path = Path()
    reduced = reduction_of(path.peel(peak), "maximum", float("-inf"))
    if reduced is None:
        return None
    axes = axes_of_rows(peak, path, reduced, reduced.x, x)
    return None if axes is None else (x, axes)


def _quotients(op: ir.Operation, axes: tuple[int, ...]) -> Iterator[ir.Operation]:
    """The quotients of an exponential by its own sum over `axes`."""
    power = op.results[0]
    for user in readers(power):
        if len(user.operands) != 2:
            continue
        path = Path()
        first = same_value(user.operands[0], power)
        total = user.operands[1] if first else user.operands[0]
        tail = _divisor(user, power, total, path)
        reduced = None if tail is None else reduction_of(path.peel(tail), "add", 0)
        if reduced is None:
            continue
        summed = path.peel_casts(reduced.x)
        if axes_of_rows(total, path, reduced, summed, power) == axes:
            yield user


def _divisor(user: ir.Operation, power: ir.Value, total: ir.Value, path: Path) -> ir.Value | None:
    """What `power` is divided by: `total`, or y where it is multiplied with a `total` of 1 / y."""
    if user.name == "stablehlo.divide" and same_value(user.operands[0], power):
        return total
    if user.name == "stablehlo.multiply":
        inverse = made_by(path.peel(total), "divide")
        if inverse is not None and one_over(inverse):
            return path.step(inverse, 1)
    return None


def _raise(quotient: ir.Operation, x: ir.Value, axes: tuple[int, ...]) -> bool:
    if len(axes) != 1:
        raise Refusal(f"softmax: expected one axis, got {list(axes)}")
    result = quotient.results[0]
    b = Builder(ir.InsertionPoint(quotient), quotient.location)
    twice = _less_its_peak(unwidened(x))
    if twice is not None and twice[1] == axes:
        x = b.convert(twice[0], element_type(x))
    op = dialect.Softmax.build({"x": x}, [result.type], {"axis": axes[0]}, loc=b.loc, ip=b.ip)
    problem = dialect.Softmax.problem(op.opview)
    if problem:
        op.erase()
        raise Refusal(problem)
    result.replace_all_uses_with(op.results[0])
    return True


@dataclass(frozen=True)
class RaiseSoftmaxPass(Pass):
    """Softmax written out becomes `attnorm.softmax`.

    Fires, on the form that `normalize-stablehlo` leaves, on an exponential of x less its largest
    value over an axis, divided by its own sum over that axis, or multiplied with the sum's inverse.
    An x that is less its largest value already is taken as it was before: nothing is lost twice.

    Refuses more than one axis, and an exponential that meets another sum.

    ```mlir
    func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %0 = stablehlo.reduce(%x init: %low) applies stablehlo.maximum across dimensions = [1]
          : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
      %1 = stablehlo.broadcast_in_dim %0, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
      %2 = stablehlo.subtract %x, %1 : tensor<2x4xf32>
      %3 = stablehlo.exponential %2 : tensor<2x4xf32>
      %4 = stablehlo.reduce(%3 init: %zero) applies stablehlo.add across dimensions = [1]
          : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
      %5 = stablehlo.broadcast_in_dim %4, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
      %6 = stablehlo.divide %3, %5 : tensor<2x4xf32>
      return %6 : tensor<2x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %0 = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```
    """

    name = "raise-softmax"
    roots = ("stablehlo.exponential",)
    rounds = "a softmax whose steps are in a half type is computed in f32, and rounded once"

    def run(self, module: ir.Operation, report: Report) -> None:
        """Raises every softmax below `module`."""
        pattern = partial(raise_softmax, report=report)
        if apply_patterns(module, [(root, pattern) for root in self.roots]):
            erase_dead(module)
