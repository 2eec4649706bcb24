"""`attnorm compile` and `attnorm run`."""

import io
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
from modules import CHOLESKY, RMS_NORM, doubling, normal, rms_norm

from attnorm.execution.arrays import load_npy, parse_array
from attnorm.tools.cli import main

PAIR = """
module {
  func.func @pair(%x: tensor<2x2xf32>, %y: tensor<3xbf16>) -> (tensor<2x2xf32>, tensor<3xbf16>) {
    %0 = stablehlo.add %x, %x : tensor<2x2xf32>
    %1 = stablehlo.negate %y : tensor<3xbf16>
    return %0, %1 : tensor<2x2xf32>, tensor<3xbf16>
  }
}
"""
PAIR_INPUTS = ["--input", "2x2xf32=1,2,3,4", "--input", "3xbf16=1.5"]


@pytest.fixture
def pair(tmp_path):
    path = tmp_path / "pair.mlir"
    path.write_text(PAIR)
    return str(path)


def test_run_prints_every_result(pair, capsys):
    """Results go to stdout, one a line, and nothing to stderr."""
    assert main(["run", pair, *PAIR_INPUTS]) == 0
    expected = "result 0: 2x2xf32=[2 4][6 8]\nresult 1: 3xbf16=-1.5 -1.5 -1.5\n"
    assert capsys.readouterr() == (expected, "")


