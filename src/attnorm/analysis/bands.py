"""Masks taken apart: which part is a band of keys around each query, which part is anything else.

A predicate over scores is followed down to comparisons of integers that count queries and keys. A
comparison of `i - j` with a number bounds the keys of query i from one side; several in a
conjunction make the band of causal or sliding-window attention. Nothing is evaluated: the bound
holds for every size. A scalar that is known at run time may be added to i, the same one in every
comparison: it is where the first query stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..dialect.sdpa import FARTHEST
from ..ir.attributes import constant_value
from ..ir.mlir import ir
from ..ir.stablehlo import is_bool, is_float
from ..ir.values import producer
from .views import Dim, compose, identity, is_splat, sizes, splat, trace

if TYPE_CHECKING:
    import numpy as np

QUERY, KEY = "query", "key"
Frame = tuple[str | None, ...]
"""What each dimension of a value counts: queries, keys, or something else."""


@dataclass(frozen=True)
class Part:
    """A predicate that is no band, and its arrangement in the one it was found in.

    Where it is `inverted`, its contrary is meant.
    """

    value: ir.Value
    dims: tuple[Dim, ...]
    inverted: bool = False


@dataclass
class Band:
    """Keys j of query i with `low <= j - i - start <= high`; None is no bound, and a start of 0.

    `rest` are other masks.
    """

    low: int | None = None
    high: int | None = None
    start: ir.Value | None = None
    rest: list[Part] = field(default_factory=list)

    def bounds(self) -> Band:
        """The band without what else there is."""
        return Band(self.low, self.high, self.start)

    def fits(self, other: Band) -> bool:
        """Whether both bounds are seen from one start."""
        return self.is_open() or other.is_open() or _is_same(self.start, other.start)

    def take(self, part: Band, dims: tuple[Dim, ...]) -> None:
        """Adds the bounds of a part of the predicate that fits, which `dims` arrange in it."""
        if not part.is_open():
            self.start = part.start
        if part.high is not None:
            self.at_most(part.high)
        if part.low is not None:
            self.at_least(part.low)
        for other in part.rest:
            composed = compose(dims, other.dims)
            assert composed is not None, "a predicate's dimensions are whole"
            self.rest.append(Part(other.value, composed, other.inverted))

    def is_open(self) -> bool:
        """Whether it bounds nothing."""
        return self.low is None and self.high is None

    def leaves_a_key(self, queries: int | None, keys: int | None) -> bool:
        """Whether it provably leaves every query a key, of so many; None is not known."""
        if self.start is not None or (self.high is not None and self.high < 0):
            return False
        if self.low is None:
            return True
        if queries is None or keys is None:
            return False
        return queries - 1 + self.low < keys

    def at_most(self, bound: int) -> None:
        """Adds `j - i <= bound`."""
        self.high = bound if self.high is None else min(self.high, bound)

    def at_least(self, bound: int) -> None:
        """Adds `j - i >= bound`."""
        self.low = bound if self.low is None else max(self.low, bound)


@dataclass(frozen=True)
class _Line:
    """`query * i + key * j + constant`, and `starts` times a `start` known at run time."""

    query: int = 0
    key: int = 0
    constant: int = 0
    starts: int = 0
    start: ir.Value | None = None

    def plus(self, other: _Line, sign: int = 1) -> _Line | None:
        """The sum; None where the starts are two."""
        if self.starts and other.starts and not _is_same(self.start, other.start):
            return None
        starts = self.starts + sign * other.starts
        return _Line(
            self.query + sign * other.query,
            self.key + sign * other.key,
            self.constant + sign * other.constant,
            starts,
            (self.start if self.starts else other.start) if starts else None,
        )


def _is_same(left: ir.Value | None, right: ir.Value | None) -> bool:
    if left is None or right is None:  # which the bindings do not compare
        return left is right
    return left == right


def band_of(
    predicate: ir.Value, frame: Frame, queries: int | None, *, inverted: bool = False
) -> Band:
    """A predicate as a band and whatever else it demands, each a predicate of the same shape.

    `queries` is how many there are: the frame does not show a single one. Where it is `inverted`,
    the contrary of the predicate is meant.
    """
    band = Band()
    _conjuncts(predicate, frame, band, alone=queries == 1, inverted=inverted)
    return band


def band_of_elements(kept: np.ndarray, frame: Frame) -> Band | None:
    """What is kept, element by element, as a band; None where it is none."""
    import numpy as np

    if kept.all():
        return Band()
    if QUERY not in frame or KEY not in frame or not kept.any():
        return None
    rows, columns = frame.index(QUERY), frame.index(KEY)
    planes = np.moveaxis(kept, (rows, columns), (-2, -1)).reshape(
        -1, kept.shape[rows], kept.shape[columns]
    )
    queries, keys = planes.shape[1:]
    distance = np.arange(keys) - np.arange(queries)[:, None]
    low, high = (int(end(distance[planes[0]])) for end in (np.min, np.max))
    if (planes != ((low <= distance) & (distance <= high))).any():
        return None
    # A bound that nothing lies beyond is none.
    return Band(low if low > 1 - queries else None, high if high < keys - 1 else None)


def _conjuncts(predicate: ir.Value, frame: Frame, band: Band, alone: bool, inverted: bool) -> None:
    if is_splat(predicate, not inverted):
        return
    view = trace(predicate)
    inner = source_frame(view.dims, frame, view.source)
    op = producer(view.source)
    if inner is not None and op is not None:
        part = Band()
        compares = op.name == "stablehlo.compare"
        if compares and _compare(op, inner, part, alone, inverted) and band.fits(part):
            band.take(part, view.dims)
            return
        negates = op.name == "stablehlo.not"
        conjuncts = list(op.operands) if negates else _operands_of_and(op, inverted)
        for operand in conjuncts:
            part = Band()
            _conjuncts(operand, inner, part, alone, inverted != negates)
            if not band.fits(part):
                rest = Part(operand, identity(operand).dims, inverted != negates)
                part = Band(rest=[rest])
            band.take(part, view.dims)
        if conjuncts:
            return
    band.rest.append(Part(view.source, view.dims, inverted))


def _operands_of_and(op: ir.Operation, inverted: bool) -> list[ir.Value]:
    """The operands of a conjunction; where it is `inverted`, of what is the contrary of one."""
    if op.name == f"stablehlo.{'or' if inverted else 'and'}":
        return list(op.operands)
    if op.name == "stablehlo.select" and not inverted and is_splat(op.operands[2], False):
        chosen = list(op.operands)[:2]
        # One predicate may choose for all elements.
        return chosen if chosen[0].type.rank == chosen[1].type.rank else []
    return []


def source_frame(dims: Sequence[Dim], frame: Frame, source: ir.Value) -> Frame | None:
    """What the dimensions of a view's source count; None where one is cut or joined."""
    found: list[str | None] = [None] * source.type.rank
    for dim, label in zip(dims, frame, strict=True):
        if label is None or not dim:
            continue
        own = [atom for atom in dim if atom.axis is not None]
        if not own:
            continue
        axis = dim[0].axis
        if axis is None or len(dim) != 1 or dim[0].stride != 1:
            return None
        found[axis] = label
    return tuple(found)


