"""Values of other systems beside ours: whether our interpreter means what StableHLO means.

IREE's threads take subnormal numbers for 0, so it is not asked about these; and our kernels do not
read what is masked.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import AttnormError
from ..execution import interpreter
from ..ir.mlir import ir
from ..pipeline.lowering import lower
from ..pipeline.pipelines import TO_IREE
from .inputs import SUBNORMAL, Arrays
from .roles import contraction
from .verdict import Values, against

if TYPE_CHECKING:
    from ..execution.program import Program

COST = 3e6
"""How many elements and products StableHLO's interpreter, at a million a second, is given."""


_PLAIN = "normalize-stablehlo,inline-small-resources"


@dataclass(frozen=True)
class Anchor:
    """Whether another system agrees with native values; None where it could not be asked."""

    system: str
    module: str
    function: str
    agrees: bool | None
    report: str

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against us."""
        return self.agrees is not False

    def __str__(self) -> str:
        verb = {True: "agrees on", False: "differs on", None: "was not asked about"}[self.agrees]
        return f"{self.system} {verb} {self.module}, {self.function}: {self.report}"


def anchor_input(
    module: ir.Operation, functions: Sequence[Values], tell: Callable[[str], None]
) -> list[Anchor]:
    """The module as it came: StableHLO's interpreter, or IREE where that would take long."""
    name = "the module as given"
    found: list[Anchor] = []
    if cost(module) <= COST:
        tell(f"StableHLO's interpreter on {name}")
        for values in functions:

            def evaluate(*arrays: np.ndarray, function: str = values.function) -> Arrays:
                return interpreter.evaluate(module, *arrays, function=function)

            found.append(_ask("StableHLO's interpreter", name, values, evaluate))
    if found and all(item.agrees is not None for item in found):
        return found
    return _ask_iree([lambda: lower(module, _PLAIN)], name, functions, tell)


def anchor_result(
    module: ir.Operation, functions: Sequence[Values], tell: Callable[[str], None]
) -> list[Anchor]:
    """What the pipeline made, as `attnorm.compile` compiles it; as it is where it has composites.

    These were made for IREE, which of plain StableHLO contracts `score * scale - peak`: for scores
    of 1e10 the power is infinite.
    """
    forms = [lambda: module, lambda: lower(module, TO_IREE)]
    if not any(op.name == "stablehlo.composite" for op in _operations(module)):
        forms.reverse()
    return _ask_iree(forms, "the result", functions, tell)


def _ask_iree(
    forms: Sequence[Callable[[], ir.Operation]],
    name: str,
    functions: Sequence[Values],
    tell: Callable[[str], None],
) -> list[Anchor]:
    """IREE, on the first form of a module that it takes."""
    tell(f"IREE on {name}")
    try:
        program = _program(forms)
    except AttnormError as error:
        reason = f"it refuses the module: {error.diagnostics[0].message}"
        return [Anchor("IREE", name, values.function, None, reason) for values in functions]
    found: list[Anchor] = []
    for values in functions:

        def call(*arrays: np.ndarray, function: str = values.function) -> Arrays:
            results = program(*arrays, function=function)
            return results if isinstance(results, tuple) else (results,)

        found.append(_ask("IREE", name, values, call, iree=True))
    return found


def _program(forms: Sequence[Callable[[], ir.Operation]]) -> Program:
    from ..execution.build import build
    from ..execution.compiler import CompileError
    from ..execution.program import Program

    refusals: list[AttnormError] = []
    for form in forms:
        try:
            return Program(build(form()), device="local-sync")
        except AttnormError as error:
            refusals.append(error)
            if isinstance(error, CompileError):
                shutil.rmtree(error.reproducer, ignore_errors=True)
    raise refusals[0]


def _ask(
    system: str, module: str, values: Values, call: Callable[..., Arrays], *, iree: bool = False
) -> Anchor:
    problems: list[str] = []
    asked = [name for name in values.inputs if not (iree and name == SUBNORMAL)]
    for name in asked:
        try:
            results = call(*values.inputs[name])
        except AttnormError as error:
            return Anchor(system, module, values.function, None, error.diagnostics[0].message)
        problems += [
            f"result {index} for {name}: {problem}"
            for index, problem in enumerate(against(values, name, results, skips=iree))
            if problem
        ]
    report = "; ".join(problems) or ", ".join(asked)
    return Anchor(system, module, values.function, not problems, report)


def cost(module: ir.Operation) -> int:
    """How many elements and products the ops of a module come to; unknown sizes count as 1."""
    return sum(_cost(op) for op in _operations(module))


def _operations(module: ir.Operation) -> list[ir.Operation]:
    found: list[ir.Operation] = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        found.append(op)
        return ir.WalkResult.ADVANCE

    module.walk(visit)
    return found


def _cost(op: ir.Operation) -> int:
    if op.name == "stablehlo.dot_general":
        return _count(op.results[0]) * contraction(op)
    return max(map(_count, (*op.results, *op.operands)), default=0)


def _count(value: ir.Value) -> int:
    type_ = value.type
    if not isinstance(type_, ir.RankedTensorType):
        return 1
    sizes = (None if type_.is_dynamic_dim(i) else type_.get_dim_size(i) for i in range(type_.rank))
    return math.prod(filter(None, sizes))
