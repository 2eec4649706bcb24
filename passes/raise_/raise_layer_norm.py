"""`raise-layer-norm`: LayerNorm written out becomes `attnorm.layer_norm`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from attnorm import dialect
from attnorm.analysis.affine import Affine, Factor, factor_along, unwidened
from attnorm.analysis.mean_apart import with_mean
from attnorm.analysis.roots import ROOTS, Normalised, Statistic, normalised
from attnorm.analysis.statistics import only_user
from attnorm.analysis.variance import deviation_of, variance_under
from attnorm.analysis.views import Atom, Dim, is_splat, made_by, trace
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Refusal, Rewriter, apply_patterns, erase_dead
from attnorm.ir.stablehlo import Builder, element_type, is_half
from attnorm.ir.values import producer

from ..base import Pass, Report


def raise_layer_norm(op: ir.Operation, rewriter: Rewriter, *, report: Report) -> bool:
    """Pattern: (x - mean(x)) * rsqrt(mean((x - mean(x))^2) + e) * w + b -> layer_norm(x, w, b)
    Pattern: (x - mean(x)) * rsqrt(mean(x^2) - mean(x)^2 + e) * w + b -> layer_norm(x, w, b)
    Pattern: x * r + (b - mean(x) * r), r = rsqrt(variance + e) * w -> layer_norm(x, w, b)
    """
    if not list(op.results[0].uses):
        return False
    raised = False
    try:
        variance = variance_under(op)
        if variance is None:
            return False
        for found in normalised(op, variance.path, partial(_deviates, variance), factor_along):
            _raise(found, variance)
            raised = True
        for found in normalised(op, variance.path, partial(_is_x, variance), factor_along):
            for value, bias in with_mean(found):
                _raise(replace(found, value=value), variance, bias)
                raised = True
        if not raised:
            raise Refusal("variance: expected a product of its root with x - mean(x), got none")
    except Refusal as refusal:
        report.refuse(op, str(refusal))
    return raised


def _deviates(
    variance: Statistic, value: ir.Value, rows: ir.Value
) -> tuple[ir.Value, tuple[int, ...]] | None:
    """x and the axes, if `value` is x - mean(x) of the x whose variance `rows` spreads."""
    found = deviation_of(value)
    if found is None:
        return None
    x, axes = found
    return (x, axes) if variance.axes_at(rows, unwidened(x)) == axes else None


def _is_x(
    variance: Statistic, value: ir.Value, rows: ir.Value
) -> tuple[ir.Value, tuple[int, ...]] | None:
    """x and the axes, if `value` is the x whose variance `rows` spreads."""
    axes = variance.axes_at(rows, unwidened(value))
    return None if axes is None else (value, axes)


def _raise(found: Normalised, variance: Statistic, bias: Factor | None = None) -> None:
    value = found.value
    if is_half(element_type(value)) or any(is_half(e) for e in variance.path.elements[1:]):
        raise Refusal(f"variance: expected it in f32 or f64, got {element_type(value)}")
    source = unwidened(found.x)
    affine = Affine(value, found.axes, element_type(source), found.weight, bias)
    _build(affine, source, variance.epsilon)


def _build(affine: Affine, x: ir.Value, epsilon: float) -> None:
    """Puts the op in the place of a normalised value and of what is found behind it."""
    affine.climb_layer_norm()
    end = affine.value
    op_at_end = producer(end)
    assert op_at_end is not None
    b = Builder(ir.InsertionPoint(op_at_end), op_at_end.location)
    op = dialect.LayerNorm.build(
        {
            "x": x,
            "weight": affine.weight and affine.weight.build(b),
            "bias": affine.bias and affine.bias.build(b),
        },
        [end.type],
        {"axes": affine.axes, "epsilon": epsilon},
        loc=b.loc,
        ip=b.ip,
    )
    problem = dialect.LayerNorm.problem(op.opview)
    if problem:
        op.erase()
        raise Refusal(problem)
    end.replace_all_uses_with(op.results[0])


def raise_batch_norm(op: ir.Operation, rewriter: Rewriter, *, report: Report) -> bool:
    """Pattern: batch_norm_training(x, 1, 0) * w + b -> layer_norm(x, w, b)"""
    x, scale, offset = op.operands
    if not is_splat(scale, 1.0) or not is_splat(offset, 0.0):
        report.refuse(op, "batch norm: expected scale 1 and offset 0, got others")
        return False
    if any(list(result.uses) for result in list(op.results)[1:]):
        report.refuse(op, "batch norm: expected no use of its mean and variance, got one")
        return False
    rows = trace(x).dims[op.attributes["feature_index"].value]
    value, source = _in_frame_of_source(op, x)
    axes = [
        axis
        for axis, dim in enumerate(trace(source).dims)
        if dim and not any(_part_of(atom, rows) for atom in dim)
    ]
    try:
        if not axes or is_half(element_type(value)):
            raise Refusal("batch norm: expected more than one element of f32 or f64 a row")
        affine = Affine(value, tuple(axes), element_type(unwidened(source)))
        _build(affine, unwidened(source), op.attributes["epsilon"].value)
    except Refusal as refusal:
        report.refuse(op, str(refusal))
        return False
    return True


def _in_frame_of_source(op: ir.Operation, x: ir.Value) -> tuple[ir.Value, ir.Value]:
    """The normalised value and x, before a reshape to [1, rows, ..] and after the one back."""
    value = op.results[0]
    user = only_user(value)
    moved = made_by(x, "reshape")
    if user is None or moved is None or user.name != "stablehlo.reshape":
        return value, x
    before = moved.operands[0]
    return (user.results[0], before) if user.results[0].type == before.type else (value, x)


def _part_of(atom: Atom, rows: Dim) -> bool:
    """Whether an atom is one of those that a dimension is made of, or a part of one."""
    return any(
        row.axis == atom.axis and row.stride <= atom.stride and _end(atom) <= _end(row)
        for row in rows
    )


def _end(atom: Atom) -> int:
    return atom.stride * (atom.size or 1)


@dataclass(frozen=True)
class RaiseLayerNormPass(Pass):
    """LayerNorm written out becomes `attnorm.layer_norm`.

    Fires, on the form that `normalize-stablehlo` leaves, on the inverse root of a variance plus
    epsilon, multiplied with x less its mean, or with both apart (Keras): the variance as the mean
    of squared deviations, in any float type (torch-mlir takes f64), or as the mean square less the
    squared mean (flax); and on a `batch_norm_training` of scale 1 and offset 0, whose rows are its
    features (LiteRT). Factors and sums along the normalised axes are the weight and the bias.

    Refuses a sum divided by another number, statistics of other rows or of another value, and half
    types inside.

    ```mlir
    func.func @norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %count = stablehlo.constant dense<4.0> : tensor<2xf32>
      %epsilon = stablehlo.constant dense<0.5> : tensor<2xf32>
      %0 = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1]
          : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
      %1 = stablehlo.divide %0, %count : tensor<2xf32>
      %2 = stablehlo.broadcast_in_dim %1, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
      %3 = stablehlo.subtract %x, %2 : tensor<2x4xf32>
      %4 = stablehlo.multiply %3, %3 : tensor<2x4xf32>
      %5 = stablehlo.reduce(%4 init: %zero) applies stablehlo.add across dimensions = [1]
          : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
      %6 = stablehlo.divide %5, %count : tensor<2xf32>
      %7 = stablehlo.add %6, %epsilon : tensor<2xf32>
      %8 = stablehlo.rsqrt %7 : tensor<2xf32>
      %9 = stablehlo.broadcast_in_dim %8, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
      %10 = stablehlo.multiply %3, %9 : tensor<2x4xf32>
      return %10 : tensor<2x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %0 = "attnorm.layer_norm"(%x) {
        axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
      } : (tensor<2x4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```
    """

    name = "raise-layer-norm"
    roots = (*ROOTS, "stablehlo.batch_norm_training")

    def run(self, module: ir.Operation, report: Report) -> None:
        """Raises every norm below `module`."""
        pattern = partial(raise_layer_norm, report=report)
        roots = [(root, pattern) for root in ROOTS]
        batch_norm = partial(raise_batch_norm, report=report)
        roots.append(("stablehlo.batch_norm_training", batch_norm))
        if apply_patterns(module, roots):
            erase_dead(module)
