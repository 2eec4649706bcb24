"""A Llama block of Hugging Face's transformers, through attnorm.from_torch.

    pip install 'attnorm[torch]' transformers
    python examples/llama_block_torch.py

The block has random weights: there is nothing to download. It is exported with its rotary
positions and a causal mask, compiled, run, and compared with torch.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRotaryEmbedding

import attnorm


class Block(torch.nn.Module):
    """One layer: norm, attention with grouped heads, norm, feed forward."""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.positions = LlamaRotaryEmbedding(config)
        self.layer = LlamaDecoderLayer(config, layer_idx=0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer on x, each position seeing those before it."""
        length = x.shape[1]
        mask = torch.full((length, length), torch.finfo(x.dtype).min).triu(1)
        positions = self.positions(x, torch.arange(length)[None])
        result = self.layer(x, attention_mask=mask[None, None], position_embeddings=positions)
        return result[0] if isinstance(result, tuple) else result


def main() -> int:
    """Prints what the block contains and how far it is from torch; 1 where that is too far."""
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=128,
        intermediate_size=256,
        num_attention_heads=8,
        num_key_value_heads=2,
        attn_implementation="eager",
    )
    block = Block(config).eval()
    x = torch.randn(1, 16, 128)

    module = attnorm.from_torch(block, (x,))
    print("contains:", {op: n for op, n in attnorm.report(module).counts.items() if n})
    result = attnorm.compile(module)(x.numpy())

    with torch.no_grad():
        expected = block(x).numpy()
    error = float(np.abs(result - expected).max() / np.abs(expected).max())
    print(f"relative error against torch: {error:.1e}")
    return int(error > 1e-5)


if __name__ == "__main__":
    sys.exit(main())
