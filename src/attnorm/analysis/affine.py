"""What follows a norm: the weight, the bias and the rounding, climbed step by step."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from ..ir.mlir import ir
from ..ir.stablehlo import Builder, element_type
from ..ir.values import producer
from .statistics import only_user
from .views import (
    Atom,
    Dim,
    View,
    is_cast,
    is_splat,
    made_by,
    merge,
    narrows,
    sizes,
    trace,
    unmoved,
)


@dataclass(frozen=True)
class Factor:
    """A value along the normalised axes, without what only spreads it; `offset` is added to it."""

    view: View
    axes: tuple[int, ...]
    offset: float = 0.0

    def build(self, b: Builder) -> ir.Value:
        """The value with one dimension an axis."""
        dims = [self.view.dims[axis] for axis in self.axes]
        shape = []
        for dim in dims:
            size = 1
            for atom in dim:
                size *= atom.size or 0
            shape.append(size)
        return b.reshape(self.view.source, tuple(shape))


def factor_along(
    value: ir.Value, axes: Sequence[int], offset_in: ir.Type | None = None
) -> Factor | None:
    """A value that varies along `axes` only, in their order; None for any other.

    `1 + w` is w with an offset of 1 where the sum is of the type `offset_in`: it is rounded to it.
    """
    view, offset = trace(value), 0.0
    addition = made_by(view.source, "add")
    if addition is not None and element_type(addition.results[0]) == offset_in:
        for index in (0, 1):
            if is_splat(addition.operands[1 - index], 1.0):
                view = trace(value, {addition: index})
                offset = 1.0
    axes = tuple(axes)
    return Factor(view, axes, offset) if _lies_along(view.dims, axes, sizes(view.source)) else None


@functools.lru_cache(maxsize=1024)
def _lies_along(
    dims: tuple[Dim, ...], axes: tuple[int, ...], source: tuple[int | None, ...]
) -> bool:
    """Whether an arrangement varies along some axes only, in the order of its source."""
    varies = {axis for axis, dim in enumerate(dims) if any(a.axis is not None for a in dim)}
    if not varies or not varies <= set(axes):
        return False
    if any(atom.size is None for dim in dims for atom in dim if atom.axis is not None):
        return False
    return _row_major([dims[axis] for axis in axes]) == _row_major(unmoved(source))


def _row_major(dims: Sequence[tuple[Atom, ...]]) -> tuple[Atom, ...]:
    return merge([atom for dim in dims for atom in dim])


@dataclass
class Affine:
    """A norm's value and what was found behind it."""

    value: ir.Value
    axes: tuple[int, ...]
    x_element: ir.Type
    weight: Factor | None = None
    bias: Factor | None = None
    cast: str = "after_weight"

    def climb_rms_norm(self) -> None:
        """Takes in a product along the axes and a rounding, in either order."""
        if self.weight is None:
            self._take_product(self.value, "after_weight", offset=True)
        rounding = self._rounding(self.value)
        if rounding is None:
            return
        rounded = rounding.results[0]
        if self.weight is None and element_type(rounded) == self.x_element:
            widened = self._widening(rounded)
            if self._take_product(widened, "before_weight", offset=True):
                return
        self.value = rounded

    def climb_layer_norm(self) -> None:
        """Takes in a product, a sum, both along the axes, and then a rounding."""
        if self.bias is None:
            self._take_affine()
        rounding = self._rounding(self.value)
        if rounding is not None:
            self.value = rounding.results[0]

    def _take_affine(self) -> None:
        if self.weight is None:
            self._take_product(self.value, "after_weight")
        other = self._operand(self.value, "add")
        if other is not None:
            bias = factor_along(other[1], self.axes)
            if bias is not None:
                self.bias, self.value = bias, other[0].results[0]

    def _take_product(self, value: ir.Value, cast: str, *, offset: bool = False) -> bool:
        found = self._operand(value, "multiply")
        if found is None:
            return False
        product, other = found
        # The op adds its offset in the type of the product.
        offset_in = element_type(product.results[0]) if offset else None
        weight = factor_along(other, self.axes, offset_in)
        if weight is None:
            return False
        self.weight, self.cast, self.value = weight, cast, product.results[0]
        return True

    def _operand(self, value: ir.Value, name: str) -> tuple[ir.Operation, ir.Value] | None:
        """The only user of `value`, if it is an op of that name, and its other operand."""
        user = only_user(value)
        if user is None or user.name != f"stablehlo.{name}":
            return None
        left, right = user.operands
        if left == right:
            return None
        return user, right if left == value else left

    def _rounding(self, value: ir.Value) -> ir.Operation | None:
        user = only_user(value)
        if user is None or not is_cast(user):
            return None
        return user if narrows(element_type(value), element_type(user.results[0])) else None

    def _widening(self, value: ir.Value) -> ir.Value:
        """The value as its only user widens it; itself where none does."""
        user = only_user(value)
        if user is None or not is_cast(user):
            return value
        widened = user.results[0]
        return widened if narrows(element_type(widened), element_type(value)) else value


def unwidened(x: ir.Value) -> ir.Value:
    """x before a conversion that keeps every value."""
    op = producer(x)
    while op is not None and is_cast(op):
        inner = op.operands[0]
        if not narrows(element_type(x), element_type(inner)):
            break
        x, op = inner, producer(inner)
    return x
