"""`raise-sdpa`: attention written out becomes `attnorm.sdpa`.

The softmax is an op already (`raise-softmax`). From it the scores are followed up to the first
product, the probabilities down to the second. Dimensions are described over the first product's
result (`views`): the batch, the heads, the queries and the keys are sets of atoms there, whatever
was merged, split or transposed on the way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from .. import dialect
from ..bindings import Rewriter, apply_patterns, erase_dead, hlo, ir
from ..dialect.sdpa import UNBOUNDED
from ..stablehlo import Builder, element_type, is_half, shape_of
from .arrange import arrange
from .bands import KEY, QUERY, Band, Frame, Part, band_of, source_frame
from .base import Pass, Refusal, Report
from .statistics import Path, readers, reduction_of, same_value
from .views import (
    Atom,
    Dim,
    View,
    compose,
    hand_over_sizes,
    identity,
    is_move,
    is_splat,
    made_by,
    merge,
    producer,
    splat,
    trace,
)

INFINITY = float("inf")
LOWEST_FILL = -1e4
"""A finite fill is a mask from here down: no score comes near it."""


def raise_sdpa(op: ir.Operation, rewriter: Rewriter, *, report: Report) -> bool:
    """Pattern: dot(softmax(mask(cap(dot(q, k) * scale))), v) -> sdpa(q, k, v, mask)"""
    try:
        scores = _Scores.above(op.opview)
        if scores is None:
            return False
        values = _Values.below(op, scores)
        if values is None:
            return False
        _build(scores, values)
        hand_over_sizes(op.results[0], op.operands[0])
    except Refusal as refusal:
        report.refuse(op, str(refusal))
        return False
    return True


# -- the scores ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Mask:
    """What is added to the scores, or selects them: the op it stands at, and its value there."""

    at: ir.Operation
    part: Part
    fill: float | None = None
    """What a score becomes where the predicate is false; None: the value is added."""


@dataclass
class _Scores:
    """The way from the softmax up to the product of queries and keys."""

    softmax: ir.OpView
    through: dict[ir.Operation, int] = field(default_factory=dict)
    masks: list[_Mask] = field(default_factory=list)
    scale: float = 1.0
    softcap: float | None = None
    rounded: bool = False

    @staticmethod
    def above(softmax: ir.OpView) -> _Scores | None:
        """The scores under a softmax; None where no product is above it."""
        scores = _Scores(softmax)
        value = softmax.x
        while True:
            view = trace(value, scores.through, rounding=True)
            scores.rounded |= any(is_half(element) for element in view.elements)
            op = producer(view.source)
            if op is None:
                return None
            if op.name == "stablehlo.dot_general":
                scores.product = op
                return scores._located()
            operand = scores._step(op)
            if operand is None:
                return None
            scores.through[op] = operand

    def _step(self, op: ir.Operation) -> int | None:
        """Takes in an op on the way; the operand that goes on, or None."""
        match op.name.removeprefix("stablehlo."):
            case "multiply":
                return self._multiply(op)
            case "divide":
                number = splat(op.operands[1])
                return None if not number else self._scaled(1 / number, 0)
            case "add":
                return self._added(op)
            case "select":
                return self._selected(op)
        return None

    def _multiply(self, op: ir.Operation) -> int | None:
        for index in (0, 1):
            number = splat(op.operands[1 - index])
            if number is None:
                continue
            if self._cap(op, index, float(number)):
                return index
            return self._scaled(float(number), index)
        return None

    def _scaled(self, factor: float, operand: int) -> int:
        self.scale *= factor
        return operand

    def _cap(self, op: ir.Operation, index: int, cap: float) -> bool:
        """Takes in `cap * tanh(s / cap)`."""
        tanh = made_by(trace(op.operands[index]).source, "tanh")
        if tanh is None:
            return False
        if self.scale != 1.0 or self.softcap is not None:
            raise Refusal("softcap: expected one, before any scale or mask behind it")
        inner = producer(trace(tanh.operands[0]).source)
        if inner is None:
            raise Refusal("softcap: expected tanh(s / cap), got tanh of an argument")
        for operand in (0, 1):
            number = splat(inner.operands[1 - operand]) if len(inner.operands) == 2 else None
            divides = inner.name == "stablehlo.divide" and operand == 0
            if number and (divides or inner.name == "stablehlo.multiply"):
                divisor = float(number) if divides else 1 / float(number)
                if abs(divisor - cap) > 1e-3 * cap:
                    raise Refusal(f"softcap: expected tanh(s / {cap:g}), got tanh(s / {divisor:g})")
                self.through |= {tanh: 0, inner: operand}
                self.softcap = cap
                return True
        raise Refusal("softcap: expected tanh(s / cap), got another argument")

    def _before_scale(self) -> None:
        if self.scale != 1.0 or self.softcap is not None:
            raise Refusal("mask: expected it behind the scale and the cap, got one before")

    def _added(self, op: ir.Operation) -> int | None:
        """Takes in an addition: the operand that leads to a product goes on, the other masks."""
        self._before_scale()
        leads = [index for index in (0, 1) if _leads_to_product(op.operands[index])]
        if len(leads) != 1:
            return None
        mask = op.operands[1 - leads[0]]
        self.masks.append(_as_mask(op, mask))
        return leads[0]

    def _selected(self, op: ir.Operation) -> int | None:
        self._before_scale()
        fill = splat(op.operands[2])
        if fill is None or fill > LOWEST_FILL:
            return None
        predicate = trace(op.operands[0])
        self.masks.append(_Mask(op, Part(predicate.source, predicate.dims), float(fill)))
        return 1

    # -- which dimension is which ------------------------------------------------------------------

    def _located(self) -> _Scores | None:
        """Tells batch, heads, queries and keys apart, as atoms over the product's result."""
        view = trace(self.softmax.x, self.through, rounding=True)
        numbers = hlo.DotDimensionNumbers(self.product.attributes["dot_dimension_numbers"])
        self.batching = (
            list(numbers.lhs_batching_dimensions),
            list(numbers.rhs_batching_dimensions),
        )
        self.contracting = (
            list(numbers.lhs_contracting_dimensions),
            list(numbers.rhs_contracting_dimensions),
        )
        if len(self.contracting[0]) != 1 or self.product.results[0] != view.source:
            return None
        batch = len(self.batching[0])
        left_free = self.product.operands[0].type.rank - batch - 1
        sides = [range(batch, batch + left_free), range(batch + left_free, view.source.type.rank)]
        self.keys = view.dims[self.softmax.axis]
        key_axes = {atom.axis for atom in self.keys}
        if not self.keys or None in key_axes:
            raise Refusal("keys: expected more than one along the softmax's axis, got one")
        self.key_side = 0 if key_axes <= set(sides[0]) else 1
        if not key_axes <= set(sides[self.key_side]):
            raise Refusal("softmax: expected its axis to be the keys of the product")
        others = [atom for dim in view.dims for atom in dim if atom not in self.keys]
        if any(atom.axis in sides[self.key_side] or atom.axis is None for atom in others):
            raise Refusal("scores: expected one dimension of keys, got another beside it")
        rows = [atom for atom in others if atom.axis in sides[1 - self.key_side]]
        query = self._query_among(rows)
        self.queries: Dim = () if query is None else (query,)
        batches = [atom for atom in others if atom.axis < batch]
        batches.sort(key=lambda atom: (atom.axis, -atom.stride))
        # Heads that share a key head stand with the queries: they are the inner part of a head.
        self.groups: Dim = tuple(atom for atom in rows if atom != query)
        self.heads: Dim = tuple(batches[-1:])
        self.batches: list[Dim] = [(atom,) for atom in batches[:-1]]
        return self

    def frame(self, view: View) -> Frame:
        """What each dimension of a value on the way counts."""
        names = {self.queries: QUERY, self.keys: KEY}
        return tuple(names.get(dim) if dim else None for dim in view.dims)

    def _query_among(self, rows: list[Atom]) -> Atom | None:
        """Which of the queries' dimensions counts positions: the one that the masks vary along.

        Where no mask tells, any is right, and the last is taken.
        """
        varied: set[Atom] = set()
        for mask in self.masks:
            at = trace(mask.at.results[0], self.through, rounding=True).dims
            for dim, own in zip(at, mask.part.dims, strict=True):
                if any(atom.axis is not None for atom in own):
                    varied.update(atom for atom in dim if atom in rows)
        if len(varied) == 1:
            return varied.pop()
        return rows[-1] if rows else None

    def tiles(self, dim: Dim) -> list[Atom]:
        """The atoms of the op's dimensions that make up a dimension; refuses one cut otherwise."""
        known = [atom for own in self.canonical() for atom in own]
        found: list[Atom] = []
        for atom in dim:
            inside = [part for part in known if _lies_in(part, atom)]
            inside.sort(key=lambda part: -part.stride)
            if merge(inside) != (atom,):
                raise Refusal("scores: expected their dimensions whole, got them cut otherwise")
            found += inside
        return found

    def places(self, dims: Sequence[Dim]) -> dict[Atom, Atom]:
        """Where the atoms of the op's dimensions stand in a value with these dimensions."""
        where: dict[Atom, Atom] = {}
        for axis, dim in enumerate(dims):
            stride = 1
            for atom in reversed(self.tiles(dim)):
                where[atom] = Atom(atom.size, axis, stride)
                stride *= atom.size or 1
        return where

    def canonical(self) -> list[Dim]:
        """[batch.., heads, queries, keys], each as atoms over the product's result."""
        return [*self.batches, (*self.heads, *self.groups), self.queries, self.keys]


