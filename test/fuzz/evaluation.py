"""What a module means: the one place that says which interpreter is asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attnorm import reference
from attnorm.ir.mlir import ir
from attnorm.reference.kinds import Precision

EPSILON = 0.125
"""Of RMSNorm calls that carry none."""


def evaluate(
    module: ir.Operation,
    arrays: Sequence[np.ndarray],
    function: str,
    precision: Precision,
    noise: int | None = None,
) -> tuple[np.ndarray, ...]:
    """The results of a function."""
    return reference.evaluate(
        module,
        *arrays,
        function=function,
        precision=precision,
        rms_norm_epsilon=EPSILON,
        noise=noise,
    )
