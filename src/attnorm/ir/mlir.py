"""MLIR's own modules, with StableHLO and its passes registered."""

from __future__ import annotations

import importlib
import sys
import types

from torch_mlir import dialects, ir, rewrite
from torch_mlir._mlir_libs import _stablehlo as hlo
from torch_mlir.dialects import ext
from torch_mlir.passmanager import PassManager

__all__ = ["PassManager", "dialects", "ext", "hlo", "ir", "rewrite"]

# The bindings ask for a Python module of an op's dialect whenever they touch the op, and remember
# only that they found one. There is none for these: without an empty one, half of the time goes
# into looking for it.
for _dialect in ("attnorm", "chlo", "stablehlo"):
    _name = f"{dialects.__name__}.{_dialect}"
    sys.modules.setdefault(_name, types.ModuleType(_name))

hlo.register_stablehlo_passes()
# Importing this one registers the rest: stablehlo-aggressive-simplification and torch-mlir's own.
importlib.import_module("torch_mlir._mlir_libs._torchMlir")