def _lies_in(part: Atom, whole: Atom) -> bool:
    if part.axis != whole.axis or None in (part.size, whole.size):
        return part == whole
    ends = part.stride * part.size, whole.stride * whole.size
    return whole.stride <= part.stride and ends[0] <= ends[1]


def _leads_to_product(value: ir.Value) -> bool:
    """Whether a value is a product, seen through moves and what stands between it and a softmax."""
    for _ in range(64):
        op = producer(trace(value, rounding=True).source)
        if op is None:
            return False
        if op.name == "stablehlo.dot_general":
            return True
        match op.name.removeprefix("stablehlo."):
            case "multiply" if splat(op.operands[0]) is not None:
                value = op.operands[1]
            case "multiply" | "divide" if splat(op.operands[1]) is not None:
                value = op.operands[0]
            case "tanh":
                value = op.operands[0]
            case "add":
                return any(map(_leads_to_product, op.operands))
            case "select" if splat(op.operands[2]) is not None:
                value = op.operands[1]
            case _:
                return False
    return False


def _as_mask(at: ir.Operation, mask: ir.Value) -> _Mask:
    """A mask that is added; `select(p, 0, low)` as the predicate p."""
    view = trace(mask)
    select = made_by(view.source, "select")
    if select is not None and is_splat(select.operands[1], 0.0):
        fill = splat(select.operands[2])
        if fill is not None and fill <= LOWEST_FILL:
            return _Mask(at, Part(select.operands[0], view.dims), float(fill))
    return _Mask(at, Part(view.source, view.dims))


