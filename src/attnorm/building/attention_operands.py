"""Queries, keys and values of an attention in the op's arrangement, without their moves.

A scale on queries or keys is taken out, and heads that are repeated are seen as grouped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..analysis.attention_scores import Scores
from ..analysis.attention_values import Values
from ..analysis.views import Atom, Dim, compose, identity, splat, trace
from ..ir.mlir import hlo, ir
from ..ir.rewriting import Refusal
from ..ir.stablehlo import Builder, element_type, is_half
from ..ir.values import producer
from .arrange import arrange


@dataclass(frozen=True)
class Operand:
    """A tensor of the attention: its source, and the op's dimensions as atoms over it."""

    source: ir.Value
    dims: list[Dim]

    def build(self, b: Builder) -> ir.Value:
        """The value in the op's arrangement."""
        return arrange(b, self.source, self.dims)


def _operand_dims(scores: Scores, side: int, rows: Dim, batches: list[Dim]) -> list[Dim]:
    """Dimensions over the product's result as dimensions over one of its operands."""
    operand = scores.product.operands[side]
    batching, contracting = scores.batching[side], scores.contracting[side]
    free = [
        axis
        for axis in range(operand.type.rank)
        if axis not in batching and axis not in contracting
    ]
    first = len(batching) + (0 if side == 0 else _free_count(scores, 0))

    def moved(atom: Atom) -> Atom:
        assert atom.axis is not None, "the product's result is no broadcast"
        if atom.axis < len(batching):
            return Atom(atom.size, batching[atom.axis], atom.stride)
        return Atom(atom.size, free[atom.axis - first], atom.stride)

    depth = identity(operand).dims[contracting[0]]
    dims = [tuple(map(moved, dim)) for dim in (*batches, rows)]
    return [*dims, depth]


def _free_count(scores: Scores, side: int) -> int:
    rank = scores.product.operands[side].type.rank
    return rank - len(scores.batching[side]) - 1


def query_operand(scores: Scores) -> tuple[float, Operand]:
    side = 1 - scores.key_side
    heads = (*scores.heads, *scores.groups)
    dims = _operand_dims(scores, side, scores.queries, [*scores.batches, heads])
    return _seen_through(scores.product.operands[side], dims)


def key_operand(scores: Scores) -> tuple[float, Operand]:
    side = scores.key_side
    dims = _operand_dims(scores, side, scores.keys, [*scores.batches, scores.heads])
    return _seen_through(scores.product.operands[side], dims)


def _seen_through(value: ir.Value, dims: list[Dim]) -> tuple[float, Operand]:
    """An operand of the first product before its moves and its scale, and that scale."""
    through: dict[ir.Operation, int] = {}
    scale = 1.0
    while True:
        view = trace(value, through)
        op = producer(view.source)
        found = None if op is None else _scale_of(op)
        if found is None:
            break
        through[op] = found[1]
        scale *= found[0]
    composed = compose(dims, view.dims)
    if composed is None:
        return 1.0, Operand(value, dims)
    return scale, Operand(view.source, [*composed])


def _scale_of(op: ir.Operation) -> tuple[float, int] | None:
    """A factor and the operand it scales, where the product with it can be taken later.

    In f32 and f64 that is one rounding elsewhere; in a half type only a power of two is exact.
    """
    if op.name not in ("stablehlo.multiply", "stablehlo.divide"):
        return None
    for index in (0, 1):
        number = splat(op.operands[1 - index])
        if not number or (op.name == "stablehlo.divide" and index == 1):
            continue
        factor = 1 / number if op.name == "stablehlo.divide" else float(number)
        if not factor or not math.isfinite(factor):
            continue
        exact = abs(factor) == 2.0 ** round(math.log2(abs(factor)))
        if exact or not is_half(element_type(op.results[0])):
            return factor, index
    return None


def value_operand(scores: Scores, values: Values) -> tuple[Operand, list[Dim]]:
    """The values [batch.., heads, keys, depth]; and the depth's dimensions."""
    product, side = values.product, 1 - values.side
    numbers = hlo.DotDimensionNumbers(product.attributes["dot_dimension_numbers"])
    batching = (list(numbers.lhs_batching_dimensions), list(numbers.rhs_batching_dimensions))
    contracting = (
        list(numbers.lhs_contracting_dimensions),
        list(numbers.rhs_contracting_dimensions),
    )
    if len(contracting[0]) != 1:
        raise Refusal("v: expected one contracted dimension, got several")
    if values.probabilities[contracting[values.side][0]] != scores.keys:
        raise Refusal("v: expected the product to contract the keys")
    operand = product.operands[side]
    where: dict[Atom, Atom] = {}
    for mine, other in zip(batching[values.side], batching[side], strict=True):
        places = scores.places([values.probabilities[mine]])
        where |= {atom: place._replace(axis=other) for atom, place in places.items()}
    missing = [atom for dim in (*scores.batches, scores.heads) for atom in dim if atom not in where]
    if missing or len(where) != sum(map(len, (*scores.batches, scores.heads))):
        raise Refusal("v: expected the batch and heads of the scores")
    own = identity(operand).dims
    free = [
        axis
        for axis in range(operand.type.rank)
        if axis not in batching[side] and axis not in contracting[side]
    ]
    depth = tuple(atom for axis in free for atom in own[axis])
    dims = [tuple(where[atom] for atom in dim) for dim in (*scores.batches, scores.heads)]
    view = trace(operand)
    wanted = [*dims, own[contracting[side][0]], depth]
    composed = compose(wanted, view.dims)
    if composed is None:
        return Operand(operand, wanted), [own[axis] for axis in free]
    return Operand(view.source, [*composed]), [own[axis] for axis in free]


def _repeats(dim: Dim) -> int:
    """How often the inner part of a dimension repeats the outer one."""
    count = 1
    for atom in reversed(dim):
        if atom.axis is not None or atom.size is None:
            break
        count *= atom.size
    return count


def common_repeats(k: Operand, v: Operand, scores: Scores) -> int:
    """By how much the heads of keys and values are repeated alike."""
    heads = len(scores.batches)
    repeats = {_repeats(operand.dims[heads]) for operand in (k, v)}
    return repeats.pop() if len(repeats) == 1 else 1


def without_repeats(operand: Operand, heads: int, repeats: int) -> Operand:
    if repeats == 1:
        return operand
    dims = list(operand.dims)
    kept = list(dims[heads])
    while repeats > 1:
        size = kept.pop().size
        assert size, "repeats are of a static size"
        repeats //= size
    dims[heads] = tuple(kept)
    return Operand(operand.source, dims)
