"""`raise-rms-norm`: RMSNorm written out becomes `attnorm.rms_norm`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from attnorm import dialect
from attnorm.analysis.affine import Affine, Factor, factor_along, unwidened
from attnorm.analysis.roots import ROOTS, Normalised, Statistic, normalised, under
from attnorm.analysis.statistics import (
    Path,
    dot_with_itself,
    is_centred,
    mean_square_of,
    square_of,
    sum_of,
)
from attnorm.analysis.views import is_move, is_splat, made_by, splat, trace, users
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Refusal, Rewriter, apply_patterns, erase_dead
from attnorm.ir.stablehlo import Builder, element_type, is_half
from attnorm.ir.values import producer

from ..base import Pass, Report


def raise_rms_norm(op: ir.Operation, rewriter: Rewriter, *, report: Report) -> bool:
    """Pattern: x * rsqrt(mean(x * x) + e) * w -> rms_norm(x, w)
    Pattern: x / sqrt(mean(x * x) + e) * w -> rms_norm(x, w)
    Pattern: x * power(mean(x * x) + e, -0.5) * w -> rms_norm(x, w)
    """
    if not list(op.results[0].uses):
        return False
    raised = False
    try:
        statistic = _statistic(op)
        if statistic is None:
            _refuse_near_miss(op)
            return False
        for found in normalised(op, statistic.path, partial(_x, statistic), _weight):
            _raise(found, statistic)
            raised = True
        if not raised:
            raise Refusal("mean square: expected a product of its root with x, got none")
    except Refusal as refusal:
        report.refuse(op, str(refusal))
    return raised


def _statistic(root: ir.Operation) -> Statistic | None:
    """The statistic that a root op ends; None where it is of another kind."""
    if (inside := under(root)) is None:
        return None
    value, epsilon, path = inside
    found = mean_square_of(value, path)
    if found is None or is_centred(found[1]):
        return None
    reduced, x = found
    return Statistic(x, reduced, epsilon, path)


def _x(
    statistic: Statistic, value: ir.Value, rows: ir.Value
) -> tuple[ir.Value, tuple[int, ...]] | None:
    """`value` and its normalised axes, if it is the x whose statistic `rows` spreads."""
    axes = statistic.axes_at(rows, value)
    return None if axes is None else (value, axes)


def _weight(value: ir.Value, axes: tuple[int, ...]) -> Factor | None:
    """A weight; its offset is added in its own type."""
    return factor_along(value, axes, element_type(value))


def _refuse_near_miss(root: ir.Operation) -> None:
    """Refuses a root of some other function of a sum of squares of x, where it meets x."""
    if root.name == "stablehlo.power" and not is_splat(root.operands[1], -0.5):
        return
    steps: list[str] = []
    value = Path().peel(root.operands[0])
    while (found := _beside_number(producer(value))) is not None:
        op, operand = found
        steps.append(op.name.removeprefix("stablehlo."))
        value = Path().peel(op.operands[operand])
    dot, reduced = dot_with_itself(value), sum_of(value)
    x = dot.x if dot else reduced and square_of(Path().peel_casts(reduced.x))
    if x is None or is_centred(x) or not _meets(root.results[0], trace(x, rounding=True).source):
        return
    got = " of ".join([*steps, "the sum"])
    raise Refusal(f"mean square: expected mean(x * x) + epsilon under the root, got {got}")


def _beside_number(op: ir.Operation | None) -> tuple[ir.Operation, int] | None:
    """An elementwise op of a value and a number, and which operand the value is."""
    if op is None or op.name not in _WITH_NUMBERS:
        return None
    for operand in (0, 1):
        if splat(op.operands[1 - operand]) is not None:
            return op, operand
    return None


_WITH_NUMBERS = {
    f"stablehlo.{name}" for name in ("add", "divide", "maximum", "minimum", "multiply", "subtract")
}


def _meets(value: ir.Value, x: ir.Value) -> bool:
    """Whether x, or a product with it, is multiplied with a value or divided by it."""
    for user in users(value):
        if is_move(user) or _beside_number(user) is not None:
            if _meets(user.results[0], x):
                return True
        elif user.name in ("stablehlo.multiply", "stablehlo.divide"):
            for operand in user.operands:
                factors = made_by(operand, "multiply")
                parts = [operand, *(factors.operands if factors is not None else ())]
                if any(trace(part, rounding=True).source == x for part in parts):
                    return True
    return False


def _raise(found: Normalised, statistic: Statistic) -> None:
    source = unwidened(found.x)
    narrow = _is_narrow(found.value, source, statistic)
    affine = Affine(found.value, found.axes, element_type(source), found.weight)
    affine.climb_rms_norm()
    end = affine.value
    b = Builder(ir.InsertionPoint(end.owner.operation), end.owner.operation.location)
    weight = affine.weight
    op = dialect.RmsNorm.build(
        {"x": source, "weight": weight and weight.build(b)},
        [end.type],
        {
            "axes": found.axes,
            "epsilon": statistic.epsilon,
            "weight_offset": weight.offset if weight else 0.0,
            "cast": "throughout" if narrow else affine.cast,
        },
        loc=b.loc,
        ip=b.ip,
    )
    problem = dialect.RmsNorm.problem(op.opview)
    if problem:
        op.erase()
        raise Refusal(problem)
    end.replace_all_uses_with(op.results[0])


def _is_narrow(value: ir.Value, source: ir.Value, statistic: Statistic) -> bool:
    """Whether the module rounds at every step; refuses one that rounds at some."""
    product, squares = element_type(value), element_type(statistic.x)
    inside = {*statistic.path.elements, squares}
    if not is_half(product):
        if any(is_half(element) for element in inside):
            raise Refusal(f"mean square: expected it in {product}, got a rounding to a half type")
        return False
    if squares != product or element_type(source) != product:
        raise Refusal(f"mean square: expected it and the product in one type, got {squares}")
    return True


@dataclass(frozen=True)
class RaiseRmsNormPass(Pass):
    """RMSNorm written out becomes `attnorm.rms_norm`.

    Fires, on the form that `normalize-stablehlo` leaves, on a mean of squares over some axes, plus
    epsilon, under a root, whose inverse is multiplied with x: in any order, on either side, through
    any moves. A factor along the normalised axes is the weight, before the rounding or after it,
    also as 1 + w. Every number comes from the IR: the count is that of the reduction, both x are
    one value, each row meets its own statistic.

    Refuses a sum divided by another number or by none, what is not the mean plus epsilon under the
    root or behind it, a statistic of other rows or of another value, and roundings that the op does
    not have.

    ```mlir
    func.func @norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %count = stablehlo.constant dense<4.0> : tensor<2xf32>
      %epsilon = stablehlo.constant dense<1.0e-5> : tensor<2xf32>
      %0 = stablehlo.multiply %x, %x : tensor<2x4xf32>
      %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = [1]
          : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
      %2 = stablehlo.divide %1, %count : tensor<2xf32>
      %3 = stablehlo.add %2, %epsilon : tensor<2xf32>
      %4 = stablehlo.rsqrt %3 : tensor<2xf32>
      %5 = stablehlo.broadcast_in_dim %4, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
      %6 = stablehlo.multiply %x, %5 : tensor<2x4xf32>
      return %6 : tensor<2x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %0 = "attnorm.rms_norm"(%x) {
        axes = array<i64: 1>, epsilon = 9.9999997473787516E-6 : f64,
        operandSegmentSizes = array<i32: 1, 0>
      } : (tensor<2x4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```
    """

    name = "raise-rms-norm"
    roots = ROOTS

    def run(self, module: ir.Operation, report: Report) -> None:
        """Raises every norm below `module`."""
        pattern = partial(raise_rms_norm, report=report)
        if apply_patterns(module, [(root, pattern) for root in self.roots]):
            erase_dead(module)
