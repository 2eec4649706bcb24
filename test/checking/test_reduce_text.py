"""`attnorm.checking.reduce_text`: files that say nothing to anyone but the predicate."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from attnorm.checking.reduce_text import Cut, reduce_text


def smallest(data: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """What is left of a file."""
    tried: list[bytes] = []

    def first(cuts: Iterator[Cut]) -> Cut | None:
        for cut in cuts:
            tried.append(cut.data)
            if fails(cut.data):
                return cut
        return None

    assert fails(data)
    result = reduce_text(data, first, on_progress=lambda trying, data: None)
    assert len(set(tried)) == len(tried)
    return result


@pytest.mark.parametrize(
    ("data", "parts", "left"),
    [
        (b"a b\nc d\ne f\n", [b"d"], b"d"),
        (b"one\n" * 1000 + b"two (three four)\n" + b"five\n" * 1000, [b"three", b")"], b"three)"),
        (b"".join(b"line %d\n" % i for i in range(99)), [b"line 7\n", b"line 77\n"], None),
        (b"no line break", [b"no", b"break"], b"nobreak"),
        (b"x\n", [], b""),
        (bytes(range(256)) * 4, [b"\xfe", b"\x01"], None),
        (b"\xff", [b"\xff"], b"\xff"),
    ],
)
def test_parts_that_have_to_stay(data: bytes, parts: list[bytes], left: bytes | None) -> None:
    """What stays is what is asked for, whole words of text, and nothing beside it."""
    result = smallest(data, lambda data: all(part in data for part in parts))
    expected = left if left is not None else b"".join(sorted(parts, key=data.index))
    assert sorted(result) == sorted(expected)
