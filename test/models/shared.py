"""Exported modules with the values of the frameworks that they come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import attnorm
from attnorm.execution.compiler import compile_module
from attnorm.execution.program import Program
from attnorm.ir.serialization import bytecode
from attnorm.ir.tensor_type import TensorType

# By which part of the largest value of an output a result may be off.
BOUNDS = {"f32": 2e-4, "f16": 2.0**-9, "bf16": 2.0**-6}


@dataclass(frozen=True)
class Case:
    """A module and, where its framework gave them, values."""

    path: Path
    inputs: tuple[np.ndarray, ...] = ()
    outputs: tuple[np.ndarray, ...] = ()

    @staticmethod
    def read(path: Path) -> Case:
        """A module with the arrays beside it."""
        values = path.with_suffix(".npz")
        if not values.exists():
            return Case(path)
        with np.load(values) as arrays:
            found = {name: arrays[name] for name in arrays.files}

        def some(prefix: str) -> tuple[np.ndarray, ...]:
            names = [name for name in found if name.startswith(prefix)]
            names.sort(key=lambda name: int(name.removeprefix(prefix) or 0))
            return tuple(found[name] for name in names)

        return Case(path, some("in"), some("out"))


def compiled(path: Path, pipeline: str) -> Program:
    """The program of a module after a pipeline; plain IREE where the pipeline is empty."""
    module = attnorm.load(path)
    module = attnorm.lower(module, pipeline) if pipeline else module
    return Program(compile_module(bytecode(module)), device="local-sync")


def run(program: Program, inputs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """The results of the only function, for inputs that numpy could hold."""
    (signature,) = program.functions.values()
    arguments = [
        array.astype(type_.dtype) for array, type_ in zip(inputs, signature.arguments, strict=True)
    ]
    results = program(*arguments, function=signature.name)
    return results if isinstance(results, tuple) else (results,)


def drawn(program: Program) -> tuple[np.ndarray, ...]:
    """Random inputs; integers are small enough for any table."""
    (signature,) = program.functions.values()
    rng = np.random.default_rng(0)

    def draw(type_: TensorType) -> np.ndarray:
        shape = [5 if size is None else size for size in type_.shape]
        if "f" in type_.element:
            return rng.standard_normal(shape).astype(np.float32)
        return rng.integers(0, 2, shape)

    return tuple(draw(type_) for type_ in signature.arguments)


def given_sizes(path: Path, inputs: tuple[np.ndarray, ...]) -> str:
    """What `dims` has to say for a module to become static; nothing where it is."""
    text = attnorm.load(path)
    function = next(
        op.operation
        for op in text.regions[0].blocks[0]
        if op.operation.name == "func.func" and len(op.operation.regions[0].blocks)
    )
    types = [argument.type for argument in function.regions[0].blocks[0].arguments]
    return ";".join(
        f"{number}.{axis}={array.shape[axis]}"
        for number, (type_, array) in enumerate(zip(types, inputs, strict=True))
        for axis in range(type_.rank)
        if type_.is_dynamic_dim(axis)
    )


def error(result: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference as part of the largest value."""
    assert result.shape == expected.shape
    got, want = result.astype(np.float64), expected.astype(np.float64)
    assert np.isfinite(got).all() == np.isfinite(want).all()
    return float(np.abs(got - want).max() / max(np.abs(want).max(), 1e-30))
