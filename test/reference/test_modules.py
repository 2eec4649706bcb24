"""Exported modules: every op has a definition, and values are the frameworks'."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from exports import exported

import attnorm
from attnorm import reference
from attnorm.errors import AttnormError
from attnorm.ir.entry import choose, signature
from attnorm.ir.mlir import ir
from attnorm.reference.custom_calls import MEANINGS, NOTES
from attnorm.reference.interpreter import HANDLERS
from attnorm.reference.kinds import Precision

TESTS = Path(__file__).parents[1]
PATHS = exported()
PIPELINES = ("attnorm-raise", "attnorm-to-composites", "attnorm-to-iree")
# Which carries no epsilon.
EPSILON = 1e-6
# By which part of the largest value of an output a result may be off.
BOUNDS = {"float32": 2e-6, "float16": 2.0**-10, "bfloat16": 2.0**-7}
# Long sums, whose order is theirs, and values that are scaled up again.
FURTHER = {"jax/gemma_block_f32.mlir": 1e-5}

# Structure, and what no pass makes: random numbers, and calls that nobody knows.
OTHERS = frozenset({"builtin.module", "func.func", "func.return", "shape.assuming_yield"})
OTHERS |= {"stablehlo.return", "stablehlo.rng"}
UNKNOWN = frozenset({"batch_norm", "mystery", "reduce_foo", "reduce_summ", "rmsnorm"})


def values_of(path: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What a module takes and gives, where its framework said it."""
    values = path.with_suffix(".npz")
    if not values.exists():
        return [], []
    with np.load(values) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    names = sorted(found, key=lambda name: int(name.strip("inout") or 0))
    inputs, outputs = (
        [found[n] for n in names if n.startswith(prefix)] for prefix in ("in", "out")
    )
    return inputs, outputs


def evaluate(path: Path, arrays: list[np.ndarray], precision: Precision) -> tuple[np.ndarray, ...]:
    """The results, for inputs that NumPy could hold."""
    module = attnorm.load(path)
    with module.context:
        kinds = signature(choose(module, None)).arguments
    rng = np.random.default_rng(0)
    if not arrays:
        for kind in kinds:
            shape = [5 if size is None else size for size in kind.shape]
            real = kind.dtype.kind not in "biu"
            arrays.append(rng.standard_normal(shape) if real else rng.integers(0, 2, shape))
    given = [array.astype(kind.dtype) for array, kind in zip(arrays, kinds, strict=True)]
    return reference.evaluate(module, *given, precision=precision, rms_norm_epsilon=EPSILON)


@pytest.mark.parametrize("name", [name for name in PATHS if values_of(PATHS[name])[1]])
def test_values(name: str) -> None:
    """The framework's, in native precision; and in the other ones, but for roundings."""
    inputs, outputs = values_of(PATHS[name])
    native = evaluate(PATHS[name], inputs, "native")
    assert len(native) == len(outputs) > 0
    for got, want in zip(native, outputs, strict=True):
        bound = FURTHER.get(name, BOUNDS[str(got.dtype)])
        assert error(got, want) <= bound
    for precision in ("exact", "folded", "real"):
        for got, want in zip(evaluate(PATHS[name], inputs, precision), native, strict=True):
            assert got.dtype == np.float64
            assert error(got, want) <= FURTHER.get(name, 2 * BOUNDS[str(want.dtype)])


@pytest.mark.parametrize("name", [name for name in PATHS if not values_of(PATHS[name])[1]])
def test_runs(name: str) -> None:
    """No framework gave values: exact and native ones agree."""
    native, exact = (evaluate(PATHS[name], [], precision) for precision in ("native", "exact"))
    for got, want in zip(native, exact, strict=True):
        assert error(got, want) <= BOUNDS[str(got.dtype)]


def error(got: np.ndarray, want: np.ndarray) -> float:
    """The largest difference as part of the largest value."""
    assert got.shape == want.shape
    a, b = got.astype(np.float64), want.astype(np.float64)
    assert (np.isfinite(a) == np.isfinite(b)).all()
    return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30))


def without_definition(module: ir.Operation) -> set[str]:
    """The names of ops and the targets of calls that have none."""
    found: set[str] = set()

    def visit(op: ir.Operation) -> ir.WalkResult:
        if op.name not in HANDLERS and op.name not in OTHERS:
            found.add(op.name)
        if op.name == "stablehlo.custom_call":
            target = ir.StringAttr(op.attributes["call_target_name"]).value
            found.update({target} - {*MEANINGS} - NOTES - UNKNOWN)
        return ir.WalkResult.ADVANCE

    module.walk(visit)
    return found


@pytest.mark.parametrize("name", PATHS)
def test_every_op_has_a_definition(name: str) -> None:
    """In the module, and in what the pipelines make of it."""
    module = attnorm.load(PATHS[name])
    assert not without_definition(module)
    for pipeline in PIPELINES:
        option = f"{{rms-norm-epsilon={EPSILON}}}"
        try:
            lowered = attnorm.lower(module, f"builtin.module({pipeline}{option})")
        except AttnormError as refused:
            # Sizes are asserted, which only the pipeline for IREE takes.
            assert "custom call @shape_assertion is left" in str(refused)
            continue
        assert not without_definition(lowered)


def modules_of_passes() -> Iterator[ir.Operation]:
    """Everything that the tests of passes have to parse."""
    for path in sorted((TESTS / "passes").glob("*.mlir")):
        for text in re.split(r"^// -----.*$", path.read_text(), flags=re.MULTILINE):
            try:
                yield attnorm.load(text)
            except AttnormError:
                continue


def test_every_op_of_the_passes_has_a_definition() -> None:
    """In the inputs of the passes' own tests."""
    modules = list(modules_of_passes())
    assert len(modules) > 100
    assert set().union(*map(without_definition, modules)) == set()
