"""What a compiled language model says of itself; `attnorm.from_hugging_face` describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields

from ..errors import AttnormError

_METADATA = "attnorm.model"


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
        values = json.loads(reflection[_METADATA])
        lists = ("chunks", "rolling", "eos")
        values |= {name: tuple(values[name]) for name in lists}
        return LanguageModel(**{field.name: values[field.name] for field in fields(LanguageModel)})

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
