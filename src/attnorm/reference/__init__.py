"""What every op and every opaque reduction means: float64 NumPy, written from the formulas.

These are definitions to read and to test against, not to be fast. Operands are NumPy or ml_dtypes
arrays of any type. A value is computed in float64 and returned unrounded: `.astype(type)` is the
last rounding, to the result's type. Roundings inside a definition, where an op has them, are
written out; `result` is the result's type where these depend on it.

`evaluate` runs whole modules by such definitions: `interpreter.py`, with a file for each family of
ops.
"""

from __future__ import annotations

from .attention import sdpa
from .group_norm import group_norm
from .interpreter import evaluate
from .norms import add_rms_norm, layer_norm, rms_norm, rms_norm_mul, softmax
from .reductions import reduce

__all__ = [
    "add_rms_norm",
    "evaluate",
    "group_norm",
    "layer_norm",
    "reduce",
    "rms_norm",
    "rms_norm_mul",
    "sdpa",
    "softmax",
]
