"""Programs compiled apart from their weights: parameters and archives."""

import re
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
from iree import runtime
from modules import normal
from weight_modules import (
    SPELT,
    WEIGHTS,
    P,
    adding,
    close,
    constant,
    layer,
    layer_value,
    spelt,
    with_resources,
)

import attnorm
from attnorm.execution.flags import choose_flags
from attnorm.execution.program import Program
from attnorm.execution.weights import Weights
from attnorm.ir.serialization import bytecode

X = normal(4, 32)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A program and its archive."""
    folder = tmp_path_factory.mktemp("built")
    program = attnorm.compile(layer(), weights=folder / "m.irpa", weights_min_bytes=1)
    program.save(folder / "m.vmfb")
    return folder


# -- archives ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [d for d in SPELT if d != np.bool_], ids=str)
def test_types(dtype, tmp_path):
    """A weight of every type comes out of the archive as it was in the module."""
    w = (normal(7, 40) * 5).astype(dtype)
    x = (normal(7, 40, seed=1) * 5).astype(dtype)
    program = attnorm.compile(adding("a.b", w), weights=tmp_path / "w.irpa", weights_min_bytes=1)
    assert {name: str(type_) for name, type_ in program.weights.items()} == {"a.b": spelt(w)}
    np.testing.assert_array_equal(program(x), x + w)
    index = runtime.ParameterIndex()
    index.load(str(tmp_path / "w.irpa"))
    assert [(name, entry.length) for name, entry in index.items()] == [("a.b", w.nbytes)]


def test_iree_reads_the_archive(built):
    """IREE's own Python finds names, types and values in it."""
    index = runtime.ParameterIndex()
    index.load(str(built / "m.irpa"))
    found = {
        name: runtime.parameter_index_entry_as_numpy_ndarray(entry) for name, entry in index.items()
    }
    assert found.keys() == WEIGHTS.keys()
    for name, array in WEIGHTS.items():
        np.testing.assert_array_equal(found[name], array)


def test_saved_and_loaded(built):
    """A program and its archive, read again, compute what the module means."""
    program = Program.load(built / "m.vmfb", weights=built / "m.irpa")
    close(program(X), layer_value(X))
    close(program.bind(X)(), layer_value(X))


def test_functions_share_weights(tmp_path):
    """A weight that two functions use is one parameter, and both read it."""
    module = layer(("prefill", "decode"))
    program = attnorm.compile(module, weights=tmp_path / "w.irpa", weights_min_bytes=1)
    assert program.weights.keys() == WEIGHTS.keys()
    assert (tmp_path / "w.irpa").stat().st_size < 2 * P.nbytes + 8192
    for function in ("prefill", "decode"):
        close(program(X, function=function), layer_value(X))


def test_what_becomes_a_weight():
    """Constants by their bytes; not one value everywhere, not booleans; each once, named if not."""
    big, small = normal(300), normal(200)
    mask = normal(2000) > 0
    dense = ", ".join(f"{value:.3f}" for value in normal(300, seed=3))
    body = (
        f"func.func @main() {{\n"
        f"{constant('a', 'big', big)}{constant('b', 'small', small)}{constant('c', 'big', big)}"
        f"  %m = stablehlo.constant dense<{str(mask.tolist()).lower()}> : tensor<2000xi1>\n"
        f"  %s = stablehlo.constant dense<2.0> : tensor<300xf32>\n"
        f"  %d = stablehlo.constant dense<[{dense}]> : tensor<300xf32>\n"
        f"  %e = stablehlo.constant dense<[{dense}]> : tensor<300xf32>\n"
        "  return\n}\n"
    )
    module = attnorm.load(with_resources(body, {"big": big, "small": small}))
    weights = Weights()
    weights.take_rest(weights.take_named(module))
    assert sorted(weight.name for weight in weights.taken.values()) == ["big", "constant.0"]


def test_the_module_is_left_alone(tmp_path):
    """Compiling apart does not change the module; it can be compiled whole after."""
    module = layer()
    attnorm.compile(module, weights=tmp_path / "w.irpa", weights_min_bytes=1)
    program = attnorm.compile(module)
    assert not program.weights
    close(program(X), layer_value(X))


