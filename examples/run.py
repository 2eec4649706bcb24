"""The main job, shown: opaque modules are lowered, compiled, run and compared with NumPy.

    python examples/run.py

Every module beside this file goes through the same four steps of the Python API. The two that the
README is about are printed before and after; the rest give a line each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import attnorm

HERE = Path(__file__).parent
# The epsilon that LiteRT's call leaves out of the IR.
LITERT = "builtin.module(raise-custom-calls{rms-norm-epsilon=1e-6},attnorm-to-stablehlo)"


@dataclass(frozen=True)
class Example:
    """A module and what it means: its inputs' shapes and its definition in NumPy."""

    file: str
    shapes: tuple[tuple[int, ...], ...]
    definition: Callable[..., np.ndarray]
    pipeline: str = "attnorm-to-stablehlo"
    shown: bool = False


def rms_norm(x: np.ndarray, scale: np.ndarray | float = 1.0) -> np.ndarray:
    """x / sqrt(mean(x^2) + 1e-6) * scale"""
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-6) * scale


def layer_norm(x: np.ndarray, scale: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """(x - mean(x)) / sqrt(var(x) + 1e-5) * scale + offset"""
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * scale + offset


def softmax(x: np.ndarray) -> np.ndarray:
    """exp(x) / sum(exp(x))"""
    power = np.exp(x - x.max(axis=-1, keepdims=True))
    return power / power.sum(axis=-1, keepdims=True)


def attention(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """softmax(q k^T / sqrt(D) + causal mask) v, four query heads a key head"""
    k, v = np.repeat(k, 4, axis=1), np.repeat(v, 4, axis=1)
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    later = np.triu(np.ones(scores.shape[-2:], bool), 1)
    return softmax(np.where(later, -np.inf, scores)) @ v


EXAMPLES = (
    Example("skainet/rms_norm.mlir", ((2, 4), (4,)), rms_norm, shown=True),
    Example("rms_norm_ai_edge_torch.mlir", ((2, 3, 8), (8,)), rms_norm, LITERT, shown=True),
    Example("attention.mlir", ((1, 8, 16, 32), (1, 2, 16, 32), (1, 2, 16, 32)), attention),
    Example("skainet/rms_norm_unscaled.mlir", ((2, 4),), rms_norm),
    Example("skainet/softmax.mlir", ((2, 4),), softmax),
    Example("skainet/layer_norm.mlir", ((2, 4), (4,), (4,)), layer_norm),
    Example("skainet/layer_norm_custom_call.mlir", ((2, 4), (4,), (4,)), layer_norm),
    Example("skainet/sum.mlir", ((2, 3, 4),), lambda x: x.sum(-1)),
    Example("skainet/mean.mlir", ((2, 4),), lambda x: x.mean(-1)),
    Example("skainet/variance.mlir", ((2, 4),), lambda x: x.var(-1)),
    Example("skainet/keepdim.mlir", ((2, 4),), lambda x: x.sum(-1, keepdims=True)),
    Example("skainet/reduce_all.mlir", ((2, 4),), np.mean),
)


def run(example: Example) -> float:
    """Lowers, compiles and runs an example; the largest error relative to the largest value."""
    generator = np.random.default_rng(0)
    inputs = [generator.standard_normal(shape).astype(np.float32) for shape in example.shapes]
    module = attnorm.load(HERE / example.file)
    program = attnorm.compile(module, pipeline=example.pipeline)
    result = program(*inputs)
    assert isinstance(result, np.ndarray)
    expected = example.definition(*(array.astype(np.float64) for array in inputs))
    if example.shown:
        lowered = attnorm.lower(module, example.pipeline)
        print(f"=== {example.file}\n\n{(HERE / example.file).read_text()}")
        print(f"--- lowered to StableHLO\n\n{lowered}\n--- run through IREE\n\n{result}\n")
        print(f"--- NumPy, float64\n\n{expected}\n")
    return float(np.abs(result - expected).max() / np.abs(expected).max())


def main() -> int:
    """Runs every example; 1 where one is off by more than 2e-6."""
    errors = {example.file: run(example) for example in EXAMPLES}
    print("relative error against NumPy in float64:")
    for file, error in errors.items():
        print(f"  {file:40}{error:.1e}")
    return int(max(errors.values()) > 2e-6)


if __name__ == "__main__":
    sys.exit(main())
