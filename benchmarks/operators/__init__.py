"""Norms, softmax and attention: single ops, and attnorm's kernels for them."""

from __future__ import annotations

from ..suite import Suite
from . import oracle
from .cases import CASES, operands
from .contenders import CONTENDERS, LIMIT

SUITE = Suite(
    name="operators",
    files="results",
    cases=CASES,
    contenders=CONTENDERS,
    limit=LIMIT,
    rounds=15,
    standard="a float64 definition",
    remarks="",
    inputs=lambda case, _: operands(case),
    expected=lambda case, _: oracle.expected(case, operands(case)),
    verdict=oracle.verdict,
    tolerance=lambda case, _: oracle.tolerance(case),
)