# -- the values ----------------------------------------------------------------------------------


@dataclass
class _Values:
    """The way from the softmax down to the product of probabilities and values."""

    product: ir.Operation
    side: int
    """Which operand of the product the probabilities are."""
    probabilities: tuple[Dim, ...]
    """Their dimensions there, as atoms over the scores' product."""
    fully_masked: str | None

    @staticmethod
    def below(softmax: ir.Operation, scores: _Scores) -> _Values | None:
        """The product that reads a softmax; None where another op does."""
        through = {**scores.through, softmax: 0}
        value, fully_masked = softmax.results[0], None
        while True:
            found = readers(value)
            safe = _safe_tail(found, value, softmax)
            if safe is not None:
                fully_masked, found = "zero", [safe]
                through[safe] = 2
            if len(found) != 1:
                raise Refusal(f"probabilities: expected one use, got {len(found)}")
            user = found[0]
            if user.name == "stablehlo.dot_general":
                break
            if safe is None and not is_move(user):
                return None
            value = user.results[0]
        side = 0 if same_value(user.operands[0], value) else 1
        view = trace(user.operands[side], through, rounding=True)
        if view.source != scores.product.results[0]:
            raise Refusal("probabilities: expected them in an arrangement of the scores")
        return _Values(user, side, view.dims, fully_masked)


