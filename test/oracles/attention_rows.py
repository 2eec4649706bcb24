"""Rows of attention for every system: operands, and what the row means as `attnorm.sdpa`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from agreement import Array, normal
from cases import F32

INF = np.inf


@dataclass(frozen=True)
class Attention:
    """q, k and v as [B, H, S, D]; what a system is asked; what it means; what it does not.

    `asked` is in the words of a system; `means` and `unlike` are attributes of the op.
    """

    heads: tuple[int, int] = (4, 4)
    lengths: tuple[int, int] = (3, 5)
    depths: tuple[int, int] = (8, 8)
    asked: Mapping[str, Any] = field(default_factory=dict)
    means: Mapping[str, Any] = field(default_factory=dict)
    unlike: Mapping[str, Any] = field(default_factory=dict)
    mask: Array | None = None
    sinks: Array | None = None
    size: float = 1.0
    """By how much q is larger than normal numbers."""

    def operands(self, dtype: Any = F32) -> dict[str, Array | None]:
        """The operands, the mask and sinks as they are."""
        (heads, key_heads), (queries, keys), (depth, value_depth) = (
            self.heads,
            self.lengths,
            self.depths,
        )
        return {
            "q": normal(2, heads, queries, depth, dtype=dtype, seed=1, scale=self.size),
            "k": normal(2, key_heads, keys, depth, dtype=dtype, seed=2),
            "v": normal(2, key_heads, keys, value_depth, dtype=dtype, seed=3),
            "mask": self.mask,
            "sinks": self.sinks,
        }

    def attributes(self, **defaults: Any) -> dict[str, Any]:
        """The attributes of the op: 1 / sqrt(D) unless a scale is given."""
        return {"scale": self.depths[0] ** -0.5, **defaults, **self.means}


ROW_OF_NONE = np.ones((3, 5), bool)
ROW_OF_NONE[1] = False
ROW_OF_NONE[2, 3:] = False
"""A mask that leaves the second query nothing, and the third the first keys."""


def additive(kept: Array, fill: float = -INF, dtype: Any = F32) -> Array:
    """A mask of bool as one that is added."""
    return np.where(kept, 0.0, fill).astype(dtype)
