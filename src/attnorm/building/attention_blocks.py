"""Attention by blocks of queries, one after the other: each reads the keys that it can see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..dialect.sdpa import UNBOUNDED
from ..ir.mlir import ir
from ..ir.stablehlo import Builder
from .attention_dense import dense
from .attention_formula import Attention


def blocks(a: Attention, b: Builder, queries: int) -> list[ir.Value]:
    """The results in blocks of so many queries: slices and their attention, nothing at run time."""
    parts = [dense(part, b) for part in _parts(a, b, queries)]
    axis = a.q.type.rank - 2
    return [b.concatenate(pieces, axis) for pieces in zip(*parts, strict=True)]


def _parts(a: Attention, b: Builder, queries: int) -> Iterator[Attention]:
    count, keys = a.q.type.shape[-2], a.k.type.shape[-2]
    for first in range(0, count, queries):
        rows = (first, min(queries, count - first))
        low, high = _visible(a, *rows, keys)
        columns = (low, high - low)
        yield replace(
            a,
            q=_part(b, a.q, rows, None),
            k=_part(b, a.k, columns, None),
            v=_part(b, a.v, columns, None),
            mask=None if a.mask is None else _part(b, a.mask, rows, columns),
            offset=a.offset + first - low,
        )


def _visible(a: Attention, first: int, count: int, keys: int) -> tuple[int, int]:
    """The keys from the first up to but not the second that some of the queries may read.

    There is always one: a row needs something to be masked. A start that is not known yet leaves
    all of them.
    """
    low, high = 0, keys
    if a.start is None:
        if a.right != UNBOUNDED:
            high = max(1, min(keys, first + count + a.offset + a.right))
        if a.left != UNBOUNDED:
            low = max(0, min(high - 1, first + a.offset - a.left))
    return low, high


def _part(
    b: Builder, x: ir.Value, rows: tuple[int, int], columns: tuple[int, int] | None
) -> ir.Value:
    """A part of the last two axes, (first, count) each; what is broadcast along one stays."""
    shape = list(x.type.shape)
    starts = [0] * len(shape)
    for axis, part in ((-2, rows), (-1, columns)):
        if part is not None and -axis <= len(shape) and shape[axis] != 1:
            starts[axis], shape[axis] = part
    return b.slice(x, starts, shape)
