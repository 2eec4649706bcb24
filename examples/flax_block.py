"""A transformer block in flax.nnx, through attnorm.from_jax.

    pip install 'attnorm[jax]' flax
    python examples/flax_block.py

The block has random weights. It is exported, compiled, run, and compared with JAX.
"""

from __future__ import annotations

import sys

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import attnorm

HEADS, DEPTH = 4, 16
WIDTH = HEADS * DEPTH


class Block(nnx.Module):
    """RMS norm, causal attention, layer norm, feed forward."""

    def __init__(self, rngs: nnx.Rngs):
        self.before = nnx.RMSNorm(WIDTH, rngs=rngs)
        self.qkv = nnx.Linear(WIDTH, 3 * WIDTH, use_bias=False, rngs=rngs)
        self.out = nnx.Linear(WIDTH, WIDTH, use_bias=False, rngs=rngs)
        self.between = nnx.LayerNorm(WIDTH, rngs=rngs)
        self.up = nnx.Linear(WIDTH, 4 * WIDTH, rngs=rngs)
        self.down = nnx.Linear(4 * WIDTH, WIDTH, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """The block on x, [batch, position, WIDTH]."""
        heads = (*x.shape[:2], HEADS, DEPTH)
        q, k, v = (part.reshape(heads) for part in jnp.split(self.qkv(self.before(x)), 3, axis=-1))
        attended = jax.nn.dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(attended.reshape(x.shape))
        return x + self.down(jax.nn.gelu(self.up(self.between(x))))


def main() -> int:
    """Prints what the block contains and how far it is from JAX; 1 where that is too far."""
    block = Block(nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (1, 16, WIDTH))

    module = attnorm.from_jax(block, x)
    print("contains:", {op: n for op, n in attnorm.report(module).counts.items() if n})
    result = attnorm.compile(module)(np.asarray(x))

    expected = np.asarray(block(x))
    error = float(np.abs(result - expected).max() / np.abs(expected).max())
    print(f"relative error against JAX: {error:.1e}")
    return int(error > 1e-5)


if __name__ == "__main__":
    sys.exit(main())
