"""The masks of an attention: bands of positions as attributes, the rest as one operand."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..analysis.attention_scores import INFINITY, Mask, Scores
from ..analysis.attention_values import Values
from ..analysis.bands import Band, Frame, Part, band_of, source_frame
from ..analysis.views import Dim, View, compose, identity, merge, trace
from ..dialect.sdpa import UNBOUNDED
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
    """What the masks on the way say, built at `b`."""
    masks = _of_one_fill(scores.masks)
    band, predicates, added = _gathered(masks, scores, b)
    if band.is_open() and any(mask.added and _shows_added(mask) for mask in masks):
        # No attribute comes of them; as they are, they say what a row of nothing else becomes.
        masks = [_as_added(mask) for mask in masks]
        band, predicates, added = _gathered(masks, scores, b)
    mode = _fully_masked({mask.fill for mask in masks} - {None}, values)
    fill = _fill_beside_added(masks) if predicates and added and band.is_open() else None
    if fill is not None:
        mode = values.fully_masked or "nan"
    start = start_of(band, b)
    return Masking(_combined(b, predicates, added, fill), start, placement_of(band), mode)


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


def _of_one_fill(masks: list[Mask]) -> list[Mask]:
    """The masks, those that are added kept so where their fills would add up or differ.

    Two finite fills on one score are lower than one, and what is added to a fill that is not low
    shows: a row that sees nothing is then not uniform.
    """
    finite = [mask for mask in masks if mask.fill not in (None, -INFINITY)]
    several = len(finite) > 1 and any(mask.added for mask in finite)
    mixed = finite and any(mask.fill == -INFINITY for mask in masks)
    shows = any(_shows_added(mask) for mask in finite) and any(m.fill is None for m in masks)
    if shows and any(mask.fill is None for mask in masks[: _last_selected(masks)]):
        raise Refusal("mask: expected nothing added to a fill that it shows on, got a mask")
    if not several and not mixed and not shows:
        return masks
    return [_as_added(mask) for mask in masks]


def _as_added(mask: Mask) -> Mask:
    """A mask that is added, without the predicate that it was met as."""
    return Mask(mask.at, mask.added, factor=mask.factor) if mask.added else mask


def _shows_added(mask: Mask) -> bool:
    """Whether a moderate number that is added to a finite fill changes it in f32."""
    return mask.fill is not None and mask.fill > ABSORBING_FILL


def _last_selected(masks: list[Mask]) -> int:
    """Where the last mask stands that selects a fill on which what is added shows."""
    places = [n for n, mask in enumerate(masks) if _shows_added(mask) and not mask.added]
    return max(places, default=0)


@dataclass(frozen=True)
class Fill:
    """What a predicate adds: a number, to the masks that are added or in their place."""

    number: float
    in_place: bool


def _fill_beside_added(masks: list[Mask]) -> Fill | None:
    """What predicates add beside masks that are added, where that is one finite fill.

    Where these are -inf too, a row that the predicates leave nothing is not uniform. A fill that is
    low enough hides the score that it is added to as well as one that takes its place.
    """
    fills = {mask.fill for mask in masks} - {None}
    number = fills.pop() if len(fills) == 1 else None
    if number is None or number == -INFINITY or number > ABSORBING_FILL:
        return None
    if any(mask.fill is None and is_half(element_type(mask.part.value)) for mask in masks):
        return None
    last = max(n for n, mask in enumerate(masks) if mask.fill is not None)
    in_place = not any(mask.added for mask in masks)
    return Fill(number, in_place and all(mask.fill is not None for mask in masks[:last]))


def _band(part: Part, frame: Frame, known: Band, queries: int | None) -> Band:
    """A predicate as a band and a rest; all of it is rest where the op could not say the band."""
    inner = source_frame(part.dims, frame, part.value)
    own = Band()
    if inner is not None:
        own = band_of(part.value, inner, queries, inverted=part.inverted)
    if inner is None or not own.fits(known) or not is_representable(own, known):
        return Band(rest=[replace(part, dims=identity(part.value).dims)])
    return own


def _fully_masked(fills: set, values: Values) -> str:
    """What a row becomes that sees nothing: with a finite fill every key weighs the same."""
    if not fills or fills == {-INFINITY}:
        return values.fully_masked or "nan"
    if -INFINITY in fills:
        raise Refusal("mask: expected one fill for every mask, got -inf beside a finite one")
    return "uniform"


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


def _combined(
    b: Builder, predicates: list[ir.Value], added: list[ir.Value], fill: Fill | None
) -> ir.Value | None:
    """One mask of several: predicates alone stay one, beside an added mask they join it.

    There they add a finite fill where one is given, else -inf.
    """
    value = None
    for predicate in predicates:
        value = predicate if value is None else _both(b, "and", value, predicate)
    if not added:
        return value
    total = added[0]
    for mask in added[1:]:
        total = _both(b, "add", total, b.convert(mask, element_type(total)))
    if value is None:
        return total
    shape = _joint_shape(value, total)
    axes = range(len(shape))
    spread, total = (b.broadcast(mask, axes, shape) for mask in (value, total))
    if fill is None:
        return b.select(spread, total, -INFINITY)
    return b.select(spread, total, fill.number if fill.in_place else b.add(total, fill.number))


def _joint_shape(left: ir.Value, right: ir.Value) -> tuple:
    pairs = zip(shape_of(left), shape_of(right), strict=True)
    return tuple(theirs if mine == 1 else mine for mine, theirs in pairs)


def _both(b: Builder, name: str, left: ir.Value, right: ir.Value) -> ir.Value:
    """An elementwise op of two masks, each spread to the other."""
    shape = _joint_shape(left, right)
    axes = range(len(shape))
    return b.binary(name, b.broadcast(left, axes, shape), b.broadcast(right, axes, shape))
