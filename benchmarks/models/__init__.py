"""Language models whole: a prompt, and a token behind what the caches hold."""

from __future__ import annotations

from ..suite import Suite
from . import oracle
from .cases import CASES
from .contenders import CONTENDERS, LIMIT
from .inputs import inputs

SUITE = Suite(
    name="models",
    files="models",
    cases=CASES,
    contenders=CONTENDERS,
    limit=LIMIT,
    rounds=7,
    standard="torch's in float64",
    remarks="Logits are equal where they differ by no more than 1e-4 of the greatest for f32, and "
    "3e-2 for bf16; llama.cpp's of f32 by 2e-3, for there is f16 in its GELU and its attention. "
    "`read`: a plain read of the weights and of what is seen of the caches.",
    inputs=inputs,
    expected=oracle.expected,
    verdict=oracle.verdict,
    tolerance=oracle.tolerance,
)
