"""Memory of a workgroup: on its stack where it fits, else in a tensor that nobody else reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from iree.compiler import ir

from . import emit
from .dispatch import View
from .emit import Index

_STACK = 28 * 1024
"""Bytes for tiles: IREE allows 32 KiB, and what is small lies there too."""


@dataclass(frozen=True)
class Area:
    """A part of a memref: what lies below the indices of `prefix`."""

    memref: ir.Value
    prefix: tuple[Index, ...] = ()

    def load(self, indices: Sequence[Index], lanes: int) -> ir.Value:
        """`lanes` elements from `indices` on."""
        return emit.load(self.memref, [*self.prefix, *indices], lanes)

    def store(self, value: ir.Value, indices: Sequence[Index]) -> None:
        """Stores a vector."""
        emit.store(value, self.memref, [*self.prefix, *indices])

    def get(self, *indices: Index) -> ir.Value:
        """One element."""
        return emit.load_scalar(self.memref, [*self.prefix, *indices])

    def put(self, value: ir.Value, *indices: Index) -> None:
        """Stores one element."""
        emit.store_scalar(value, self.memref, [*self.prefix, *indices])

    def splat(self, indices: Sequence[Index], lanes: int) -> ir.Value:
        """One element in every lane."""
        return emit.splat(self.get(*indices), lanes)


@dataclass(frozen=True)
class Scratch:
    """Tiles of f32 by name, for each of up to `slots` workgroups."""

    shapes: Mapping[str, tuple[int, ...]]
    slots: int

    @property
    def on_stack(self) -> bool:
        """Whether they need no memory beside the stack."""
        return 4 * sum(map(prod, self.shapes.values())) <= _STACK

    def views(self) -> list[View]:
        """The further results that a kernel needs for them."""
        if self.on_stack:
            return []
        return [View((self.slots, *shape), emit.f32()) for shape in self.shapes.values()]

    def areas(self, outputs: Sequence[ir.Value], slot: Index) -> dict[str, Area]:
        """A workgroup's tiles; `outputs` are what `views` asked for."""
        if self.on_stack:
            return {name: Area(emit.scratch(*shape)) for name, shape in self.shapes.items()}
        return {
            name: Area(output, (slot,)) for name, output in zip(self.shapes, outputs, strict=True)
        }
