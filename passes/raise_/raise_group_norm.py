"""`raise-group-norm`: GroupNorm and InstanceNorm written out become `attnorm.group_norm`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from attnorm import dialect
from attnorm.analysis.affine import Factor, unwidened
from attnorm.analysis.channel_groups import ChannelGroups, channel_groups, meets_its_rows
from attnorm.analysis.roots import ROOTS, Statistic
from attnorm.analysis.statistics import Path, mean_of, one_over, only_user
from attnorm.analysis.variance import variance_under
from attnorm.analysis.views import is_move, made_by, narrows, users
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Refusal, Rewriter, apply_patterns, erase_dead
from attnorm.ir.stablehlo import Builder, element_type, is_half
from attnorm.ir.values import producer

from ..base import Pass, Report

_RESHAPES = ("stablehlo.reshape", "stablehlo.dynamic_reshape")


@dataclass(frozen=True)
class _Product:
    """Where x - mean(x) meets the inverse root: the op, its operand that is the root's, how that
    leads to the reduction, and the product of the root with a weight on the way, if there is one.
    """

    op: ir.Operation
    root: ir.Value
    through: Mapping[ir.Operation, int]
    weighted: tuple[ir.Operation, int] | None = None


def raise_group_norm(op: ir.Operation, rewriter: Rewriter, *, report: Report) -> bool:
    """Pattern: (x - mean(x)) * rsqrt(variance(x) + e) * w + b, of groups -> group_norm(x, w, b)
    Pattern: (x - mean(x)) * (rsqrt(variance(x) + e) * w) + b, of groups -> group_norm(x, w, b)
    """
    try:
        variance = variance_under(op)
    except Refusal:
        return False  # `raise-layer-norm` says why.
    if variance is None:
        return False
    try:
        raised = [_raise(product, variance) for product in list(_products(op, variance.path))]
        return any(raised)
    except Refusal as refusal:
        report.refuse(op, str(refusal))
        return False


def _products(root: ir.Operation, path: Path) -> Iterator[_Product]:
    """The products and quotients that take the root's value, moved or times a weight."""
    pending = [_Product(root, root.results[0], dict(path.through))]
    divides = {root.results[0]: root.name == "stablehlo.sqrt"}
    while pending:
        at = pending.pop()
        divided = divides[at.root]
        for user in users(at.root):
            if len(user.results) != 1 or _rounds_to_half(user, at.root):
                continue
            index = list(user.operands).index(at.root)
            through = at.through
            inverts = divided and one_over(user)
            weighs = not divided and at.weighted is None and user.name == "stablehlo.multiply"
            if is_move(user) or inverts:
                if inverts:
                    through = {**through, user: 1}
                result = user.results[0]
                divides[result] = divided and not inverts
                pending.append(_Product(user, result, through, at.weighted))
            elif divided and user.name == "stablehlo.divide" and index == 1:
                yield _Product(user, at.root, through)
            elif weighs or (not divided and user.name == "stablehlo.multiply"):
                yield _Product(user, at.root, through, at.weighted)
                if weighs:
                    result = user.results[0]
                    divides[result] = False
                    pending.append(
                        _Product(user, result, {**through, user: index}, (user, 1 - index))
                    )


def _rounds_to_half(user: ir.Operation, root: ir.Value) -> bool:
    return is_half(element_type(user.results[0])) and not is_half(element_type(root))


def _raise(product: _Product, variance: Statistic) -> bool:
    """Puts the op in the place of a normalised x and of what is found behind it, if it is one."""
    left, right = product.op.operands
    difference = made_by(right if left == product.root else left, "subtract")
    if difference is None:
        return False
    applied, mean = difference.operands
    for groups in _candidates(variance, unwidened(applied)):
        norm = _Norm(groups, product.op.results[0])
        rows = (variance.reduced, variance.x, groups.x)
        if not meets_its_rows(product.root, product.through, *rows):
            continue
        if product.weighted is not None:
            weighted, weight = product.weighted
            norm.weight = groups.factor(product.root, {**product.through, weighted: weight})
            if norm.weight is None:
                continue
        if norm.climb() and _is_mean(mean, groups):
            _check_types(product, variance)
            norm.build(variance.epsilon)
            return True
    return False


def _candidates(variance: Statistic, x: ir.Value) -> Iterator[ChannelGroups]:
    """Groups of x before a reshape, which splits the channels, and of x as it is.

    One group of x as it is would be a LayerNorm.
    """
    op = producer(x)
    if op is not None and op.name in _RESHAPES:
        yield from channel_groups(variance.reduced, variance.x, op.operands[0])
    found = channel_groups(variance.reduced, variance.x, x)
    yield from (groups for groups in found if groups.count > 1)


def _is_mean(value: ir.Value, groups: ChannelGroups) -> bool:
    """Whether a value has the mean of each group."""
    path = Path()
    reduced = mean_of(value, path)
    if reduced is None:
        return False
    source = unwidened(reduced.x)
    if groups not in channel_groups(reduced, source, groups.x):
        return False
    if not meets_its_rows(value, path.through, reduced, source, groups.x):
        return False
    half = next(filter(is_half, path.elements), None)
    if half is not None:
        raise Refusal(f"variance: expected x - mean(x) in f32 or f64, got {half}")
    return True


def _check_types(product: _Product, variance: Statistic) -> None:
    value = product.op.results[0]
    if is_half(element_type(value)) or any(map(is_half, variance.path.elements[1:])):
        raise Refusal(f"variance: expected it in f32 or f64, got {element_type(value)}")