def _safe_tail(
    found: list[ir.Operation], value: ir.Value, softmax: ir.Operation
) -> ir.Operation | None:
    """The select that makes 0 of rows with nothing to attend to, if that is all that reads them."""
    for user in found:
        if user.name != "stablehlo.select" or not same_value(user.operands[2], value):
            continue
        if not is_splat(user.operands[1], 0.0):
            continue
        predicate = trace(user.operands[0]).source
        rest = [other for other in found if other != user]
        if _is_nan(predicate, value) and rest == [predicate.owner.operation]:
            return user
        if not rest and _all_masked(predicate, softmax):
            return user
    return None


def _is_nan(predicate: ir.Value, value: ir.Value) -> bool:
    op = made_by(predicate, "compare")
    return (
        op is not None
        and " NE>" in str(op.attributes["comparison_direction"])
        and all(operand == value for operand in op.operands)
    )


def _all_masked(predicate: ir.Value, softmax: ir.Operation) -> bool:
    """Whether a predicate is `all(s == -inf)` of the softmax's own scores, along its axis."""
    path = Path()
    reduced = reduction_of(path.peel(predicate), "and", True)
    op = None if reduced is None else made_by(reduced.x, "compare")
    if reduced is None or op is None or " EQ>" not in str(op.attributes["comparison_direction"]):
        return False
    scores = softmax.operands[0]
    plain = trace(op.operands[0])
    own = trace(scores)
    same = (plain.source, plain.dims) == (own.source, own.dims)
    axis = softmax.opview.axis
    return same and is_splat(op.operands[1], -INFINITY) and reduced.axes == (axis,)


# -- the op --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Operand:
    """A tensor of the attention: its source, and the op's dimensions as atoms over it."""

    source: ir.Value
    dims: list[Dim]

    def build(self, b: Builder) -> ir.Value:
        """The value in the op's arrangement."""
        return arrange(b, self.source, self.dims)


def _build(scores: _Scores, values: _Values) -> None:
    q_scale, q = _query_operand(scores)
    k_scale, k = _key_operand(scores)
    v, head_dims = _value_operand(scores, values)
    repeats = _common_repeats(k, v, scores)
    k, v = (_without_repeats(operand, len(scores.batches), repeats) for operand in (k, v))
    product = values.product
    b = Builder(ir.InsertionPoint(product), product.location)
    masks = _masks(scores, values, b)
    rank = len(q.dims)
    if rank < 3:
        raise Refusal(f"q: expected heads, queries and depth, got {rank} dimensions")
    built = {"q": q.build(b), "k": k.build(b), "v": v.build(b), "mask": masks.value}
    shape = [*built["q"].type.shape[:-1], built["v"].type.shape[-1]]
    element = element_type(product.results[0])
    op = dialect.Sdpa.build(
        built,
        [ir.RankedTensorType.get(shape, element, loc=b.loc)],
        {
            "scale": scores.scale * q_scale * k_scale,
            "softcap": scores.softcap,
            "fully_masked": masks.fully_masked,
            **masks.placement,
        },
        loc=b.loc,
        ip=b.ip,
    )
    problem = dialect.Sdpa.problem(op.opview)
    if problem:
        op.erase()
        raise Refusal(problem)
    result = _result_in_place(b, op.results[0], scores, values, head_dims)
    product.results[0].replace_all_uses_with(result)


def _operand_dims(scores: _Scores, side: int, rows: Dim, batches: list[Dim]) -> list[Dim]:
    """Dimensions over the product's result as dimensions over one of its operands."""
    operand = scores.product.operands[side]
    batching, contracting = scores.batching[side], scores.contracting[side]
    free = [
        axis
        for axis in range(operand.type.rank)
        if axis not in batching and axis not in contracting
    ]
    first = len(batching) + (0 if side == 0 else _free_count(scores, 0))

    def moved(atom: Atom) -> Atom:
        if atom.axis < len(batching):
            return Atom(atom.size, batching[atom.axis], atom.stride)
        return Atom(atom.size, free[atom.axis - first], atom.stride)

    depth = identity(operand).dims[contracting[0]]
    dims = [tuple(map(moved, dim)) for dim in (*batches, rows)]
    return [*dims, depth]


