"""Constants, by their bytes where MLIR keeps them."""

from __future__ import annotations

import math

import numpy as np

from ..errors import AttnormError
from ..ir.elements import raw_bytes
from ..ir.mlir import ir
from .kinds import Kind
from .step import Handler, Step
from .wide import Array, wide


def constant(step: Step) -> Array:
    """The elements of an attribute; of one value everywhere, a view."""
    return elements(step, step.op.attributes["value"], step.results[0])


def elements(step: Step, attribute: ir.Attribute, kind: Kind) -> Array:
    """An attribute as an array of a kind."""
    if kind.dtype is None or kind.sizes is None:
        raise AttnormError(f"value: no definition for {kind.text}")
    if isinstance(attribute, (ir.IntegerAttr, ir.FloatAttr, ir.BoolAttr)):
        # The bindings give wide unsigned integers as negative ones.
        value = attribute.value
        number = value if kind.is_float else np.array(value).astype(kind.dtype)
        return np.asarray(number, np.float64 if kind.is_float else kind.dtype)
    shape = tuple(size or 0 for size in kind.sizes)
    splat = isinstance(attribute, ir.DenseElementsAttr) and attribute.is_splat
    count = 1 if splat else math.prod(shape)
    if count == 0:
        return np.zeros(shape, np.float64 if kind.is_float else kind.dtype)
    data = raw_bytes(attribute, count * kind.dtype.itemsize)
    if data is None:
        raise AttnormError("value: expected elements, got a resource whose bytes are elsewhere")
    stored = np.frombuffer(data, kind.dtype)
    value = wide(stored) if kind.is_float else stored
    return np.broadcast_to(value[0], shape) if splat else value.reshape(shape)


def iota(step: Step) -> Array:
    """Counts along a dimension."""
    shape = tuple(size or 0 for size in step.results[0].sizes or ())
    return counts(step, shape)


def dynamic_iota(step: Step) -> Array:
    """Counts along a dimension of a shape that is an operand."""
    return counts(step, tuple(int(size) for size in step.operands[0]))


def counts(step: Step, shape: tuple[int, ...]) -> Array:
    """0, 1, .. along a dimension, the same along the others."""
    axis, kind = step.integer("iota_dimension"), step.results[0]
    line = np.arange(shape[axis]).astype(np.float64 if kind.is_float else kind.dtype)
    return np.broadcast_to(line.reshape([-1 if i == axis else 1 for i in range(len(shape))]), shape)


HANDLERS: dict[str, Handler] = {
    "arith.constant": constant,
    "chlo.constant": constant,
    "stablehlo.constant": constant,
    "stablehlo.dynamic_iota": dynamic_iota,
    "stablehlo.iota": iota,
}
