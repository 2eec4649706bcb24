"""`expand-sdpa`: attention becomes StableHLO primitives."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..bindings import Rewriter, apply_patterns, ir
from ..dialect.sdpa import UNBOUNDED
from ..stablehlo import Builder, Shape, compute_type, element_type, is_bool, is_float, shape_of
from .base import Pass, Report


def expand_sdpa(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: sdpa(q, k, v) -> e v / sum(e), e = exp(s - max(s)), s = masked(q k^T * scale)"""
    attention = _Attention(op.opview, Builder(rewriter.ip, op.location))
    rewriter.replace(op, attention.expand())
    return True


class _Attention:
    """One expansion. Grouped heads get a dimension of their own: keys and values are not repeated.

    Scores are [batch.., KV, G, Sq, Sk], without G where every query head has its own key head.
    """

    def __init__(self, op, b: Builder):
        self.op, self.b = op, b
        elements = [element for element in map(element_type, op.operands) if is_float(element)]
        self.result_element = element_type(op.result)
        self.wide = compute_type(self.result_element, *elements)
        heads, key_heads = shape_of(op.q)[-3], shape_of(op.k)[-3]
        self.groups = heads // key_heads
        self.batch = op.k.type.rank - 2

    def expand(self) -> list[ir.Value]:
        b, op = self.b, self.op
        scores = self.masked(self.scores())
        last = [scores.type.rank - 1]
        peak = self.with_sinks(b.reduce("maximum", scores, last))
        lost = self.fully_masked(peak)
        if lost is not None:
            # exp(-inf - 0) is 0 everywhere; exp(0 - 0) is 1 everywhere.
            peak = b.select(lost, 0.0, peak)
            if op.fully_masked == "uniform":
                scores = b.select(b.spread(lost, scores, last), 0.0, scores)
        power = b.unary("exponential", b.subtract(scores, b.spread(peak, scores, last)))
        total = self.plus_sinks(b.reduce("add", power, last), peak)
        results = [self.weighted_values(power, total, lost)]
        if op.log_sum_exp is not None:
            results.append(self.log_sum_exp(peak, total, lost))
        return results

    # -- scores ----------------------------------------------------------------------------------

    def scores(self) -> ir.Value:
        """cap(q k^T * scale), in the wide type."""
        b, op = self.b, self.op
        q, k = self.common_type(self.grouped(op.q), op.k)
        scores = b.dot_general(
            q,
            k,
            batch=self.batch,
            contract=(q.type.rank - 1, k.type.rank - 1),
            element=self.wide,
        )
        if op.scale != 1.0:
            scores = b.multiply(scores, op.scale)
        if op.softcap is not None:
            scores = b.multiply(b.unary("tanh", b.divide(scores, op.softcap)), op.softcap)
        return scores

    def common_type(self, a: ir.Value, c: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Both with one element type: their own where they share it, else the wide one."""
        if element_type(a) == element_type(c):
            return a, c
        return self.b.convert(a, self.wide), self.b.convert(c, self.wide)

    def grouped(self, x: ir.Value) -> ir.Value:
        """[batch.., H, rest..] as [batch.., KV, G, rest..]."""
        if self.groups == 1:
            return x
        shape = shape_of(x)
        return self.b.reshape(x, self.split_heads(shape, self.batch - 1))

    def split_heads(self, shape: Shape, axis: int) -> Shape:
        """A shape with its heads, at `axis`, split into [KV, G]; a size of 1 into [1, 1]."""
        heads = shape[axis]
        split = (1, 1) if heads == 1 else (heads // self.groups, self.groups)
        return (*shape[:axis], *split, *shape[axis + 1 :])

    # -- masks -----------------------------------------------------------------------------------

    def masked(self, scores: ir.Value) -> ir.Value:
        """Scores with the mask added or selected, and -inf outside the causal band."""
        b, mask = self.b, self.op.mask
        if mask is not None:
            if is_bool(element_type(mask)):
                scores = b.select(self.spread_mask(mask, scores), scores, -math.inf)
            else:
                mask = b.convert(mask, self.wide)
                scores = b.add(scores, self.spread_mask(mask, scores))
        band = self.band(scores)
        if band is None:
            return scores
        rank = scores.type.rank
        spread = b.broadcast(band, [rank - 2, rank - 1], shape_of(scores))
        return b.select(spread, scores, -math.inf)

    def spread_mask(self, mask: ir.Value, scores: ir.Value) -> ir.Value:
        """A mask, trailing-aligned to [.., H, Sq, Sk], spread over the scores."""
        if self.groups > 1 and mask.type.rank >= 3:
            mask = self.b.reshape(mask, self.split_heads(shape_of(mask), mask.type.rank - 3))
        return self.b.broadcast_trailing(mask, shape_of(scores))

    def band(self, scores: ir.Value) -> ir.Value | None:
        """Which keys causality and the window keep, as i1 [Sq, Sk]; None where all of them."""
        b = self.b
        left, right = self.window()
        if left == UNBOUNDED and right == UNBOUNDED:
            return None
        i32 = ir.IntegerType.get_signless(32)
        shape = shape_of(scores)[-2:]
        distance = b.subtract(b.iota(i32, shape, 1), self.positions(i32, shape))
        band = None
        if right != UNBOUNDED:
            band = b.compare("LE", distance, right)
        if left != UNBOUNDED:
            near = b.compare("GE", distance, -left)
            band = near if band is None else b.binary("and", band, near)
        return band

    def window(self) -> tuple[int, int]:
        """How many keys to the left and right of its position a query reads, causality included."""
        left, right = self.op.window
        return left, 0 if self.op.causal else right

    def positions(self, i32: ir.Type, shape: Shape) -> ir.Value:
        """The key position of each query, as [Sq, Sk]."""
        b, op = self.b, self.op
        rows = b.iota(i32, shape, 0)
        if op.start is not None:
            start = b.convert(op.start, i32)
            rows = b.add(rows, b.broadcast(start, (), shape))
        return b.add(rows, op.offset) if op.offset else rows

    # -- rows with nothing to attend to -----------------------------------------------------------

    def fully_masked(self, peak: ir.Value) -> ir.Value | None:
        """Which rows are all -inf, as i1; None where none can be or the formula's NaN is asked."""
        if self.op.fully_masked == "nan" or self.always_attends():
            return None
        return self.b.compare("EQ", peak, -math.inf)

    def always_attends(self) -> bool:
        """Whether the band provably leaves every row a key, and nothing else masks."""
        op = self.op
        if op.mask is not None or op.start is not None:
            return False
        left, right = self.window()
        # The first query has keys from 0 on to its left, the last one up to Sk - 1 to its right.
        first = right == UNBOUNDED or op.offset + right >= 0
        if left == UNBOUNDED:
            return first
        queries, keys = shape_of(op.q)[-2], shape_of(op.k)[-2]
        if not isinstance(queries, int) or not isinstance(keys, int):
            return False
        return first and queries - 1 + op.offset - left < keys

    # -- sinks, sums, results --------------------------------------------------------------------

    def sinks(self, like: ir.Value) -> ir.Value:
        """The sinks over rows: [.., KV, G, Sq]."""
        b, rank = self.b, like.type.rank
        sinks = self.b.convert(self.op.sinks, self.wide)
        if self.groups == 1:
            return b.broadcast(sinks, [rank - 2], shape_of(like))
        split = b.reshape(sinks, self.split_heads(shape_of(sinks), 0))
        return b.broadcast(split, [rank - 3, rank - 2], shape_of(like))

    def with_sinks(self, peak: ir.Value) -> ir.Value:
        """The largest score of a row, its sink included."""
        if self.op.sinks is None:
            return peak
        return self.b.binary("maximum", peak, self.sinks(peak))

    def plus_sinks(self, total: ir.Value, peak: ir.Value) -> ir.Value:
        """The denominator of a row, its sink included."""
        if self.op.sinks is None:
            return total
        b = self.b
        return b.add(total, b.unary("exponential", b.subtract(self.sinks(peak), peak)))

    def weighted_values(self, power: ir.Value, total: ir.Value, lost: ir.Value | None) -> ir.Value:
        """e v / sum(e): dividing the output costs Dv divisions a row, not Sk."""
        b, op = self.b, self.op
        v = b.convert(op.v, self.wide)
        value = b.dot_general(
            power,
            v,
            batch=self.batch,
            contract=(power.type.rank - 1, v.type.rank - 2),
            element=self.wide,
        )
        if lost is not None and op.fully_masked == "zero":
            total = b.select(lost, 1.0, total)
        value = b.divide(value, b.spread(total, value, [value.type.rank - 1]))
        return b.reshape(
            b.convert(value, self.result_element), shape_of(op.q)[:-1] + shape_of(op.v)[-1:]
        )

    def log_sum_exp(self, peak: ir.Value, total: ir.Value, lost: ir.Value | None) -> ir.Value:
        """log(sum(exp(s))) of a row."""
        b, op = self.b, self.op
        value = b.add(b.unary("log", total), peak)
        if lost is not None:
            value = b.select(lost, -math.inf, value)
        return b.reshape(b.convert(value, element_type(op.log_sum_exp)), shape_of(op.q)[:-1])


@dataclass(frozen=True)
class ExpandSdpaPass(Pass):
    """Attention becomes StableHLO primitives.

    Fires on `attnorm.sdpa`, always. The product of queries and keys accumulates in f32 whatever
    their type; masks are broadcast where they meet the scores; keys and values of grouped heads are
    read in place; the division is done on the output. Lengths may be dynamic.

    ```mlir
    func.func @attention(%q: tensor<1x2x8xf32>, %k: tensor<1x4x8xf32>, %v: tensor<1x4x8xf32>)
        -> tensor<1x2x8xf32> {
      %0 = "attnorm.sdpa"(%q, %k, %v) {
        scale = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>
      } : (tensor<1x2x8xf32>, tensor<1x4x8xf32>, tensor<1x4x8xf32>) -> tensor<1x2x8xf32>
      return %0 : tensor<1x2x8xf32>
    }
    ```

    becomes

    ```mlir
    func.func @attention(%q: tensor<1x2x8xf32>, %k: tensor<1x4x8xf32>, %v: tensor<1x4x8xf32>)
        -> tensor<1x2x8xf32> {
      %dot = stablehlo.dot_general %q, %k, batching_dims = [0] x [0], contracting_dims = [2] x [2]
          : (tensor<1x2x8xf32>, tensor<1x4x8xf32>) -> tensor<1x2x4xf32>
      %scale = stablehlo.constant dense<0.5> : tensor<1x2x4xf32>
      %scores = stablehlo.multiply %dot, %scale : tensor<1x2x4xf32>
      %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
      %peak = stablehlo.reduce(%scores init: %low) applies stablehlo.maximum
          across dimensions = [2] : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2xf32>
      %peaks = stablehlo.broadcast_in_dim %peak, dims = [0, 1]
          : (tensor<1x2xf32>) -> tensor<1x2x4xf32>
      %shifted = stablehlo.subtract %scores, %peaks : tensor<1x2x4xf32>
      %power = stablehlo.exponential %shifted : tensor<1x2x4xf32>
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %total = stablehlo.reduce(%power init: %zero) applies stablehlo.add
          across dimensions = [2] : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2xf32>
      %sum = stablehlo.dot_general %power, %v, batching_dims = [0] x [0],
          contracting_dims = [2] x [1] : (tensor<1x2x4xf32>, tensor<1x4x8xf32>) -> tensor<1x2x8xf32>
      %totals = stablehlo.broadcast_in_dim %total, dims = [0, 1]
          : (tensor<1x2xf32>) -> tensor<1x2x8xf32>
      %0 = stablehlo.divide %sum, %totals : tensor<1x2x8xf32>
      return %0 : tensor<1x2x8xf32>
    }
    ```
    """

    name = "expand-sdpa"

    def run(self, module: ir.Operation, report: Report) -> None:
        """Expands every attention below `module`."""
        apply_patterns(module, PATTERNS)


PATTERNS = [("attnorm.sdpa", expand_sdpa)]
