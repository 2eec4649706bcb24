"""Named pipelines: what `--pass-pipeline=builtin.module(NAME{options})` stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

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

DEFAULT = "attnorm-to-stablehlo"
"""What `attnorm.lower` runs."""
TO_IREE = "attnorm-to-iree"
"""What `attnorm.compile`, `attnorm compile` and `attnorm run` run."""


@cache
def named() -> Mapping[str, Pipeline]:
    """Every named pipeline. The passes for an op are those of its declaration."""
    # The dialect takes MLIR, which is not loaded to know a name.
    from ..dialect import SPECS

    raising = (*_NAMED, *_NORMALIZE, *_in_order(name for s in SPECS for name in s.raised_by))
    fusing = _in_order(name for spec in SPECS for name in spec.fused_by)
    expanding = _in_order(spec.expanded_by for spec in SPECS)
    expand_rows = _in_order(spec.expanded_by for spec in SPECS if not spec.kernel)
    keep_for_kernels = tuple(f"to-composites{{only={s.name}}}" for s in SPECS if s.kernel)
    return {
        "normalize-stablehlo": Pipeline(
            "One form for what exporters write in many: calls inlined, constants folded.",
            _NORMALIZE,
            {},
        ),
        "attnorm-raise": Pipeline(
            "Custom calls, composites and what is written out become reductions and attnorm ops.",
            raising,
            _EPSILON,
        ),
        "attnorm-fuse": Pipeline("Norms take in what stands beside them.", fusing, {}),
        "attnorm-expand": Pipeline("attnorm ops become StableHLO primitives.", expanding, {}),
        "attnorm-to-stablehlo": Pipeline(
            "Everything: raise, fuse, expand, verify, clean up; plain StableHLO comes out.",
            (*raising, *fusing, *expanding, "verify-no-opaque-calls", *_CLEAN),
            _EPSILON,
        ),
        "attnorm-legalize": Pipeline(
            "What IREE refuses or gets wrong, in other forms: behind attnorm-to-stablehlo.",
            _LEGALIZE,
            {},
        ),
        "attnorm-to-composites": Pipeline(
            "Raise and fuse, then keep the ops as composites with their decompositions.",
            (*raising, *fusing, "to-composites", "verify-no-opaque-calls", *_CLEAN),
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
                *raising,
                *fusing,
                *expand_rows,
                *keep_for_kernels,
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


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Passes, each once, as they follow each other."""
    from .. import passes

    return tuple(sorted(set(names), key=passes.NAMES.index))