_FLIPPED = {"LE": "GE", "GE": "LE", "LT": "GT", "GT": "LT"}
_CONTRARY = {"LE": "GT", "GE": "LT", "LT": "GE", "GT": "LE"}
"""Of positions, among which there is no NaN."""


def _compare(op: ir.Operation, frame: Frame, band: Band, alone: bool, inverted: bool) -> bool:
    """Adds the bound that a comparison, or its contrary, is; False where it is none."""
    direction = str(op.attributes["comparison_direction"])
    direction = next((name for name in _FLIPPED if f" {name}>" in direction), None)
    # A total order tells -0 from 0, which a difference of positions may be.
    if direction is None or "TOTALORDER" in str(op.attributes.get("compare_type", "")):
        return False
    direction = _CONTRARY[direction] if inverted else direction
    left, right = op.operands
    absolute = _absolute(left, frame)
    if absolute is not None:
        bound = _line(right, frame)
        return bound is not None and _two_sided(absolute, direction, bound, band, alone)
    a, b = _line(left, frame), _line(right, frame)
    if a is None or b is None:
        return False
    return _bound(a.plus(b, -1), direction, band, alone)


def _bound(line: _Line | None, direction: str, band: Band, alone: bool) -> bool:
    """Adds `line <direction> 0`, where the line is i - j or j - i and a number, and the start's.

    `alone`: there is one query, whose i is 0 and need not be there.
    """
    if line is not None and line.key == -1:
        line, direction = _Line().plus(line, -1), _FLIPPED[direction]
    if line is None or line.key != 1 or line.starts not in (0, -1):
        return False
    if line.query != -1 and not (alone and line.query == 0):
        return False
    # Now j - i - start + constant <direction> 0.
    band.start = line.start
    if direction in ("LE", "LT"):
        band.at_most(-line.constant - (direction == "LT"))
    else:
        band.at_least(-line.constant + (direction == "GT"))
    return True


