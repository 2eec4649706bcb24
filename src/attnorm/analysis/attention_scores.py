"""From the softmax of an attention up to the product of queries and keys.

On the way stand a scale, a softcap and masks; at its end the dimensions of the product are told
apart: batch, heads, queries and keys, as sets of atoms over the product's result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..ir.mlir import hlo, ir
from ..ir.rewriting import Refusal
from ..ir.stablehlo import element_type, is_half
from ..ir.values import producer
from .affine import unwidened
from .bands import KEY, QUERY, Frame, Part
from .views import Atom, Dim, View, is_splat, made_by, merge, sizes, source_of, splat, trace

INFINITY = float("inf")
LOWEST_FILL = -1e4
"""A finite fill is a mask from here down: no score comes near it."""


@dataclass(frozen=True)
class Mask:
    """What is added to the scores, or selects them: the op it stands at, and its value there."""

    at: ir.Operation
    part: Part
    fill: float | None = None
    """What a score becomes where the predicate is false; None: the value is added."""
    added: Part | None = None
    """Where a predicate was met as a value that is added: that value."""
    factor: float = 1.0
    """What the value is multiplied with: -1 where it is subtracted, a scale that comes after it."""


@dataclass
class Scores:
    """The way from the softmax up to the product of queries and keys."""

    softmax: ir.OpView
    product: ir.Operation = field(init=False)
    through: dict[ir.Operation, int] = field(default_factory=dict)
    masks: list[Mask] = field(default_factory=list)
    scale: float = 1.0
    softcap: float | None = None
    sinks: Part | None = None
    """The score of one more key in every row, over the scores."""

    @staticmethod
    def above(softmax: ir.OpView) -> Scores | None:
        """The scores under a softmax; None where no product is above it."""
        scores = Scores(softmax)
        value = scores._without_sinks()
        while True:
            op = producer(source_of(value, scores.through, rounding=True))
            if op is None:
                return None
            if op.name == "stablehlo.dot_general":
                scores.product = op
                return scores._located()
            operand = scores._step(op)
            if operand is None:
                return None
            scores.through[op] = operand

    def _without_sinks(self) -> ir.Value:
        """What the softmax reads; takes in one more score that stands behind those of each row."""
        op, axis = made_by(unwidened(self.softmax.x), "concatenate"), self.softmax.axis
        if op is None or op.attributes["dimension"].value != axis or len(op.operands) != 2:
            return self.softmax.x
        scores, sinks = op.operands
        if sizes(sinks)[axis] != 1:
            return self.softmax.x
        view = trace(sinks)
        self.sinks = Part(view.source, view.dims)
        self.through[op] = 0
        return scores

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
            case "subtract":
                return self._subtracted(op)
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
        tanh = made_by(source_of(op.operands[index]), "tanh")
        if tanh is None:
            return False
        if self.scale != 1.0 or self.softcap is not None:
            raise Refusal("softcap: expected one, before any scale or mask behind it")
        inner = producer(source_of(tanh.operands[0]))
        if inner is None:
            raise Refusal("softcap: expected tanh(s / cap), got tanh of an argument")
        for operand in (0, 1):
            number = splat(inner.operands[1 - operand]) if len(inner.operands) == 2 else None
            divides = inner.name == "stablehlo.divide" and operand == 0
            if number and (divides or inner.name == "stablehlo.multiply"):
                divisor = float(number) if divides else 1 / float(number)
                if abs(divisor - cap) > 1e-3 * cap:
                    raise Refusal(f"softcap: expected tanh(s / {cap:g}), got tanh(s / {divisor:g})")
                element = element_type(inner.results[0])
                if float(number) not in _held_as(cap if divides else 1 / cap, element):
                    # A cap of few digits: what it is off by is a scale.
                    self.scale *= cap / divisor
                self.through |= {tanh: 0, inner: operand}
                self.softcap = cap
                return True
        raise Refusal("softcap: expected tanh(s / cap), got another argument")

    def _scale_behind(self) -> float:
        """What a mask met here is multiplied with, as the scores are: its fills do not overflow."""
        if self.softcap is not None:
            raise Refusal("mask: expected it behind the cap, got one before")
        if abs(self.scale) > 1.0:
            raise Refusal(f"mask: expected no scale beyond 1 behind it, got {self.scale:g}")
        return self.scale

    def _added(self, op: ir.Operation) -> int | None:
        """Takes in an addition: the operand that leads to a product goes on, the other masks."""
        factor = self._scale_behind()
        leads = [index for index in (0, 1) if _leads_to_product(op.operands[index])]
        if len(leads) != 1:
            return None
        mask = op.operands[1 - leads[0]]
        self.masks.append(as_mask(op, mask, factor))
        return leads[0]

    def _subtracted(self, op: ir.Operation) -> int | None:
        """Takes in a mask that is subtracted; a row's largest score is none."""
        mask = op.operands[1]
        if not _leads_to_product(op.operands[0]) or _leads_to_product(mask):
            return None
        if made_by(source_of(mask), "reduce"):
            return None
        self.masks.append(as_mask(op, mask, -self._scale_behind()))
        return 0

    def _selected(self, op: ir.Operation) -> int | None:
        """Takes in a choice between scores and a fill, where the predicate is true or false."""
        found = _fill_of(op, self._scale_behind())
        if found is None or not _is_elementwise(op):
            return None
        fill, scores = found
        predicate = trace(op.operands[0])
        part = Part(predicate.source, predicate.dims, inverted=scores == 2)
        self.masks.append(Mask(op, part, fill))
        return scores

    # -- which dimension is which ------------------------------------------------------------------

    def _located(self) -> Scores | None:
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
        batches = [atom for atom in others if atom.axis is not None and atom.axis < batch]
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
    if part.axis != whole.axis or part.size is None or whole.size is None:
        return part == whole
    ends = part.stride * part.size, whole.stride * whole.size
    return whole.stride <= part.stride and ends[0] <= ends[1]


