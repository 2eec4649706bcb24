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
    standard="torch's in float64, to 1e-4 of the greatest logit for f32 (llama.cpp's to 2e-3: f16 "
    "is in its GELU) and 3e-2 for bf16,",
    inputs=inputs,
    expected=oracle.expected,
    verdict=oracle.verdict,
    tolerance=oracle.tolerance,
)
