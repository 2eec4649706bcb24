"""`raise-mask-bands`: a mask operand that is a band of positions becomes attributes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from attnorm import dialect
from attnorm.analysis.attention_scores import INFINITY, LOWEST_FILL, as_mask
from attnorm.analysis.bands import (
    KEY,
    QUERY,
    Band,
    Frame,
    Part,
    band_of,
    band_of_elements,
    source_frame,
)
from attnorm.analysis.views import sizes
from attnorm.building.attention_masks import is_representable, placement_of, start_of
from attnorm.dialect.sdpa import UNBOUNDED
from attnorm.ir.attributes import constant_elements
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Refusal, Rewriter, apply_patterns, erase_dead
from attnorm.ir.stablehlo import Builder, element_type, is_bool

from ..base import Pass, Report

if TYPE_CHECKING:
    import numpy as np

DROWNING_FILL = -1e30
"""From here down nothing is left of a score that is added to a fill, in f32 or f64."""


def raise_mask_band(op: ir.Operation, rewriter: Rewriter, *, report: Report) -> bool:
    """Pattern: sdpa(q, k, v, j <= i + c) -> sdpa(q, k, v) {causal, offset = c}
    Pattern: sdpa(q, k, v, select(p, 0, fill)) -> sdpa(q, k, v) {causal, offset, window}
    """
    sdpa = op.opview
    if sdpa.mask is None:
        return False
    try:
        built = _without_mask(sdpa, rewriter)
    except Refusal as refusal:
        report.refuse(op, str(refusal))
        return False
    rewriter.replace(op, list(built.results))
    return True


def _without_mask(sdpa, rewriter: Rewriter) -> ir.Operation:
    """The op with the band of its mask in its attributes."""
    band, fill = _band(sdpa)
    values = dialect.Sdpa.values(sdpa)
    operands = {name: getattr(sdpa, name) for name in ("q", "k", "v", "sinks", "start")}
    if not band.is_open():
        both = _joined(sdpa, band)
        values |= _placement(sdpa, both, fill)
        operands["start"] = start_of(both, Builder(rewriter.ip, sdpa.operation.location))
    op = dialect.Sdpa.build(
        operands,
        [result.type for result in sdpa.operation.results],
        values,
        loc=sdpa.operation.location,
        ip=rewriter.ip,
    )
    problem = dialect.Sdpa.problem(op.opview)
    if problem:
        op.erase()
        raise Refusal(problem)
    return op


def _band(sdpa) -> tuple[Band, float]:
    """The mask as a band, and what it adds to the scores outside of it."""
    mask = as_mask(sdpa.operation, sdpa.mask)
    part, fill = mask.part, mask.fill
    frame = source_frame(part.dims, _frame(sdpa.mask), part.value)
    if frame is None:
        raise Refusal("mask: expected queries and keys as whole dimensions, got them cut or joined")
    if fill is None and is_bool(element_type(part.value)):
        fill = -INFINITY
    elements = constant_elements(part.value)
    if elements is not None and part.inverted:
        elements = ~elements
    if fill is None:
        if elements is None:
            raise Refusal("mask: expected a predicate, or 0 and one fill, got other numbers")
        elements, fill = _as_kept(elements)
    if elements is None:
        band = _band_in(part, frame, sizes(sdpa.q)[-2])
    else:
        band = band_of_elements(elements, frame)
    if band is None:
        raise Refusal("mask: expected a band of positions, got another constant")
    return band, fill


def _frame(mask: ir.Value) -> Frame:
    """What the dimensions of a mask count; one of size 1 counts nothing, as it is broadcast."""
    names = ((None,) * mask.type.rank + (QUERY, KEY))[2:]
    return tuple(None if size == 1 else name for size, name in zip(sizes(mask), names, strict=True))


def _band_in(part: Part, frame: Frame, queries: int | None) -> Band:
    """A computed predicate as a band and nothing else."""
    band = band_of(part.value, frame, queries, inverted=part.inverted)
    if band.rest:
        got = "another predicate" if band.is_open() else "one and another predicate"
        raise Refusal(f"mask: expected a band of positions alone, got {got}")
    return band


def _as_kept(added: np.ndarray) -> tuple[np.ndarray, float]:
    """Numbers that are added as what they keep, and the one fill beside 0."""
    import numpy as np

    kept = added == 0
    fills = np.unique(added[~kept])
    if len(fills) > 1 or not (fills <= LOWEST_FILL).all():
        raise Refusal("mask: expected a predicate, or 0 and one fill, got other numbers")
    return kept, float(fills[0]) if len(fills) else -INFINITY


def _joined(sdpa, band: Band) -> Band:
    """A band and that which the op has already."""
    both = _known(sdpa)
    if not both.fits(band):
        raise Refusal("start: expected one for both bands, that of the op and that of the mask")
    both.take(band, ())
    keys = sizes(sdpa.k)[-2]
    ahead = both.high is None and both.low is not None and both.low > 0
    if ahead and keys is not None and both.start is None:
        # The op places a left bound at the query or behind it: a right one makes room.
        both.high = keys - 1
    if not is_representable(both, Band()):
        raise Refusal("mask: expected a band that a window can be, got one ahead of the query")
    return both


def _placement(sdpa, both: Band, fill: float) -> dict:
    """The attributes for a band."""
    placed = {"causal": False, "offset": 0, "window": (UNBOUNDED, UNBOUNDED), **placement_of(both)}
    if fill == -INFINITY or both.leaves_a_key(sizes(sdpa.q)[-2], sizes(sdpa.k)[-2]):
        return placed
    # Every key of a row that sees nothing weighs the same, if the fill is all that is left of it.
    alone = _known(sdpa).is_open() and sdpa.sinks is None and sdpa.log_sum_exp is None
    if not alone or fill > DROWNING_FILL:
        raise Refusal(f"mask: expected -inf where a row may see no key, got {fill:g}")
    return {**placed, "fully_masked": "uniform"}


def _known(sdpa) -> Band:
    """The band that the attributes say."""
    left, right = sdpa.window
    right = 0 if sdpa.causal else right
    low = None if left == UNBOUNDED else sdpa.offset - left
    return Band(low, None if right == UNBOUNDED else sdpa.offset + right, sdpa.start)


@dataclass(frozen=True)
class RaiseMaskBandsPass(Pass):
    """A mask that is causal or a sliding window becomes attributes of `attnorm.sdpa`.

    Fires on `attnorm.sdpa`, whether it was raised or written, whose mask is a band of keys around
    each query and nothing else: comparisons of positions, known by their iotas, or a constant;
    bool, or 0 beside one fill of -1e4 or less, which is added; broadcast along batch and heads or
    not. `causal`, `offset` and `window` take its place, and that of a band that they said before. A
    mask that is true everywhere goes. A scalar of 32 bits or more, known at run time, that is added
    to the queries' positions becomes `start`; a single query needs no position beside it.

    Attributes mean -inf outside of the band. A finite fill is that where every query provably sees
    a key; elsewhere, if no score is left beside the fill, `fully_masked` becomes "uniform".

    Refuses a mask that asks for more than a band, a finite fill in rows that may see nothing beside
    sinks, `log_sum_exp` or another band, and a band beside one that has another `start`.

    ```mlir
    func.func @attention(%q: tensor<2x4x8xf32>, %k: tensor<2x6x8xf32>, %v: tensor<2x6x8xf32>)
        -> tensor<2x4x8xf32> {
      %two = stablehlo.constant dense<2> : tensor<4x6xi32>
      %0 = stablehlo.iota dim = 0 : tensor<4x6xi32>
      %1 = stablehlo.iota dim = 1 : tensor<4x6xi32>
      %2 = stablehlo.add %0, %two : tensor<4x6xi32>
      %3 = stablehlo.compare LE, %1, %2 : (tensor<4x6xi32>, tensor<4x6xi32>) -> tensor<4x6xi1>
      %4 = "attnorm.sdpa"(%q, %k, %v, %3) {
        operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>, scale = 0.5 : f64
      } : (tensor<2x4x8xf32>, tensor<2x6x8xf32>, tensor<2x6x8xf32>, tensor<4x6xi1>)
        -> tensor<2x4x8xf32>
      return %4 : tensor<2x4x8xf32>
    }
    ```

    becomes

    ```mlir
    func.func @attention(%q: tensor<2x4x8xf32>, %k: tensor<2x6x8xf32>, %v: tensor<2x6x8xf32>)
        -> tensor<2x4x8xf32> {
      %0 = "attnorm.sdpa"(%q, %k, %v) {
        causal = true, offset = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>,
        scale = 0.5 : f64
      } : (tensor<2x4x8xf32>, tensor<2x6x8xf32>, tensor<2x6x8xf32>) -> tensor<2x4x8xf32>
      return %0 : tensor<2x4x8xf32>
    }
    ```
    """

    name = "raise-mask-bands"
    roots = ("attnorm.sdpa",)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Takes in every mask below `module` that is a band."""
        pattern = partial(raise_mask_band, report=report)
        if apply_patterns(module, [(root, pattern) for root in self.roots]):
            erase_dead(module)
