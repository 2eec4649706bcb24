"""Makes a file that shows a failure smaller without knowing what it says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

_LEVELS = (("lines", rb"[^\n]*\n|[^\n]+"), ("words", rb"\w+|\s+|."), ("bytes", rb"."))
"""Parts to leave out, and what one is."""


@dataclass(frozen=True)
class Cut:
    """A file without some of its parts; `left` of them stand before the gap."""

    data: bytes
    left: int = 0


First = Callable[[Iterator[Cut]], Cut | None]
"""Takes candidates, and returns the first that fails; None where none does."""


def reduce_text(data: bytes, first: First, *, on_progress: Callable[[str, bytes], None]) -> bytes:
    """The smallest file found that fails: text without some lines and words, else without bytes.

    `on_progress` hears of the smallest file so far, and what is left out next.
    """
    seen = {hashlib.sha256(data).digest()}
    for name, part in _LEVELS if _is_text(data) else _LEVELS[-1:]:
        data = _sweep(data, first, re.compile(part, re.DOTALL), seen, partial(on_progress, name))
    return data


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _sweep(
    data: bytes,
    first: First,
    part: re.Pattern[bytes],
    seen: set[bytes],
    tell: Callable[[bytes], None],
) -> bytes:
    """Leaves out ever fewer parts that stand side by side, the last ones first."""
    parts = part.findall(data)
    length = len(parts)
    while length:
        left = len(parts)
        tell(data)
        while cut := first(_new(_cuts(parts, left, length), seen)):
            data, left = cut.data, cut.left
            parts = part.findall(data)
            tell(data)
        length = min(length, len(parts) + 1) // 2
    return data


def _cuts(parts: Sequence[bytes], left: int, length: int) -> Iterator[Cut]:
    while left > 0:
        start = max(left - length, 0)
        yield Cut(b"".join([*parts[:start], *parts[left:]]), start)
        left = start


def _new(cuts: Iterator[Cut], seen: set[bytes]) -> Iterator[Cut]:
    for cut in cuts:
        digest = hashlib.sha256(cut.data).digest()
        if digest not in seen:
            seen.add(digest)
            yield cut
