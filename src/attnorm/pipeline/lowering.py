"""A module lowered by a pipeline."""

from __future__ import annotations

from ..ir.mlir import ir
from .driver import run
from .pipelines import DEFAULT


def lower(module: ir.Operation, pipeline: str = DEFAULT) -> ir.Operation:
    """A new module: `module` after a pipeline, given by name or as text.

    Raises `AttnormError` with located diagnostics where a pass fails; `module` is left alone.
    """
    with module.context:
        lowered = module.clone().operation
    run(lowered, pipeline)
    return lowered
