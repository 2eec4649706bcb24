"""Attention written out at once: all scores, then the softmax, then the values."""

from __future__ import annotations

from ..ir.mlir import ir
from ..ir.stablehlo import Builder, Shape, shape_of
from .attention_formula import Attention


def dense(a: Attention, b: Builder) -> list[ir.Value]:
    """The result, and the logarithms where they are asked for.

    Scores are [batch.., KV, G, Sq, Sk], without G where every query head has its own key head:
    grouped heads get a dimension of their own, and keys and values are not repeated.
    """
    scores = a.capped(b, a.scores(b, _grouped(a, b, a.q), a.k))
    scores = a.masked(b, scores, _grouped_mask(a, b))
    if a.is_banded():
        scores = a.banded(b, scores, _distance(a, b, shape_of(scores)[-2:]))
    last = [scores.type.rank - 1]
    peak = b.reduce("maximum", scores, last, a.floor)
    sinks = None if a.sinks is None else _sinks(a, b, peak)
    if sinks is not None:
        peak = b.binary("maximum", peak, sinks)
    power = b.unary("exponential", b.subtract(scores, b.spread(peak, scores, last)))
    total = b.reduce("add", power, last)
    if sinks is not None:
        total = b.add(total, b.unary("exponential", b.subtract(sinks, peak)))
    value = a.weighted(b, power, a.v)
    value = a.divided(b, value, total, _mean(a, b, value))
    rows = shape_of(a.q)[:-1]
    results = [b.reshape(value, rows + shape_of(a.v)[-1:])]
    if a.log_sum_exp is not None:
        results.append(b.reshape(a.logarithm(b, peak, total), rows))
    return results


def _grouped(a: Attention, b: Builder, x: ir.Value) -> ir.Value:
    """[batch.., H, rest..] as [batch.., KV, G, rest..]."""
    return x if a.groups == 1 else b.reshape(x, _split(shape_of(x), x.type.rank - 3, a.groups))


def _split(shape: Shape, axis: int, groups: int) -> Shape:
    """A shape with its heads, at `axis`, split into [KV, G]; a size of 1 into [1, 1]."""
    heads = shape[axis]
    assert isinstance(heads, int), "a number of heads is static"
    split = (1, 1) if heads == 1 else (heads // groups, groups)
    return (*shape[:axis], *split, *shape[axis + 1 :])


def _grouped_mask(a: Attention, b: Builder) -> ir.Value | None:
    """The mask, which is aligned to [.., H, Sq, Sk] at its end."""
    return a.mask if a.mask is None or a.mask.type.rank < 3 else _grouped(a, b, a.mask)


def _distance(a: Attention, b: Builder, shape: Shape) -> ir.Value:
    """How far right of its query's position a key stands, as [Sq, Sk]."""
    i32 = ir.IntegerType.get_signless(32)
    rows = b.iota(i32, shape, 0)
    if a.start is not None:
        rows = b.add(rows, b.broadcast(a.position(b, i32), (), shape))
    elif a.offset:
        rows = b.add(rows, a.offset)
    return b.subtract(b.iota(i32, shape, 1), rows)


def _sinks(a: Attention, b: Builder, like: ir.Value) -> ir.Value:
    """The sinks over rows: [.., KV, G, Sq]."""
    rank = like.type.rank
    sinks = b.convert(a.sinks, a.wide)
    if a.groups == 1:
        return b.broadcast(sinks, [rank - 2], shape_of(like))
    split = b.reshape(sinks, _split(shape_of(sinks), 0, a.groups))
    return b.broadcast(split, [rank - 3, rank - 2], shape_of(like))


def _mean(a: Attention, b: Builder, like: ir.Value) -> ir.Value | None:
    """The mean of the values over rows."""
    if a.mean is None:
        return None
    batch = a.v.type.rank - 2
    return b.broadcast(a.mean, [*range(batch), like.type.rank - 1], shape_of(like))
