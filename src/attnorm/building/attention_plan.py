"""Which way of writing an attention out is taken, and in what blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import AttnormError
from ..ir.mlir import ir
from ..ir.stablehlo import Builder, is_static, shape_of
from .attention_blocks import blocks
from .attention_dense import dense
from .attention_formula import Attention
from .attention_online import Tile, online

STRATEGIES = ("auto", "dense", "blocks", "online")
# All measured through IREE on x86-64, in f32. Counts of scores, at 4 bytes each.
TINY = 2**10
"""So few of a head are written out at once, whatever is masked: there is nothing to gain."""
SMALL = 2**20
"""So few are written out at once where nothing is skipped."""
BLOCK = 2**21
"""So many one block of queries may have with all of its keys."""
TILE = 2**18
"""So many stay in a core's cache, between two products, with what is left of it for operands."""
UNROLLED = 4
"""So many blocks are written one after the other: code grows with each."""
FEWEST_QUERIES, MOST_ROWS = 64, 2048
LONG_CACHE = 4096
"""From so many keys on a cache is worth a look at how much of it is filled."""


@dataclass(frozen=True)
class Plan:
    """The rule, and what overrides it."""

    strategy: str = "auto"
    queries: int | None = None
    keys: int | None = None

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise AttnormError(
                f"expand-sdpa: strategy: expected {', '.join(STRATEGIES[:-1])} or "
                f"{STRATEGIES[-1]}, got '{self.strategy}'"
            )
        for name, size in (("queries", self.queries), ("keys", self.keys)):
            if size is not None and size < 1:
                raise AttnormError(f"expand-sdpa: {name}: expected a size above 0, got {size}")

    def expand(self, a: Attention, b: Builder) -> list[ir.Value]:
        """The op's results, written out in the way that suits it."""
        match self._choose(a):
            case "online":
                return online(a, b, self._tile(a))
            case "blocks":
                return blocks(a, b, self._queries(a))
            case _:
                return dense(a, b)

    def _choose(self, a: Attention) -> str:
        operands = [x for x in (a.q, a.k, a.v, a.mask) if x is not None]
        if not all(is_static(shape_of(x)) for x in operands):
            return "dense"
        if self.strategy != "auto":
            return self.strategy
        *heads, queries, keys = (*a.q.type.shape[:-1], a.k.type.shape[-2])
        if a.start is not None and keys >= LONG_CACHE:
            return "online"
        if queries * keys <= TINY:
            return "dense"
        if not a.is_banded() and math.prod(heads) * queries * keys <= SMALL:
            return "dense"
        block = min(self._queries(a), queries)
        few = -(-queries // block) <= UNROLLED
        return "blocks" if few and math.prod(heads) * block * keys <= BLOCK else "online"

    def _queries(self, a: Attention) -> int:
        """Of a block of `blocks`: 64, or 128 where that makes too many."""
        if self.queries:
            return self.queries
        few = a.q.type.shape[-2] <= UNROLLED * FEWEST_QUERIES
        return FEWEST_QUERIES if few else 2 * FEWEST_QUERIES

    def _tile(self, a: Attention) -> Tile:
        """Of `online`: blocks as large as the cache takes, smaller ones where they skip more."""
        queries, keys = a.q.type.shape[-2], a.k.type.shape[-2]
        side = 128 if a.is_banded() else 256
        rows = self.queries or min(side, max(16, MOST_ROWS // a.groups))
        rows = min(rows, queries)
        columns = side
        while rows * a.groups * columns < 2**14 and columns < 2048:
            columns *= 2
        columns = min(self.keys or columns, keys)
        most = max(1, TILE // (rows * a.groups * columns))
        key_heads = a.k.type.shape[-3]
        heads = max(count for count in range(1, most + 1) if key_heads % count == 0)
        return Tile(rows, columns, heads)
