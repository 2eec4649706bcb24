"""Attention of many queries: a tile of them at a time, with an online softmax over key blocks.

Queries lie in the lanes of vectors for the scores, which are keys x queries, so that peak, powers
and sum need nothing across lanes; the columns of the values lie in lanes for the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf

from iree.compiler import ir
from iree.compiler.dialects import arith
from iree.compiler.dialects import math as mathdialect

from . import emit
from .attention_band import Span, band_of
from .attention_end import Ending, strips
from .attention_mask import mask_row, masked
from .attention_problem import Attention
from .attention_scratch import Area, Scratch
from .attention_softmax import LOWEST, larger
from .dispatch import Kernel
from .emit import Index
from .exponential import power
from .machine import Machine

_KEYS, _QUERIES = 64, 32
_PACKED_KEYS, _PACKED_QUERIES, _DEEP_PACKED_QUERIES = 32, 128, 64
"""Where keys or values are converted first, many queries share the work; fewer of great depths."""
_SLOTS = 64
"""Workgroups that share the work where each wants memory of its own."""
_SIGNED = arith.CmpIPredicate


@dataclass(frozen=True)
class Plan:
    """Sizes of tiles, in elements; those in registers divide those in memory.

    `across` vectors of queries meet `keys_at_once` keys, `columns_at_once` vectors of values meet
    `rows_at_once` queries.
    """

    lanes: int
    across: int
    keys_at_once: int
    rows_at_once: int
    columns_at_once: int
    queries: int
    keys: int


def plan(problem: Attention, machine: Machine) -> Plan:
    """Tiles whose accumulators fill the registers and hide the latency of a product."""
    lanes = max(machine.lanes, 4)
    across, keys, rows, columns = (2, 4, 4, 2) if machine.registers < 32 else (4, 4, 4, 4)
    if lanes >= 16:
        across, keys, rows, columns = 2, 8, 8, 2
    across = min(across, ceil(problem.rows / lanes))
    keys = min(keys, problem.keys)
    wide = across * lanes
    block, tile = _KEYS, _QUERIES
    if _packs(problem, lanes):
        deep = problem.depth + problem.value_depth > 128
        block, tile = _PACKED_KEYS, _DEEP_PACKED_QUERIES if deep else _PACKED_QUERIES
    queries = wide * min(ceil(tile / wide), ceil(problem.rows / wide))
    return Plan(
        lanes=lanes,
        across=across,
        keys_at_once=keys,
        rows_at_once=min(rows, queries),
        columns_at_once=columns,
        queries=queries,
        keys=min(block, problem.keys) // keys * keys,
    )


def _packs(problem: Attention, lanes: int) -> bool:
    f32 = emit.f32()
    same = problem.elements["k"] == f32 and problem.elements["v"] == f32
    return not same or problem.value_depth % lanes != 0


def kernel(problem: Attention, machine: Machine) -> Kernel:
    """The kernel of an attention."""
    layout = Layout(problem, plan(problem, machine))
    scratch = layout.scratch()
    operands, results = problem.views(), problem.result_views()

    def body(
        inputs: Sequence[ir.Value],
        outputs: Sequence[ir.Value],
        ids: Sequence[ir.Value],
        _: Sequence[ir.Value],
    ) -> None:
        tiles = scratch.areas(outputs[len(results) :], ids[0])
        code = _Code(layout, problem.named(list(inputs)), list(outputs[: len(results)]), tiles)
        emit.loop(ids[0], layout.tiles, layout.slots, [], lambda item: code.tile(item))

    return Kernel(
        name="attention",
        key=f"attention {layout}",
        inputs=operands,
        outputs=[*results, *scratch.views()],
        grid=lambda _: [layout.slots],
        body=body,
    )


@dataclass(frozen=True)
class Layout:
    """How rows are dealt out to tiles, and what a tile keeps in memory."""

    problem: Attention
    plan: Plan

    @property
    def straddles(self) -> bool:
        """Whether a tile holds queries of several heads."""
        return self.problem.groups > 1 and self.problem.queries < self.plan.queries

    @property
    def segment(self) -> int:
        """Rows that are cut into tiles together."""
        return self.problem.rows if self.straddles else self.problem.queries

    @property
    def segment_tiles(self) -> int:
        """The tiles of a segment."""
        return ceil(self.segment / self.plan.queries)

    @property
    def tiles(self) -> int:
        """All tiles."""
        return self.problem.pairs * self.problem.rows // self.segment * self.segment_tiles

    @property
    def slots(self) -> int:
        """Workgroups."""
        return self.tiles if self.scratch_on_stack else min(self.tiles, _SLOTS)

    @property
    def packs_keys(self) -> bool:
        """Whether a block of keys is converted to f32 before it is used."""
        return self.problem.elements["k"] != emit.f32()

    @property
    def packs_values(self) -> bool:
        """Whether a block of values is converted to f32, or its rows filled up to whole vectors."""
        whole = self.problem.value_depth % self.plan.lanes == 0
        return self.problem.elements["v"] != emit.f32() or not whole

    @property
    def columns(self) -> int:
        """Vectors in a row of values."""
        return ceil(self.problem.value_depth / self.plan.lanes)

    @property
    def scratch_on_stack(self) -> bool:
        """Whether a tile needs no memory beside the stack."""
        return Scratch(self._shapes(), 0).on_stack

    def scratch(self) -> Scratch:
        """The memory of a tile."""
        return Scratch(self._shapes(), self.slots)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        problem, plan = self.problem, self.plan
        width = self.columns * plan.lanes
        shapes = {
            "q": (problem.depth, plan.queries),
            "powers": (plan.keys, plan.queries),
            "sums": (plan.queries, width),
        }
        if self.packs_keys:
            shapes["k"] = (plan.keys, problem.depth)
        if self.packs_values:
            shapes["v"] = (plan.keys, width)
        return shapes


@dataclass(frozen=True)
class _Place:
    """A tile: its key head, its rows from `row` on, `count` of them; the first one's query."""

    pair: Index
    row: Index
    count: Index
    query: Index


