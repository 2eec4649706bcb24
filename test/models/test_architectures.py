"""transformers' models: every attention and norm is raised, no value changes, torch's come out."""

from __future__ import annotations

from types import ModuleType

import pytest
from needs import needs

from attnorm import reference
from attnorm.checking import check

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's and transformers' own

# Padding and masked_fill; biases of positions on scores; a window, a cap and causality without a
# mask; norms that share x; ALiBi ahead of the scale and indices from the end; values of another
# depth, padded; sinks; rolls and weights that pooling reads; no attention.
NAMES = [
    "DeBERTa v2",
    "T5",
    "Gemma 2",
    "Falcon, ALiBi",
    "DeepSeek V3",
    "gpt-oss",
    "Swin",
    "ConvNeXt",
]


@pytest.fixture(scope="module")
def architectures() -> ModuleType:
    needs("torch")
    needs("transformers")
    import architectures

    return architectures


@pytest.mark.parametrize("name", NAMES)
def test_idioms(name: str, architectures: ModuleType) -> None:
    """Its attentions and norms are all raised, each pass keeps its values, and they are torch's."""
    architecture = architectures.ARCHITECTURES[name]
    found = architectures.imported(architecture)
    assert len(found.attentions) == architecture.attentions
    assert found.norms == architecture.norms
    checked = check(found.module, "attnorm-to-stablehlo", anchors=False)
    assert checked.ok, checked
    assert found.error(reference.evaluate(found.module, *found.arguments)) < 2e-5


def test_causal_without_a_mask(architectures: ModuleType) -> None:
    """Llama's positions, which transformers makes itself, are causal; no mask is left."""
    found = architectures.imported(architectures.ARCHITECTURES["Llama"]).attentions
    assert len(found) == architectures.ARCHITECTURES["Llama"].attentions
    assert all(op.attributes["causal"] and "mask" not in op.operands for op in found)
