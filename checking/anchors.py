"""Values of other systems beside ours: whether our interpreter means what StableHLO means."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..bindings import ir
from ..errors import AttnormError
from ..execution import interpreter
from ..pipeline import run
from .inputs import Arrays
from .roles import contraction
from .verdict import Values, against

COST = 3e6
"""How many elements and products StableHLO's interpreter, at a million a second, is given."""


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


Run = Callable[..., Arrays]


def anchor_input(module: ir.Operation, values: Values, tell: Callable[[str], None]) -> Anchor:
    """The module as it came: StableHLO's interpreter, or IREE where that would take long."""
    name = "the module as given"
    if cost(module) <= COST:
        tell(f"StableHLO's interpreter on {name}")

        def evaluate(*arrays: np.ndarray) -> Arrays:
            return interpreter.evaluate(module, *arrays, function=values.function)

        found = _ask("StableHLO's interpreter", name, values, evaluate)
        if found.agrees is not None:
            return found
    with module.context:
        plain = module.clone().operation
    return _ask_iree(plain, "normalize-stablehlo", name, values, tell)


def anchor_result(module: ir.Operation, values: Values, tell: Callable[[str], None]) -> Anchor:
    """What the pipeline made, compiled for this machine."""
    return _ask_iree(module, "", "the result", values, tell)


def _ask_iree(
    module: ir.Operation, pipeline: str, name: str, values: Values, tell: Callable[[str], None]
) -> Anchor:
    from ..execution.build import build
    from ..execution.compiler import CompileError
    from ..execution.program import Program

    tell(f"IREE on {name}")
    try:
        if pipeline:
            run(module, pipeline)
        program = Program(build(module), device="local-sync")
    except CompileError as error:
        shutil.rmtree(error.reproducer, ignore_errors=True)
        return Anchor("IREE", name, values.function, None, error.diagnostics[0].message)
    except AttnormError as error:
        return Anchor("IREE", name, values.function, None, error.diagnostics[0].message)

    def call(*arrays: np.ndarray) -> Arrays:
        results = program(*arrays, function=values.function)
        return results if isinstance(results, tuple) else (results,)

    return _ask("IREE", name, values, call)


def _ask(system: str, module: str, values: Values, call: Run) -> Anchor:
    problems: list[str] = []
    for name, arrays in values.inputs.items():
        try:
            results = call(*arrays)
        except AttnormError as error:
            return Anchor(system, module, values.function, None, error.diagnostics[0].message)
        problems += [
            f"result {index} for {name}: {problem}"
            for index, problem in enumerate(against(values, name, results))
            if problem
        ]
    report = "; ".join(problems) or f"{len(values.inputs)} sets of arguments"
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