def test_derived_values_are_computed_once(built):
    """What derives from weights alone is computed when the program is loaded, not in a call."""
    names = set(re.findall(rb"[\w$]+_dispatch_\d+", (built / "m.vmfb").read_bytes()))
    at_load = [name for name in names if name.startswith(b"_init")]
    assert len(at_load) == 2, "1 + n, and sin(p^T)"


def test_converted_once(tmp_path):
    """Weights stored in fewer bytes than they are used in are converted at load, not in a call."""
    w = normal(600, 700)
    body = (
        "func.func @main(%x: tensor<16x700xf32>) -> tensor<16x600xf32> {\n"
        f"{constant('w', 'w', w)}"
        "  %y = stablehlo.dot_general %x, %w, contracting_dims = [1] x [1]\n"
        "      : (tensor<16x700xf32>, tensor<600x700xf32>) -> tensor<16x600xf32>\n"
        "  return %y : tensor<16x600xf32>\n}\n"
    )
    module = attnorm.load(with_resources(body, {"w": w}))
    program = attnorm.compile(module, weights=tmp_path / "w.irpa", weights_dtype="bf16")
    assert str(program.weights["w"]) == "600x700xbf16"
    x = normal(16, 700, seed=1)
    rounded = w.astype(ml_dtypes.bfloat16).astype(np.float64)
    close(program(x), x.astype(np.float64) @ rounded.T, atol=1e-4)
    program.save(tmp_path / "m.vmfb")
    names = set(re.findall(rb"[\w$]+_dispatch_[\w$]+", (tmp_path / "m.vmfb").read_bytes()))
    assert any(b"bf16" in name for name in names if name.startswith(b"_init"))
    assert not any(b"bf16" in name for name in names if not name.startswith(b"_init"))


def test_data_tiling_takes_weights_for_constants():
    """The rule for packing operands sees a weight as what it is."""
    w = normal(512, 512)
    body = (
        "func.func @main(%x: tensor<16x512xf32>) -> tensor<16x512xf32> {\n"
        f"{constant('w', 'w', w)}"
        "  %y = stablehlo.dot_general %x, %w, contracting_dims = [1] x [1]\n"
        "      : (tensor<16x512xf32>, tensor<512x512xf32>) -> tensor<16x512xf32>\n"
        "  return %y : tensor<16x512xf32>\n}\n"
    )
    for dtype in (None, "bf16"):
        weights = Weights(dtype=dtype)
        module = attnorm.load(with_resources(body, {"w": w}))
        taken = weights.take_rest(weights.take_named(module))
        reasons = {flag.name: flag.reason for flag in choose_flags(taken)}
        assert reasons["--iree-opt-data-tiling"].startswith("1 constant of products")


def test_memory(tmp_path):
    """The bytes of weights pass through memory once, and none of them is in the program."""
    script = (
        "import resource, sys\n"
        "from attnorm.tools.cli import main\n"
        "status = main(sys.argv[1:])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
        "sys.exit(status)\n"
    )

    def peak(name, array):
        path = tmp_path / name
        adding("w", array, 64).write_bytecode(f"{path}.mlirbc")
        command = ["compile", f"{path}.mlirbc", "-o", f"{path}.vmfb", "--weights", f"{path}.irpa"]
        done = subprocess.run(
            [sys.executable, "-c", script, *command], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return int(done.stdout) * 1024

    w = np.arange(1 << 25, dtype=np.float32).reshape(1 << 12, 1 << 13)
    growth = peak("big", w) - peak("small", w[:1])
    assert growth < 1.25 * w.nbytes
    assert (tmp_path / "big.vmfb").stat().st_size < 100_000


def test_aligned_resources():
    """Bytecode whose resources want 64-byte alignment is read from bytes, and compiles whole."""
    w = normal(40, 300)
    module = attnorm.load(bytecode(adding("w", w, 64)))
    np.testing.assert_array_equal(attnorm.compile(module)(w), w + w)
