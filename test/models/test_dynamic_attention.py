"""Attention of unknown sizes runs through IREE: grouped heads, causal and given masks."""

from __future__ import annotations

import numpy as np
import pytest

import attnorm
from attnorm.execution.compiler import compile_module
from attnorm.execution.program import Program
from attnorm.ir.serialization import bytecode

HEADS, KEY_HEADS, DEPTH = 4, 2, 8


def attention(batch: str, queries: str, keys: str, mask: str, causal: bool) -> str:
    """A module with one op; "?" is a size that is not known."""
    q = f"tensor<{batch}x{HEADS}x{queries}x{DEPTH}xf32>"
    k = f"tensor<{batch}x{KEY_HEADS}x{keys}x{DEPTH}xf32>"
    argument, operand, type_ = (f", %m: tensor<{mask}>", ", %m", f", tensor<{mask}>")
    given = (argument, operand, type_) if mask else ("", "", "")
    return f"""func.func @main(%q: {q}, %k: {k}, %v: {k}{given[0]}) -> {q} {{
      %0 = "attnorm.sdpa"(%q, %k, %v{given[1]}) {{
        causal = {str(causal).lower()}, scale = 0.5 : f64,
        operandSegmentSizes = array<i32: 1, 1, 1, {int(bool(mask))}, 0, 0>
      }} : ({q}, {k}, {k}{given[2]}) -> {q}
      return %0 : {q}
    }}
    """


def expected(q, k, v, mask, causal: bool) -> np.ndarray:
    """The definition, in float64."""
    k, v = (np.repeat(x.astype(np.float64), HEADS // KEY_HEADS, axis=1) for x in (k, v))
    scores = np.einsum("bhsd,bhtd->bhst", q.astype(np.float64), k) * 0.5
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    if causal:
        scores = np.where(np.tril(np.ones(scores.shape[-2:], bool)), scores, -np.inf)
    power = np.exp(scores - scores.max(-1, keepdims=True))
    return power / power.sum(-1, keepdims=True) @ v


@pytest.mark.parametrize(
    ("batch", "queries", "keys", "mask", "causal"),
    [
        ("1", "?", "?", "", False),
        ("?", "?", "?", "", True),
        ("2", "?", "?", "1x1x?x?xf32", False),
        ("1", "?", "?", "1x1x?x?xi1", True),
        ("1", "?", "16", "1x4x?x16xi1", False),
        ("2", "1", "?", "", False),
    ],
)
def test_one_program_for_all_sizes(
    batch: str, queries: str, keys: str, mask: str, causal: bool
) -> None:
    """float64 NumPy's results at two sizes each."""
    module = attnorm.load(attention(batch, queries, keys, mask, causal))
    module = attnorm.lower(module, "attnorm-to-iree")
    program = Program(compile_module(bytecode(module)), device="local-sync")
    rng = np.random.default_rng(0)
    for size in (5, 8):
        b, s, t = (size if n == "?" else int(n) for n in (batch, queries, keys))
        q = rng.standard_normal((b, HEADS, s, DEPTH)).astype(np.float32)
        k, v = rng.standard_normal((2, b, KEY_HEADS, t, DEPTH)).astype(np.float32)
        given = None
        if mask:
            *sizes, element = mask.split("x")
            pairs = zip(sizes, (b, HEADS, s, t), strict=True)
            given = rng.standard_normal([n if size == "?" else int(size) for size, n in pairs])
            given = given.astype(np.float32) if element == "f32" else given > -1
            # No row without a key: what that means is not the matter here.
            given[..., 0] = True if element == "i1" else 0.0
        masks = [] if given is None else [given]
        result = program(q, k, v, *masks)
        np.testing.assert_allclose(result, expected(q, k, v, given, causal), rtol=0, atol=5e-6)
