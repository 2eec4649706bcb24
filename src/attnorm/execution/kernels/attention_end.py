"""The end of an attention's row: the division, what is lost, the logarithm, the rounding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, nan

from iree.compiler import ir
from iree.compiler.dialects import arith
from iree.compiler.dialects import math as mathdialect

from . import emit
from .attention_problem import Attention
from .emit import Index

Strip = Callable[[Index, int], ir.Value]
"""Some elements of a row: the first one's column and how many, as a vector of f32."""


@dataclass(frozen=True)
class Ending:
    """Writes rows of the results."""

    problem: Attention
    operands: Mapping[str, ir.Value]
    results: Sequence[ir.Value]
    lanes: int

    def row(self, pair: Index, row: Index, sums: Strip, total: ir.Value, peak: ir.Value) -> None:
        """A row from its sums, the total of its powers and the peak that they are relative to."""
        lost = is_zero(total)
        one = emit.constant_like(total, 1.0)
        if self.problem.fully_masked == "zero":
            total = arith.select(lost, one, total)
        factor = arith.divf(one, total)

        def weighted(column: Index, lanes: int) -> ir.Value:
            return arith.mulf(sums(column, lanes), emit.splat(factor, lanes))

        if self.problem.fully_masked == "uniform":
            found = arith.xori(lost, emit.constant_like(lost, 1))
            emit.when(found, lambda: self._write(pair, row, weighted))
            emit.when(lost, lambda: self._write(pair, row, lambda *at: self._mean(pair, *at)))
        else:
            self._write(pair, row, weighted)
        if len(self.results) > 1:
            self._write_logarithm(pair, row, total, peak, lost)

    def _write(self, pair: Index, row: Index, values: Strip) -> None:
        result = self.results[0]

        def strip(column: Index, lanes: int) -> None:
            value = emit.convert(values(column, lanes), emit.element_of(result))
            emit.store(value, result, [pair, row, column])

        strips(self.problem.value_depth, self.lanes, strip)

    def _mean(self, pair: Index, column: Index, lanes: int) -> ir.Value:
        """The mean of all values."""
        v, keys = self.operands["v"], self.problem.keys

        def add(key: Index, total: ir.Value) -> list[ir.Value]:
            value = emit.load(v, [pair, key, column], lanes)
            return [arith.addf(total, emit.convert(value, emit.f32()))]

        zero = emit.constant(emit.vector_of(lanes, emit.f32()), 0.0)
        total = emit.loop(0, keys, 1, [zero], add)[0]
        return arith.mulf(total, emit.constant_like(total, 1 / keys))

    def _write_logarithm(
        self, pair: Index, row: Index, total: ir.Value, peak: ir.Value, lost: ir.Value
    ) -> None:
        value = arith.addf(mathdialect.log(total), peak)
        nothing = nan if self.problem.fully_masked == "nan" else -inf
        value = arith.select(lost, emit.constant_like(value, nothing), value)
        target = self.results[1]
        emit.store_scalar(emit.convert(value, emit.element_of(target)), target, [pair, row])


def strips(size: int, lanes: int, body: Callable[[Index, int], None]) -> None:
    """Every whole vector of a row in memory, then what is left one by one."""
    whole = size // lanes * lanes
    if whole:
        emit.loop(0, whole, lanes, [], lambda column: body(column, lanes))
    if whole < size:
        emit.loop(whole, size, 1, [], lambda column: body(column, 1))


def is_zero(value: ir.Value) -> ir.Value:
    """Whether a number is 0."""
    return emit.compare(arith.CmpFPredicate.OEQ, value, emit.constant_like(value, 0.0))
