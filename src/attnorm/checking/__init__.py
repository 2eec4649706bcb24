"""`attnorm check`: does every pass keep the values? And `attnorm reduce`, `attnorm report`.

`Check.to_json`, and `attnorm check --json`, give one object with these keys, in this order; numbers
that are infinite, or not known, are null:

    ok             whether every pass keeps the values, and no other system has others
    first_failure  the name of the first pass that does not; null where there is none
    passes         every pass: {"name": "expand-softmax", "changed": true, "verdict": {"outputs":
                   [...]}, "rounds": ""}; `rounds` says why it may move roundings, where it may.
                   An output is {"function": "main", "index": 0, "type": "2x4xf32", "kind": "same",
                   "exact": 0.0, "ulps": 1.0, "relative": 1e-07, "inputs": "ordinary",
                   "reason": ""}; docs/check.md says what `kind` and the errors are, `inputs` are
                   the arguments that the kind is about
    anchors        other systems: {"system": "IREE", "module": "the result", "function": "main",
                   "agrees": true, "report": "ordinary, large"}; `agrees` is null where it could
                   not be asked, which `report` explains
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .inputs import generate
    from .stepwise import Check, PassCheck, check
    from .verdict import Output, Verdict, compare_modules

__all__ = ["Check", "Output", "PassCheck", "Verdict", "check", "compare_modules", "generate"]

# Loaded when first used: a report needs neither the reference nor NumPy.
_HOMES = {
    "Check": ".stepwise",
    "Output": ".verdict",
    "PassCheck": ".stepwise",
    "Verdict": ".verdict",
    "check": ".stepwise",
    "compare_modules": ".verdict",
    "generate": ".inputs",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name], __name__), name)
