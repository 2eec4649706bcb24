"""Compiled programs on NumPy arrays."""

import gc
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
from modules import ATTENTION, RMS_NORM, attention, doubling, normal, rms_norm

from attnorm.errors import AttnormError
from attnorm.execution.compiler import compile_module
from attnorm.execution.program import Program

SEVERAL = """
module {
  func.func @main(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
    %0 = stablehlo.negate %x : tensor<2x4xf32>
    return %0 : tensor<2x4xf32>
  }
  func.func @swap(%x: tensor<2xf32>, %y: tensor<3xi32>) -> (tensor<3xi32>, tensor<2xf32>) {
    return %y, %x : tensor<3xi32>, tensor<2xf32>
  }
  func.func @twice(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
    return %x, %x : tensor<2xf32>, tensor<2xf32>
  }
  func.func @dynamic(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
    %0 = stablehlo.add %x, %x : tensor<?x3xf32>
    return %0 : tensor<?x3xf32>
  }
}
"""


@pytest.fixture(scope="module")
def several():
    return Program(compile_module(SEVERAL.encode()))


@pytest.mark.parametrize("device", ["local-task", "local-sync"])
def test_rms_norm_and_attention(device):
    """Both agree with their float64 definitions, on all cores and on one thread."""
    x, w = normal(5, 37), normal(37, seed=1)
    y = Program(compile_module(RMS_NORM.encode()), device=device)(x, w)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, rms_norm(x, w), rtol=2e-6, atol=1e-7)
    q, k, v = normal(2, 9, 16), normal(2, 13, 16, seed=1), normal(2, 13, 8, seed=2)
    o = Program(compile_module(ATTENTION.encode()), device=device)(q, k, v)
    np.testing.assert_allclose(o, attention(q, k, v, 0.25), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(), (3,), (2, 5), (0, 3)])
@pytest.mark.parametrize(
    ("element", "dtype"),
    [
        *(("f16", np.float16), ("bf16", ml_dtypes.bfloat16), ("f32", np.float32)),
        *(("f64", np.float64), ("i1", np.bool_), ("i8", np.int8), ("ui8", np.uint8)),
        *(("i32", np.int32), ("ui32", np.uint32), ("i64", np.int64)),
    ],
)
def test_types_go_in_and_come_out(element, dtype, shape):
    """Every element type, at rank 0 and with no elements too, comes out as what went in."""
    x = np.asarray(normal(*shape) * 3).astype(dtype)
    if element.startswith("ui"):
        x = np.abs(normal(*shape) * 3).astype(dtype)
    kind = "x".join([*map(str, shape), element])
    y = Program(compile_module(doubling(kind).encode()))(x)
    assert isinstance(y, np.ndarray) and y.dtype == x.dtype and y.shape == x.shape
    np.testing.assert_array_equal(y, x | x if element == "i1" else x + x)


def test_functions(several):
    """Functions are listed with their types and called by name; several results are a tuple."""
    assert list(several.functions) == ["main", "swap", "twice", "dynamic"]
    assert str(several.functions["swap"]) == "swap(2xf32, 3xi32) -> (3xi32, 2xf32)"
    x, y = np.array([1, 2], np.float32), np.array([3, 4, 5], np.int32)
    first, second = several(x, y, function="swap")
    np.testing.assert_array_equal(first, y)
    np.testing.assert_array_equal(second, x)
    rows = normal(7, 3)
    np.testing.assert_array_equal(several(rows, function="dynamic"), rows + rows)


def test_arguments_of_any_layout(several):
    """A strided array is its values, and the caller's array is never written."""
    x = normal(4, 2).T
    np.testing.assert_array_equal(several(x), -x)
    results = several(np.array([1, 2], np.float32), function="twice")
    results[0][0] = 9
    np.testing.assert_array_equal(results[1], [1, 2])


