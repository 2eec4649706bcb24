"""Which keys the queries of a tile read: causality, windows, the end of the keys."""

from __future__ import annotations

from dataclasses import dataclass

from iree.compiler import ir
from iree.compiler.dialects import arith

from . import emit
from .attention_problem import Attention
from .emit import Index


@dataclass(frozen=True)
class Span:
    """Keys from `first` to `last`, both included; empty where `last` is the smaller."""

    first: Index
    last: Index


@dataclass(frozen=True)
class Band:
    """The keys that queries read, by their positions; `start` is where query 0 stands."""

    problem: Attention
    start: Index

    def of(self, query: Index) -> Span:
        """The keys of one query."""
        return self.between(query, query)

    def between(self, lowest: Index, highest: Index) -> Span:
        """The keys that any of the queries from `lowest` to `highest` reads."""
        first, last = 0, self.problem.keys - 1
        if self.problem.left is not None:
            reach = emit.subtract(emit.add(lowest, self.start), self.problem.left)
            first = emit.smaller(emit.larger(reach, 0), self.problem.keys)
        if self.problem.right is not None:
            reach = emit.add(emit.add(highest, self.start), self.problem.right)
            last = emit.larger(emit.smaller(reach, last), -1)
        return Span(first, last)

    def shared(self, lowest: Index, highest: Index) -> Span:
        """The keys that all of these queries read."""
        return Span(
            self.between(highest, highest).first,
            self.between(lowest, lowest).last,
        )


def band_of(problem: Attention, start: ir.Value | None) -> Band:
    """The band of an attention, `start` its operand's memory."""
    offset: Index = problem.offset
    if start is not None:
        loaded = arith.index_cast(ir.IndexType.get(), emit.load_scalar(start, [0]))
        offset = emit.add(loaded, offset)
    return Band(problem, offset)
