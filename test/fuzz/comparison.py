"""Whether two modules compute the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from entries import Entry
from evaluation import evaluate
from nearness import STEPS, distance, is_extreme, is_float, same, with_rounding, without_rounding

from attnorm.ir.mlir import ir
from attnorm.reference.kinds import Precision

Arrays = Sequence[np.ndarray]
Compare = Callable[[int, np.ndarray, np.ndarray, np.ndarray], str | None]
"""What is wrong with a result by its number: the values, before and after, and their noise."""
_OPAQUE = ("attnorm.", "custom_call", "composite")
_NEIGHBOURS = 4


class Runnable:
    """A module, its text and what its functions gave: both are asked for more than once."""

    def __init__(self, module: ir.Operation) -> None:
        self.module = module
        self._known: dict[tuple[str, int, Precision], Arrays] = {}

    @cached_property
    def text(self) -> str:
        """As it is printed."""
        return str(self.module)

    @cached_property
    def is_opaque(self) -> bool:
        """Whether steps overflow elsewhere than in another form of it.

        The definitions of calls and of attnorm's ops compute in float64, their expansions do not.
        Nor do attnorm's norms on f32, whose statistics torch-mlir takes in f64.
        """
        if "f64>" in self.text and "f32" in self.text:
            return True
        return any(name in self.text for name in _OPAQUE)

    def copy(self) -> ir.Operation:
        """A module to be changed."""
        with self.module.context:
            return self.module.clone().operation

    def values(self, entry: Entry, seed: int, arrays: Arrays, precision: Precision) -> Arrays:
        """The results of a function; `arrays` are its arguments for the seed."""
        key = entry.name, seed, precision
        if key not in self._known:
            self._known[key] = evaluate(self.module, arrays, entry.name, precision)
        return self._known[key]


def differs(
    entry: Entry, before: Runnable, after: Runnable, seed: int, *, hard: bool
) -> str | None:
    """How the results of a function differ on the arguments of a seed, by more than they may.

    Three views: nothing is rounded; only half types are (a number that is folded is rounded, and a
    rounding that is moved shows there: one of both has to agree); everything is.
    """
    arrays = entry.arrays(seed, hard=hard)

    def both(precision: Precision) -> tuple[Arrays, Arrays]:
        return (
            before.values(entry, seed, arrays, precision),
            after.values(entry, seed, arrays, precision),
        )

    def said(precision: Precision, compare: Compare) -> str | None:
        return _said(entry, before, arrays, precision, both(precision), compare)

    def unrounded(n: int, want: np.ndarray, got: np.ndarray, noise: np.ndarray) -> str | None:
        typed = before.values(entry, seed, arrays, "native")[n]
        return without_rounding(want, got, typed, noise, entry=entry)

    def rounded(n: int, want: np.ndarray, got: np.ndarray, noise: np.ndarray) -> str | None:
        real = before.values(entry, seed, arrays, "real")[n]
        return with_rounding(want, got, real, noise, entry=entry)

    with np.errstate(all="ignore"):
        if not is_extreme(arrays):
            found = said("real", unrounded) and said("exact", unrounded)
            if found:
                return found
        if hard and (before.is_opaque or after.is_opaque):
            return None
        return said("native", rounded)


def _said(
    entry: Entry,
    before: Runnable,
    arrays: Arrays,
    precision: Precision,
    results: tuple[Arrays, Arrays],
    compare: Compare,
) -> str | None:
    """What a comparison says that is more than steps moved a little would make it say."""

    def first(noise: Callable[[int], np.ndarray]) -> str | None:
        for n, (want, got) in enumerate(zip(*results, strict=True)):
            if found := compare(n, want, got, noise(n)):
                return f"result {n} {precision}: {found}"
        return None

    found = first(lambda n: np.zeros(results[0][n].shape))
    if not found:
        return None
    # Badly conditioned, or wrong?
    others = []
    for seed in range(_NEIGHBOURS):
        moved = _moved(arrays, seed)
        others.append(evaluate(before.module, moved, entry.name, precision, seed))
    return first(lambda n: np.max([_change(results[0][n], x[n]) for x in others], axis=0))


def _change(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.where(same(before, after), 0.0, distance(before, after))


def _moved(arrays: Arrays, seed: int) -> list[np.ndarray]:
    """The arguments, some elements a unit in the last place of their type, or of f32, away."""
    generator = np.random.default_rng(seed)

    def move(x: np.ndarray) -> np.ndarray:
        if not is_float(x):
            return x
        step = max(STEPS[str(x.dtype)], 2.0**-23)
        moved = x.astype(np.float64) * (1 + step * generator.choice([-1, 0, 1], x.shape))
        return moved.astype(x.dtype)

    return [move(x) for x in arrays]