def test_run_rms_norm(tmp_path, capsys):
    """Files in, files out, against the float64 definition from a file and the interpreter."""
    x, w = normal(5, 37), normal(37, seed=1)
    (tmp_path / "m.mlir").write_text(RMS_NORM)
    for name, array in {"x": x, "w": w, "want": rms_norm(x, w)}.items():
        np.save(tmp_path / f"{name}.npy", array)
    command = ["run", f"{tmp_path}/m.mlir", "--input", f"@{tmp_path}/x.npy"]
    command += ["--input", f"5x37xf32=@{tmp_path}/w.npy"]
    with_bad_type = [*command, "--check"]
    assert main(with_bad_type) == 1
    assert "expected 5x37xf32, got 37xf32" in capsys.readouterr().err
    command[-1] = f"@{tmp_path}/w.npy"
    command += ["--output", f"@{tmp_path}/y.npy", "--expected", f"@{tmp_path}/want.npy"]
    assert main([*command, "--rtol=2e-6", "--atol=1e-7", "--check"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "result 0 agrees with expected: 5x37xf32: 0 of 185 elements differ" in err
    assert "result 0 agrees with the reference interpreter: 5x37xf32" in err
    np.testing.assert_allclose(load_npy(tmp_path / "y.npy"), rms_norm(x, w), rtol=2e-6, atol=1e-7)


def test_mismatch_shows_both_sides(pair, capsys):
    """A result that is not the expected one: exit status 1, the worst element, both arrays."""
    expected = ["--expected", "2x2xf32=2,4,6,9", "--expected", "3xbf16=-1.5"]
    assert main(["run", pair, *PAIR_INPUTS, *expected]) == 1
    err = capsys.readouterr().err
    assert "result 0 differs from expected" in err and "worst [1, 1]: expected 9.0, got 8.0" in err
    assert "expected 2x2xf32=[2 4][6 9]" in err and "got      2x2xf32=[2 4][6 8]" in err
    assert "result 1 agrees with expected" in err


def test_check_finds_a_miscompile(tmp_path, capsys):
    """--check compares with the interpreter: here IREE adds booleans where StableHLO says or."""
    (tmp_path / "m.mlir").write_text(doubling("2xi1").replace("stablehlo.or", "stablehlo.add"))
    command = ["run", f"{tmp_path}/m.mlir", "--input", "2xi1=1,0", "--check"]
    assert main([*command, "--pass-pipeline=builtin.module(canonicalize)"]) == 1
    err = capsys.readouterr().err
    assert "differs from the reference interpreter" in err and "expected 2xi1=1 0" in err


def test_compile_then_run(pair, tmp_path, capsys):
    """A compiled file runs as its module does; --function names the function."""
    vmfb = f"{tmp_path}/pair.vmfb"
    assert main(["compile", pair, "-o", vmfb, "--target=x86-64-v2"]) == 0
    assert main(["run", vmfb, *PAIR_INPUTS, "--function=pair", "--device=local-sync"]) == 0
    assert capsys.readouterr().out.startswith("result 0: 2x2xf32=[2 4][6 8]\n")
    assert main(["run", vmfb, *PAIR_INPUTS, "--check"]) == 1
    assert "--check: expected a StableHLO module" in capsys.readouterr().err


def test_stdin(capsys, monkeypatch):
    """IN may be stdin, where a diagnostic says so."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PAIR.encode())))
    assert main(["run", "-", *PAIR_INPUTS]) == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"module {\n  nonsense\n}")))
    assert main(["run", "-"]) == 1
    assert "<stdin>:2:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compile", "missing.mlir", "-o", "x.vmfb"], "cannot read 'missing.mlir'"),
        (["run", "missing.vmfb"], "cannot read 'missing.vmfb'"),
        (["compile", "PAIR", "-o", "none/x.vmfb"], "cannot write 'none/x.vmfb'"),
        (["compile", "PAIR", "-o", "x", "--target=z80"], "unknown target 'z80'; expected one of"),
        (["compile", "PAIR", "-o", "x", "--target=host,+foo"], "CPU feature 'foo'"),
        (["compile", "PAIR", "-o", "x", "--iree-flag=--iree-foo"], "argument '--iree-foo'"),
        (["compile", "PAIR", "-o", "x", "--pass-pipeline=nope"], "nope"),
        (["run", "PAIR", "--input", "2x2xf32=1"], "expected 2 arguments (2x2xf32, 3xbf16), got 1"),
        (["run", "PAIR", *PAIR_INPUTS, "--function=main"], "expected a function of pair"),
        (["run", "PAIR", "--input", "2x2xf32=1,2"], "input '2x2xf32=1,2': expected 4 values"),
        (["run", "PAIR", *PAIR_INPUTS, "--output", "@y.npy"], "--output: expected 2"),
        (["run", "PAIR", *PAIR_INPUTS, "--expected", "f32=1"], "--expected: expected 2"),
    ],
)
def test_mistakes(arguments, message, pair, tmp_path, capsys, monkeypatch):
    """A user's mistake is one `error:` on stderr and exit status 1; no file is left."""
    monkeypatch.chdir(tmp_path)
    assert main([pair if word == "PAIR" else word for word in arguments]) == 1
    out, err = capsys.readouterr()
    assert "error: " in err and message in err and "Traceback" not in err and out == ""
    assert [file.name for file in tmp_path.iterdir()] == ["pair.mlir"]


def test_iree_failure(tmp_path, capsys):
    """What IREE refuses is reported at the user's line, with a reproducer."""
    path = tmp_path / "model.mlir"
    path.write_text(CHOLESKY)
    assert main(["compile", str(path), "-o", f"{tmp_path}/x.vmfb"]) == 1
    err = capsys.readouterr().err
    assert f"{path}:3:10: error: failed to legalize operation 'stablehlo.cholesky'" in err
    assert "note: iree failed in its phase 'input'" in err and "note: reproducer: " in err


def test_entry_point():
    """The command starts without NumPy, IREE or the bindings; a usage error is status 2."""
    script = "import sys; from attnorm.tools.cli import main\ntry: main(['run', '--help'])\n"
    script += "except SystemExit: print(sorted({'numpy', 'iree', 'torch_mlir'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.endswith("\n[]\n") and "aarch64+sve2" in done.stdout
    with pytest.raises(SystemExit) as caught:
        main(["compile"])
    assert caught.value.code == 2


def test_seeded_inputs(tmp_path, capsys):
    """`random:SEED` gives the program what `parse_array` gives NumPy."""
    (tmp_path / "m.mlir").write_text(doubling("4xbf16"))
    assert main(["run", f"{tmp_path}/m.mlir", "--input", "4xbf16=random:7"]) == 0
    x = parse_array("4xbf16=random:7")
    printed = parse_array(capsys.readouterr().out.removeprefix("result 0: ").strip())
    assert printed.dtype == ml_dtypes.bfloat16
    np.testing.assert_array_equal(printed, x + x)
