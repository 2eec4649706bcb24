"""One op in one function, on given arrays: built, lowered, interpreted, compiled."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np
from closeness import assert_close

from attnorm import dialect
from attnorm.execution.compiler import compile_module
from attnorm.execution.interpreter import evaluate
from attnorm.execution.program import Program
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import run_native
from attnorm.ir.serialization import bytecode
from attnorm.ir.tensor_type import TensorType
from attnorm.pipeline import driver
from attnorm.pipeline.pipelines import DEFAULT

F16, BF16 = np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
HALVES, FLOATS = (F16, BF16), (F16, BF16, F32, F64)

INLINED = "func.func(stablehlo-legalize-composite-to-call),inline"


@dataclass(frozen=True, repr=False)
class Case:
    """A function of `arguments` whose results have the types `results`.

    `body` makes the results' values from the arguments' at the insertion point of the context.
    `dynamic` are (argument, axis) pairs whose size the function does not know.
    """

    label: str
    arguments: Sequence[np.ndarray]
    results: Sequence[TensorType]
    body: Callable[[Sequence[ir.Value], Sequence[ir.Type]], Sequence[ir.Value]]
    dynamic: frozenset[tuple[int, int]] = field(default_factory=frozenset)

    def __repr__(self) -> str:
        arguments, results = (", ".join(map(str, t)) for t in (self.argument_types(), self.results))
        return f"{self.label} : ({arguments}) -> ({results})"

    def argument_types(self) -> list[TensorType]:
        """The declared types of the arguments."""
        return [
            TensorType(
                tuple(
                    None if (index, axis) in self.dynamic else size
                    for axis, size in enumerate(array.shape)
                ),
                TensorType.of(array).element,
            )
            for index, array in enumerate(self.arguments)
        ]


@dataclass(frozen=True, repr=False)
class Question:
    """A case and its answer: for every result the definition's value and the error allowed."""

    case: Case
    answers: Sequence[tuple[np.ndarray, np.ndarray | float]]

    def __repr__(self) -> str:
        return repr(self.case)

    def elements(self) -> set[str]:
        """The element types of arguments and results."""
        return {kind.element for kind in [*self.case.argument_types(), *self.case.results]}

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What hypothesis shows: the label, not the arrays."""
        printer.text(repr(self))

    def check(self, results: Sequence[np.ndarray]) -> None:
        """Compares results with the answers."""
        for got, kind, (want, error) in zip(results, self.case.results, self.answers, strict=True):
            assert got.dtype == kind.dtype
            assert_close(got, want, error, self)


def check_interpreted(question: Question, passes: str = DEFAULT) -> None:
    """Asks the StableHLO interpreter."""
    question.check(interpret(question.case, passes))


def check_compiled(questions: Sequence[Question], passes: str = DEFAULT) -> None:
    """Asks IREE, in one module; but for f64 with f16, whose conversion it gets wrong.

    It flushes the subnormals of f16 to 0 there and rounds twice.
    """
    questions = [q for q in questions if not {"f64", "f16"} <= q.elements()]
    found = run_compiled([question.case for question in questions], passes)
    for question, results in zip(questions, found, strict=True):
        question.check(results)


def tensor(shape: Iterable[int | None], dtype: np.dtype) -> TensorType:
    """A tensor type; None is a dynamic size."""
    return TensorType(tuple(shape), TensorType.of(np.empty((), dtype)).element)


def op_case(
    name: str,
    operands: Mapping[str, np.ndarray | None],
    attributes: Mapping[str, Any],
    results: Sequence[TensorType],
    dynamic: Iterable[tuple[str, int]] = (),
) -> Case:
    """One op of the dialect; `dynamic` are (operand, axis) pairs."""
    present = [key for key, value in operands.items() if value is not None]

    def body(values: Sequence[ir.Value], types: Sequence[ir.Type]) -> Sequence[ir.Value]:
        named = dict(zip(present, values, strict=True))
        return dialect.OPS[f"attnorm.{name}"].build(named, types, attributes).results

    return Case(
        f"{name} {attributes}",
        [operands[key] for key in present],
        results,
        body,
        frozenset((present.index(key), axis) for key, axis in dynamic),
    )


def call_case(
    target: str,
    arguments: Sequence[np.ndarray],
    attributes: str,
    results: Sequence[TensorType],
    dynamic: Iterable[tuple[int, int]] = (),
) -> Case:
    """`stablehlo.custom_call @target(arguments) {attributes}`."""

    def body(values: Sequence[ir.Value], types: Sequence[ir.Type]) -> Sequence[ir.Value]:
        given = ir.DictAttr(ir.Attribute.parse(f"{{{attributes}}}"))
        named = {item.name: item.attr for item in given}
        named["call_target_name"] = ir.StringAttr.get(target)
        return ir.Operation.create(
            "stablehlo.custom_call", list(types), list(values), named
        ).results

    label = f"@{target} {{{attributes}}}"
    return Case(label, arguments, results, body, frozenset(dynamic))


# Both take longer than an example.
_context = functools.cache(dialect.new_context)
_steps = functools.cache(driver.resolve)


def module_of(*cases: Case) -> ir.Operation:
    """A module with the functions @f0, @f1, ..., one a case."""
    with _context(), ir.Location.unknown():
        module = ir.Module.create().operation
        for index, case in enumerate(cases):
            with ir.InsertionPoint(module.regions[0].blocks[0]):
                _define(f"f{index}", case)
        assert module.verify()
    return module


def _define(name: str, case: Case) -> None:
    arguments, results = (
        [ir.Type.parse(f"tensor<{kind}>") for kind in kinds]
        for kinds in (case.argument_types(), case.results)
    )
    function = ir.Operation.create(
        "func.func",
        attributes={
            "sym_name": ir.StringAttr.get(name),
            "function_type": ir.TypeAttr.get(ir.FunctionType.get(arguments, results)),
        },
        regions=1,
    )
    unknown = [ir.Location.unknown()] * len(arguments)
    block = function.regions[0].blocks.append(*arguments, arg_locs=unknown)
    with ir.InsertionPoint(block):
        values = case.body(list(block.arguments), results)
        ir.Operation.create("func.return", operands=list(values))


def lowered(cases: Sequence[Case], passes: str = DEFAULT) -> ir.Operation:
    """The cases' module after a pipeline."""
    module = module_of(*cases)
    driver.run(module, _steps(passes))
    return module


def interpret(case: Case, passes: str = DEFAULT) -> tuple[np.ndarray, ...]:
    """The results by the StableHLO interpreter, of the case after a pipeline."""
    module = lowered([case], passes)
    if "composites" in passes:
        run_native(module, INLINED)
    return evaluate(module, *case.arguments, function="f0")


def run_compiled(cases: Sequence[Case], passes: str = DEFAULT) -> list[tuple[np.ndarray, ...]]:
    """The results by IREE, of all cases compiled as one module."""
    module = lowered(cases, f"{passes},attnorm-legalize")
    program = Program(compile_module(bytecode(module)))
    found = [program(*case.arguments, function=f"f{index}") for index, case in enumerate(cases)]
    return [value if isinstance(value, tuple) else (value,) for value in found]
