"""Attention of few queries, as in decoding: memory sets the pace, so all is read once, as it lies.

The depth lies in lanes for the scores, whose sums over lanes are taken for many keys at once; keys
lie in lanes for the softmax, columns of the values for the result. The keys may be split over
workgroups, whose results `attention_merge` puts together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, inf

from iree.compiler import ir
from iree.compiler.dialects import arith, vector
from iree.compiler.dialects import math as mathdialect

from . import emit
from .attention_band import Band, Span, band_of
from .attention_end import Ending
from .attention_mask import mask_row, masked
from .attention_problem import Attention
from .attention_scratch import Area
from .attention_softmax import LOWEST, larger
from .dispatch import Kernel, View
from .emit import Index
from .exponential import power
from .machine import Machine
from .refusal import Refused

_BLOCK, _LONG_BLOCK = 32, 128
"""Keys whose scores are kept, of one query and of several.

While they are read their values are fetched, and the next keys while these are: the processor's own
guesses break at every change from one to the other.
"""
_WORKGROUPS = 16
"""As many as cores should have to choose from."""
_LINE = 64
"""Bytes of a cache line."""
_SPLIT = 512
"""Keys that a workgroup should have at least."""
_SIGNED = arith.CmpIPredicate


@dataclass(frozen=True)
class Layout:
    """How an attention is cut up: `rows_at_once` queries meet `lanes / rows_at_once` keys."""

    problem: Attention
    lanes: int

    @property
    def rows_at_once(self) -> int:
        """Queries that share what is loaded."""
        return next(n for n in (4, 2, 1) if self.problem.rows % n == 0 and n <= self.lanes)

    @property
    def block(self) -> int:
        """Keys in a block."""
        wanted = _BLOCK if self.problem.rows == 1 else _LONG_BLOCK
        return min(wanted, self.problem.keys // self.lanes * self.lanes)

    @property
    def splits(self) -> int:
        """Workgroups that share the keys of a head."""
        wanted = ceil(_WORKGROUPS / self.problem.pairs)
        return max(1, min(wanted, self.problem.keys // _SPLIT))

    @property
    def columns_at_once(self) -> int:
        """Vectors of values that are summed at once."""
        return 16 // self.rows_at_once


def layout(problem: Attention, machine: Machine) -> Layout | None:
    """The layout of an attention; None where the queries are many or vectors would be cut."""
    if 2 * problem.rows > machine.lanes:
        return None
    for lanes in (16, 8, 4):
        whole = problem.depth % lanes == 0 and problem.value_depth % lanes == 0
        if lanes <= machine.lanes and whole and lanes <= problem.keys:
            return Layout(problem, lanes)
    if problem.keys > machine.lanes:
        raise Refused("few queries, of a depth that is no multiple of a vector")
    return None


def kernel(layout: Layout) -> Kernel:
    """The kernel of a layout; where it splits the keys its results are those of `partial`."""
    problem = layout.problem
    results = partial(layout) if layout.splits > 1 else problem.result_views()

    def body(
        inputs: Sequence[ir.Value],
        outputs: Sequence[ir.Value],
        ids: Sequence[ir.Value],
        _: Sequence[ir.Value],
    ) -> None:
        _Code(layout, problem.named(list(inputs)), outputs, ids[1], ids[0]).attend()

    return Kernel(
        name="attention_row",
        key=f"attention_row {layout}",
        inputs=problem.views(),
        outputs=results,
        grid=lambda _: [layout.splits, problem.pairs],
        body=body,
    )


def partial(layout: Layout) -> list[View]:
    """Sums, totals and peaks of each split."""
    rows = (layout.problem.pairs, layout.splits, layout.problem.rows)
    sums = (*rows, layout.problem.value_depth)
    return [View(shape, emit.f32()) for shape in (sums, rows, rows)]


class _Code:
    """The code of a workgroup."""

    def __init__(
        self,
        layout: Layout,
        operands: dict[str, ir.Value],
        results: Sequence[ir.Value],
        pair: Index,
        split: Index,
    ):
        self.layout, self.problem, self.lanes = layout, layout.problem, layout.lanes
        self.operands, self.results = operands, results
        self.pair, self.split = pair, split
        problem = layout.problem
        self.q = Area(emit.scratch(problem.rows, problem.depth))
        self.powers = Area(emit.scratch(problem.rows, layout.block))
        self.sums = Area(emit.scratch(problem.rows, problem.value_depth))
        self.peaks, self.totals, self.factors = (Area(emit.scratch(problem.rows)) for _ in range(3))
        self.band: Band = band_of(problem, operands.get("start"))
        self.span = self._share(self.band.between(0, problem.queries - 1))
        self.shared = self._share(self.band.shared(0, problem.queries - 1))
        self.vector = emit.vector_of(self.lanes, emit.f32())

    def attend(self) -> None:
        """All of it."""
        emit.loop(0, self.problem.rows, 1, [], self._begin)
        end = emit.add(self.span.last, 1)
        emit.loop(self.span.first, end, self.layout.block, [], self._block)
        emit.loop(0, self.problem.rows, 1, [], self._end)

    def _share(self, span: Span) -> Span:
        """This split's part of some keys."""
        splits = self.layout.splits
        if splits == 1:
            return span
        whole = self.band.between(0, self.problem.queries - 1)
        count = emit.larger(emit.subtract(emit.add(whole.last, 1), whole.first), 0)
        part = emit.divide(emit.add(count, splits - 1), splits)
        first = emit.add(whole.first, emit.multiply(self.split, part))
        last = emit.subtract(emit.add(first, part), 1)
        return Span(emit.larger(span.first, first), emit.smaller(span.last, last))

    # -- before and after the keys ---------------------------------------------------------------

    def _begin(self, row: Index) -> None:
        """A scaled query, sums of nothing."""
        problem = self.problem
        scale = problem.scale / (problem.softcap or 1.0)
        zero = emit.constant(self.vector, 0.0)

        def scaled(d: Index) -> None:
            q = emit.load(self.operands["q"], [self.pair, row, d], self.lanes)
            q = emit.convert(q, emit.f32())
            self.q.store(arith.mulf(q, emit.constant_like(q, scale)), [row, d])

        emit.loop(0, problem.depth, self.lanes, [], scaled)
        columns = problem.value_depth
        emit.loop(0, columns, self.lanes, [], lambda d: self.sums.store(zero, [row, d]))
        peak, total = emit.constant(emit.f32(), LOWEST), emit.constant(emit.f32(), 0.0)
        if problem.has("sinks"):
            peak, total = self._sink(row)
        self.peaks.put(peak, row)
        self.totals.put(total, row)

    def _sink(self, row: Index) -> tuple[ir.Value, ir.Value]:
        """A sink is the score of a key that the first split has read already."""
        problem = self.problem
        head = emit.multiply(emit.remainder(self.pair, problem.key_heads), problem.groups)
        head = emit.add(head, emit.divide(row, problem.queries))
        sink = emit.convert(emit.load_scalar(self.operands["sinks"], [head]), emit.f32())
        if self.layout.splits > 1:
            first = arith.cmpi(_SIGNED.eq, emit.index(self.split), emit.index(0))
            sink = arith.select(first, sink, emit.constant_like(sink, -inf))
        peak = larger(sink, emit.constant_like(sink, LOWEST))
        return peak, power(arith.subf(sink, peak))

    def _end(self, row: Index) -> None:
        if self.layout.splits == 1:
            ending = Ending(self.problem, self.operands, self.results, self.lanes)
            ending.row(
                self.pair,
                row,
                lambda column, lanes: self.sums.load([row, column], lanes),
                self.totals.get(row),
                self.peaks.get(row),
            )
            return
        sums, totals, peaks = (Area(result, (self.pair, self.split)) for result in self.results)

        def keep(column: Index) -> None:
            sums.store(self.sums.load([row, column], self.lanes), [row, column])

        emit.loop(0, self.problem.value_depth, self.lanes, [], keep)
        totals.put(self.totals.get(row), row)
        peaks.put(self.peaks.get(row), row)

    # -- a block of keys -------------------------------------------------------------------------

    def _block(self, key: Index) -> None:
        """Whole vectors of keys, moved back where they would pass the end."""
        lanes = self.lanes
        rest = emit.subtract(emit.add(self.span.last, 1), key)
        rounded = emit.multiply(emit.divide(emit.add(rest, lanes - 1), lanes), lanes)
        count = emit.smaller(rounded, self.layout.block)
        first = emit.smaller(key, emit.subtract(self.problem.keys, count))
        group = self.layout.rows_at_once
        emit.loop(0, count, lanes // group, [], lambda at: self._scores(first, at))

        def row(row: Index) -> None:
            self._finish_scores(row, first, count)
            self._hide_where_cut(row, first, count, key)
            self._softmax(row, count)

        emit.loop(0, self.problem.rows, 1, [], row)
        emit.loop(
            0,
            self.problem.rows,
            self.layout.rows_at_once,
            [],
            lambda row: self._sum(row, first, count),
        )

    def _scores(self, first: Index, key: Index) -> None:
        """Scores of some keys, for all rows."""
        group = self.layout.rows_at_once
        emit.loop(0, self.problem.rows, group, [], lambda row: self._score_tile(first, key, row))

    def _prefetch(self, name: str, key: Index, column: Index) -> None:
        """Asks for a vector of a key's columns."""
        key = emit.smaller(key, self.problem.keys - 1)
        at = [emit.index(n) for n in (self.pair, key, column)]
        emit.prefetch(self.operands[name], at)

    def _score_tile(self, first: Index, key: Index, row: Index) -> None:
        group = self.layout.rows_at_once
        keys = [emit.add(key, i) for i in range(self.lanes // group)]
        rows = [emit.add(row, i) for i in range(group)]

        zero = emit.constant(self.vector, 0.0)
        sums = [[zero] * len(keys) for _ in rows]
        # Unrolled, to read memory in its order.
        for j, at in enumerate(keys):
            for d in range(0, self.problem.depth, self.lanes):
                k = self._load("k", emit.add(first, at), d)
                if d < self.problem.value_depth and d % self._line("v") == 0:
                    self._prefetch("v", emit.add(first, at), d)
                for i, r in enumerate(rows):
                    sums[i][j] = emit.multiply_add(k, self.q.load([r, d], self.lanes), sums[i][j])
        sums = _sums_over_lanes([s for row in sums for s in row])
        for i, at in enumerate(rows):
            part = vector.extract_strided_slice(
                emit.vector_of(len(keys), emit.f32()), sums, [i * len(keys)], [len(keys)], [1]
            )
            self.powers.store(part, [at, key])

    def _load(self, name: str, key: Index, column: Index) -> ir.Value:
        value = emit.load(self.operands[name], [self.pair, key, column], self.lanes)
        return emit.convert(value, emit.f32())

    def _line(self, name: str) -> int:
        """How many elements a cache line holds."""
        return _LINE * 8 // emit.element_of(self.operands[name]).width

    def _finish_scores(self, row: Index, first: Index, count: Index) -> None:
        """The cap and the mask."""
        problem = self.problem
        if problem.softcap is None and problem.mask is None:
            return
        head, query = emit.divide(row, problem.queries), emit.remainder(row, problem.queries)
        begin = mask_row(problem, self.pair, head, query) if problem.mask else 0

        def finished(key: Index, score: ir.Value) -> ir.Value:
            if problem.softcap is not None:
                cap = emit.constant_like(score, problem.softcap)
                score = arith.mulf(mathdialect.tanh(score), cap)
            if problem.mask is None:
                return score
            if problem.mask[-1] == 1:
                mask = emit.load_scalar(self.operands["mask"], [begin])
                return masked(score, emit.splat(mask, self.lanes))
            at = emit.add(begin, emit.add(first, key))
            return masked(score, emit.load(self.operands["mask"], [at], self.lanes))

        self._map_scores(row, count, finished)

    def _hide_where_cut(self, row: Index, first: Index, count: Index, wanted: Index) -> None:
        """-inf where a query does not read a key, or where a key has been read."""
        span = self._share(self.band.of(emit.remainder(row, self.problem.queries)))
        span = Span(emit.larger(span.first, wanted), span.last)
        end = emit.subtract(emit.add(first, count), 1)
        cut = arith.ori(
            arith.cmpi(_SIGNED.slt, emit.index(first), emit.index(span.first)),
            arith.cmpi(_SIGNED.sgt, emit.index(end), emit.index(span.last)),
        )
        lowest, highest = (self._positions(bound) for bound in (span.first, span.last))
        steps = vector.step(emit.vector_of(self.lanes, ir.IndexType.get()))
        steps = arith.index_cast(emit.vector_of(self.lanes, emit.i32()), steps)

        def hidden(key: Index, score: ir.Value) -> ir.Value:
            place = arith.addi(self._positions(emit.add(first, key)), steps)
            read = arith.andi(
                arith.cmpi(_SIGNED.sge, place, lowest), arith.cmpi(_SIGNED.sle, place, highest)
            )
            return arith.select(read, score, emit.constant_like(score, -inf))

        emit.when(cut, lambda: self._map_scores(row, count, hidden))

    def _positions(self, position: Index) -> ir.Value:
        return emit.splat(arith.index_cast(emit.i32(), emit.index(position)), self.lanes)

    def _map_scores(
        self, row: Index, count: Index, function: Callable[[Index, ir.Value], ir.Value]
    ) -> None:
        def strip(key: Index) -> None:
            score = self.powers.load([row, key], self.lanes)
            self.powers.store(function(key, score), [row, key])

        emit.loop(0, count, self.lanes, [], strip)

    def _softmax(self, row: Index, count: Index) -> None:
        """Scores become powers relative to the peak so far; the total follows."""

        def highest(key: Index, peak: ir.Value) -> list[ir.Value]:
            return [larger(peak, self.powers.load([row, key], self.lanes))]

        low = emit.constant(self.vector, LOWEST)
        before = self.peaks.get(row)
        peaks = emit.loop(0, count, self.lanes, [low], highest)[0]
        peak = larger(before, _reduced(vector.CombiningKind.MAXNUMF, peaks))
        shift = emit.splat(peak, self.lanes)

        def powers(key: Index, total: ir.Value) -> list[ir.Value]:
            value = power(arith.subf(self.powers.load([row, key], self.lanes), shift))
            self.powers.store(value, [row, key])
            return [arith.addf(total, value)]

        zero = emit.constant(self.vector, 0.0)
        totals = emit.loop(0, count, self.lanes, [zero], powers)[0]
        factor = power(arith.subf(before, peak))
        total = arith.mulf(self.totals.get(row), factor)
        self.totals.put(arith.addf(total, _reduced(vector.CombiningKind.ADD, totals)), row)
        self.factors.put(factor, row)
        self.peaks.put(peak, row)

    def _sum(self, row: Index, first: Index, count: Index) -> None:
        """sums = factor * sums + powers v, for some rows."""
        rows = [emit.add(row, i) for i in range(self.layout.rows_at_once)]
        chunk, whole = self.layout.columns_at_once, self.problem.value_depth // self.lanes
        full, rest = whole // chunk * chunk, whole % chunk

        def columns(column: Index, count_of_vectors: int = chunk) -> None:
            self._sum_tile(rows, first, count, column, count_of_vectors)

        emit.loop(0, full * self.lanes, chunk * self.lanes, [], columns)
        if rest:
            columns(full * self.lanes, rest)

    def _sum_tile(
        self, rows: list[Index], first: Index, count: Index, column: Index, vectors: int
    ) -> None:
        places = [emit.add(column, n * self.lanes) for n in range(vectors)]

        def add(key: Index, *sums: ir.Value) -> list[ir.Value]:
            v = [self._load("v", emit.add(first, key), at) for at in places]
            weights = [self.powers.splat([row, key], self.lanes) for row in rows]
            for at in places[:: max(1, self._line("k") // self.lanes)]:
                self._prefetch("k", emit.add(emit.add(first, count), key), at)
            pairs = [(w, x) for w in weights for x in v]
            return [emit.multiply_add(w, x, s) for (w, x), s in zip(pairs, sums, strict=True)]

        sums = []
        for row in rows:
            factor = self.factors.splat([row], self.lanes)
            sums += [arith.mulf(factor, self.sums.load([row, at], self.lanes)) for at in places]
        sums = emit.loop(0, count, 1, sums, add)
        for i, row in enumerate(rows):
            for n, at in enumerate(places):
                self.sums.store(sums[i * vectors + n], [row, at])


def _sums_over_lanes(vectors: list[ir.Value]) -> ir.Value:
    """The sum over the lanes of each of as many vectors as one has lanes, as a vector.

    Halves are exchanged between pairs: each step leaves half the vectors, with twice as many sums.
    """
    lanes = len(vectors)
    width = lanes
    while len(vectors) > 1:
        width //= 2
        middle = len(vectors) // 2
        vectors = [
            _add_halves(a, b, lanes, width)
            for a, b in zip(vectors[:middle], vectors[middle:], strict=True)
        ]
    return vectors[0]


def _add_halves(a: ir.Value, b: ir.Value, lanes: int, width: int) -> ir.Value:
    """In each segment of 2 `width` lanes: a's two halves added, then b's."""
    low: list[int] = []
    for segment in range(0, lanes, 2 * width):
        low += [segment + i for i in range(width)]
        low += [lanes + segment + i for i in range(width)]
    high = [i + width for i in low]
    return arith.addf(vector.shuffle(a, b, low), vector.shuffle(a, b, high))


def _reduced(kind: vector.CombiningKind, value: ir.Value) -> ir.Value:
    return vector.reduction(emit.f32(), kind, value)
