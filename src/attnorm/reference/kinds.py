"""What a type of the IR is to the interpreter: sizes, a NumPy dtype, and how values are rounded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import ml_dtypes
import numpy as np

from ..errors import AttnormError
from ..ir.mlir import ir
from .wide import Array, narrow, rounded, shortened

Precision = Literal["native", "exact", "folded", "real"]
"""What float results are rounded to.

- "native": the type of each.
- "exact": f16, bf16 and narrower round where the IR does; f32 and f64 are float64.
- "folded": as "exact"; what depends on no argument is native.
- "real": nothing rounds; a conversion to a half type changes nothing.
"""
PRECISIONS: tuple[Precision, ...] = ("native", "exact", "folded", "real")
_UNROUNDED: tuple[Precision, ...] = ("exact", "folded")

FLOAT64 = np.dtype(np.float64)

_INTEGER = re.compile(r"([su]?)i(\d+)")
_FLOATS: dict[str, Any] = {
    "f16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "f32": np.float32,
    "f64": np.float64,
    "f8E3M4": ml_dtypes.float8_e3m4,
    "f8E4M3": ml_dtypes.float8_e4m3,
    "f8E4M3B11FNUZ": ml_dtypes.float8_e4m3b11fnuz,
    "f8E4M3FN": ml_dtypes.float8_e4m3fn,
    "f8E4M3FNUZ": ml_dtypes.float8_e4m3fnuz,
    "f8E5M2": ml_dtypes.float8_e5m2,
    "f8E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
}


@dataclass(frozen=True)
class Kind:
    """A type of the IR.

    `sizes` has None for a dynamic dimension, and is None where the type is no ranked tensor.
    `dtype` is that of the elements (int64 for an index), None for what is no number. `width` is the
    bits of an integer. Integers are held as `dtype`, which has 8 bits or more; floats as float64,
    whatever `dtype` is, with values that `held` has. `steady`: what is next to a tie is the tie.
    """

    text: str
    sizes: tuple[int | None, ...] | None
    dtype: np.dtype | None
    width: int
    held: np.dtype | None
    steady: bool = False

    @staticmethod
    def of(type_: ir.Type, precision: Precision) -> Kind:
        """What a type is. Raises `AttnormError` for elements that have no definition."""
        sizes = None
        element: ir.Type = type_
        if isinstance(type_, ir.RankedTensorType):
            sizes = tuple(
                None if type_.is_dynamic_dim(axis) else type_.get_dim_size(axis)
                for axis in range(type_.rank)
            )
            element = type_.element_type
        dtype, width = _element(str(element))
        if sizes is not None and dtype is None:
            raise AttnormError(f"{type_}: no definition of elements of {element}")
        if isinstance(element, (ir.FloatType, ir.IntegerType, ir.IndexType)) and sizes is None:
            sizes = ()
        held = carrier(dtype, precision)
        # Sums in another order must not fall on the other side of a tie.
        return Kind(str(type_), sizes, dtype, width, held, precision in _UNROUNDED)

    @property
    def is_float(self) -> bool:
        """Whether the elements are floats."""
        return self.held is not None

    def holds(self, shape: tuple[int, ...]) -> bool:
        """Whether a shape is one of this type."""
        sizes = self.sizes
        return (
            sizes is None
            or shape == sizes
            or (
                len(shape) == len(sizes)
                and all(want in (None, got) for want, got in zip(sizes, shape, strict=True))
            )
        )

    def conform(self, value: Array) -> Array:
        """Values rounded, or wrapped, to the elements' type."""
        if self.held is not None:
            if self.held == FLOAT64:
                return value
            return rounded(shortened(value) if self.steady else value, self.held)
        if self.width < 8 and self.dtype != np.bool_ and self.dtype is not None:
            unused = 8 - self.width
            return (value << unused) >> unused
        return value


def carrier(dtype: np.dtype | None, precision: Precision) -> np.dtype | None:
    """The type whose values a float tensor of `dtype` has; None for what is no float."""
    if dtype is None or dtype.kind in "biu":
        return None
    keeps = precision == "native" or (precision in _UNROUNDED and dtype.itemsize < 4)
    return dtype if keeps else FLOAT64


def as_declared(value: Array, dtype: np.dtype) -> Array:
    """Values as an array of the declared dtype."""
    return narrow(value, dtype) if value.dtype == FLOAT64 else value


def _element(text: str) -> tuple[np.dtype | None, int]:
    """The dtype of elements, and the width of integers."""
    if text in _FLOATS:
        return np.dtype(_FLOATS[text]), 0
    if text == "index":
        return np.dtype(np.int64), 64
    match = _INTEGER.fullmatch(text)
    if not match:
        return None, 0
    width = int(match[2])
    if width == 1:
        return np.dtype(np.bool_), 1
    bits = max(8, width)
    if bits not in (8, 16, 32, 64):
        return None, 0
    return np.dtype(f"{'u' if match[1] == 'u' else ''}int{bits}"), width
