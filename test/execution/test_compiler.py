"""StableHLO to .vmfb in process: flags, diagnostics, reproducers."""

import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
from iree.compiler.tools.binaries import find_tool
from modules import ATTENTION, CHOLESKY, RMS_NORM, normal, rms_norm

import attnorm
from attnorm.errors import AttnormError
from attnorm.execution.compiler import CompileError, compile_module
from attnorm.execution.program import Program
from attnorm.execution.targets import find_target
from attnorm.ir.contexts import make_context
from attnorm.ir.parsing import parse_text
from attnorm.ir.serialization import bytecode


def parse(text, name="model.mlir"):
    return parse_text(text, name, make_context())


def test_text_and_bytecode_are_the_same_program():
    """IREE, of another LLVM version, reads our bytecode as it reads text."""
    module = parse(RMS_NORM)
    x, w = normal(5, 37), normal(37, seed=1)
    results = [
        Program(compile_module(form))(x, w) for form in (str(module).encode(), bytecode(module))
    ]
    np.testing.assert_allclose(results[0], rms_norm(x, w), rtol=2e-6, atol=1e-7)
    np.testing.assert_array_equal(results[1], results[0])


def test_failure_points_at_the_source(capfd):
    """IREE's diagnostic has the user's file and line, the phase, and nothing goes to stderr."""
    with pytest.raises(CompileError) as caught:
        compile_module(bytecode(parse(CHOLESKY)))
    first = caught.value.diagnostics[0]
    assert (first.file, first.line, first.column) == ("model.mlir", 3, 10)
    assert "failed to legalize operation 'stablehlo.cholesky'" in first.message
    assert caught.value.phase == "input"
    assert "iree failed in its phase 'input'" in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_failure_leaves_a_reproducer():
    """The script in the message's path fails as the compilation did."""
    with pytest.raises(CompileError) as caught:
        compile_module(bytecode(parse(CHOLESKY)), "aarch64")
    script = caught.value.reproducer / "reproduce.sh"
    assert str(script) in str(caught.value)
    assert "--iree-llvmcpu-target-triple=aarch64" in script.read_text()
    again = subprocess.run([script], capture_output=True, text=True)
    assert again.returncode == 1 and "model.mlir:3:10: error: failed to legalize" in again.stderr


@pytest.mark.parametrize("source", [b"func.func @f(", b"ML\xefR", b"\x00\x01\x02", b"module {"])
def test_malformed_modules_are_errors(source):
    """What is no module fails in the phase 'parse', with a diagnostic."""
    with pytest.raises(CompileError) as caught:
        compile_module(source)
    assert caught.value.phase == "parse" and caught.value.diagnostics[0].message


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--iree-opt-leve=O2", r"Unknown command line argument .*did you mean '--iree-opt-level'"),
        ("--iree-opt-level=O9", "'O9' value not a valid optimization level"),
        ("--iree-llvmcpu-target-cpu=zen99", "name the CPU with the target instead"),
        ("--mlir-print-ir-before-all", "one of the whole process"),
        ("--iree-opt-level=O1", "one of the whole process"),
    ],
)
def test_bad_flags_are_errors(flag, message):
    """A flag that IREE would end the process for, or refuse, is an error that names it."""
    compile_module(b"module {}")
    with pytest.raises(AttnormError, match=message):
        compile_module(b"module {}", flags=[flag])


def test_flags_come_after_ours():
    """A later flag wins: the escape hatch changes what we set."""
    text = RMS_NORM.replace("f32", "f64")
    plain = compile_module(text.encode())
    demoted = compile_module(text.encode(), flags=["--iree-input-demote-f64-to-f32"])
    assert b"tensor<5x37xf64>" in plain and b"tensor<5x37xf64>" not in demoted


