"""A run as JSON: everything that the tables and the plot are made of, and the reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .conductor import Row
from .stats import ratios, spread
from .suite import BASE, Suite

Record = dict[str, Any]


def record(
    suite: Suite,
    rows: Sequence[Row],
    machine: Mapping[str, str],
    versions: Mapping[str, str],
    how: Mapping,
) -> Record:
    """The whole run; times in seconds."""
    bases = {(row.case.name, row.threads): row for row in rows if row.contender == BASE}
    names = {row.contender for row in rows}
    return {
        "machine": dict(machine),
        "versions": dict(versions),
        "settings": dict(how),
        "standard": suite.standard,
        "remarks": suite.remarks,
        "limit": suite.limit,
        "contenders": {
            name: {"label": entry.label, "buffers": entry.buffers}
            for name, entry in suite.contenders.items()
            if name in names
        },
        "results": [_result(row, bases.get((row.case.name, row.threads))) for row in rows],
    }


def _result(row: Row, base: Row | None) -> Record:
    found: Record = {
        "case": row.case.name,
        "title": row.case.title,
        "heading": row.case.heading,
        "threads": row.threads,
        "contender": row.contender,
        **asdict(row.outcome),
    }
    if row.case.bytes_moved is not None:
        found["bytes_moved"] = row.case.bytes_moved
    if row.turns:
        found["seconds"] = spread(row.turns).median
        found["turns"] = row.turns
        if base and len(base.turns) == len(row.turns):
            found["ratio"] = ratios(row.turns, base.turns)._asdict()
    return found
