"""Building a value in an arrangement of its source: what `views` takes apart, put together."""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.views import Atom, Dim, identity, regroup
from ..ir.mlir import ir
from ..ir.stablehlo import Builder, Size


def arrange(
    b: Builder, source: ir.Value, dims: Sequence[Dim], *, compact: bool = False
) -> ir.Value:
    """`source` with the dimensions that `dims` describe, by reshape, transpose and broadcast.

    With `compact`, a dimension that does not vary with the source has size 1.
    """
    if compact:
        dims = [dim if any(atom.axis is not None for atom in dim) else () for dim in dims]
    wanted = [atom for dim in dims for atom in dim if atom.axis is not None]
    pieces = _pieces(source, wanted)
    value = b.reshape(source, tuple(_size(source, piece) for piece in pieces))
    order = [pieces.index(atom) for atom in wanted]
    order += [index for index in range(len(pieces)) if index not in order]
    if order != list(range(len(order))):
        value = b.transpose(value, order)
    return _spread(b, source, value, wanted, dims)


def _pieces(source: ir.Value, wanted: Sequence[Atom]) -> list[Atom]:
    """The source's dimensions cut where the wanted atoms begin and end, row-major."""
    found: list[Atom] = []
    for axis, dim in enumerate(identity(source).dims):
        own = sorted((atom for atom in wanted if atom.axis == axis), key=lambda a: -a.stride)
        if own and all(atom.size is not None for atom in own):
            cut = regroup(dim, tuple(atom.size for atom in own))
            found += own if cut is not None else dim
        else:
            found += dim
    return found


def _spread(
    b: Builder, source: ir.Value, value: ir.Value, wanted: Sequence[Atom], dims: Sequence[Dim]
) -> ir.Value:
    """Puts in what is broadcast and joins the atoms of each dimension."""
    atoms = [atom for dim in dims for atom in dim]
    # What the source has beyond the wanted atoms has size 1.
    value = b.reshape(value, tuple(_size(source, atom) for atom in wanted))
    if len(atoms) != len(wanted):
        kept = [index for index, atom in enumerate(atoms) if atom.axis is not None]
        value = b.broadcast(value, kept, tuple(_size(source, atom) for atom in atoms))
    shape = tuple(_size(source, dim[0]) if len(dim) == 1 else _product(dim) for dim in dims)
    return b.reshape(value, shape)


def _size(source: ir.Value, atom: Atom) -> int | Size:
    return Size(source, atom.axis or 0) if atom.size is None else atom.size


def _product(dim: Dim) -> int:
    total = 1
    for atom in dim:
        assert atom.size is not None
        total *= atom.size
    return total
