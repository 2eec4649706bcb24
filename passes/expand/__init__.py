"""Ops become StableHLO primitives."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from attnorm.dialect import SPECS
from attnorm.ir.rewriting import Pattern


@cache
def expansions() -> tuple[tuple[str, Pattern], ...]:
    """The patterns that expand the ops of the dialect, each with the op's name."""
    passes = dict.fromkeys(spec.expanded_by for spec in SPECS)
    modules = [import_module(f".{name.replace('-', '_')}", __name__) for name in passes]
    return tuple(pattern for module in modules for pattern in module.PATTERNS)
