"""StableHLO's own interpreter."""

from __future__ import annotations

from collections.abc import Sequence

from .diagnostics import raising_located
from .mlir import hlo, ir
from .serialization import as_module


def evaluate(module: ir.Operation, arguments: Sequence[ir.Attribute]) -> list[ir.DenseElementsAttr]:
    """Runs @main in the StableHLO reference interpreter."""
    with module.context, ir.Location.unknown(), raising_located("the interpreter failed"):
        return hlo.eval_module(as_module(module), list(arguments))