@dataclass
class _Norm:
    """A normalised x and what was found behind it, up to the last value of x's shape."""

    groups: ChannelGroups
    value: ir.Value
    weight: Factor | None = None
    bias: Factor | None = None

    def climb(self) -> bool:
        """Takes in the weight, the bias and a rounding; whether this is more than a LayerNorm.

        Where every channel is a group, or all are one, the weight or the bias tells that.
        """
        value, weight, bias, rounded = self.value, self.weight, self.bias, False
        whole = self.groups.holds(value)
        while (user := only_user(value)) is not None:
            result = user.results[0] if len(user.results) == 1 else None
            other = _other_operand(user, value)
            if result is None:
                break
            if user.name == "stablehlo.convert" and not rounded:
                rounded = narrows(element_type(value), element_type(result))
                if not rounded:
                    break
            elif other is not None and not rounded and bias is None:
                factor = self.groups.factor(other)
                multiplies = user.name == "stablehlo.multiply"
                if factor is None or (multiplies and weight is not None):
                    break
                weight, bias = (factor, bias) if multiplies else (weight, factor)
            elif user.name not in _RESHAPES:
                break
            value = result
            if self.groups.holds(value):
                whole = True
                self.value, self.weight, self.bias = value, weight, bias
        affine = self.weight is not None or self.bias is not None
        return whole and (affine or not self.groups.is_layer_norm)

    def build(self, epsilon: float) -> None:
        """Builds the op, and gives it the value's uses; raises `Refusal` where it is not valid."""
        last = producer(self.value)
        assert last is not None, "computed"
        b = Builder(ir.InsertionPoint(last), last.location)
        op = dialect.GroupNorm.build(
            {
                "x": unwidened(self.groups.x),
                "weight": self.weight and self.weight.build(b),
                "bias": self.bias and self.bias.build(b),
            },
            [self.value.type],
            {
                "groups": self.groups.count,
                "channel_axis": self.groups.channel,
                "epsilon": epsilon,
            },
            loc=b.loc,
            ip=b.ip,
        )
        problem = dialect.GroupNorm.problem(op.opview)
        if problem:
            op.erase()
            raise Refusal(problem)
        self.value.replace_all_uses_with(op.results[0])


def _other_operand(user: ir.Operation, value: ir.Value) -> ir.Value | None:
    """The other operand of a product or sum."""
    if user.name not in ("stablehlo.multiply", "stablehlo.add"):
        return None
    left, right = user.operands
    if left == right:
        return None
    return right if left == value else left


@dataclass(frozen=True)
class RaiseGroupNormPass(Pass):
    """GroupNorm and InstanceNorm written out become `attnorm.group_norm`.

    Fires, on the form that `normalize-stablehlo` leaves, on the inverse root of a variance plus
    epsilon, multiplied with x less its mean: both of groups of neighbouring channels and of all
    other dimensions but the first. The channels are split by a reshape of x (torch, ONNX), or the
    statistics spread over the channels of their group (flax). Factors and sums along the channels
    are the weight and the bias; the weight may stand on the root.

    Where every channel is a group, or all are one, it fires on a norm with a weight or a bias along
    the channels; without, it is a LayerNorm, which `raise-layer-norm` takes.

    Refuses a sum divided by another number, and half types inside.

    ```mlir
    func.func @norm(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %count = stablehlo.constant dense<15.0> : tensor<2x2xf32>
      %epsilon = stablehlo.constant dense<0.5> : tensor<2x2xf32>
      %g = stablehlo.reshape %x : (tensor<2x6x5xf32>) -> tensor<2x2x15xf32>
      %0 = stablehlo.reduce(%g init: %zero) applies stablehlo.add across dimensions = [2]
          : (tensor<2x2x15xf32>, tensor<f32>) -> tensor<2x2xf32>
      %1 = stablehlo.divide %0, %count : tensor<2x2xf32>
      %2 = stablehlo.broadcast_in_dim %1, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
      %3 = stablehlo.subtract %g, %2 : tensor<2x2x15xf32>
      %4 = stablehlo.multiply %3, %3 : tensor<2x2x15xf32>
      %5 = stablehlo.reduce(%4 init: %zero) applies stablehlo.add across dimensions = [2]
          : (tensor<2x2x15xf32>, tensor<f32>) -> tensor<2x2xf32>
      %6 = stablehlo.divide %5, %count : tensor<2x2xf32>
      %7 = stablehlo.add %6, %epsilon : tensor<2x2xf32>
      %8 = stablehlo.rsqrt %7 : tensor<2x2xf32>
      %9 = stablehlo.broadcast_in_dim %8, dims = [0, 1] : (tensor<2x2xf32>) -> tensor<2x2x15xf32>
      %10 = stablehlo.multiply %3, %9 : tensor<2x2x15xf32>
      %11 = stablehlo.reshape %10 : (tensor<2x2x15xf32>) -> tensor<2x6x5xf32>
      return %11 : tensor<2x6x5xf32>
    }
    ```

    becomes

    ```mlir
    func.func @norm(%x: tensor<2x6x5xf32>) -> tensor<2x6x5xf32> {
      %0 = "attnorm.group_norm"(%x) {
        groups = 2 : i64, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
      } : (tensor<2x6x5xf32>) -> tensor<2x6x5xf32>
      return %0 : tensor<2x6x5xf32>
    }
    ```
    """

    name = "raise-group-norm"
    roots = ROOTS
    partners = ("stablehlo.subtract",)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Raises every norm below `module`."""
        pattern = partial(raise_group_norm, report=report)
        if apply_patterns(module, [(root, pattern) for root in self.roots]):
            erase_dead(module)