@dataclass(frozen=True)
class _Block:
    """Keys `first` to `first + count`; those before `wanted` belong to the block before."""

    first: Index
    count: Index
    wanted: Index


class _Code:
    """The code of a workgroup."""

    def __init__(
        self,
        layout: Layout,
        operands: dict[str, ir.Value],
        results: list[ir.Value],
        tiles: dict[str, Area],
    ):
        self.layout, self.problem, self.plan = layout, layout.problem, layout.plan
        self.operands = operands
        self.results = results
        self.q, self.powers, self.sums = tiles["q"], tiles["powers"], tiles["sums"]
        self.packed = tiles
        self.peaks, self.totals, self.factors = (self._lane_area(emit.f32()) for _ in range(3))
        self.first, self.last = (self._lane_area(emit.i32()) for _ in range(2))
        self.mask_rows = self._lane_area(ir.IntegerType.get_signless(64))
        self.band = band_of(self.problem, operands.get("start"))
        self.vector = emit.vector_of(self.plan.lanes, emit.f32())

    def _lane_area(self, element: ir.Type) -> Area:
        return Area(emit.scratch(self.plan.queries, element=element))

    # -- a tile ----------------------------------------------------------------------------------

    def tile(self, item: ir.Value) -> None:
        """The attention of one tile."""
        place = self._place(item)
        self._begin(place)
        span, shared = self._spans(place)
        step = self.plan.keys
        emit.loop(
            span.first,
            emit.add(span.last, 1),
            step,
            [],
            lambda key: self._block(place, self._cut(key, span), shared),
        )
        self._end(place)

    def _place(self, item: Index) -> _Place:
        """Item to tile; the longest of a causal head first, so that cores end together."""
        layout, plan, problem = self.layout, self.plan, self.problem
        segment = emit.divide(item, layout.segment_tiles)
        rank = emit.remainder(item, layout.segment_tiles)
        if problem.right is not None:
            rank = emit.subtract(layout.segment_tiles - 1, rank)
        query = emit.multiply(rank, plan.queries)
        segments = problem.rows // layout.segment
        start = emit.multiply(emit.remainder(segment, segments), layout.segment)
        return _Place(
            pair=emit.divide(segment, segments),
            row=emit.add(start, query),
            count=emit.smaller(plan.queries, emit.subtract(layout.segment, query)),
            query=query,
        )

    def _spans(self, place: _Place) -> tuple[Span, Span]:
        """The keys that any query of a tile reads, and those that all of them read."""
        lowest, highest = place.query, emit.subtract(emit.add(place.query, place.count), 1)
        if self.layout.straddles:
            lowest, highest = 0, self.problem.queries - 1
        return self.band.between(lowest, highest), self.band.shared(lowest, highest)

    def _cut(self, key: Index, span: Span) -> _Block:
        """A block from `key` on: whole groups of keys, moved back where they would pass the end."""
        rest = emit.subtract(emit.add(span.last, 1), key)
        count = emit.smaller(self._whole_groups(rest), self.plan.keys)
        first = emit.smaller(key, emit.subtract(self.problem.keys, count))
        return _Block(first, count, key)

    def _whole_groups(self, keys: Index) -> Index:
        """A number of keys, rounded up to those that are read at once."""
        group = self.plan.keys_at_once
        return emit.multiply(emit.divide(emit.add(keys, group - 1), group), group)

    def _block(self, place: _Place, block: _Block, shared: Span) -> None:
        plan = self.plan
        self._pack(place, block)
        wide = plan.across * plan.lanes

        def lanes(lane: Index) -> None:
            part = self._part(block, lane)
            self._scores(place, part, lane)
            if self.problem.softcap is not None:
                self._cap(part, lane)
            if self.problem.mask is not None:
                self._mask(part, lane)
            if self.problem.banded or self.problem.keys % plan.keys_at_once:
                emit.when(self._is_cut(part, shared), lambda: self._hide(part, lane))
            self._softmax(part, lane)

        emit.loop(0, plan.queries, wide, [], lanes)
        self._sum(place, block)

    def _part(self, block: _Block, lane: Index) -> _Block:
        """The keys of a block that queries from `lane` on read: `_sum` reads no others either."""
        plan = self.plan
        wide = plan.across * plan.lanes
        if self.problem.right is None or self.layout.straddles or wide == plan.queries:
            return block
        last = self.last.get(emit.add(lane, wide - 1))
        rest = emit.subtract(arith.index_cast(ir.IndexType.get(), last), block.first)
        rest = emit.larger(emit.add(rest, 1), 0)
        return replace(block, count=emit.smaller(self._whole_groups(rest), block.count))

    # -- before the keys -------------------------------------------------------------------------

    def _begin(self, place: _Place) -> None:
        """Scaled queries, turned; what each row reads; sums of nothing."""
        problem = self.problem
        scale = problem.scale / (problem.softcap or 1.0)
        factor = emit.constant(emit.f32(), scale)
        zero = emit.constant(self.vector, 0.0)

        def row(lane: Index) -> None:
            # Lanes beyond the last row repeat it.
            number = emit.add(place.row, emit.smaller(lane, emit.subtract(place.count, 1)))

            def turn(d: Index) -> None:
                value = emit.load_scalar(self.operands["q"], [place.pair, number, d])
                self.q.put(arith.mulf(emit.convert(value, emit.f32()), factor), d, lane)

            emit.loop(0, problem.depth, 1, [], turn)
            self._strips(lambda d: self.sums.store(zero, [lane, d]))
            self._begin_row(place, number, lane)

        emit.loop(0, self.plan.queries, 1, [], row)
        if problem.has("sinks"):
            self._for_lanes(self._begin_with_sink)

    def _begin_row(self, place: _Place, number: Index, lane: Index) -> None:
        problem = self.problem
        head = emit.divide(number, problem.queries)
        query = emit.remainder(number, problem.queries)
        span = self.band.of(query)
        for area, bound in ((self.first, span.first), (self.last, span.last)):
            area.put(arith.index_cast(emit.i32(), emit.index(bound)), lane)
        peak, total = emit.constant(emit.f32(), LOWEST), emit.constant(emit.f32(), 0.0)
        if problem.has("sinks"):
            pair_head = emit.remainder(place.pair, problem.key_heads)
            sink = emit.add(emit.multiply(pair_head, problem.groups), head)
            peak = emit.convert(emit.load_scalar(self.operands["sinks"], [sink]), emit.f32())
        self.peaks.put(peak, lane)
        self.totals.put(total, lane)
        if problem.mask is not None:
            row = emit.index(mask_row(problem, place.pair, head, query))
            self.mask_rows.put(arith.index_cast(ir.IntegerType.get_signless(64), row), lane)

    def _begin_with_sink(self, lane: Index) -> None:
        """A sink is the score of a key that has been read already."""
        sink = self.peaks.load([lane], self.plan.lanes)
        peak = larger(sink, emit.constant_like(sink, LOWEST))
        self.peaks.store(peak, [lane])
        self.totals.store(power(arith.subf(sink, peak)), [lane])

    # -- scores ----------------------------------------------------------------------------------

    def _pack(self, place: _Place, block: _Block) -> None:
        """A block's keys and values as f32, where they are not that or fill no whole vectors."""
        for name, size in (("k", self.problem.depth), ("v", self.problem.value_depth)):
            if name in self.packed:
                self._pack_rows(place, block, self.operands[name], self.packed[name], size)

    def _pack_rows(
        self, place: _Place, block: _Block, source: ir.Value, target: Area, size: int
    ) -> None:
        def row(key: Index) -> None:
            indices = [place.pair, emit.add(block.first, key)]

            def strip(d: Index, lanes: int) -> None:
                target.store(
                    emit.convert(emit.load(source, [*indices, d], lanes), emit.f32()), [key, d]
                )

            strips(size, self.plan.lanes, strip)

        emit.loop(0, block.count, 1, [], row)

    def _scores(self, place: _Place, block: _Block, lane: Index) -> None:
        """powers[key, query] = q k."""
        plan = self.plan

        def group(key: Index) -> None:
            def dot(d: Index, *sums: ir.Value) -> list[ir.Value]:
                q = [self.q.load([d, emit.add(lane, n)], plan.lanes) for n in self._offsets()]
                updated = []
                for i in range(plan.keys_at_once):
                    k = self._key(place, block, emit.add(key, i), d)
                    updated += [
                        emit.multiply_add(k, q[n], sums[i * plan.across + n])
                        for n in range(plan.across)
                    ]
                return updated

            zeros = [emit.constant(self.vector, 0.0)] * (plan.keys_at_once * plan.across)
            scores = emit.loop(0, self.problem.depth, 1, zeros, dot)
            for i in range(plan.keys_at_once):
                for n, offset in enumerate(self._offsets()):
                    target = [emit.add(key, i), emit.add(lane, offset)]
                    self.powers.store(scores[i * plan.across + n], target)

        emit.loop(0, block.count, plan.keys_at_once, [], group)

    def _key(self, place: _Place, block: _Block, key: Index, d: Index) -> ir.Value:
        if self.layout.packs_keys:
            return self.packed["k"].splat([key, d], self.plan.lanes)
        indices = [place.pair, emit.add(block.first, key), d]
        return emit.splat(emit.load_scalar(self.operands["k"], indices), self.plan.lanes)

    def _cap(self, block: _Block, lane: Index) -> None:
        cap = self.problem.softcap
        assert cap is not None

        def capped(key: Index, lane: Index, score: ir.Value) -> ir.Value:
            return arith.mulf(mathdialect.tanh(score), emit.constant_like(score, cap))

        self._map_scores(block, lane, capped)

    def _mask(self, block: _Block, lane: Index) -> None:
        problem, mask = self.problem, self.operands["mask"]
        assert problem.mask is not None
        stride = 0 if problem.mask[-1] == 1 else 1
        if problem.mask[-2] == 1 and (problem.mask[-3] == 1 or not self.layout.straddles):
            self._mask_alike(block, lane, stride)
            return

        def row(lane: Index) -> None:
            begin = arith.index_cast(ir.IndexType.get(), self.mask_rows.get(lane))

            def score(key: Index) -> None:
                position = emit.multiply(emit.add(block.first, key), stride)
                value = emit.load_scalar(mask, [emit.add(begin, position)])
                self.powers.put(masked(self.powers.get(key, lane), value), key, lane)

            emit.loop(0, block.count, 1, [], score)

        # The mask's rows lie along the keys, the scores along the queries: one by one.
        wide = self.plan.across * self.plan.lanes
        emit.loop(lane, emit.add(lane, wide), 1, [], row)

    def _mask_alike(self, block: _Block, lane: Index, stride: int) -> None:
        """A mask that does not tell queries apart."""
        begin = arith.index_cast(ir.IndexType.get(), self.mask_rows.get(lane))

        def kept(key: Index, lane: Index, score: ir.Value) -> ir.Value:
            position = emit.multiply(emit.add(block.first, key), stride)
            value = emit.load_scalar(self.operands["mask"], [emit.add(begin, position)])
            return masked(score, emit.splat(value, self.plan.lanes))

        self._map_scores(block, lane, kept)

    def _is_cut(self, block: _Block, shared: Span) -> ir.Value:
        """Whether a block has keys that some query does not read, or that have been read."""
        end = emit.add(block.first, emit.subtract(block.count, 1))
        tests = [
            arith.cmpi(_SIGNED.slt, emit.index(block.first), emit.index(block.wanted)),
            arith.cmpi(_SIGNED.slt, emit.index(block.first), emit.index(shared.first)),
            arith.cmpi(_SIGNED.sgt, emit.index(end), emit.index(shared.last)),
        ]
        return arith.ori(arith.ori(tests[0], tests[1]), tests[2])

    def _hide(self, block: _Block, lane: Index) -> None:
        """-inf where a query does not read a key."""
        wanted = emit.splat(arith.index_cast(emit.i32(), emit.index(block.wanted)), self.plan.lanes)

        def hidden(key: Index, lane: Index, score: ir.Value) -> ir.Value:
            position = arith.index_cast(emit.i32(), emit.add(block.first, key))
            position = emit.splat(position, self.plan.lanes)
            first = arith.maxsi(self.first.load([lane], self.plan.lanes), wanted)
            last = self.last.load([lane], self.plan.lanes)
            read = arith.andi(
                arith.cmpi(_SIGNED.sge, position, first), arith.cmpi(_SIGNED.sle, position, last)
            )
            return arith.select(read, score, emit.constant_like(score, -inf))

        self._map_scores(block, lane, hidden)

    def _map_scores(
        self,
        block: _Block,
        lane: Index,
        function: Callable[[Index, Index, ir.Value], ir.Value],
    ) -> None:
        def row(key: Index) -> None:
            for offset in self._offsets():
                at = emit.add(lane, offset)
                score = self.powers.load([key, at], self.plan.lanes)
                self.powers.store(function(key, at, score), [key, at])

        emit.loop(0, block.count, 1, [], row)

    # -- softmax and sums ------------------------------------------------------------------------

    def _softmax(self, block: _Block, lane: Index) -> None:
        """Scores become powers relative to the peak so far; totals follow."""
        plan = self.plan
        lanes = [emit.add(lane, offset) for offset in self._offsets()]
        step = next(n for n in (4, 2, 1) if plan.keys_at_once % n == 0)

        def highest(key: Index, *peaks: ir.Value) -> list[ir.Value]:
            for i in range(step):
                scores = [self.powers.load([emit.add(key, i), at], plan.lanes) for at in lanes]
                peaks = tuple(map(larger, peaks, scores))
            return list(peaks)

        before = [self.peaks.load([at], plan.lanes) for at in lanes]
        peaks = emit.loop(0, block.count, step, before, highest)
        factors = [power(arith.subf(old, new)) for old, new in zip(before, peaks, strict=True)]

        def powers(key: Index, *totals: ir.Value) -> list[ir.Value]:
            for i in range(step):
                row = emit.add(key, i)
                scores = [self.powers.load([row, at], plan.lanes) for at in lanes]
                values = [power(arith.subf(s, peak)) for s, peak in zip(scores, peaks, strict=True)]
                for at, value in zip(lanes, values, strict=True):
                    self.powers.store(value, [row, at])
                totals = tuple(map(arith.addf, totals, values))
            return list(totals)

        totals = [
            arith.mulf(self.totals.load([at], plan.lanes), factor)
            for at, factor in zip(lanes, factors, strict=True)
        ]
        totals = emit.loop(0, block.count, step, totals, powers)
        for area, values in ((self.peaks, peaks), (self.factors, factors), (self.totals, totals)):
            for at, value in zip(lanes, values, strict=True):
                area.store(value, [at])

    def _sum(self, place: _Place, block: _Block) -> None:
        """sums[query, column] = factor * sums + powers v."""
        plan = self.plan
        chunk = plan.columns_at_once
        whole = self.layout.columns // chunk * chunk

        def rows(row: Index) -> None:
            keys = self._read_by(row, block)
            emit.loop(
                0,
                whole * plan.lanes,
                chunk * plan.lanes,
                [],
                lambda d: self._sum_tile(place, block, keys, row, d, chunk),
            )
            if whole < self.layout.columns:
                rest = self.layout.columns - whole
                self._sum_tile(place, block, keys, row, whole * plan.lanes, rest)

        emit.loop(0, plan.queries, plan.rows_at_once, [], rows)

    def _read_by(self, row: Index, block: _Block) -> tuple[Index, Index]:
        """The keys of a block that some of the rows from `row` on read, as a range."""
        if self.layout.straddles or not self.problem.banded:
            return 0, block.count
        lowest = arith.index_cast(ir.IndexType.get(), self.first.get(row))
        end = emit.add(row, self.plan.rows_at_once - 1)
        highest = arith.index_cast(ir.IndexType.get(), self.last.get(end))
        begin = emit.larger(emit.subtract(lowest, block.first), 0)
        return begin, emit.smaller(emit.add(emit.subtract(highest, block.first), 1), block.count)

    def _sum_tile(
        self,
        place: _Place,
        block: _Block,
        keys: tuple[Index, Index],
        row: Index,
        column: Index,
        columns: int,
    ) -> None:
        plan = self.plan
        rows = [emit.add(row, i) for i in range(plan.rows_at_once)]
        places = [emit.add(column, n * plan.lanes) for n in range(columns)]

        def key(key: Index, *sums: ir.Value) -> list[ir.Value]:
            v = [self._value(place, block, key, d) for d in places]
            updated = []
            for i, at in enumerate(rows):
                weight = self.powers.splat([key, at], plan.lanes)
                updated += [
                    emit.multiply_add(weight, v[n], sums[i * columns + n]) for n in range(columns)
                ]
            return updated

        sums = []
        for at in rows:
            factor = self.factors.splat([at], plan.lanes)
            sums += [arith.mulf(factor, self.sums.load([at, d], plan.lanes)) for d in places]
        sums = emit.loop(*keys, 1, sums, key)
        for i, at in enumerate(rows):
            for n, d in enumerate(places):
                self.sums.store(sums[i * columns + n], [at, d])

    def _value(self, place: _Place, block: _Block, key: Index, column: Index) -> ir.Value:
        if self.layout.packs_values:
            return self.packed["v"].load([key, column], self.plan.lanes)
        indices = [place.pair, emit.add(block.first, key), column]
        return emit.load(self.operands["v"], indices, self.plan.lanes)

    # -- after the keys --------------------------------------------------------------------------

    def _end(self, place: _Place) -> None:
        """Divides by the totals, and rounds."""
        ending = Ending(self.problem, self.operands, self.results, self.plan.lanes)

        def row(lane: Index) -> None:
            ending.row(
                place.pair,
                emit.add(place.row, lane),
                lambda column, lanes: self.sums.load([lane, column], lanes),
                self.totals.get(lane),
                self.peaks.get(lane),
            )

        emit.loop(0, place.count, 1, [], row)

    # -- loops -----------------------------------------------------------------------------------

    def _offsets(self) -> list[int]:
        """Where the vectors of a group of queries begin."""
        return [n * self.plan.lanes for n in range(self.plan.across)]

    def _for_lanes(self, body: Callable[[Index], None]) -> None:
        emit.loop(0, self.plan.queries, self.plan.lanes, [], body)

    def _strips(self, body: Callable[[Index], None]) -> None:
        """Every vector of a row of sums."""
        emit.loop(0, self.layout.columns * self.plan.lanes, self.plan.lanes, [], body)
