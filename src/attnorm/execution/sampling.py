"""Which token follows, given the logits."""

from __future__ import annotations

import numpy as np

from ..errors import AttnormError

_FEW = 256  # candidates that are sorted at first


class Sampler:
    """Chooses tokens: the likeliest one at temperature 0, else at random.

    `temperature` divides the logits. `top_k` keeps that many of the likeliest tokens, `top_p` the
    fewest of these whose probabilities add up to it (Holtzman et al., 2020). One `seed` gives one
    sequence of choices. Raises `AttnormError` for values out of range.
    """

    def __init__(
        self,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
    ):
        if not (0.0 <= temperature < np.inf):
            raise AttnormError(f"temperature: expected 0 or more, got {temperature:g}")
        if top_k is not None and top_k < 1:
            raise AttnormError(f"top-k: expected 1 or more, got {top_k}")
        if top_p is not None and not 0.0 < top_p <= 1.0:
            raise AttnormError(f"top-p: expected more than 0 and at most 1, got {top_p:g}")
        if seed < 0:
            raise AttnormError(f"seed: expected 0 or more, got {seed}")
        self._temperature, self._top_k, self._top_p = temperature, top_k, top_p
        self._random = np.random.default_rng(seed)

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """A token for each row of logits [batch, vocabulary] f32: [batch] i32."""
        choose = self._sample if self._temperature else np.argmax
        return np.array([choose(row) for row in logits], np.int32)

    def _sample(self, logits: np.ndarray) -> int:
        tokens = self._candidates(logits)
        powers = _powers(logits[tokens], logits.max(), self._temperature)
        return int(self._random.choice(tokens, p=powers / powers.sum()))

    def _candidates(self, logits: np.ndarray) -> np.ndarray:
        """The tokens to choose from."""
        if self._top_p is None:
            return (
                np.arange(logits.size) if self._top_k is None else _likeliest(logits, self._top_k)
            )
        powers = _powers(logits, logits.max(), self._temperature)
        total, count = powers.sum(), self._top_k or logits.size
        if count < logits.size:
            total = powers[_likeliest(logits, count)].sum()
        sorted_count = min(_FEW, count)
        while True:
            tokens = _likeliest(logits, sorted_count)
            enough = np.cumsum(powers[tokens]) >= self._top_p * total
            if enough.any() or sorted_count == count:
                return tokens[: int(enough.argmax()) + 1] if enough.any() else tokens
            sorted_count = min(4 * sorted_count, count)


def _powers(logits: np.ndarray, peak: float, temperature: float) -> np.ndarray:
    return np.exp((logits.astype(np.float64) - peak) / temperature)


def _likeliest(logits: np.ndarray, count: int) -> np.ndarray:
    """So many tokens, the likeliest first; of equal ones, the one with the smaller number."""
    if count >= logits.size:
        return np.argsort(-logits, kind="stable")
    bound = np.partition(logits, logits.size - count)[logits.size - count]
    tokens = np.flatnonzero(logits >= bound)
    return tokens[np.argsort(-logits[tokens], kind="stable")][:count]