def test_optimization_level_takes_effect(tmp_path):
    """What is compiled in process is what `iree-compile` makes of the same module at O3."""
    (tmp_path / "module.mlir").write_text(ATTENTION)
    flags = ["--iree-hal-target-device=local", "--iree-hal-local-target-device-backends=llvm-cpu"]
    flags += [*find_target("host").flags(), "--iree-input-demote-f64-to-f32=false"]
    flags += ["--iree-opt-level=O3", "--iree-opt-strip-assertions=false"]
    flags += ["--iree-llvmcpu-debug-symbols=false", "--iree-vm-bytecode-module-strip-source-map"]
    command = [find_tool("iree-compile"), *flags, "module.mlir", "-o", "module.vmfb"]
    subprocess.run(command, cwd=tmp_path, check=True)
    in_process = compile_module(ATTENTION.encode(), name="module.mlir")
    assert in_process == (tmp_path / "module.vmfb").read_bytes()


NO_COMPILATION = ("--compile-to=flow", "--compile-from=flow", "--help", "--version", "-o=x.vmfb")
BAD_VALUES = ("--output-format=hal-executable", "--iree-opt-level=O9", "--nonsense")


@pytest.mark.parametrize("flag", (*NO_COMPILATION, *BAD_VALUES))
def test_no_flag_ends_the_process(flag: str) -> None:
    """Flags of the tool `iree-compile`, for help, and of values that there are not: an error."""
    script = f"""
import attnorm
kind = "tensor<4xf32>"
text = f"func.func @main(%x: {{kind}}) -> {{kind}} {{{{\\n return %x : {{kind}} }}}}"
module = attnorm.load(text)
try:
    attnorm.compile(module, iree_flags=[{flag!r}])
except attnorm.AttnormError as error:
    print("told:", error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.startswith("told: error: iree: ")


@pytest.mark.parametrize(
    "flag", ["--iree-hal-target-backends=vmvx", "--iree-hal-local-target-device-backends=vmvx"]
)
def test_another_back_end_has_no_kernels(flag: str) -> None:
    """It gets the decomposition."""
    x = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
    source = """func.func @main(%x: tensor<4x64xf32>) -> tensor<4x64xf32> {
      %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 1.0e-5 : f64,
        operandSegmentSizes = array<i32: 1, 0>} : (tensor<4x64xf32>) -> tensor<4x64xf32>
      return %0 : tensor<4x64xf32>
    }"""
    got = attnorm.compile(attnorm.load(source), iree_flags=[flag])(x)
    wide = x.astype(np.float64)
    want = wide / np.sqrt((wide**2).mean(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(got, want, rtol=1e-5)


def test_constants_outlive_their_source() -> None:
    """Those of 8 bits stay in the source's buffer until the program is written."""
    values = np.linspace(-4, 4, 4096).astype(ml_dtypes.float8_e4m3fn)
    text = "0x" + values.tobytes().hex().upper()
    source = f"""func.func @main(%x: tensor<4096xf32>) -> tensor<4096xf32> {{
      %c = stablehlo.constant dense<"{text}"> : tensor<4096xf8E4M3FN>
      %d = stablehlo.convert %c : (tensor<4096xf8E4M3FN>) -> tensor<4096xf32>
      %0 = stablehlo.add %x, %d : tensor<4096xf32>
      return %0 : tensor<4096xf32>
    }}"""
    got = attnorm.compile(attnorm.load(source))(np.zeros(4096, np.float32))
    np.testing.assert_array_equal(got, values.astype(np.float32))


@pytest.mark.parametrize("name", ["mhlo.num_partitions", "mhlo.num_replicas"])
def test_modules_for_several_devices_are_refused(name: str) -> None:
    """IREE would run them on one; what is for one device compiles."""
    source = """module attributes {{{name} = {count} : i32}} {{
      func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {{
        return %x : tensor<4xf32>
      }}
    }}"""
    with pytest.raises(AttnormError, match=f"{name}: expected the program of one device, got 8"):
        attnorm.compile(attnorm.load(source.format(name=name, count=8)))
    attnorm.compile(attnorm.load(source.format(name=name, count=1)))
