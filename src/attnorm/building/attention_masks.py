"""The masks of an attention: bands of positions as attributes, the rest as one operand."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..analysis.attention_scores import INFINITY, LOWEST_FILL, Mask, Scores
from ..analysis.attention_values import Values
from ..analysis.bands import Band, Frame, Part, band_of, source_frame
from ..analysis.views import Dim, View, compose, identity, merge, trace
from ..dialect.sdpa import UNBOUNDED
from ..ir.attributes import constant_elements
from ..ir.mlir import ir
from ..ir.rewriting import Refusal
from ..ir.stablehlo import Builder, element_type, is_half, shape_of
from .arrange import arrange

ABSORBING_FILL = -1e30
"""In f32, a number from here down is the same after any moderate one is added to it."""


@dataclass(frozen=True)
class Masking:
    """The op's mask and start operands, and the attributes that say where keys are masked."""

    value: ir.Value | None
    start: ir.Value | None
    placement: dict
    fully_masked: str


def masking_of(scores: Scores, values: Values, b: Builder) -> Masking:
    """What the masks on the way say, built at `b`.

    Attributes and a bool mask mean -inf. Where finite fills mean something else, the masks become
    one that is added, with every number as it was.
    """
    masks = scores.masks
    band, predicates, added = _gathered(masks, scores, b)
    fills = {mask.fill for mask in masks} - {None}
    if fills <= {-INFINITY}:
        mode = values.fully_masked or "nan"
    elif _means_infinity(masks, band, scores, beside=bool(predicates)):
        mode = "uniform"
    else:
        return Masking(_summed(masks, scores, b), None, {}, values.fully_masked or "nan")
    return Masking(_combined(b, predicates, added), start_of(band, b), placement_of(band), mode)


def _means_infinity(masks: list[Mask], band: Band, scores: Scores, *, beside: bool) -> bool:
    """Whether finite fills are -inf, with every key weighing the same in rows that see nothing.

    `beside`: there are predicates beside the band. A row that sees a key sees nothing of a fill. In
    a row that sees none, fills of one number in the scores' place weigh the same; fills that are
    added show the scores behind them or add up, and what else is added shows on all of them.
    """
    sees = not beside and band.leaves_a_key(_count(scores.queries), _count(scores.keys))
    if sees and all(mask.fill is not None or _is_moderate(mask.part.value) for mask in masks):
        return True
    fills = {mask.fill for mask in masks}
    if len(fills) > 1 or (len(masks) > 1 and any(mask.added for mask in masks)):
        return False
    return not any(mask.added and _shows_added(mask) for mask in masks)


def _count(dim: Dim) -> int | None:
    """The size of a dimension; None where it is dynamic."""
    counts = [atom.size for atom in dim]
    return None if None in counts else math.prod(size for size in counts if size is not None)


def _is_moderate(value: ir.Value) -> bool:
    """Whether what is added is a constant of numbers that are no fills."""
    array = constant_elements(value)
    return array is not None and bool((abs(array) < -LOWEST_FILL / 2).all())


def _summed(masks: list[Mask], scores: Scores, b: Builder) -> ir.Value | None:
    """The masks as one that is added: 0, changed by each in turn, the one next to the scores first.

    Refuses a fill that takes the place of a score which would show on it.
    """
    total: ir.Value | None = None
    for mask in reversed(masks):
        dims = _placed(scores, trace(mask.at.results[0], scores.through, rounding=True))
        part = mask.added or mask.part
        value = _arranged(b, part, dims)
        if mask.added or mask.fill is None:
            value = _scaled(b, value, mask.factor)
            total = value if total is None else _widened_both(b, total, value)
            continue
        if _shows_added(mask):
            raise Refusal(f"mask: expected one fill or -inf beside other masks, got {mask.fill:g}")
        total = _filled(b, value, total, mask.fill)
    return total


def _widened_both(b: Builder, left: ir.Value, right: ir.Value) -> ir.Value:
    """The sum of two masks in the wider of their types, at least f32."""
    elements = (element_type(left), element_type(right))
    wide = ir.F64Type.get() if any(e.width == 64 for e in elements) else ir.F32Type.get()
    return _both(b, "add", b.convert(left, wide), b.convert(right, wide))


def _filled(b: Builder, kept: ir.Value, total: ir.Value | None, fill: float) -> ir.Value:
    """`total`, 0 where there is none yet, with a fill where the predicate `kept` is false."""
    wide = ir.F32Type.get()
    if total is None:
        total = b.full(0.0, wide, shape_of(kept))
    elif is_half(element_type(total)):
        total = b.convert(total, wide)
    shape = _joint_shape(kept, total)
    spread, total = (b.broadcast(mask, range(len(shape)), shape) for mask in (kept, total))
    return b.select(spread, total, fill)


