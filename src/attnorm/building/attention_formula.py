"""The formula of attention: what every way of writing it out has in common."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..dialect.sdpa import F32_LARGEST, UNBOUNDED
from ..ir.mlir import ir
from ..ir.stablehlo import Builder, compute_type, element_type, is_bool, is_float, shape_of


@dataclass(frozen=True)
class Attention:
    """An `attnorm.sdpa`, or the part of one that some of its queries and keys make.

    Scores are [.., queries, keys]. Query i stands at `i + offset + start`; it reads `left` keys
    before that position and `right` after it, causality included.
    """

    q: ir.Value
    k: ir.Value
    v: ir.Value
    mask: ir.Value | None
    sinks: ir.Value | None
    start: ir.Value | None
    scale: float
    softcap: float | None
    left: int
    right: int
    offset: int
    fully_masked: str
    result: ir.Type
    log_sum_exp: ir.Type | None
    mean: ir.Value | None = None
    """The mean of all values, [.., KV, Dv], where a row without keys becomes it."""

    @staticmethod
    def of(op: ir.OpView, b: Builder) -> Attention:
        """What an op says."""
        left, right = op.window
        attention = Attention(
            *(op.q, op.k, op.v, op.mask, op.sinks, op.start),
            scale=op.scale,
            softcap=op.softcap,
            left=left,
            right=0 if op.causal else right,
            offset=op.offset,
            fully_masked=op.fully_masked,
            result=element_type(op.result),
            log_sum_exp=None if op.log_sum_exp is None else element_type(op.log_sum_exp),
        )
        return attention.with_mean(b) if attention.fully_masked == "uniform" else attention

    def with_mean(self, b: Builder) -> Attention:
        """The same, with the mean of the values, which rows without keys become.

        Whatever masks: scores that are infinite may leave a row nothing.
        """
        mean = b.mean(b.convert(self.v, self.wide), [self.v.type.rank - 2])
        return replace(self, mean=mean)

    @property
    def wide(self) -> ir.Type:
        """The type of the computation."""
        operands = (self.q, self.k, self.v, self.mask, self.sinks)
        types = [element_type(x) for x in operands if x is not None]
        return compute_type(self.result, *filter(is_float, types))

    @property
    def groups(self) -> int:
        """How many query heads read one key head."""
        return self.q.type.shape[-3] // self.k.type.shape[-3]

    @property
    def floor(self) -> float:
        """Below every score but -inf: what a row's largest score is at least.

        With it exp(score - largest) is 0 for a score of -inf, in rows of nothing else too, whose
        sum is then 0.
        """
        return -F64_LARGEST if isinstance(self.wide, ir.F64Type) else -F32_LARGEST

    def is_banded(self) -> bool:
        """Whether causality or a window masks keys."""
        return self.left != UNBOUNDED or self.right != UNBOUNDED

    # -- scores ----------------------------------------------------------------------------------

    def scores(self, b: Builder, q: ir.Value, k: ir.Value) -> ir.Value:
        """q k^T * scale, in the wide type; whatever stands between batch and depth is rows."""
        if element_type(q) != element_type(k):
            q, k = b.convert(q, self.wide), b.convert(k, self.wide)
        last = (q.type.rank - 1, k.type.rank - 1)
        product = b.dot_general(q, k, batch=k.type.rank - 2, contract=last, element=self.wide)
        return product if self.scale == 1.0 else b.multiply(product, self.scale)

    def capped(self, b: Builder, scores: ir.Value) -> ir.Value:
        """c * tanh(s / c)."""
        cap = self.softcap
        if cap is None:
            return scores
        return b.multiply(b.unary("tanh", b.divide(scores, cap)), cap)

    def masked(self, b: Builder, scores: ir.Value, mask: ir.Value | None) -> ir.Value:
        """Scores with a mask that broadcasts to them, by its last axes, added or selected."""
        if mask is None:
            return scores
        if is_bool(element_type(mask)):
            return b.select(b.broadcast_trailing(mask, shape_of(scores)), scores, -math.inf)
        mask = b.convert(mask, self.wide)
        return b.add(scores, b.broadcast_trailing(mask, shape_of(scores)))

    def banded(self, b: Builder, scores: ir.Value, distance: ir.Value) -> ir.Value:
        """Scores with -inf outside the band; `distance` is a key's from its query's position."""
        kept = None
        if self.right != UNBOUNDED:
            kept = b.compare("LE", distance, self.right)
        if self.left != UNBOUNDED:
            near = b.compare("GE", distance, -self.left)
            kept = near if kept is None else b.binary("and", kept, near)
        if kept is None:
            return scores
        return b.select(b.broadcast_trailing(kept, shape_of(scores)), scores, -math.inf)

    def position(self, b: Builder, element: ir.Type) -> ir.Value:
        """The key position of the first query, a scalar."""
        if self.start is None:
            return b.full(self.offset, element)
        start = b.convert(self.start, element)
        return b.add(start, self.offset) if self.offset else start

    # -- values ----------------------------------------------------------------------------------

    def weighted(self, b: Builder, power: ir.Value, v: ir.Value) -> ir.Value:
        """The sum of the values, each times its power."""
        return b.dot_general(
            power,
            b.convert(v, self.wide),
            batch=v.type.rank - 2,
            contract=(power.type.rank - 1, v.type.rank - 2),
            element=self.wide,
        )

    def divided(
        self, b: Builder, value: ir.Value, total: ir.Value, mean: ir.Value | None
    ) -> ir.Value:
        """The result of rows: a division costs Dv of them a row on the output, Sk on the scores.

        `mean` broadcasts to it.
        """
        last = [value.type.rank - 1]
        lost = None
        if self.fully_masked == "zero" or mean is not None:
            lost = b.compare("EQ", total, 0.0)
        if lost is not None and self.fully_masked == "zero":
            total = b.select(lost, 1.0, total)
        value = b.divide(value, b.spread(total, value, last))
        if lost is not None and mean is not None:
            value = b.select(b.spread(lost, value, last), mean, value)
        return b.convert(value, self.result)

    def logarithm(self, b: Builder, peak: ir.Value, total: ir.Value) -> ir.Value:
        """log(sum(exp(s))) of rows; the logarithm of 0 is -inf."""
        assert self.log_sum_exp is not None
        value = b.add(b.unary("log", total), peak)
        if self.fully_masked == "nan":
            value = b.select(b.compare("EQ", total, 0.0), math.nan, value)
        return b.convert(value, self.log_sum_exp)


F64_LARGEST = (2 - 2.0**-52) * 2.0**1023
