"""What a function takes and gives, and whether arrays fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import AttnormError
from .tensor_type import TensorType


@dataclass(frozen=True)
class Signature:
    """A function's name and the types of its arguments and results."""

    name: str
    arguments: tuple[TensorType, ...]
    results: tuple[TensorType, ...]

    def __str__(self) -> str:
        return f"{self.name}({_listed(self.arguments)}) -> ({_listed(self.results)})"

    def check(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The arrays, row-major, if they are what the function takes.

        Nothing is converted. Raises `AttnormError` that names the function, the argument, and the
        types "expected 2x4xf32, got 2x5xf32".
        """
        if len(arrays) != len(self.arguments):
            raise AttnormError(
                f"function '{self.name}': expected {len(self.arguments)} arguments "
                f"({_listed(self.arguments)}), got {len(arrays)}"
            )
        checked = []
        for index, (kind, value) in enumerate(zip(self.arguments, arrays, strict=True)):
            try:
                checked.append(_check(value, kind))
            except AttnormError as error:
                reason = error.diagnostics[0].message
                raise AttnormError(f"function '{self.name}': argument {index}: {reason}") from None
        return checked


def _check(value: object, kind: TensorType) -> np.ndarray:
    if not isinstance(value, (np.ndarray, np.generic)):
        got = type(value).__name__
        raise AttnormError(f"expected {kind} as a NumPy array, got {got}")
    array = np.asarray(value, order="C")
    try:
        found = TensorType.of(array)
    except AttnormError:
        raise AttnormError(f"expected {kind}, got dtype {array.dtype}") from None
    if not kind.accepts(found):
        raise AttnormError(f"expected {kind}, got {found}")
    return array


def _listed(types: Sequence[TensorType]) -> str:
    return ", ".join(str(kind) for kind in types)