def _free_count(scores: _Scores, side: int) -> int:
    rank = scores.product.operands[side].type.rank
    return rank - len(scores.batching[side]) - 1


def _query_operand(scores: _Scores) -> tuple[float, _Operand]:
    side = 1 - scores.key_side
    heads = (*scores.heads, *scores.groups)
    dims = _operand_dims(scores, side, scores.queries, [*scores.batches, heads])
    return _seen_through(scores.product.operands[side], dims)


def _key_operand(scores: _Scores) -> tuple[float, _Operand]:
    side = scores.key_side
    dims = _operand_dims(scores, side, scores.keys, [*scores.batches, scores.heads])
    return _seen_through(scores.product.operands[side], dims)


def _seen_through(value: ir.Value, dims: list[Dim]) -> tuple[float, _Operand]:
    """An operand of the first product before its moves and its scale, and that scale."""
    through: dict[ir.Operation, int] = {}
    scale = 1.0
    while True:
        view = trace(value, through)
        op = producer(view.source)
        found = None if op is None else _scale_of(op)
        if found is None:
            break
        through[op] = found[1]
        scale *= found[0]
    composed = compose(dims, view.dims)
    if composed is None:
        return 1.0, _Operand(value, dims)
    return scale, _Operand(view.source, [*composed])


def _scale_of(op: ir.Operation) -> tuple[float, int] | None:
    """A factor and the operand it scales, where the product with it can be taken later.

    In f32 and f64 that is one rounding elsewhere; in a half type only a power of two is exact.
    """
    if op.name not in ("stablehlo.multiply", "stablehlo.divide"):
        return None
    for index in (0, 1):
        number = splat(op.operands[1 - index])
        if not number or (op.name == "stablehlo.divide" and index == 1):
            continue
        factor = 1 / number if op.name == "stablehlo.divide" else float(number)
        exact = abs(factor) == 2.0 ** round(math.log2(abs(factor)))
        if exact or not is_half(element_type(op.results[0])):
            return factor, index
    return None


def _value_operand(scores: _Scores, values: _Values) -> tuple[_Operand, list[Dim]]:
    """The values [batch.., heads, keys, depth]; and the depth's dimensions."""
    product, side = values.product, 1 - values.side
    numbers = hlo.DotDimensionNumbers(product.attributes["dot_dimension_numbers"])
    batching = (list(numbers.lhs_batching_dimensions), list(numbers.rhs_batching_dimensions))
    contracting = (
        list(numbers.lhs_contracting_dimensions),
        list(numbers.rhs_contracting_dimensions),
    )
    if len(contracting[0]) != 1:
        raise Refusal("v: expected one contracted dimension, got several")
    if values.probabilities[contracting[values.side][0]] != scores.keys:
        raise Refusal("v: expected the product to contract the keys")
    operand = product.operands[side]
    where: dict[Atom, Atom] = {}
    for mine, other in zip(batching[values.side], batching[side], strict=True):
        places = scores.places([values.probabilities[mine]])
        where |= {atom: replace(place, axis=other) for atom, place in places.items()}
    missing = [atom for dim in (*scores.batches, scores.heads) for atom in dim if atom not in where]
    if missing or len(where) != sum(map(len, (*scores.batches, scores.heads))):
        raise Refusal("v: expected the batch and heads of the scores")
    own = identity(operand).dims
    free = [
        axis
        for axis in range(operand.type.rank)
        if axis not in batching[side] and axis not in contracting[side]
    ]
    depth = tuple(atom for axis in free for atom in own[axis])
    dims = [tuple(where[atom] for atom in dim) for dim in (*scores.batches, scores.heads)]
    view = trace(operand)
    wanted = [*dims, own[contracting[side][0]], depth]
    composed = compose(wanted, view.dims)
    if composed is None:
        return _Operand(operand, wanted), [own[axis] for axis in free]
    return _Operand(view.source, [*composed]), [own[axis] for axis in free]


def _repeats(dim: Dim) -> int:
    """How often the inner part of a dimension repeats the outer one."""
    count = 1
    for atom in reversed(dim):
        if atom.axis is not None or atom.size is None:
            break
        count *= atom.size
    return count


