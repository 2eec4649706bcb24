"""A language model small enough to test with: both kinds of layers, q/k norms, grouped heads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import attnorm
from attnorm.ir.mlir import ir

CAPACITY, CHUNKS, WINDOW = 96, [8, 32], 12
_CONFIG: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "vocab_size": 80,
    "num_hidden_layers": 6,
    "layer_types": ["sliding_attention", "sliding_attention", "full_attention"] * 2,
    "sliding_window": WINDOW,
    "bos_token_id": 2,
    "eos_token_id": 1,
}


def random_model() -> Any:
    """torch's, with random weights, the norms' too."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model("gemma3_text", **_CONFIG)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


def exported(model: Any, folder: Path, batch: int = 1) -> ir.Operation:
    """The model as a module."""
    model.save_pretrained(folder)
    return attnorm.from_hugging_face(folder, capacity=CAPACITY, chunks=CHUNKS, batch=batch)


def logits_of(model: Any, ids: np.ndarray) -> np.ndarray:
    """torch's logits behind every token, [batch, n, vocabulary]."""
    import torch

    with torch.no_grad():
        return model(torch.tensor(np.atleast_2d(ids), dtype=torch.long)).logits.numpy()


def text(count: int, seed: int = 0) -> np.ndarray:
    """Token ids."""
    return np.random.default_rng(seed).integers(3, 80, count)


def close(got: np.ndarray, want: np.ndarray) -> None:
    """Logits that are equal but for rounding."""
    assert np.abs(got - want).max() <= 1e-5 * np.abs(want).max()
