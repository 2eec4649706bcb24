"""Named pipelines: what `--pass-pipeline=builtin.module(NAME{options})` stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import AttnormError


@dataclass(frozen=True)
class Pipeline:
    """A list of passes. `options` maps an option to the pass that takes it."""

    summary: str
    elements: tuple[str, ...]
    options: Mapping[str, str]

    def expand(self, options: str) -> str:
        """The text it stands for, every option handed to its pass."""
        given: dict[str, list[str]] = {}
        for word in options.split():
            name = word.partition("=")[0]
            if name not in self.options:
                known = ", ".join(self.options) or "none"
                raise AttnormError(f"unknown pipeline option '{name}'; known are: {known}")
            given.setdefault(self.options[name], []).append(word)
        return ",".join(
            f"{element}{{{' '.join(given[element])}}}" if element in given else element
            for element in self.elements
        )


_NAMED = (
    "raise-mark-tensor",
    "legalize-reduce-custom-calls",
    "raise-custom-calls",
    "raise-composites",
)
_NORMALIZE = (
    "func.func(stablehlo-legalize-composite-to-call,remove-shape-constraints)",
    "func.func(chlo-legalize-to-stablehlo)",
    # The inliner would canonicalize every function again.
    "inline{default-pipeline=}",
    "symbol-dce",
    "func.func(stablehlo-aggressive-simplification,canonicalize,cse)",
    "fold-dynamic-broadcasts",
    "fold-positions",
    "fold-constants",
    "simplify-identities",
)
_IDIOMS = (
    "raise-softmax",
    "raise-sdpa",
    "raise-mask-bands",
    "raise-rms-norm",
    "raise-layer-norm",
)
_RAISE = (*_NAMED, *_NORMALIZE, *_IDIOMS)
_FUSE = ("fuse-add-norm", "fuse-norm-mul")
_EXPAND_ROWS = ("expand-rms-norm", "expand-layer-norm", "expand-softmax")
_EXPAND = (*_EXPAND_ROWS, "expand-sdpa")
_LEGALIZE = (
    "legalize-dynamic-shapes",
    "legalize-f8",
    "legalize-edge-cases",
    "legalize-trigonometry",
    "legalize-half-sums",
    "legalize-unsigned-operands",
    "legalize-gather-indices",
    "legalize-dynamic-dots",
    "legalize-bf16-converts",
)
_CLEAN = ("canonicalize", "cse")
_EPSILON = {"rms-norm-epsilon": "raise-custom-calls"}
_TO_STABLEHLO = (*_RAISE, *_FUSE, *_EXPAND, "verify-no-opaque-calls", *_CLEAN)
_SPECIALIZE = (
    # Ahead of the inliner: JAX names its dimension variables where it calls.
    "specialize-dims",
    "inline{default-pipeline=}",
    "symbol-dce",
    # Ahead of the clean-up, for which a marker without a use is nothing.
    "raise-mark-tensor",
    "legalize-shape-ops",
    "legalize-shape-assertions",
    *_CLEAN,
)
_SIZES = {"dims": "specialize-dims", "function": "specialize-dims"}

PIPELINES: dict[str, Pipeline] = {
    "normalize-stablehlo": Pipeline(
        "One form for what exporters write in many: calls inlined, constants folded.",
        _NORMALIZE,
        {},
    ),
    "attnorm-raise": Pipeline(
        "Custom calls, composites and what is written out become reductions and attnorm ops.",
        _RAISE,
        _EPSILON,
    ),
    "attnorm-fuse": Pipeline("Norms take in what stands beside them.", _FUSE, {}),
    "attnorm-expand": Pipeline("attnorm ops become StableHLO primitives.", _EXPAND, {}),
    "attnorm-to-stablehlo": Pipeline(
        "Everything: raise, fuse, expand, verify, clean up; plain StableHLO comes out.",
        _TO_STABLEHLO,
        _EPSILON,
    ),
    "attnorm-legalize": Pipeline(
        "What IREE refuses or cannot link, in forms that it takes: behind attnorm-to-stablehlo.",
        _LEGALIZE,
        {},
    ),
    "attnorm-to-composites": Pipeline(
        "Raise and fuse, then keep the ops as composites with their decompositions.",
        (*_RAISE, *_FUSE, "to-composites", "verify-no-opaque-calls", *_CLEAN),
        _EPSILON,
    ),
    "attnorm-specialize": Pipeline(
        "Dynamic dimensions get the sizes given; what computes the others is StableHLO.",
        _SPECIALIZE,
        _SIZES,
    ),
    "attnorm-to-iree": Pipeline(
        "Everything for IREE: specialize, raise, fuse, expand, legalize, outline for kernels.",
        (
            *_SPECIALIZE,
            "legalize-dot-algorithm",
            *_RAISE,
            *_FUSE,
            *_EXPAND_ROWS,
            "to-composites{only=sdpa}",
            "verify-no-opaque-calls",
            *_CLEAN,
            *_LEGALIZE,
            "expand-matvec",
            "hold-projections",
            "outline-rows",
            "inline-small-resources",
            *_CLEAN,
        ),
        {**_EPSILON, **_SIZES},
    ),
}
DEFAULT = "attnorm-to-stablehlo"
"""What `attnorm.lower` runs."""
TO_IREE = "attnorm-to-iree"
"""What `attnorm.compile`, `attnorm compile` and `attnorm run` run."""