def _leads_to_product(value: ir.Value) -> bool:
    """Whether a value is a product, seen through moves and what stands between it and a softmax."""
    for _ in range(64):
        op = producer(source_of(value, rounding=True))
        if op is None:
            return False
        if op.name == "stablehlo.dot_general":
            return True
        match op.name.removeprefix("stablehlo."):
            case "multiply" if splat(op.operands[0]) is not None:
                value = op.operands[1]
            case "multiply" | "divide" if splat(op.operands[1]) is not None:
                value = op.operands[0]
            case "tanh" | "subtract":
                value = op.operands[0]
            case "add":
                return any(map(_leads_to_product, op.operands))
            case "select" if splat(op.operands[2]) is not None:
                value = op.operands[1]
            case "select" if splat(op.operands[1]) is not None:
                value = op.operands[2]
            case _:
                return False
    return False


def _is_elementwise(select: ir.Operation) -> bool:
    """Whether the predicate has an element for each of the choices, and is not one for all."""
    return select.operands[0].type.rank == select.results[0].type.rank


def _held_as(number: float, element: ir.Type) -> tuple[float, float]:
    """A number as a type holds it; and as f32 does, where the type is a half type."""
    wide = ir.F32Type.get(element.context) if is_half(element) else element
    return ir.FloatAttr.get(element, number).value, ir.FloatAttr.get(wide, number).value


def _fill_of(select: ir.Operation, factor: float) -> tuple[float, int] | None:
    """The fill of a choice that masks, by a factor, and which operand it takes the place of."""
    for kept in (1, 2):
        number = splat(select.operands[3 - kept])
        if number is not None and factor * number <= LOWEST_FILL:
            return factor * number, kept
    return None


def as_mask(at: ir.Operation, mask: ir.Value, factor: float = 1.0) -> Mask:
    """A mask that is added, by a factor; `select(p, 0, low)` as the predicate p."""
    view = trace(mask)
    select = made_by(view.source, "select")
    if select is not None and _is_elementwise(select):
        fill, kept = _fill_of(select, factor) or (None, 0)
        if kept and is_splat(select.operands[kept], 0.0):
            predicate = Part(select.operands[0], view.dims, inverted=kept == 2)
            return Mask(at, predicate, fill, Part(view.source, view.dims), factor)
    return Mask(at, Part(view.source, view.dims), factor=factor)
