"""Whether what an archive of IREE's (.irpa) refers to is in it.

IREE adds offsets to lengths as they stand in the file, and reads from wherever a sum wraps around.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

_HEADER = struct.Struct("<4sHHQQQ7Q")
"""Magic, version, size, next header, flags, count; where entries, metadata and tensors are."""
_ENTRY = struct.Struct("<QIQ2Q2QQ")
"""Size, type, flags; offset and length of its name and of its metadata; alignment."""
_RANGE = struct.Struct("<2Q")
_DATA = 2
_ALIGNMENT = 16


def problem(path: Path) -> str | None:
    """What is wrong with the ranges in an archive; None where nothing is."""
    if os.path.getsize(path) < _HEADER.size:
        return f"expected {_HEADER.size} bytes or more, it is truncated"
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = 0
        while start is not None:
            if len(data) - start < _HEADER.size:
                return f"expected a header at {start}, the file ends before it does"
            for what, offset, length, size in _ranges(data, start):
                if offset > size or length > size - offset:
                    return f"expected {what} inside of {size} bytes, got {length} at {offset}"
            following = _HEADER.unpack_from(data, start)[4]
            start = start + following if following else None
    return None


def _ranges(data: mmap.mmap, start: int) -> Iterator[tuple[str, int, int, int]]:
    """Each range as what it is, offset, length, and the size of what it has to be inside of.

    Those that come later are read only where the ones before are sound.
    """
    _, _, _, _, following, _, count, *segments = _HEADER.unpack_from(data, start)
    whole = len(data) - start
    yield "the next header", following, 0, whole
    entries, metadata, storage = zip(segments[::2], segments[1::2], strict=True)
    yield "entries", *entries, whole
    yield "metadata", *metadata, whole
    yield "tensors", *storage, whole
    yield f"{count} entries", 0, count * _ENTRY.size, entries[1]
    at = 0
    for _ in range(count):
        yield "an entry", at, _ENTRY.size, entries[1]
        place = start + entries[0] + at
        size, kind, _, *texts, _ = _ENTRY.unpack_from(data, place)
        least = _ENTRY.size + (_RANGE.size if kind == _DATA else 0)
        yield "an entry", at, max(size, least), entries[1]
        yield "a name", *texts[:2], metadata[1]
        yield "a type", *texts[2:], metadata[1]
        if kind == _DATA:
            yield "a tensor", *_RANGE.unpack_from(data, place + _ENTRY.size), storage[1]
        at += -(-max(size, least) // _ALIGNMENT) * _ALIGNMENT
