"""What the tests of the row kernels share: functions as text, compiled and run."""

from __future__ import annotations

import ml_dtypes
import numpy as np

import attnorm
from attnorm.execution.build import build
from attnorm.execution.program import Program
from attnorm.ir.tensor_type import TensorType

F16, F32, BF16 = np.dtype(np.float16), np.dtype(np.float32), np.dtype(ml_dtypes.bfloat16)
UNIT = 2.0**-24
"""The relative error of a rounding to f32."""
CPUS = [
    ("aarch64", "cortex-a72"),
    *(("aarch64+sve", f"max,sve-max-vq={bits // 128}") for bits in (128, 256, 512)),
]
"""Targets, and the CPUs of qemu's that run them."""


def built(text, target="host"):
    """A compiled module; every composite of it has a kernel."""
    reasons = []
    module = attnorm.lower(attnorm.load(text), "attnorm-to-iree")
    vmfb = build(module, target, on_choice=lambda choice: reasons.append(choice.reason))
    assert reasons and set(reasons) == {None}
    return vmfb


def run(text, *arrays):
    return Program(built(text), device="local-sync")(*arrays)


def function(arrays, results, body):
    """The text of a function; in `body`, {0} is the type of the first operand or result."""
    types = [f"tensor<{TensorType.of(array)}>" for array in (*arrays, *results)]
    count = len(arrays)
    inputs = ", ".join(f"%a{i}: {type_}" for i, type_ in enumerate(types[:count]))
    outputs = ", ".join(types[count:])
    returned = ", ".join(f"%r{i}" for i in range(len(results)))
    return (
        f"func.func @main({inputs}) -> ({outputs}) {{\n{body.format(*types)}\n"
        f"  return {returned} : {outputs}\n}}"
    )


def normal(shape, seed=0, dtype=F32):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def close(got, want, dtype):
    """Within a few units of the type's last place, of the largest value."""
    limit = {F32: 2e-6, F16: 2.0**-10, BF16: 2.0**-7}[dtype]
    assert np.abs(got.astype(float) - want).max() <= limit * np.abs(want).max()
