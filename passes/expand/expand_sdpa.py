"""`expand-sdpa`: attention becomes StableHLO primitives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from attnorm.building.attention_formula import Attention
from attnorm.building.attention_plan import Plan
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder

from ..base import Pass, Report, option


def expand_sdpa(op: ir.Operation, rewriter: Rewriter, *, plan: Plan) -> bool:
    """Pattern: sdpa(q, k, v) -> e v / sum(e), e = exp(s - max(s)), s = masked(q k^T * scale)"""
    b = Builder(rewriter.ip, op.location)
    attention = Attention.of(op.opview, b)
    rewriter.replace(op, plan.expand(attention, b))
    return True


@dataclass(frozen=True)
class ExpandSdpaPass(Pass):
    """Attention becomes StableHLO primitives.

    Fires on `attnorm.sdpa`, always. The product of queries and keys accumulates in f32 whatever
    their type; masks are broadcast where they meet the scores; keys and values of grouped heads are
    read in place; the division is done on the output.

    `strategy` says how the scores are gone through:

    - `dense`: all at once.
    - `blocks`: blocks of queries, each written out with the keys that it can see by causality and
      window. What is masked for a whole block is neither computed nor read.
    - `online`: a `stablehlo.while` over blocks of queries, in it one over the blocks of keys that
      they can see, with a running maximum and sum. Memory is that of one block of scores, and
      neither code nor compile time grows with the lengths.
    - `auto` takes `blocks` for up to 4 blocks of 64 or 128 queries (one, where the queries are
      few: then it is `dense` on the keys that are visible) and `online` beyond that, or where a
      block has more than 2^21 scores with all of its keys. Without causality and window it takes
      `dense` for up to 2^20 scores, and for up to 2^10 a head whatever is masked. With `start`,
      which says at run time how much of a cache is filled, it takes `online` from 4096 keys on.

    Blocks of `online` are of 128 queries and keys where causality or a window skips some, else of
    256, with more keys where the queries are few, and of as many heads as make 2^18 scores.
    `queries` and `keys` give blocks other sizes. Dynamic sizes are `dense` under every strategy.

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
      %low = stablehlo.constant dense<0xFF7FFFFF> : tensor<f32>
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
    roots = ("attnorm.sdpa",)

    strategy: str = option("auto, dense, blocks or online", "auto")
    queries: int | None = option("queries of a block of `blocks` and `online`", None)
    keys: int | None = option("keys of a block of `online`", None)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Expands every attention below `module`."""
        plan = Plan(self.strategy, self.queries, self.keys)
        apply_patterns(module, [(root, partial(expand_sdpa, plan=plan)) for root in self.roots])


PATTERNS = [("attnorm.sdpa", partial(expand_sdpa, plan=Plan()))]
