"""MLIR's own modules, with StableHLO and its passes registered."""

from __future__ import annotations

import importlib

from torch_mlir import dialects, ir, rewrite
from torch_mlir._mlir_libs import _mlir
from torch_mlir._mlir_libs import _stablehlo as hlo
from torch_mlir.dialects import ext
from torch_mlir.passmanager import PassManager

__all__ = ["PassManager", "dialects", "ext", "hlo", "ir", "rewrite"]

# The bindings ask for a Python module of an op's dialect whenever they touch the op, and remember
# only that they found one. They have none for ours, nor for StableHLO's: without the empty ones of
# this package, half of the time goes into looking for them.
_mlir.globals.append_dialect_search_prefix(f"{__package__}.dialects")

hlo.register_stablehlo_passes()
# Importing this one registers the rest: stablehlo-aggressive-simplification and torch-mlir's own.
importlib.import_module("torch_mlir._mlir_libs._torchMlir")
