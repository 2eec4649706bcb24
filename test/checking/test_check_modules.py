"""Every exported module and every example keeps its values through both pipelines."""

from __future__ import annotations

from pathlib import Path

import pytest
from exports import COPIES, exported

import attnorm
from attnorm.checking import check

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
MODULES = {
    **exported(),
    **{str(path.relative_to(EXAMPLES)): path for path in EXAMPLES.rglob("*.mlir")},
}
# LiteRT's call carries no epsilon.
EPSILON = "rms-norm-epsilon=1e-6"
DIMS = {
    "jax/hand_rms_gemma_dyn_f32.mlir": ["s=5"],
    "torch_units/norm_llama_dyn_f32.mlir": ["0.1=5"],
    "torch/llama_sdpa_f32_dyn_mask.mlir": ["0.1=5", "1.1=5"],
}


@pytest.mark.parametrize("pipeline", ["attnorm-to-stablehlo", "attnorm-to-iree"])
@pytest.mark.parametrize("name", sorted(MODULES))
def test_every_pass(name: str, pipeline: str) -> None:
    """Dynamic dimensions specialized; no pass changes a value, though some change the module."""
    module = attnorm.load(MODULES[name])
    found = check(module, f"{pipeline}{{{EPSILON}}}", dims=DIMS.get(name, ()), anchors=False)
    assert found.ok, str(found)
    # A plain reduction is plain StableHLO already; for IREE it becomes a composite.
    assert any(item.changed for item in found.passes) or "/red_" in name


@pytest.mark.parametrize("name", sorted(set(DIMS) & set(MODULES)))
def test_dynamic(name: str) -> None:
    """Dynamic dimensions kept."""
    found = check(attnorm.load(MODULES[name]), f"attnorm-to-iree{{{EPSILON}}}", anchors=False)
    assert found.ok, str(found)


@pytest.mark.parametrize(
    ("path", "pipeline"),
    [
        (COPIES / "torch_units" / "norm_llama_bf16.mlir", "attnorm-to-iree"),
        (COPIES / "jax" / "dpa_gqa_causal_bf16.mlir", "attnorm-to-iree"),
        (ROOT / "examples" / "attention.mlir", "attnorm-to-stablehlo"),
    ],
    ids=lambda value: getattr(value, "stem", value),
)
def test_anchors(path: Path, pipeline: str) -> None:
    """IREE has the values of the result, and no other system has others."""
    found = check(attnorm.load(path), pipeline)
    assert found.ok, str(found)
    assert ("IREE", "the result", True) in {(a.system, a.module, a.agrees) for a in found.anchors}
