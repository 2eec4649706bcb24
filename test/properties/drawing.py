"""What the property tests draw: shapes, axes and arrays."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

seeds = st.integers(0, 2**32 - 1)


def shapes(
    min_rank: int = 1, max_rank: int = 4, min_size: int = 1, max_size: int = 5
) -> st.SearchStrategy[tuple[int, ...]]:
    """Small shapes."""
    size = st.integers(min_size, max_size)
    return st.lists(size, min_size=min_rank, max_size=max_rank).map(tuple)


def subsets(rank: int, min_size: int = 1) -> st.SearchStrategy[list[int]]:
    """Ascending axes of a rank."""
    axes = st.sets(st.integers(0, rank - 1), min_size=min_size) if rank else st.just(set())
    return axes.map(sorted)


def normal(shape: tuple[int, ...], dtype: np.dtype, seed: int, scale: float = 1.0) -> np.ndarray:
    """Normal values."""
    values = np.random.default_rng(seed).standard_normal(shape)
    return np.asarray(values * scale).astype(dtype)


def with_specials(x: np.ndarray, seed: int, *values: float, share: float = 0.15) -> np.ndarray:
    """x with a share of its elements replaced by `values`."""
    generator = np.random.default_rng(seed)
    chosen = generator.choice(np.array(values), x.shape).astype(x.dtype)
    return np.where(generator.random(x.shape) < share, chosen, x)
