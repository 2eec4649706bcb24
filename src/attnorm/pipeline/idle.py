"""Passes of MLIR's that leave a module as it is, where they do not find what they work on."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from ..ir.mlir import ir
from ..ir.rewriting import contains


def _has_composites(module: ir.Operation) -> bool:
    return contains(module, ("stablehlo.composite",))


def _has_several_symbols(module: ir.Operation) -> bool:
    """Whether a call can reach another function, or a function that nobody sees can go."""
    body = [op.operation for op in module.regions[0].blocks[0].operations]
    alone = len(body) == 1 and body[0].name == "func.func"
    return (
        not alone
        or "sym_visibility" in body[0].attributes
        or contains(module, ("builtin.module", "func.call"))
    )


_HAS_WORK: MappingProxyType[tuple[str, str], Callable[[ir.Operation], bool]] = MappingProxyType(
    {
        ("stablehlo-legalize-composite-to-call", ""): _has_composites,
        ("inline", "default-pipeline="): _has_several_symbols,
        ("symbol-dce", ""): _has_several_symbols,
    }
)
"""By name and options: whether a pass finds something in a module."""


def may_change(name: str, options: str, module: ir.Operation) -> bool:
    """Whether a pass of MLIR's may change a module; it may where nothing is known of it here."""
    has_work = _HAS_WORK.get((name, options))
    return has_work is None or has_work(module)