def _absolute(value: ir.Value, frame: Frame) -> _Line | None:
    view = trace(value)
    op = producer(view.source)
    inner = source_frame(view.dims, frame, view.source)
    if op is None or op.name != "stablehlo.abs" or inner is None:
        return None
    return _line(op.operands[0], inner)


def _two_sided(line: _Line, direction: str, bound: _Line, band: Band, alone: bool) -> bool:
    """Adds `|line| <= bound`."""
    if direction not in ("LE", "LT") or (bound.query, bound.key, bound.starts) != (0, 0, 0):
        return False
    width = bound.constant - (direction == "LT")
    sides = Band()
    far = _bound(line.plus(_Line(constant=width), -1), "LE", sides, alone)
    near = _bound(line.plus(_Line(constant=width)), "GE", sides, alone)
    if far and near and sides.high is not None and sides.low is not None:
        band.take(sides, ())
        return True
    return False


def _line(value: ir.Value, frame: Frame) -> _Line | None:
    """An integer value as a line over queries and keys; None where it is none."""
    number = splat(value)
    if number is not None:
        return _Line(constant=int(number)) if float(number).is_integer() else None
    view = trace(value)
    inner = source_frame(view.dims, frame, view.source)
    if inner is None:
        return None
    op = producer(view.source)
    line = None if op is None else _made(op, inner)
    if line is None and _may_be_start(view.source):
        line = _Line(starts=1, start=view.source)
    return line if line is not None and _is_held(line, view.source, inner) else None


def _may_be_start(value: ir.Value) -> bool:
    """Whether a value is one number, of a type that positions have."""
    element = value.type.element_type
    wide = isinstance(element, ir.IntegerType) and element.width >= 32 and not element.is_unsigned
    return wide and all(size == 1 for size in sizes(value))


def _is_held(line: _Line, value: ir.Value, frame: Frame) -> bool:
    """Whether the type of a value holds the line everywhere: no number wraps, none is rounded.

    A start that lies so near to the end of its type that a position beside it overflows means
    nothing: what an overflow gives is left open.
    """
    if line.starts and (is_float(value.type.element_type) or value.type.element_type.width < 32):
        return False
    low = high = line.constant
    counts = {label: size for label, size in zip(frame, sizes(value), strict=True) if label}
    for label, slope in ((QUERY, line.query), (KEY, line.key)):
        if slope:
            end = slope * ((counts.get(label) or FARTHEST) - 1)
            low, high = low + min(end, 0), high + max(end, 0)
    lowest, highest = _integers_of(value.type.element_type)
    return lowest <= low and high <= highest


def _integers_of(element: ir.Type) -> tuple[int, int]:
    """The first and the last of the integers, in a row, that a type holds exactly."""
    if is_float(element):
        most = 2 ** _PRECISIONS.get(str(element), 0)
        return -most, most
    if element.is_unsigned or is_bool(element):
        return 0, 2**element.width - 1
    half = 2 ** (element.width - 1)
    return -half, half - 1


_PRECISIONS = {"f16": 11, "bf16": 8, "f32": 24, "f64": 53}


def _made(op: ir.Operation, inner: Frame) -> _Line | None:
    """The line that an op makes, in numbers without an end."""
    match op.name.removeprefix("stablehlo."):
        case "iota":
            return _iota(inner[op.attributes["iota_dimension"].value])
        case "dynamic_iota":
            return _iota(inner[op.attributes["iota_dimension"].value])
        case "convert" if isinstance(op.operands[0].type.element_type, ir.IntegerType):
            return _line(op.operands[0], inner)
        case "add" | "subtract" as name:
            left, right = (_line(operand, inner) for operand in op.operands)
            if left is None or right is None:
                return None
            return left.plus(right, 1 if name == "add" else -1)
        case "negate":
            line = _line(op.operands[0], inner)
            return None if line is None else _Line().plus(line, -1)
        case "constant":
            return _counted(op, inner)
    return None


def _iota(label: str | None) -> _Line | None:
    if label is None:
        return None
    return _Line(query=1) if label == QUERY else _Line(key=1)


def _counted(op: ir.Operation, frame: Frame) -> _Line | None:
    """A constant that counts up by one along its only dimension."""
    dense = constant_value(op)
    labels = [label for label in frame if label is not None]
    if not isinstance(dense, ir.DenseIntElementsAttr) or len(labels) != 1:
        return None
    values = list(dense)
    if any(value != values[0] + index for index, value in enumerate(values)):
        return None
    return replace(_iota(labels[0]) or _Line(), constant=values[0])
