"""One pass a file, in a folder for each stage; this registry imports them on demand."""

from __future__ import annotations

import importlib
from types import MappingProxyType

from .base import Option, Pass, Report

__all__ = ["NAMES", "Option", "Pass", "Report", "get"]

_STAGES = MappingProxyType(
    {
        "raise-mark-tensor": "raise_",
        "specialize-dims": "legalize",
        "legalize-shape-ops": "legalize",
        "legalize-shape-assertions": "legalize",
        "legalize-dot-algorithm": "legalize",
        "legalize-reduce-custom-calls": "legalize",
        "raise-custom-calls": "raise_",
        "raise-composites": "raise_",
        "fold-dynamic-broadcasts": "simplify",
        "fold-positions": "simplify",
        "fold-constants": "simplify",
        "simplify-identities": "simplify",
        "raise-softmax": "raise_",
        "raise-sdpa": "raise_",
        "raise-mask-bands": "raise_",
        "raise-rms-norm": "raise_",
        "raise-group-norm": "raise_",
        "raise-layer-norm": "raise_",
        "fuse-add-norm": "fuse",
        "fuse-norm-mul": "fuse",
        "fuse-group-norm-silu": "fuse",
        "expand-rms-norm": "expand",
        "expand-layer-norm": "expand",
        "expand-group-norm": "expand",
        "expand-softmax": "expand",
        "expand-sdpa": "expand",
        "to-composites": "outline",
        "verify-no-opaque-calls": "legalize",
        "legalize-dynamic-shapes": "legalize",
        "legalize-f8": "legalize",
        "legalize-edge-cases": "legalize",
        "legalize-trigonometry": "legalize",
        "legalize-half-sums": "legalize",
        "legalize-unsigned-operands": "legalize",
        "legalize-gather-indices": "legalize",
        "legalize-dynamic-dots": "legalize",
        "legalize-bf16-converts": "legalize",
        "expand-matvec": "expand",
        "hold-projections": "outline",
        "outline-rows": "outline",
        "inline-small-resources": "simplify",
    }
)
"""The folder of every pass, in the order of the pipeline; `fuse-norm-mul` is `FuseNormMulPass` in
`fuse/fuse_norm_mul.py`."""

NAMES: tuple[str, ...] = tuple(_STAGES)
"""Every pass, in that order."""


def get(name: str) -> type[Pass]:
    """The class of a pass; `KeyError` where there is none of that name."""
    if name not in NAMES:
        raise KeyError(name)
    module = importlib.import_module(f".{_STAGES[name]}.{name.replace('-', '_')}", __name__)
    return getattr(module, "".join(word.capitalize() for word in name.split("-")) + "Pass")
