"""What a module means: the one place that says which interpreter is asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attnorm.bindings import ir
from attnorm.errors import AttnormError
from attnorm.execution import interpreter


class Unknown(Exception):
    """The interpreter does not know an op."""


def evaluate(
    module: ir.Operation, arrays: Sequence[np.ndarray], function: str
) -> tuple[np.ndarray, ...]:
    """The results of a function."""
    try:
        return interpreter.evaluate(module, *arrays, function=function)
    except AttnormError as error:
        raise Unknown(str(error).partition("error: ")[2][:80]) from None
