"""What a program says about its parameters: where they come from, their names and types."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..errors import AttnormError
from ..ir.tensor_type import TensorType

SCOPE = "model"
"""What IREE calls the place that parameters come from."""
REFLECTION = "attnorm.weights"
"""What a function's reflection says about the whole program: `describe`'s text."""


def describe(weights: Mapping[str, TensorType]) -> str:
    """Names and types as JSON: `{"norm.weight": "640xf32"}`."""
    return json.dumps({name: str(type_) for name, type_ in weights.items()})


def described(reflection: Mapping[str, str]) -> dict[str, TensorType]:
    """The types of a program's weights, by name: none where the reflection says nothing."""
    try:
        types = json.loads(reflection.get(REFLECTION, "{}"))
        return {name: TensorType.parse(text) for name, text in types.items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise AttnormError(f"expected names and types of weights as '{REFLECTION}'") from None
