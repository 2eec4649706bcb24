"""Arrays at the command line: input specs, .npy files, printing."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path

import ml_dtypes
import numpy as np

from ..errors import AttnormError
from ..io.files import read_bytes, write_atomically
from ..ir.tensor_type import TensorType

_BF16_ON_DISK = np.dtype("V2")
_BOOLEANS = {"0": False, "1": True, "false": False, "true": True}


def parse_array(spec: str) -> np.ndarray:
    """The array that an input spec describes.

    - `2x4xf32=1,2,3,4,5,6,7,8`: the elements in row-major order; commas, spaces and brackets
      separate, so that what `format_array` prints reads back. One element fills the shape.
    - `2x4xf32=random:SEED`: floats are standard normal, integers lie in -8 to 7 (unsigned ones in
      0 to 7), i1 are bits.
    - `@x.npy`: a file; `2x4xbf16=@x.npy` also checks its type.

    Raises `AttnormError` that names the spec.
    """
    try:
        if spec.startswith("@"):
            return load_npy(spec[1:])
        head, equals, body = spec.partition("=")
        if not equals:
            raise AttnormError("expected TYPE=VALUES, TYPE=random:SEED or @FILE.npy")
        kind = TensorType.parse(head)
        if body.startswith("@"):
            return load_npy(body[1:], kind)
        shape = tuple(size for size in kind.shape if size is not None)
        if len(shape) != len(kind.shape):
            raise AttnormError(f"expected a static shape, got {kind}")
        if body.startswith("random:"):
            return _random(shape, kind, body.removeprefix("random:"))
        return _literal(shape, kind, body)
    except AttnormError as error:
        shown = spec if len(spec) <= 60 else spec[:60] + "..."
        raise AttnormError(f"input '{shown}': {error.diagnostics[0].message}") from None


def _literal(shape: tuple[int, ...], kind: TensorType, body: str) -> np.ndarray:
    words = re.sub(r"[\[\],\s]+", " ", body).split()
    count = math.prod(shape)
    if len(words) not in (1, count):
        raise AttnormError(f"expected {count} values (or 1 to fill), got {len(words)}")
    values = np.array([_element(word, kind) for word in words], kind.dtype)
    if len(words) == count:
        return values.reshape(shape)
    return np.full(shape, values[0], kind.dtype)


def _element(word: str, kind: TensorType) -> bool | int | float:
    try:
        if kind.element == "i1":
            return _BOOLEANS[word.lower()]
        if "f" in kind.element:
            value = float(word)
            largest = float(ml_dtypes.finfo(kind.dtype).max)
            lowest = -largest
        else:
            value = int(word, 0)
            lowest, largest = np.iinfo(kind.dtype).min, np.iinfo(kind.dtype).max
    except (ValueError, KeyError):
        raise AttnormError(f"expected {kind.element} values, got '{word}'") from None
    if not lowest <= value <= largest and math.isfinite(value):
        raise AttnormError(f"expected {kind.element} values, got {word}: out of range")
    return value


def _random(shape: tuple[int, ...], kind: TensorType, seed: str) -> np.ndarray:
    if not seed.isdecimal():
        raise AttnormError(f"expected random:SEED with a whole number, got 'random:{seed}'")
    generator = np.random.default_rng(int(seed))
    if kind.element == "i1":
        return generator.integers(0, 2, shape).astype(np.bool_)
    if "f" in kind.element:
        return np.asarray(generator.standard_normal(shape)).astype(kind.dtype)
    low = 0 if kind.element.startswith("u") else -8
    return np.asarray(generator.integers(low, 8, shape)).astype(kind.dtype)


# -- files ---------------------------------------------------------------------------------------


def load_npy(path: str | Path, expected: TensorType | None = None) -> np.ndarray:
    """Reads a .npy file; native byte order, row-major.

    The format has no bfloat16: NumPy writes one as two opaque bytes (`V2`), and that is how such a
    file is read. Raises `AttnormError` for a missing or malformed file, for a dtype without an
    MLIR type, and where the type is not the `expected` one.
    """
    try:
        array = _parse_npy(read_bytes(path))
    except AttnormError:
        raise
    except Exception as error:  # the header is a literal of Python's, whose parser raises many
        raise AttnormError(f"{path}: expected a .npy file of numbers: {error}") from None
    if array.dtype == _BF16_ON_DISK:
        array = array.view(ml_dtypes.bfloat16)
    array = np.asarray(array, array.dtype.newbyteorder("="), order="C")
    try:
        found = TensorType.of(array)
    except AttnormError as error:
        raise AttnormError(f"{path}: {error.diagnostics[0].message}") from None
    if expected and not expected.accepts(found):
        raise AttnormError(f"{path}: expected {expected}, got {found}")
    return array


def _parse_npy(data: bytes) -> np.ndarray:
    """The array in a .npy file's bytes. What its header promises takes no memory before it is read.

    Nothing is unpickled: an element of bytes that are no object is what they are.
    """
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    # Version 3 differs from 2 in the names of a struct's fields.
    first = np.lib.format.read_array_header_1_0
    shape, by_column, dtype = (
        first(file) if version == (1, 0) else np.lib.format.read_array_header_2_0(file)
    )
    count, start = math.prod(shape), file.tell()
    if dtype.hasobject or dtype.itemsize == 0 or min(shape, default=0) < 0:
        raise ValueError(f"expected numbers, got {dtype} in the shape {shape}")
    if len(data) - start < count * dtype.itemsize:
        raise ValueError(f"expected {count * dtype.itemsize} bytes, got {len(data) - start}")
    elements = np.frombuffer(bytearray(data), dtype, count, start)
    return elements.reshape(shape, order="F" if by_column else "C")


def save_npy(path: str | Path, array: np.ndarray) -> None:
    """Writes a .npy file, whole or not at all; bfloat16 as `load_npy` reads it."""
    if array.dtype == ml_dtypes.bfloat16:
        array = np.ascontiguousarray(array).view(_BF16_ON_DISK).reshape(array.shape)
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=False)
    write_atomically(path, file.getvalue())


# -- printing ------------------------------------------------------------------------------------


def format_array(array: np.ndarray, limit: int = 1024) -> str:
    """`2x2xf32=[1 2][3 4]`, as iree-run-module prints; elements after the `limit`-th as `...`.

    Every printed element reads back to the same value.
    """
    kind = TensorType.of(array)
    left = [limit]
    if not array.shape:
        return f"{kind}={_show(array[()])}"
    return f"{kind}={_rows(array, left)}"


def _rows(array: np.ndarray, left: list[int]) -> str:
    """The elements of an array of rank 1 or more, without brackets of its own."""
    if array.ndim > 1:
        parts = []
        for row in array:
            if left[0] <= 0:
                parts.append("...")
                break
            parts.append(f"[{_rows(row, left)}]")
        return "".join(parts)
    shown = [_show(value) for value in array[: max(left[0], 0)]]
    left[0] -= len(shown)
    return " ".join(shown + ["..."] * (len(shown) < len(array)))


def _show(value: object) -> str:
    if isinstance(value, np.bool_):
        return str(int(value))
    return str(value).removesuffix(".0")
