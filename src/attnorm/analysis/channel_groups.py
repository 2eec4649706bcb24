"""Statistics of groups of channels: the rows of a GroupNorm, in the shape of its x.

Producers split the channels by a reshape, or spread a statistic of each group over its channels.
So the dimensions of x are cut where the reduced ones end, and the arrangement of the statistic is
dealt out to x's shape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..ir.mlir import ir
from .affine import Factor
from .statistics import Reduced
from .views import Atom, Dim, View, compose, identity, merge, regroup, sizes, split, trace


@dataclass(frozen=True)
class ChannelGroups:
    """x, its dimension of channels, and how many groups these are."""

    x: ir.Value
    channel: int
    count: int

    @property
    def is_layer_norm(self) -> bool:
        """Whether the norm, without a weight and a bias, is a LayerNorm: over whole dimensions."""
        return self.count in (1, sizes(self.x)[self.channel])

    def holds(self, value: ir.Value) -> bool:
        """Whether a value has x's shape."""
        return sizes(value) == sizes(self.x)

    def factor(
        self, value: ir.Value, through: Mapping[ir.Operation, int] | None = None
    ) -> Factor | None:
        """A value of x's shape, or of a reshape of it, as one that varies with the channels only.

        `through` is as in `trace`. None for a value that varies with something else or with
        nothing.
        """
        view = trace(value, through)
        dims = _dealt(view.dims, self.x)
        if dims is None:
            return None
        dealt = View(view.source, dims, view.elements)
        whole = merge([atom for dim in identity(view.source).dims for atom in dim])
        if dealt.axes() != {self.channel} or dims[self.channel] != whole:
            return None
        return Factor(dealt, (self.channel,))


@dataclass(frozen=True)
class _Part:
    """A run of x's elements, and whether the statistic is over it."""

    atom: Atom
    reduced: bool


def channel_groups(reduced: Reduced, source: ir.Value, x: ir.Value) -> list[ChannelGroups]:
    """x as groups of channels that `reduced`, of `source`, is the statistic of.

    `source` is what is reduced, without conversions. The first dimension of x is the batch; every
    other one is reduced, but for the channels, of which whole groups are. Where all are reduced,
    any dimension may be the channels, in one group. Empty for anything else.
    """
    parts = _parts(reduced, source, x)
    if not parts or any(part.reduced for part in parts[0]):
        return []
    kept = [
        axis for axis, dim in enumerate(parts) if axis and not all(part.reduced for part in dim)
    ]
    if not kept:
        return [ChannelGroups(x, axis, 1) for axis in range(1, len(parts)) if parts[axis]]
    flags = [part.reduced for part in parts[kept[0]]]
    groups = [part.atom.size for part in parts[kept[0]] if not part.reduced]
    # Groups are neighbours: the groups come first, then the channels of one.
    if len(kept) > 1 or flags != sorted(flags) or None in groups:
        return []
    return [ChannelGroups(x, kept[0], math.prod(size or 0 for size in groups))]


def meets_its_rows(
    value: ir.Value,
    through: Mapping[ir.Operation, int],
    reduced: Reduced,
    source: ir.Value,
    x: ir.Value,
) -> bool:
    """Whether a value, of x's shape or of a reshape of it, has the statistic of each of x's rows.

    `through` leads from the value to the reduction.
    """
    parts = _parts(reduced, source, x)
    statistic = trace(value, through, rounding=True)
    if parts is None or statistic.source != reduced.op.results[0]:
        return False
    inner = trace(source)
    kept = [dim for axis, dim in enumerate(inner.dims) if axis not in reduced.axes]
    composed = compose(statistic.dims, kept)
    got = None if composed is None else _dealt(composed, x)
    return got is not None and got == tuple(merge([_spread(part) for part in dim]) for dim in parts)


def _spread(part: _Part) -> Atom:
    return Atom(part.atom.size, None) if part.reduced else part.atom


def _dealt(dims: Sequence[Dim], x: ir.Value) -> tuple[Dim, ...] | None:
    """Dimensions of a reshape of x as x's own."""
    dealt = regroup(tuple(atom for dim in dims for atom in dim), sizes(x))
    if dealt is None:
        return None
    # What is spread has no stride, however it was cut.
    return tuple(
        merge([Atom(atom.size, None) if atom.axis is None else atom for atom in dim])
        for dim in dealt
    )


def _parts(reduced: Reduced, source: ir.Value, x: ir.Value) -> list[list[_Part]] | None:
    """The dimensions of x, cut where the reduced ones of `source` begin and end."""
    inner, outer = trace(source), trace(x)
    if (inner.source, inner.elements) != (outer.source, outer.elements):
        return None
    runs = [atom for axis in reduced.axes for atom in inner.dims[axis]]
    found: list[list[_Part]] = []
    for dim in outer.dims:
        cut: list[_Part] = []
        for atom in dim:
            pieces = _cut(atom, [run for run in runs if run.axis == atom.axis])
            if pieces is None or atom.axis is None:
                return None
            cut += pieces
        found.append(cut)
    return found


def _cut(atom: Atom, runs: Sequence[Atom]) -> list[_Part] | None:
    """The pieces of an atom outside and inside of runs along the same axis, the outermost first."""
    if not runs:
        return [_Part(atom, False)]
    run, *rest = runs
    if run.size is None or atom.size is None:
        return [_Part(atom, True)]
    low, high = run.stride, run.stride * run.size
    pieces = _split_at(atom, (high, low))
    if pieces is None:
        return None
    found: list[_Part] = []
    for piece in pieces:
        inside = low <= piece.stride < high
        parts = [_Part(piece, True)] if inside else _cut(piece, rest)
        if parts is None:
            return None
        found += parts
    return found


def _split_at(atom: Atom, strides: Sequence[int]) -> list[Atom] | None:
    """An atom in pieces, cut at strides that descend; None where one would be uneven."""
    found: list[Atom] = []
    for stride in strides:
        end = atom.stride * (atom.size or 0)
        if not atom.stride < stride < end:
            continue
        if end % stride or stride % atom.stride:
            return None
        outer, atom = split(atom, end // stride)
        if outer is None:
            return None
        found.append(outer)
    return [*found, atom]
