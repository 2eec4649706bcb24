"""`verify-no-opaque-calls`: fails where a custom call is left."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from attnorm.analysis.shape_assertions import TARGET
from attnorm.building.reductions import REDUCTIONS
from attnorm.dialect import CUSTOM_CALLS
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns

from ..base import Pass, Report

KNOWN = (*REDUCTIONS, *CUSTOM_CALLS)
"""Every target that some pass rewrites."""


def _hint(target: str) -> str:
    if target in KNOWN:
        owner = "legalize-reduce" if target in REDUCTIONS else "raise"
        return f"; {owner}-custom-calls rewrites it"
    if target == TARGET:
        return "; sizes decide it (attnorm-specialize), or legalize-shape-assertions"
    near = difflib.get_close_matches(target, KNOWN, n=1)
    return f"; the nearest known name is @{near[0]}" if near else ""


@dataclass(frozen=True)
class VerifyNoOpaqueCallsPass(Pass):
    """Fails where a custom call is left.

    Every `stablehlo.custom_call` is an error at its location, with the nearest name that some pass
    knows. Changes nothing.
    """

    name = "verify-no-opaque-calls"
    roots = ("stablehlo.custom_call",)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Reports every custom call below `module`."""

        def visit(op: ir.Operation, rewriter: Rewriter) -> bool:
            target = op.attributes["call_target_name"].value
            report.error(op, f"custom call @{target} is left{_hint(target)}")
            return False

        apply_patterns(module, [(root, visit) for root in self.roots])
