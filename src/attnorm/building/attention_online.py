"""Attention in loops over blocks of queries and of keys, by the online softmax.

Milakov and Gimelshein 2018; Dao et al. 2022. A block of queries goes through the keys that it can
see and carries a row's largest score so far, the sum of its powers and the sum of its values, both
scaled to that score. No more scores are ever there than one block of queries has with one of keys,
and the code is as long for 1,000,000 keys as for 1,000.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from ..dialect.sdpa import UNBOUNDED
from ..ir.mlir import ir
from ..ir.stablehlo import Builder, element_type
from .attention_formula import Attention


@dataclass(frozen=True)
class Tile:
    """How many queries, keys and key heads one step takes."""

    queries: int
    keys: int
    heads: int


def online(a: Attention, b: Builder, tile: Tile) -> list[ir.Value]:
    """The results, one block of queries of some heads at a time."""
    return _Loops(a, tile).run(b)


class _Loops:
    """The loops over one attention; of static shape.

    Inside, scores are [KV, G, queries, keys] of one tile. The last block of queries ends with the
    last query, and repeats some of the block before where the block size is no divisor; the last
    block of keys does so too, and masks what it repeats.
    """

    def __init__(self, a: Attention, tile: Tile):
        self.tile = tile
        # A product of D numbers a row instead of one a score, where that rounds as little.
        self.query_scale = a.scale if element_type(a.q) == a.wide and abs(a.scale) <= 1 else 1.0
        self.a = a if self.query_scale == 1.0 else replace(a, scale=1.0)
        *self.batch, self.heads, self.queries, self.depth = a.q.type.shape
        self.keys, self.width = a.k.type.shape[-2], a.v.type.shape[-1]

    def run(self, b: Builder) -> list[ir.Value]:
        a = self.a
        rows = tuple(a.q.type.shape[:-1])
        state = [b.full(0.0, a.result, (*rows, self.width))]
        if a.log_sum_exp is not None:
            state.append(b.full(0.0, a.log_sum_exp, rows))
        zero = _integer(b, 0)
        return b.loop(zero, _integer(b, math.prod(self.counts())), state, self.block)

    def counts(self) -> list[int]:
        """How many blocks there are: one an element of the batch, some heads, some queries."""
        key_heads = self.heads // self.a.groups
        return [
            *self.batch,
            key_heads // self.tile.heads,
            -(-self.queries // self.tile.queries),
        ]

    # -- one block of queries --------------------------------------------------------------------

    def block(self, b: Builder, counter: ir.Value, state: list[ir.Value]) -> list[ir.Value]:
        """The state with the results of one block of queries in it."""
        a, tile = self.a, self.tile
        *batch, head, row = _digits(b, counter, self.counts())
        last = self.queries - tile.queries
        row = b.binary("minimum", b.multiply(row, tile.queries), last)
        key_head = b.multiply(head, tile.heads)
        place = _Place((*batch, key_head), b.multiply(key_head, a.groups), row)
        q = self.rows_of(b, a.q, place, self.depth)
        peak, total, value = self.over_keys(b, place, q)
        value = a.divided(b, value, total, self.mean(b, place))
        starts = [*batch, place.head, row, _integer(b, 0)]
        ones = [1] * len(self.batch)
        results = [b.reshape(value, (*ones, tile.heads * a.groups, tile.queries, self.width))]
        if a.log_sum_exp is not None:
            logarithm = a.logarithm(b, peak, total)
            results.append(b.reshape(logarithm, results[0].type.shape[:-1]))
        return [
            b.dynamic_update_slice(whole, part, starts[: part.type.rank])
            for whole, part in zip(state, results, strict=True)
        ]

    def rows_of(self, b: Builder, x: ir.Value, place: _Place, width: int) -> ir.Value:
        """The queries of a block, [KV, G * queries, D]."""
        tile, heads = self.tile, self.tile.heads * self.a.groups
        sizes = (*[1] * len(self.batch), heads, tile.queries, width)
        starts = [*place.batch, place.head, place.row, _integer(b, 0)]
        part = b.dynamic_slice(x, starts, sizes)
        part = b.reshape(part, (tile.heads, self.a.groups * tile.queries, width))
        return part if self.query_scale == 1.0 else b.multiply(part, self.query_scale)

    def mean(self, b: Builder, place: _Place) -> ir.Value | None:
        """The mean of the values over the rows of a block."""
        if self.a.mean is None:
            return None
        sizes = (*[1] * len(self.batch), self.tile.heads, self.width)
        part = b.dynamic_slice(self.a.mean, [*place.keys, _integer(b, 0)], sizes)
        part = b.reshape(part, (self.tile.heads, self.width))
        return b.broadcast(part, [0, 3], (*self.state_shape(), self.width))

    def state_shape(self) -> tuple[int, int, int]:
        """[KV, G, queries] of a tile."""
        return self.tile.heads, self.a.groups, self.tile.queries

    # -- the keys of a block ---------------------------------------------------------------------

    def over_keys(self, b: Builder, place: _Place, q: ir.Value) -> list[ir.Value]:
        """The largest score, the sum of powers and the sum of values of the rows of a block.

        Three loops: over the blocks of keys that a left bound cuts, over those that all the rows
        see, which need no comparison of positions, and over those that a right bound or the last
        key cuts.
        """
        low, whole, cut, high = self.bounds(b, place)
        state = self.first_state(b, place)
        masked, plain = (partial(self.step, place, q, masked=flag) for flag in (True, False))
        if self.a.left != UNBOUNDED:
            state = b.loop(low, whole, state, masked)
        state = b.loop(whole, cut, state, plain)
        if self.a.right != UNBOUNDED or self.keys % self.tile.keys:
            state = b.loop(cut, high, state, masked)
        return state

    def bounds(self, b: Builder, place: _Place) -> tuple[ir.Value, ...]:
        """The blocks of keys where the loops begin and the last one ends."""
        a, size = self.a, self.tile.keys
        low = whole = _integer(b, 0)
        cut, high = _integer(b, self.keys // size), _integer(b, -(-self.keys // size))
        first = b.add(a.position(b, _index()), place.row)
        last = b.add(first, self.tile.queries - 1)
        if a.left != UNBOUNDED:
            low = b.divide(self.key(b, first, -a.left), size)
            whole = b.divide(b.add(self.key(b, last, -a.left), size - 1), size)
        if a.right != UNBOUNDED:
            cut = b.divide(self.key(b, first, a.right + 1), size)
            high = b.divide(b.add(self.key(b, last, a.right + 1), size - 1), size)
        whole = b.binary("minimum", whole, high)
        return low, whole, b.binary("maximum", cut, whole), high

    def key(self, b: Builder, position: ir.Value, apart: int) -> ir.Value:
        """The key `apart` from a position, the nearest there is; nothing wraps on the way."""
        position = b.binary("minimum", b.binary("maximum", position, -apart), self.keys - apart)
        return b.add(position, apart)

    def first_state(self, b: Builder, place: _Place) -> list[ir.Value]:
        """Before any key: nothing, or the sinks."""
        a, shape = self.a, self.state_shape()
        peak, total = b.full(a.floor, a.wide, shape), b.full(0.0, a.wide, shape)
        if a.sinks is not None:
            sinks = b.dynamic_slice(a.sinks, [place.head], [shape[0] * shape[1]])
            sinks = b.reshape(b.convert(sinks, a.wide), shape[:2])
            sinks = b.broadcast(sinks, [0, 1], shape)
            peak = b.binary("maximum", peak, sinks)
            total = b.unary("exponential", b.subtract(sinks, peak))
        return [peak, total, b.full(0.0, a.wide, (*shape, self.width))]

    # -- one block of keys -----------------------------------------------------------------------

    def step(
        self,
        place: _Place,
        q: ir.Value,
        b: Builder,
        counter: ir.Value,
        state: list[ir.Value],
        *,
        masked: bool,
    ) -> list[ir.Value]:
        """The state after one block of keys more."""
        a, tile = self.a, self.tile
        peak, total, value = state
        first = b.multiply(counter, tile.keys)
        key = b.binary("minimum", first, self.keys - tile.keys)
        k, v = (self.keys_of(b, x, place, key) for x in (a.k, a.v))
        scores = b.reshape(a.scores(b, q, k), (*self.state_shape(), tile.keys))
        scores = a.masked(b, a.capped(b, scores), self.mask_of(b, place, key))
        if masked:
            scores = self.banded(b, scores, place.row, first, key)
        top = b.binary("maximum", peak, b.reduce("maximum", scores, [3]))
        power = b.unary("exponential", b.subtract(scores, b.spread(top, scores, [3])))
        shrink = b.unary("exponential", b.subtract(peak, top))
        total = b.add(b.multiply(total, shrink), b.reduce("add", power, [3]))
        rows = b.reshape(power, (tile.heads, a.groups * tile.queries, tile.keys))
        more = b.reshape(a.weighted(b, rows, v), value.type.shape)
        return [top, total, b.add(b.multiply(value, b.spread(shrink, value, [3])), more)]

    def keys_of(self, b: Builder, x: ir.Value, place: _Place, key: ir.Value) -> ir.Value:
        """Keys or values of a block, [KV, keys, D]."""
        shape = (self.tile.heads, self.tile.keys, x.type.shape[-1])
        starts = [*place.keys, key, _integer(b, 0)]
        return b.reshape(b.dynamic_slice(x, starts, (*[1] * len(self.batch), *shape)), shape)

    def mask_of(self, b: Builder, place: _Place, key: ir.Value) -> ir.Value | None:
        """The part of the mask operand that meets a block of scores."""
        mask = self.a.mask
        if mask is None:
            return None
        shape = (*[1] * (self.a.q.type.rank - mask.type.rank), *mask.type.shape)
        heads = (self.tile.heads, self.a.groups)
        blocks = [*[1] * len(self.batch), math.prod(heads), self.tile.queries, self.tile.keys]
        starts = [*place.batch, place.head, place.row, key]
        sizes = [1 if size == 1 else block for size, block in zip(shape, blocks, strict=True)]
        starts = [
            _integer(b, 0) if size == 1 else start
            for size, start in zip(shape, starts, strict=True)
        ]
        part = b.dynamic_slice(b.reshape(mask, shape), starts, sizes)
        split = (1, 1) if shape[-3] == 1 else heads
        return b.reshape(part, (*split, *sizes[-2:]))

    def banded(
        self, b: Builder, scores: ir.Value, row: ir.Value, first: ir.Value, key: ir.Value
    ) -> ir.Value:
        """Scores with -inf outside the band, and where a key was met in the block before."""
        a, i32 = self.a, ir.IntegerType.get_signless(32)
        shape = (self.tile.queries, self.tile.keys)
        columns = b.iota(i32, shape, 1)
        if a.is_banded():
            # How far a column of row 0 stands from that row's position.
            apart = b.subtract(key, b.add(a.position(b, _index()), row))
            apart = b.convert(apart, i32)
            distance = b.subtract(columns, b.iota(i32, shape, 0))
            scores = a.banded(b, scores, b.add(distance, b.broadcast(apart, (), shape)))
        if self.keys % self.tile.keys:
            met = b.broadcast(b.convert(b.subtract(first, key), i32), (), shape)
            new = b.broadcast_trailing(b.compare("GE", columns, met), scores.type.shape)
            scores = b.select(new, scores, -math.inf)
        return scores


@dataclass(frozen=True)
class _Place:
    """Where a block of queries stands: its key head, with the batch before it, head and row."""

    keys: Sequence[ir.Value]
    head: ir.Value
    row: ir.Value

    @property
    def batch(self) -> Sequence[ir.Value]:
        return self.keys[:-1]


def _integer(b: Builder, value: int) -> ir.Value:
    return b.full(value, _index())


def _index() -> ir.Type:
    """The type of counters and positions.

    IREE 3.13 mixes up what a loop carries where it is a 32-bit number among its own 64-bit ones.
    """
    return ir.IntegerType.get_signless(64)


def _digits(b: Builder, counter: ir.Value, counts: Sequence[int]) -> list[ir.Value]:
    """A counter taken apart: the last of the indices runs fastest."""
    indices: list[ir.Value] = []
    for place in range(len(counts) - 1, -1, -1):
        if counts[place] == 1:
            indices.insert(0, _integer(b, 0))
        elif math.prod(counts[:place]) == 1:
            indices.insert(0, counter)
        else:
            # IREE computes with scalars on the host, but takes a remainder to the device.
            above = b.divide(counter, counts[place])
            indices.insert(0, b.subtract(counter, b.multiply(above, counts[place])))
            counter = above
    return indices
