"""Values seen through the ops that only move them: broadcasts, reshapes, transposes.

Exporters write the same arrangement in many ways (a transpose of two 1s is a reshape; a merge and a
split cancel). So each dimension of a value is described by *atoms*: runs of elements that come from
one dimension of a source, or from nowhere (a broadcast). Dimensions of size 1 have no atoms. Two
values are arranged alike where their atoms are equal, however that was written.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..ir.attributes import constant_value, integers
from ..ir.mlir import ir
from ..ir.stablehlo import element_type, is_float
from ..ir.values import producer


class Atom(NamedTuple):
    """`size` elements, `stride` apart along dimension `axis` of the source; no axis: a broadcast.

    A size of None is known at run time only.
    """

    size: int | None
    axis: int | None
    stride: int = 1


Dim = tuple[Atom, ...]


@dataclass(frozen=True)
class View:
    """A value as an arrangement of `source`: the atoms of each dimension, row-major.

    `elements` are the element types passed on the way from the source, its own first.
    """

    source: ir.Value
    dims: tuple[Dim, ...]
    elements: tuple[ir.Type, ...]

    def axes(self) -> set[int]:
        """The dimensions of the value that vary with the source."""
        return {
            index for index, dim in enumerate(self.dims) if any(a.axis is not None for a in dim)
        }


def _holds(narrow: ir.Type, wide: ir.Type) -> bool:
    if narrow == wide:
        return True
    if not (is_float(narrow) and is_float(wide)):
        return False
    return wide.width > narrow.width


def narrows(element: ir.Type, to: ir.Type) -> bool:
    """Whether a conversion between float types rounds, to a type whose values the other holds."""
    return element != to and _holds(to, element)


def is_cast(op: ir.Operation) -> bool:
    """Whether an op converts between the float types that a module computes in.

    It loses digits at most, as semantics.md has it for the half types. A conversion to an integer,
    a boolean or a float of 8 bits is a computation: it truncates, compares or quantises.
    """
    if op.name != _CONVERT:
        return False
    types = [value.type.element_type for value in (op.operands[0], op.results[0])]
    return all(is_float(element) and element.width >= 16 for element in types)


def is_move(op: ir.Operation) -> bool:
    """Whether an op only moves its operand, or casts it."""
    return op.name in _MOVES and (op.name != _CONVERT or is_cast(op))


def made_by(value: ir.Value, name: str) -> ir.Operation | None:
    """The op that makes a value, if it is a `stablehlo.<name>`."""
    op = producer(value)
    return op if op is not None and op.name == f"stablehlo.{name}" else None


_SIZES = {"shape.shape_of", "stablehlo.get_dimension_size", "tensor.dim"}
"""Ops that read the sizes of a value and none of its elements."""


def users(value: ir.Value) -> list[ir.Operation]:
    """The ops that read the elements of a value, each once."""
    owners = [use.owner.operation for use in value.uses]
    if len(owners) > 1:
        owners = list(dict.fromkeys(owners))
    return [owner for owner in owners if owner.name not in _SIZES]


def hand_over_sizes(value: ir.Value, other: ir.Value) -> None:
    """Lets the ops that read the sizes of a value read those of another of its shape."""
    for use in list(value.uses):
        owner = use.owner.operation
        if owner.name in _SIZES:
            owner.operands[use.operand_number] = other


def sizes(value: ir.Value) -> tuple[int | None, ...]:
    """The sizes of a value; None where dynamic."""
    shape = value.type.shape
    if _DYNAMIC not in shape:
        return tuple(shape)
    return tuple(None if size == _DYNAMIC else size for size in shape)


_DYNAMIC = ir.ShapedType.get_dynamic_size()


def identity(value: ir.Value) -> View:
    """A value as itself."""
    return View(value, unmoved(sizes(value)), (element_type(value),))


@functools.lru_cache(maxsize=1024)
def unmoved(shape: tuple[int | None, ...]) -> tuple[Dim, ...]:
    """The dimensions of a value of a shape, as an arrangement of itself."""
    return tuple(() if size == 1 else (Atom(size, axis),) for axis, size in enumerate(shape))


def trace(
    value: ir.Value, through: Mapping[ir.Operation, int] | None = None, *, rounding: bool = False
) -> View:
    """A value as an arrangement of the first value above it that is computed.

    Goes through conversions that keep every value, and with `rounding` through those that round.
    `through` are elementwise ops to go through too, each by the operand it names.
    """
    return _follow(*_climb(value, through, rounding))


def source_of(
    value: ir.Value, through: Mapping[ir.Operation, int] | None = None, *, rounding: bool = False
) -> ir.Value:
    """The first value above `value` that is computed, however it is arranged; as in `trace`."""
    return _climb(value, through, rounding)[0]


def _climb(
    value: ir.Value, through: Mapping[ir.Operation, int] | None, rounding: bool
) -> tuple[ir.Value, list[ir.Operation]]:
    """The source of a value and the ops between: moves, and those of `through`; the last first."""
    chain: list[ir.Operation] = []
    while (op := producer(value)) is not None:
        name, operand = op.name, 0
        if name == _CONVERT:
            moves = is_cast(op) and (rounding or not _rounds(op))
        else:
            moves = name in _MOVES
        if not moves:
            if not through or op not in through:
                break
            operand = through[op]
        chain.append(op)
        value = op.operands[operand]
    return value, chain


def _rounds(op: ir.Operation) -> bool:
    return not _holds(element_type(op.operands[0]), element_type(op.results[0]))


def _follow(source: ir.Value, chain: list[ir.Operation]) -> View:
    """The view of `source` under the ops of `chain`, last first; starts again at an opaque one."""
    dims, elements = unmoved(sizes(source)), (element_type(source),)
    for op in reversed(chain):
        result = op.results[0]
        moved = _MOVES.get(op.name, _same)(op, dims)
        if moved is None:
            source, dims, elements = result, unmoved(sizes(result)), (element_type(result),)
            continue
        dims, element = moved, element_type(result)
        if element != elements[-1]:
            elements = (*elements, element)
    return View(source, dims, elements)


def _transpose(op: ir.Operation, dims: tuple[Dim, ...]) -> tuple[Dim, ...]:
    return tuple(dims[axis] for axis in integers(op.attributes["permutation"]))


def _broadcast(op: ir.Operation, dims: tuple[Dim, ...]) -> tuple[Dim, ...]:
    axes = tuple(integers(op.attributes["broadcast_dimensions"]))
    return _spread(dims, axes, sizes(op.operands[0]), sizes(op.results[0]))


@functools.lru_cache(maxsize=1024)
def _spread(
    dims: tuple[Dim, ...],
    axes: tuple[int, ...],
    before: tuple[int | None, ...],
    shape: tuple[int | None, ...],
) -> tuple[Dim, ...]:
    mapped = {axis: index for index, axis in enumerate(axes)}
    found: list[Dim] = []
    for axis, size in enumerate(shape):
        index = mapped.get(axis)
        if index is not None and (before[index] == size or before[index] is None):
            found.append(dims[index])
        else:
            found.append(() if size == 1 else (Atom(size, None),))
    return tuple(found)


def _reshape(op: ir.Operation, dims: tuple[Dim, ...]) -> tuple[Dim, ...] | None:
    return regroup(tuple([atom for dim in dims for atom in dim]), sizes(op.results[0]))


def _same(op: ir.Operation, dims: tuple[Dim, ...]) -> tuple[Dim, ...]:
    return dims


@functools.lru_cache(maxsize=1024)
def regroup(atoms: Dim, shape: tuple[int | None, ...]) -> tuple[Dim, ...] | None:
    """Row-major atoms dealt out to new dimensions; None where one would have to be cut unevenly."""
    if [atom.size for atom in atoms] == [size for size in shape if size != 1]:
        whole = iter(atoms)
        return tuple(() if size == 1 else (next(whole),) for size in shape)
    rest, found = list(atoms), []
    for size in shape:
        dim: list[Atom] = []
        if size is None:
            if not rest or rest[0].size is not None:
                return None
            dim.append(rest.pop(0))
        else:
            left = size
            while left != 1:
                if not rest or rest[0].size is None or not left:
                    return None
                count, atom = rest[0].size, rest.pop(0)
                if count > left:
                    atom, tail = split(atom, left)
                    if atom is None:
                        return None
                    rest.insert(0, tail)
                    count = left
                if left % count:
                    return None
                left //= count
                dim.append(atom)
        found.append(merge(dim))
    return tuple(found) if not rest else None


def split(atom: Atom, outer: int) -> tuple[Atom | None, Atom]:
    """An atom as an outer one of a given size and the inner rest."""
    if atom.size is None or atom.size % outer:
        return None, atom
    inner = atom.size // outer
    return Atom(outer, atom.axis, atom.stride * inner), Atom(inner, atom.axis, atom.stride)


def merge(atoms: Sequence[Atom]) -> Dim:
    """Neighbours that continue each other made one."""
    if len(atoms) < 2:
        return tuple(atoms)
    found: list[Atom] = []
    for atom in atoms:
        last = found[-1] if found else None
        if (
            last is not None
            and last.axis == atom.axis
            and last.size is not None
            and atom.size is not None
            and (atom.axis is None or last.stride == atom.stride * atom.size)
        ):
            found[-1] = Atom(last.size * atom.size, atom.axis, atom.stride)
        else:
            found.append(atom)
    return tuple(found)


def compose(outer: Sequence[Dim], inner: Sequence[Dim]) -> tuple[Dim, ...] | None:
    """An arrangement of an arrangement: `outer` over a value whose dimensions are `inner`."""
    found: list[Dim] = []
    for dim in outer:
        atoms: list[Atom] = []
        for atom in dim:
            run = (atom,) if atom.axis is None else _run(inner[atom.axis], atom)
            if run is None:
                return None
            atoms += run
        found.append(merge(atoms))
    return tuple(found)


def _run(dim: Dim, atom: Atom) -> Dim | None:
    """The part of a dimension that an atom over it covers."""
    if len(dim) == 1 and dim[0].size == atom.size:
        return dim
    counts = [part.size for part in dim if part.size is not None]
    if atom.size is None or len(counts) != len(dim):
        return dim
    total = math.prod(counts)
    dealt = regroup(dim, (total // (atom.size * atom.stride), atom.size, atom.stride))
    return None if dealt is None else dealt[1]


_CONVERT = "stablehlo.convert"
_MOVES = {
    _CONVERT: _same,
    "stablehlo.transpose": _transpose,
    "stablehlo.broadcast_in_dim": _broadcast,
    "stablehlo.dynamic_broadcast_in_dim": _broadcast,
    "stablehlo.reshape": _reshape,
    "stablehlo.dynamic_reshape": _reshape,
}

# -- constants -----------------------------------------------------------------------------------


def splat(value: ir.Value) -> float | int | None:
    """The number that a constant holds everywhere, seen through moves; None if there is none."""
    op = producer(value)
    while op is not None and is_move(op) and (op.name != _CONVERT or not _rounds(op)):
        op = producer(op.operands[0])
    if op is None or op.name != "stablehlo.constant":
        return None
    dense = constant_value(op)
    if not isinstance(dense, ir.DenseElementsAttr) or not dense.is_splat:
        return None
    number = dense.get_splat_value().value
    return number


def is_splat(value: ir.Value, number: float) -> bool:
    """Whether a value is this number everywhere."""
    found = splat(value)
    return (
        found is not None
        and found == number
        and math.copysign(1, found) == math.copysign(1, number)
    )