def test_bind(several):
    """A bound call repeats itself, whatever becomes of the arrays it was given or has returned."""
    x, y = np.array([1, 2], np.float32), np.array([3, 4, 5], np.int32)
    swap = several.bind(x, y, function="swap")
    x[0] = 9
    for _ in range(2):
        first, second = swap()
        np.testing.assert_array_equal(first, [3, 4, 5])
        np.testing.assert_array_equal(second, [1, 2])
        first[0], second[0] = 7, 7
    rows = normal(2, 4)
    np.testing.assert_array_equal(several.bind(rows)(), -rows)
    with pytest.raises(AttnormError, match="argument 0: expected 2x4xf32, got 2x5xf32"):
        several.bind(normal(2, 5))


@pytest.mark.parametrize(
    ("arguments", "function", "message"),
    [
        ([np.zeros((2, 5), np.float32)], None, "'main': argument 0: expected 2x4xf32, got 2x5xf32"),
        ([np.zeros((2, 4))], None, "argument 0: expected 2x4xf32, got 2x4xf64"),
        ([np.zeros((2, 4), complex)], None, "expected 2x4xf32, got dtype complex128"),
        ([[[1.0] * 4] * 2], None, "expected 2x4xf32 as a NumPy array, got list"),
        ([], None, r"'main': expected 1 arguments \(2x4xf32\), got 0"),
        (
            [np.zeros(2, np.float32), np.zeros(3, np.uint32)],
            "swap",
            "'swap': argument 1: expected 3xi32, got 3xui32",
        ),
        ([np.zeros((7, 4), np.float32)], "dynamic", r"expected \?x3xf32, got 7x4xf32"),
        ([], "nope", "expected a function of main, swap, twice, dynamic, got 'nope'"),
    ],
)
def test_wrong_arguments(several, arguments, function, message):
    """Arguments of another number, shape or dtype are errors that name the argument."""
    with pytest.raises(AttnormError, match=message):
        several(*arguments, function=function)


def test_save_and_load(several, tmp_path):
    """A saved program loads and computes the same; nothing but the file is left behind."""
    several.save(tmp_path / "p.vmfb")
    assert [file.name for file in tmp_path.iterdir()] == ["p.vmfb"]
    x = normal(2, 4)
    np.testing.assert_array_equal(Program.load(tmp_path / "p.vmfb")(x), -x)
    with pytest.raises(AttnormError, match="cannot write"):
        several.save(tmp_path / "none" / "p.vmfb")


def test_bad_programs(tmp_path):
    """A missing or corrupt file, and one for another architecture, are errors with the path."""
    with pytest.raises(AttnormError, match=r"cannot read .*p\.vmfb"):
        Program.load(tmp_path / "p.vmfb")
    vmfb = compile_module(SEVERAL.encode(), "riscv64")
    for corrupt in (b"", b"x" * 100, vmfb[: len(vmfb) // 2]):
        (tmp_path / "p.vmfb").write_bytes(corrupt)
        with pytest.raises(AttnormError, match=r"p\.vmfb: expected an IREE module"):
            Program.load(tmp_path / "p.vmfb")
    other = Program(vmfb)
    other.save(tmp_path / "p.vmfb")
    with pytest.raises(AttnormError, match="compiled for another architecture: riscv_64"):
        other(np.zeros((2, 4), np.float32))
    with pytest.raises(AttnormError, match="expected a device of local-task"):
        Program(vmfb, device="cuda9")


def test_results_outlive_the_program():
    """A result stays good after its program is gone, and at the end of the process."""
    y = Program(compile_module(SEVERAL.encode()))(np.ones((2, 4), np.float32))
    gc.collect()
    np.testing.assert_array_equal(y, -np.ones((2, 4)))
    script = (
        "import numpy as np\n"
        "from attnorm.execution import device, program\n"
        "from attnorm.execution.compiler import compile_module\n"
        f"y = program.Program(compile_module({SEVERAL.encode()!r}))(np.ones((2, 4), np.float32))\n"
        "device._devices.clear(), device.instance.cache_clear()\n"
        "print(y.sum())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "-8.0\n", "")