def _common_repeats(k: _Operand, v: _Operand, scores: _Scores) -> int:
    """By how much the heads of keys and values are repeated alike."""
    heads = len(scores.batches)
    repeats = {_repeats(operand.dims[heads]) for operand in (k, v)}
    return repeats.pop() if len(repeats) == 1 else 1


def _without_repeats(operand: _Operand, heads: int, repeats: int) -> _Operand:
    if repeats == 1:
        return operand
    dims = list(operand.dims)
    kept = list(dims[heads])
    while repeats > 1:
        repeats //= kept.pop().size
    dims[heads] = tuple(kept)
    return _Operand(operand.source, dims)


# -- masks ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Masking:
    """The op's mask operand and the attributes that say where keys are masked."""

    value: ir.Value | None
    placement: dict
    fully_masked: str


def _masks(scores: _Scores, values: _Values, b: Builder) -> _Masking:
    band = Band()
    added: list[ir.Value] = []
    predicates: list[ir.Value] = []
    for mask in scores.masks:
        view = trace(mask.at.results[0], scores.through, rounding=True)
        dims = _placed(scores, view)
        if mask.fill is None:
            added.append(_arranged(b, mask.part, dims))
            continue
        own = _band(mask.part, scores.frame(view), band)
        band.take(Band(own.low, own.high), ())
        for part in own.rest:
            arrangement = compose(mask.part.dims, part.dims)
            assert arrangement is not None, "a predicate's dimensions are whole"
            predicates.append(_arranged(b, Part(part.value, arrangement), dims))
    mode = _fully_masked({mask.fill for mask in scores.masks} - {None}, values)
    return _Masking(_combined(b, predicates, added), _placement(band), mode)


def _band(part: Part, frame: Frame, known: Band) -> Band:
    """A predicate as a band and a rest; all of it is rest where the op could not say the band."""
    inner = source_frame(part.dims, frame, part.value)
    own = Band() if inner is None else band_of(part.value, inner)
    if inner is None or not _representable(own, known):
        return Band(rest=[Part(part.value, identity(part.value).dims)])
    return own


def _fully_masked(fills: set, values: _Values) -> str:
    """What a row becomes that sees nothing: with a finite fill every key weighs the same."""
    if not fills or fills == {-INFINITY}:
        return values.fully_masked or "nan"
    if -INFINITY in fills:
        raise Refusal("mask: expected one fill for every mask, got -inf beside a finite one")
    return "uniform"


def _placed(scores: _Scores, view: View) -> list[Dim]:
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
    return arrange(b, part.value, composed, compact=True)


def _representable(own: Band, known: Band) -> bool:
    """Whether the op can say a band: a left bound alone or beside a right one, not ahead of it."""
    both = Band(own.low, own.high)
    both.take(Band(known.low, known.high), ())
    if both.low is None:
        return True
    high = 0 if both.high is None else both.high
    return high - both.low >= 0


def _placement(band: Band) -> dict:
    if band.is_open():
        return {}
    if band.high is None:
        return {"window": (-(band.low or 0), UNBOUNDED)}
    left = UNBOUNDED if band.low is None else band.high - band.low
    return {"causal": True, "offset": band.high, "window": (left, UNBOUNDED)}


def _combined(b: Builder, predicates: list[ir.Value], added: list[ir.Value]) -> ir.Value | None:
    """One mask of several: predicates alone stay one, beside an added mask they join it."""
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
    spread = (b.broadcast(mask, axes, shape) for mask in (value, total))
    return b.select(*spread, -INFINITY)


def _joint_shape(left: ir.Value, right: ir.Value) -> tuple:
    pairs = zip(shape_of(left), shape_of(right), strict=True)
    return tuple(theirs if mine == 1 else mine for mine, theirs in pairs)


def _both(b: Builder, name: str, left: ir.Value, right: ir.Value) -> ir.Value:
    """An elementwise op of two masks, each spread to the other."""
    shape = _joint_shape(left, right)
    axes = range(len(shape))
    return b.binary(name, b.broadcast(left, axes, shape), b.broadcast(right, axes, shape))


# -- the result ----------------------------------------------------------------------------------


