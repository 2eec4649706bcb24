"""The type of an array at a program's boundary: `2x4xf32`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import ml_dtypes
import numpy as np

from ..errors import AttnormError

# Signless integers are signed, as in StableHLO; `si` is a spelling of that.
_DTYPES: dict[str, np.dtype] = {
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    "i1": np.dtype(np.bool_),
    **{f"i{bits}": np.dtype(f"int{bits}") for bits in (8, 16, 32, 64)},
    **{f"ui{bits}": np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64)},
}
ELEMENTS = tuple(_DTYPES)
"""The element types, as they are spelt in MLIR."""
_ELEMENTS = {dtype: element for element, dtype in _DTYPES.items()}
_TYPE = re.compile(r"(?P<shape>(?:(?:\d+|\?)x)*)(?P<element>[a-z]+\d+)")


@dataclass(frozen=True)
class TensorType:
    """A shape (None: a dynamic dimension) and an element type, spelt as in MLIR."""

    shape: tuple[int | None, ...]
    element: str

    @staticmethod
    def parse(text: str) -> TensorType:
        """Reads `2x?xf32` or `f32`. Raises `AttnormError` for anything else."""
        match = _TYPE.fullmatch(text)
        element = match["element"] if match else ""
        element = element[1:] if element.startswith("si") else element
        if not match or element not in _DTYPES:
            known = ", ".join(_DTYPES)
            raise AttnormError(
                f"expected a type such as 2x4xf32 with an element of {known}, got '{text}'"
            )
        sizes = match["shape"].split("x")[:-1]
        return TensorType(tuple(None if s == "?" else int(s) for s in sizes), element)

    @staticmethod
    def of(array: np.ndarray) -> TensorType:
        """The type of an array. Raises `AttnormError` for a dtype without an MLIR type."""
        element = _ELEMENTS.get(array.dtype)
        if element is None:
            raise AttnormError(f"expected a dtype of {', '.join(_DTYPES)}, got {array.dtype}")
        return TensorType(array.shape, element)

    @property
    def dtype(self) -> np.dtype:
        """The NumPy dtype of the elements."""
        return _DTYPES[self.element]

    @property
    def size(self) -> int:
        """The bytes of an array of this type, which has to be static."""
        return math.prod(size or 0 for size in self.shape) * self.dtype.itemsize

    def accepts(self, other: TensorType) -> bool:
        """Whether a value of the static type `other` may stand where this type is expected."""
        return (
            self.element == other.element
            and len(self.shape) == len(other.shape)
            and all(size in (None, o) for size, o in zip(self.shape, other.shape, strict=True))
        )

    def __str__(self) -> str:
        sizes = ["?" if size is None else str(size) for size in self.shape]
        return "x".join([*sizes, self.element])
