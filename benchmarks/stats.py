"""Medians and quartiles of interleaved rounds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """A median between its quartiles."""

    low: float
    median: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles, between the values where they fall there."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    return Spread(*statistics.quantiles(values, n=4, method="inclusive"))


def ratios(peer: Sequence[float], base: Sequence[float]) -> Spread:
    """The spread of peer / base, round by round: both saw the same minute of the machine."""
    return spread([theirs / ours for theirs, ours in zip(peer, base, strict=True)])
