"""Writing weights to an archive of IREE's (.irpa), a piece at a time."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from iree import runtime

from ..errors import AttnormError
from ..io.files import replacing
from ..ir.tensor_type import TensorType
from .weight_files import Entry

if TYPE_CHECKING:
    from .weights import Weight

_PIECE = 1 << 20
"""Elements converted at a time."""


def write_archive(
    path: str | Path, weights: Iterable[Weight], entries: Mapping[str, Entry]
) -> None:
    """Writes weights to an archive, whole or not at all.

    Each is that of `entries`, or else the module's own, converted to the weight's type. Bytes go
    from file to file, but for the module's own, which are read where they are. Raises
    `AttnormError` for a number that its new type does not hold, and where writing fails.
    """
    weights = list(weights)
    index = runtime.ParameterIndex()
    with replacing(path) as temporary, ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryFile(dir=temporary.parent))
        converted = runtime.FileHandle.wrap_fd(scratch.fileno())
        files: dict[Path, runtime.FileHandle] = {}
        for source in {entries[w.name].path for w in weights if w.name in entries}:
            file = stack.enter_context(open(source, "rb"))
            files[source] = runtime.FileHandle.wrap_fd(file.fileno())
        for weight in weights:
            entry, metadata = entries.get(weight.name), _metadata(weight.type)
            if entry is None and weight.type == weight.own_type:
                index.add_buffer(weight.name, weight.elements, metadata=metadata)
                continue
            if entry and entry.type == weight.type and not entry.splat:
                handle, offset = files[entry.path], entry.offset
            else:
                handle, offset = converted, _convert(weight, entry, scratch)
            index.add_from_file_handle(
                weight.name, handle, weight.type.size, offset=offset, metadata=metadata
            )
        try:
            index.create_archive_file(str(temporary))
        except (ValueError, RuntimeError) as error:
            reason = str(error).partition("; ")[2] or str(error)
            raise AttnormError(f"cannot write '{path}': {reason}") from None


def _convert(weight: Weight, entry: Entry | None, scratch: IO[bytes]) -> int:
    """Appends what a weight is converted to; where it begins."""
    offset = scratch.tell()
    for piece in _own_pieces(weight) if entry is None else _pieces(entry):
        with np.errstate(over="ignore"):
            converted = piece.astype(weight.type.dtype)
        lost = np.isfinite(piece) & ~np.isfinite(converted)
        if lost.any():
            raise AttnormError(
                f"weight '{weight.name}': {piece[lost][0]} does not fit in {weight.type.element}"
            )
        scratch.write(converted.view(np.uint8).data)
    scratch.flush()
    return offset


def _own_pieces(weight: Weight) -> Iterator[np.ndarray]:
    assert weight.elements is not None
    array = np.frombuffer(weight.elements, weight.own_type.dtype)
    for start in range(0, len(array), _PIECE):
        yield array[start : start + _PIECE]


def _pieces(entry: Entry) -> Iterator[np.ndarray]:
    assert entry.type is not None
    dtype = entry.type.dtype
    length = entry.length // dtype.itemsize
    for start in range(0, length, _PIECE):
        size = min(_PIECE, length - start)
        if entry.splat:
            yield np.full(size, np.frombuffer(entry.splat, dtype))
            continue
        # Mapped anew, so that what has been read is given back.
        yield np.memmap(entry.path, dtype, "r", entry.offset + start * dtype.itemsize, (size,))


def _metadata(type_: TensorType) -> str:
    """As IREE's own Python notes the type of an array."""
    found = {"type": "Tensor", "dtype": type_.dtype.name, "shape": type_.shape}
    return f"TENSORv0:{json.dumps(found)}"
