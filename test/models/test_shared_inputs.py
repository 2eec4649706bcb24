"""Every exported module compiles and runs, and gives its framework's numbers.

Values that no framework gave (LiteRT's, and of JAX's dynamic RMSNorm) are NumPy's, in float64.
"""

from __future__ import annotations

import numpy as np
import pytest
from exports import ABSENT, COPIES, MANIFEST, exported
from shared import BOUNDS, Case, compiled, drawn, error, given_sizes, run

from attnorm.errors import AttnormError
from attnorm.ir.tensor_type import TensorType

# LiteRT's call carries no epsilon.
PIPELINE = "attnorm-to-iree{{rms-norm-epsilon=1e-6 dims={dims}}}"


CASES = {name: Case.read(path) for name, path in exported().items()}
WITH_VALUES = [name for name, case in CASES.items() if case.outputs]
WITHOUT_VALUES = [name for name, case in CASES.items() if not case.outputs]


def check(
    name: str, got: tuple[np.ndarray, ...], want: tuple[np.ndarray, ...], worst: dict
) -> None:
    """Every result within its type's bound."""
    assert len(got) == len(want)
    for index, (result, expected) in enumerate(zip(got, want, strict=True)):
        off = error(result, expected) / BOUNDS[TensorType.of(result).element]
        worst[f"{name} {index}"] = off
        assert off <= 1, f"result {index}: {off:.3g} times the bound"


@pytest.mark.parametrize("name", WITH_VALUES)
def test_values(name: str, worst: dict) -> None:
    """The framework's results; dynamic dimensions kept, and specialized to the inputs' sizes."""
    case = CASES[name]
    sizes = given_sizes(case.path, case.inputs)
    for dims in {"", sizes}:
        program = compiled(case.path, PIPELINE.format(dims=dims))
        (signature,) = program.functions.values()
        static = all(None not in type_.shape for type_ in signature.arguments)
        assert static == (dims == sizes)
        check(f"{name} {dims}", run(program, case.inputs), case.outputs, worst)


@pytest.mark.parametrize("name", WITHOUT_VALUES)
def test_same_as_plain_iree(name: str, worst: dict) -> None:
    """The results of the module as it is, on random inputs."""
    path = CASES[name].path
    plain = compiled(path, "")
    inputs = drawn(plain)
    ours = compiled(path, PIPELINE.format(dims=""))
    check(name, run(ours, inputs), run(plain, inputs), worst)


def test_all_are_there() -> None:
    """The copies have values; of the others there are as many as there were."""
    copies = list(COPIES.rglob("*.mlir"))
    assert len(copies) >= 6
    assert all(path.with_suffix(".npz").exists() for path in copies)
    if not MANIFEST.exists():
        pytest.skip(ABSENT)
    assert len(CASES) >= 69


@pytest.mark.parametrize(
    "name",
    [
        "jax/dpa_gqa_causal_bf16.mlir",
        "jax/hand_rms_gemma_dyn_f32.mlir",
        "litert/rms_hlfb.mlir",
        "litert/customcall_rms_norm.mlir",
        "torch_units/norm_llama_bf16.mlir",
        "torch_units/norm_llama_dyn_f32.mlir",
    ],
)
def test_refused_by_plain_iree(name: str) -> None:
    """IREE still refuses these: where it does not, the pass that is there for it may go."""
    with pytest.raises(AttnormError):
        compiled(COPIES / name, "")


@pytest.mark.parametrize("size", [1, 3, 16])
def test_dynamic_sizes(size: int) -> None:
    """One program for several sizes, and programs for one size each, agree."""
    path = COPIES / "jax" / "hand_rms_gemma_dyn_f32.mlir"
    rng = np.random.default_rng(size)
    x = rng.standard_normal((1, size, 64)).astype(np.float32)
    w = rng.standard_normal(64).astype(np.float32)
    wide = x.astype(np.float64)
    expected = wide / np.sqrt((wide**2).mean(-1, keepdims=True) + 1e-6) * (1 + w.astype(np.float64))
    for dims in ("", f"s={size}", f"0.1={size}"):
        (result,) = run(compiled(path, PIPELINE.format(dims=dims)), (x, w))
        assert error(result, expected) < 1e-6
