"""The elements of integers and truth values that no argument has a part in: positions, mostly."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..ir.attributes import constant_value
from ..ir.mlir import ir
from ..ir.stablehlo import element_type
from ..ir.values import producer
from .comparisons import comparison
from .views import sizes

if TYPE_CHECKING:
    import numpy as np

MOST_ELEMENTS, MOST_STEPS, MOST_IN_ALL = 2**16, 100, 2**24
"""Of a value that is computed to see what it is: its elements, the longest way to it, and the
elements of all such values of a module."""


class KnownIntegers:
    """The elements of values that no argument has a part in, small ones of integers."""

    def __init__(self) -> None:
        self._arrays: dict[ir.Value, np.ndarray | None] = {}
        self._left = MOST_IN_ALL

    def array(self, value: ir.Value, steps: int = MOST_STEPS) -> np.ndarray | None:
        """The elements of a value; None where they are not known, too many or too far away."""
        if value not in self._arrays:
            self._arrays[value] = self._computed(value, steps) if steps else None
        return self._arrays[value]

    def _computed(self, value: ir.Value, steps: int) -> np.ndarray | None:
        op = producer(value)
        shape = tuple(size for size in sizes(value) if size is not None)
        if op is None or shape != sizes(value):
            return None
        count = math.prod(shape)
        if count > min(MOST_ELEMENTS, self._left):
            return None
        dtype = _DTYPES.get(str(element_type(value)))
        compute = _COMPUTED.get(op.name.removeprefix("stablehlo."))
        if dtype is None or compute is None:
            return None
        operands = [self.array(operand, steps - 1) for operand in op.operands]
        if any(operand is None for operand in operands):
            return None
        self._left -= count
        array = compute(op, shape, *operands)
        return None if array is None else array.astype(dtype)


_DTYPES = {"i1": "bool", "i32": "int32", "i64": "int64"}


def _elements(op: ir.Operation, shape: tuple[int, ...]) -> np.ndarray | None:
    import numpy as np

    dense = constant_value(op)
    return np.array(dense) if isinstance(dense, ir.DenseElementsAttr) else None


def _iota(op: ir.Operation, shape: tuple[int, ...]) -> np.ndarray:
    import numpy as np

    axis = op.attributes["iota_dimension"].value
    counts = np.arange(shape[axis]).reshape([-1 if d == axis else 1 for d in range(len(shape))])
    return np.broadcast_to(counts, shape)


def _broadcast(op: ir.Operation, shape: tuple[int, ...], x: np.ndarray) -> np.ndarray:
    import numpy as np

    dims = list(op.attributes["broadcast_dimensions"])
    order = np.argsort(dims)
    spread = [1] * len(shape)
    for axis in order:
        spread[dims[axis]] = x.shape[axis]
    return np.broadcast_to(x.transpose(order).reshape(spread), shape)


def _slice(op: ir.Operation, shape: tuple[int, ...], x: np.ndarray) -> np.ndarray:
    names = ("start_indices", "limit_indices", "strides")
    return x[tuple(map(slice, *(list(op.attributes[name]) for name in names)))]


def _compare(
    op: ir.Operation, shape: tuple[int, ...], a: np.ndarray, b: np.ndarray
) -> np.ndarray | None:
    compare: Callable[..., Any] | None = comparison(op)
    return None if compare is None else compare(a, b)


def _concatenate(op: ir.Operation, shape: tuple[int, ...], *parts: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.concatenate(parts, op.attributes["dimension"].value)


_COMPUTED: dict[str, Callable[..., np.ndarray | None]] = {
    "constant": _elements,
    "iota": _iota,
    "broadcast_in_dim": _broadcast,
    "reshape": lambda op, shape, x: x.reshape(shape),
    "slice": _slice,
    "concatenate": _concatenate,
    "add": lambda op, shape, a, b: a + b,
    "subtract": lambda op, shape, a, b: a - b,
    "compare": _compare,
}
