"""The mask of an attention: where a row of it lies, and what it does to scores."""

from __future__ import annotations

from math import inf, prod

from iree.compiler import ir
from iree.compiler.dialects import arith

from . import emit
from .attention_problem import Attention
from .emit import Index


def mask_row(problem: Attention, pair: Index, head: Index, query: Index) -> Index:
    """Where the mask's row of a query begins; `head` is one of the group's, `pair` its key head."""
    assert problem.mask is not None
    batch, key_head = emit.divide(pair, problem.key_heads), emit.remainder(pair, problem.key_heads)
    places: list[Index] = [query, emit.add(emit.multiply(key_head, problem.groups), head)]
    for size in reversed(problem.batch):
        places.append(emit.remainder(batch, size))
        batch = emit.divide(batch, size)
    row: Index = 0
    for axis, place in enumerate(places, start=2):
        if problem.mask[-axis] != 1:
            stride = prod(problem.mask[len(problem.mask) - axis + 1 :])
            row = emit.add(row, emit.multiply(place, stride))
    return row


def masked(score: ir.Value, mask: ir.Value) -> ir.Value:
    """Scores with their mask: numbers to add, or whether to keep them."""
    if isinstance(emit.element_of(mask), ir.IntegerType):
        kept = arith.cmpi(arith.CmpIPredicate.ne, mask, emit.constant_like(mask, 0))
        return arith.select(kept, score, emit.constant_like(score, -inf))
    return arith.addf(score, emit.convert(mask, emit.f32()))
