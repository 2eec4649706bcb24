"""`raise-rms-norm`: RMSNorm written out becomes `attnorm.rms_norm`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from .. import dialect
from ..bindings import Rewriter, apply_patterns, erase_dead, ir
from ..stablehlo import Builder, element_type, is_half
from .affine import Affine, Factor, factor_along, unwidened
from .base import Pass, Refusal, Report
from .statistics import (
    Path,
    Reduced,
    axes_of_rows,
    dot_with_itself,
    is_centred,
    mean_square_of,
    one_over,
    plus_epsilon,
    square_of,
    sum_of,
)
from .views import is_move, is_splat, made_by, producer, splat, trace, users


@dataclass(frozen=True)
class _Statistic:
    """1 / sqrt(mean(x^2) + epsilon), and how its value leads back to the reduction."""

    x: ir.Value
    reduced: Reduced
    epsilon: float
    path: Path

    def axes_at(self, rows: ir.Value, x: ir.Value) -> tuple[int, ...] | None:
        """The normalised axes of `x`, if it is the x of the statistic that `rows` spreads."""
        return axes_of_rows(rows, self.path, self.reduced, self.x, x)


@dataclass(frozen=True)
class _Found:
    """A normalised value, the x in it, the axes, and a weight met already."""

    value: ir.Value
    x: ir.Value
    axes: tuple[int, ...]
    weight: Factor | None = None


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
        for product, rows in list(products_of(op, statistic.path)):
            found = _with_x(product, rows, statistic)
            raised |= found is not None and _raise(found, statistic)
        if not raised:
            raise Refusal("mean square: expected a product of its root with x, got none")
    except Refusal as refusal:
        report.refuse(op, str(refusal))
    return raised


def _statistic(root: ir.Operation) -> _Statistic | None:
    """The statistic that a root op ends; None where it is of another kind."""
    if root.name == "stablehlo.power" and not is_splat(root.operands[1], -0.5):
        return None
    path = Path()
    inside, epsilon = plus_epsilon(path.step(root, 0), path)
    found = mean_square_of(inside, path)
    if found is None or is_centred(found[1]):
        return None
    reduced, x = found
    return _Statistic(x, reduced, epsilon, path)


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
    x = dot.x if dot else reduced and square_of(Path().peel_conversion(reduced.x))
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


def products_of(root: ir.Operation, path: Path) -> Iterator[tuple[ir.Operation, ir.Value]]:
    """The products and quotients that take the root's value, moved, and the operand that it is."""
    divides = root.name == "stablehlo.sqrt"
    pending = [(root.results[0], divides)]
    while pending:
        value, divides = pending.pop()
        for user in users(value):
            if is_move(user):
                pending.append((user.results[0], divides))
            elif divides and one_over(user):
                path.step(user, 1)
                pending.append((user.results[0], False))
            elif _applies(user, value, divides):
                yield user, value


def _applies(user: ir.Operation, value: ir.Value, divides: bool) -> bool:
    """Whether an op divides by a root, or multiplies with its inverse."""
    if divides:
        return user.name == "stablehlo.divide" and user.operands[1] == value
    return user.name == "stablehlo.multiply"


def _with_x(product: ir.Operation, rows: ir.Value, statistic: _Statistic) -> _Found | None:
    """The value that is x times the statistic: at once, after a weight on x, or on the root."""
    operands = list(product.operands)
    other = operands[0] if operands[1] == rows else operands[1]
    axes = statistic.axes_at(rows, other)
    if axes is not None:
        return _Found(product.results[0], other, axes)
    inner = made_by(other, "multiply")
    if inner is not None:
        for x, factor in (tuple(inner.operands), tuple(inner.operands)[::-1]):
            axes = statistic.axes_at(rows, x)
            weight = factor_along(factor, axes, element_type(factor)) if axes else None
            if axes and weight:
                return _Found(product.results[0], x, axes, weight)
    if product.name == "stablehlo.multiply":
        for user in users(product.results[0]):
            if user.name != "stablehlo.multiply":
                continue
            for x in user.operands:
                axes = statistic.axes_at(rows, x)
                weight = factor_along(other, axes, element_type(other)) if axes else None
                if axes and weight:
                    return _Found(user.results[0], x, axes, weight)
    return None


def _raise(found: _Found, statistic: _Statistic) -> bool:
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
    return True


def _is_narrow(value: ir.Value, source: ir.Value, statistic: _Statistic) -> bool:
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

    def run(self, module: ir.Operation, report: Report) -> None:
        """Raises every norm below `module`."""
        pattern = partial(raise_rms_norm, report=report)
        roots = ("stablehlo.rsqrt", "stablehlo.sqrt", "stablehlo.power")
        if apply_patterns(module, [(root, pattern) for root in roots]):
            erase_dead(module)