def _result_in_place(
    b: Builder, result: ir.Value, scores: _Scores, values: _Values, depth: list[Dim]
) -> ir.Value:
    """The op's result in the arrangement of the second product."""
    rows = [*scores.canonical()[:-1]]
    where = {
        atom: Atom(atom.size, axis, _stride(dim, index))
        for axis, dim in enumerate(rows)
        for index, atom in enumerate(dim)
    }
    last = result.type.rank - 1
    product = values.product
    numbers = hlo.DotDimensionNumbers(product.attributes["dot_dimension_numbers"])
    batching = (list(numbers.lhs_batching_dimensions), list(numbers.rhs_batching_dimensions))
    contracting = (
        list(numbers.lhs_contracting_dimensions),
        list(numbers.rhs_contracting_dimensions),
    )
    mine = values.side
    dims: list[Dim] = [
        tuple(where[atom] for atom in scores.tiles(values.probabilities[axis]))
        for axis in batching[mine]
    ]
    rows = [
        tuple(where[atom] for atom in scores.tiles(dim))
        for axis, dim in enumerate(values.probabilities)
        if axis not in batching[mine] and axis not in contracting[mine]
    ]
    columns = _columns(depth, last)
    free = [rows, columns] if mine == 0 else [columns, rows]
    return arrange(b, result, [*dims, *free[0], *free[1]])


def _stride(dim: Dim, index: int) -> int:
    """How far apart the elements of one atom of a dimension stand in it."""
    stride = 1
    for atom in dim[index + 1 :]:
        stride *= atom.size or 1
    return stride


def _columns(depth: list[Dim], last: int) -> list[Dim]:
    """The values' free dimensions as parts of the result's last one."""
    found: list[Dim] = []
    stride = 1
    for dim in reversed(depth):
        atoms: list[Atom] = []
        for atom in reversed(dim):
            atoms.insert(0, Atom(atom.size, last, stride))
            stride *= atom.size or 1
        found.insert(0, tuple(atoms))
    return found


@dataclass(frozen=True)
class RaiseSdpaPass(Pass):
    """Attention written out becomes `attnorm.sdpa`.

    Fires on `attnorm.softmax` between two products. Above it: a scale (on the scores, on queries or
    keys, split over both), a softcap, masks that are added or selected, in any arrangement of
    batch, heads, queries and keys, keys or values on either side. Repeated heads become grouped
    heads. A predicate that compares positions, known by their iotas, becomes `causal`, `offset` and
    `window`; what else it demands stays the mask. A fill of -1e4 or less is a mask. Below it:
    torch's and ONNX's tails that make 0 of rows without keys, and a rounding of the probabilities,
    which the op does not do.

    Refuses probabilities with another reader, a mask before the scale or the cap, fills that
    differ, a softmax over another axis, and dimensions that are cut unevenly.

    ```mlir
    func.func @attention(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>)
        -> tensor<2x4x8xf32> {
      %scale = stablehlo.constant dense<0.5> : tensor<2x4x4xf32>
      %0 = stablehlo.dot_general %q, %k, batching_dims = [0] x [0], contracting_dims = [2] x [2]
          : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x4xf32>
      %1 = stablehlo.multiply %0, %scale : tensor<2x4x4xf32>
      %2 = "attnorm.softmax"(%1) {axis = 2 : i64} : (tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
      %3 = stablehlo.dot_general %2, %v, batching_dims = [0] x [0], contracting_dims = [2] x [1]
          : (tensor<2x4x4xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
      return %3 : tensor<2x4x8xf32>
    }
    ```

    becomes

    ```mlir
    func.func @attention(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>)
        -> tensor<2x4x8xf32> {
      %0 = "attnorm.sdpa"(%q, %k, %v) {
        operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, scale = 0.5 : f64
      } : (tensor<2x4x8xf32>, tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
      return %0 : tensor<2x4x8xf32>
    }
    ```
    """

    name = "raise-sdpa"

    def run(self, module: ir.Operation, report: Report) -> None:
        """Raises every attention below `module`."""
        pattern = partial(raise_sdpa, report=report)
        if apply_patterns(module, [("attnorm.softmax", pattern)]):
            erase_dead(module)
