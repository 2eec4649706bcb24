"""One pass a file; this registry imports them on demand."""

from __future__ import annotations

import importlib

from .base import Option, Pass, Refusal, Report

__all__ = ["NAMES", "Option", "Pass", "Refusal", "Report", "get"]

NAMES: tuple[str, ...] = (
    "raise-mark-tensor",
    "specialize-dims",
    "legalize-shape-ops",
    "legalize-shape-assertions",
    "legalize-dot-algorithm",
    "legalize-reduce-custom-calls",
    "raise-custom-calls",
    "raise-composites",
    "fold-dynamic-broadcasts",
    "fold-positions",
    "fold-constants",
    "simplify-identities",
    "raise-softmax",
    "raise-sdpa",
    "raise-mask-bands",
    "raise-rms-norm",
    "raise-layer-norm",
    "fuse-norm-mul",
    "fuse-add-norm",
    "expand-rms-norm",
    "expand-layer-norm",
    "expand-softmax",
    "expand-sdpa",
    "to-composites",
    "verify-no-opaque-calls",
    "legalize-dynamic-shapes",
    "legalize-bf16-converts",
    "expand-matvec",
    "hold-projections",
    "outline-rows",
    "inline-small-resources",
)
"""Every pass, in the order of the pipeline; `fuse-norm-mul` is `FuseNormMulPass` in
`fuse_norm_mul.py`."""


def get(name: str) -> type[Pass]:
    """The class of a pass; `KeyError` where there is none of that name."""
    if name not in NAMES:
        raise KeyError(name)
    module = importlib.import_module(f".{name.replace('-', '_')}", __package__)
    return getattr(module, "".join(word.capitalize() for word in name.split("-")) + "Pass")
