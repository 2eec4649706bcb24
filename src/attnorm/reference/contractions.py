"""Products of tensors: sums of any length are taken in float64."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from ..ir.mlir import hlo, ir
from .step import Handler, Step
from .wide import Array


def dot_general(step: Step) -> Array:
    """Products batched over pairs of dimensions, summed over others.

    An `algorithm` says what is rounded before and after: operands to the precision of a single
    product, and the sum to that of the accumulation. tf32 is f32.
    """
    numbers = hlo.DotDimensionNumbers(step.op.attributes["dot_dimension_numbers"])
    a, b = step.operands
    algorithm = None
    if step.has("algorithm"):
        algorithm = hlo.DotAlgorithm(step.op.attributes["algorithm"])
        if algorithm.num_primitive_operations == 1:
            a = _held_as(step, a, algorithm.lhs_precision_type)
            b = _held_as(step, b, algorithm.rhs_precision_type)
    product = contract(
        _like_result(step, a),
        _like_result(step, b),
        (list(numbers.lhs_batching_dimensions), list(numbers.rhs_batching_dimensions)),
        (list(numbers.lhs_contracting_dimensions), list(numbers.rhs_contracting_dimensions)),
    )
    return product if algorithm is None else _held_as(step, product, algorithm.accumulation_type)


def _held_as(step: Step, x: Array, type_: ir.Type) -> Array:
    tf32 = isinstance(type_, ir.FloatTF32Type)
    kind = step.frame.kind(ir.F32Type.get(type_.context) if tf32 else type_)
    return kind.conform(x) if kind.is_float else x


def dot(step: Step) -> Array:
    """The last dimension of a with the first of b."""
    a, b = (_like_result(step, x) for x in step.operands)
    return contract(a, b, ([], []), ([a.ndim - 1], [0]))


def _like_result(step: Step, x: Array) -> Array:
    kind = step.results[0]
    return (
        x
        if kind.is_float and x.dtype == np.float64
        else x.astype(np.float64 if kind.is_float else kind.dtype)
    )


def contract(
    a: Array,
    b: Array,
    batch: tuple[Sequence[int], Sequence[int]],
    contracted: tuple[Sequence[int], Sequence[int]],
) -> Array:
    """[batch.., free dimensions of a.., free dimensions of b..]."""
    sides = [
        _three(x, batched, summed, last)
        for x, batched, summed, last in zip((a, b), batch, contracted, (True, False), strict=True)
    ]
    (left, batch_sizes, rows), (right, _, columns) = sides
    return np.matmul(left, right).reshape([*batch_sizes, *rows, *columns])


def _three(
    x: Array, batched: Sequence[int], summed: Sequence[int], last: bool
) -> tuple[Array, list[int], list[int]]:
    """x as [batch, free, summed], or [batch, summed, free]; the sizes of batch and free."""
    free = [axis for axis in range(x.ndim) if axis not in batched and axis not in summed]
    order = [*batched, *free, *summed] if last else [*batched, *summed, *free]
    batch, outer, inner = ([x.shape[axis] for axis in axes] for axes in (batched, free, summed))
    pair = (prod(outer), prod(inner)) if last else (prod(inner), prod(outer))
    return x.transpose(order).reshape(prod(batch), *pair), batch, outer


HANDLERS: dict[str, Handler] = {
    "stablehlo.dot": dot,
    "stablehlo.dot_general": dot_general,
}