def _gathered(
    masks: list[Mask], scores: Scores, b: Builder
) -> tuple[Band, list[ir.Value], list[ir.Value]]:
    """What masks say: the band of positions, other predicates, and what is added."""
    band = Band()
    added: list[ir.Value] = []
    predicates: list[ir.Value] = []
    for mask in masks:
        view = trace(mask.at.results[0], scores.through, rounding=True)
        dims = _placed(scores, view)
        if mask.fill is None:
            added.append(_scaled(b, _arranged(b, mask.part, dims), mask.factor))
            continue
        own = _band(mask.part, scores.frame(view), band, None if scores.queries else 1)
        band.take(own.bounds(), ())
        for part in own.rest:
            arrangement = compose(mask.part.dims, part.dims)
            assert arrangement is not None, "a predicate's dimensions are whole"
            predicates.append(_arranged(b, replace(part, dims=arrangement), dims))
    return band, predicates, added


def _shows_added(mask: Mask) -> bool:
    """Whether a moderate number that is added to a finite fill changes it in f32."""
    return mask.fill is not None and mask.fill > ABSORBING_FILL


def _band(part: Part, frame: Frame, known: Band, queries: int | None) -> Band:
    """A predicate as a band and a rest; all of it is rest where the op could not say the band."""
    inner = source_frame(part.dims, frame, part.value)
    own = Band()
    if inner is not None:
        own = band_of(part.value, inner, queries, inverted=part.inverted)
    if inner is None or not own.fits(known) or not is_representable(own, known):
        return Band(rest=[replace(part, dims=identity(part.value).dims)])
    return own


def sinks_of(scores: Scores, b: Builder) -> ir.Value | None:
    """The op's sinks, one a head, built at `b`."""
    part = scores.sinks
    if part is None:
        return None
    dims = _placed(scores, trace(scores.softmax.x, scores.through, rounding=True))
    heads = len(scores.batches)
    composed = compose(dims[:-1], part.dims)
    if composed is None or any(
        atom.axis is not None
        for place, dim in enumerate(composed)
        if place != heads
        for atom in dim
    ):
        raise Refusal("sinks: expected one a head, got others")
    return arrange(b, part.value, [composed[heads]])


def _placed(scores: Scores, view: View) -> list[Dim]:
    """The op's score dimensions as atoms over a value of the way, which `view` describes."""
    where = scores.places(view.dims)
    dims: list[Dim] = []
    for dim in scores.canonical():
        dims.append(merge([where[atom] for atom in dim]))
    return dims


def _arranged(b: Builder, part: Part, dims: list[Dim]) -> ir.Value:
    """A mask in the op's arrangement, as small as it was before its broadcasts."""
    composed = compose(dims, part.dims)
    if composed is None:
        raise Refusal("mask: expected an arrangement of whole dimensions")
    value = b.unary("not", part.value) if part.inverted else part.value
    return arrange(b, value, composed, compact=True)


def is_representable(own: Band, known: Band) -> bool:
    """Whether the op can say a band: a left bound alone or beside a right one, not ahead of it."""
    both = own.bounds()
    both.take(known.bounds(), ())
    if both.low is None:
        return True
    high = 0 if both.high is None else both.high
    return high - both.low >= 0


def start_of(band: Band, b: Builder) -> ir.Value | None:
    """The op's operand for a band's start."""
    return None if band.start is None else b.reshape(band.start, ())


def placement_of(band: Band) -> dict:
    """The attributes that say a band; none for an open one."""
    if band.is_open():
        return {}
    if band.high is None:
        return {"window": (-(band.low or 0), UNBOUNDED)}
    left = UNBOUNDED if band.low is None else band.high - band.low
    return {"causal": True, "offset": band.high, "window": (left, UNBOUNDED)}


def _scaled(b: Builder, mask: ir.Value, factor: float) -> ir.Value:
    """A mask that is added, by a factor; what a half type would round becomes f32."""
    if abs(factor) == 1.0:
        return mask if factor == 1.0 else b.unary("negate", mask)
    if is_half(element_type(mask)):
        mask = b.convert(mask, ir.F32Type.get(mask.context))
    return b.multiply(mask, factor)


def _combined(b: Builder, predicates: list[ir.Value], added: list[ir.Value]) -> ir.Value | None:
    """One mask of several: predicates alone stay one, beside an added mask they add -inf."""
    value = None
    for predicate in predicates:
        value = predicate if value is None else _both(b, "and", value, predicate)
    if not added:
        return value
    total = added[0]
    for mask in added[1:]:
        total = _both(b, "add", total, b.convert(mask, element_type(total)))
    return total if value is None else _filled(b, value, total, -INFINITY)


def _joint_shape(left: ir.Value, right: ir.Value) -> tuple:
    pairs = zip(shape_of(left), shape_of(right), strict=True)
    return tuple(theirs if mine == 1 else mine for mine, theirs in pairs)


def _both(b: Builder, name: str, left: ir.Value, right: ir.Value) -> ir.Value:
    """An elementwise op of two masks, each spread to the other."""
    shape = _joint_shape(left, right)
    axes = range(len(shape))
    return b.binary(name, b.broadcast(left, axes, shape), b.broadcast(right, axes, shape))
