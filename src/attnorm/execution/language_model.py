"""What a compiled language model says of itself; `attnorm.from_hugging_face` describes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..errors import AttnormError

_METADATA = "attnorm.model"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31


def _is_count_or_none(value: object) -> bool:
    return value is None or _is_count(value)


def _are_counts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_count, value))


_KINDS: dict[str, Callable[[object], bool]] = {
    "family": lambda value: isinstance(value, str),
    **dict.fromkeys(("capacity", "batch", "vocabulary"), _is_count),
    **dict.fromkeys(("window", "slots", "bos"), _is_count_or_none),
    **dict.fromkeys(("chunks", "rolling", "eos"), _are_counts),
}
"""Whether a value of the JSON object is what its field takes."""


@dataclass(frozen=True)
class LanguageModel:
    """The functions and caches of a model: see `attnorm.from_hugging_face`."""

    family: str
    capacity: int
    batch: int
    chunks: tuple[int, ...]
    window: int | None
    slots: int | None
    rolling: tuple[int, ...]
    vocabulary: int
    bos: int | None
    eos: tuple[int, ...]

    @staticmethod
    def parse(reflection: Mapping[str, str]) -> LanguageModel:
        """Reads the reflection of `@decode`; raises `AttnormError` where there is no model."""
        if _METADATA not in reflection:
            raise AttnormError("expected a language model, as `attnorm export hf` makes it")
        try:
            values = json.loads(reflection[_METADATA])
            found: dict[str, Any] = {f.name: values[f.name] for f in fields(LanguageModel)}
        except (ValueError, KeyError, TypeError, RecursionError):
            raise AttnormError(f"expected a JSON object as '{_METADATA}'") from None
        for name, value in found.items():
            if not _KINDS[name](value):
                raise AttnormError(f"'{_METADATA}': {name}: got {value!r}")
        found |= {name: tuple(found[name]) for name in ("chunks", "rolling", "eos")}
        return LanguageModel(**found)

    def chunk_for(self, count: int, position: int) -> int:
        """How many tokens to hand over next, where `count` wait from `position` on.

        A function of N tokens takes as long as reading the weights and computing N tokens, also
        where some of them are padding; the choice is what makes the whole shortest.
        """
        fitting = [size for size in (1, *self.chunks) if position + size <= self.capacity]
        return min(fitting, key=lambda size: _cost(count, size, fitting))


_READING = 16
"""Reading the weights takes as long as computing so many tokens."""


def _cost(count: int, first: int, sizes: list[int]) -> float:
    """The time of `count` tokens, the first chunk being of size `first`, by the token."""
    rest = max(count - first, 0)
    later = min(-(-rest // size) * (_READING + size) for size in sizes)
    return _READING + first + later
