"""The examples of the frontends."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from needs import needs

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("name", "packages", "contents"),
    [
        ("llama_block_torch", ["torch", "transformers"], {"rms_norm": 2, "sdpa": 1}),
        ("flax_block", ["jax", "flax"], {"rms_norm": 1, "layer_norm": 1, "sdpa": 1}),
        ("onnx_file", ["onnx", "onnxruntime"], {"rms_norm": 1, "sdpa": 1}),
    ],
)
def test_example(
    name: str, packages: list[str], contents: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    """An example finds all that its model contains, and agrees with its framework."""
    for package in packages:
        needs(package)
    assert runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]() == 0
    assert f"contains: {contents}" in capsys.readouterr().out
