"""`attnorm reduce`: commands that behave and commands that do not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from attnorm.ir.serialization import bytecode
from attnorm.tools.cli import main

MODULE = """
module {
  func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
    %0 = stablehlo.sine %x : tensor<4x8xf32>
    %1 = stablehlo.cosine %0 : tensor<4x8xf32>
    %2 = stablehlo.tanh %1 : tensor<4x8xf32>
    return %2 : tensor<4x8xf32>
  }
}
"""
COSINE = """module {
  func.func @main(%arg0: tensor<1x1xf32>) -> tensor<1x1xf32> {
    %0 = stablehlo.cosine %arg0 : tensor<1x1xf32>
    return %0 : tensor<1x1xf32>
  }
}
"""
HAS_COSINE = "! grep -q cosine"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A module, and where the result goes: something is there."""
    source, output = tmp_path / "in.mlir", tmp_path / "out.mlir"
    source.write_text(MODULE)
    output.write_text("before")
    return source, output


def run(files: tuple[Path, Path], command: str, *options: str) -> int:
    """The exit status of `attnorm reduce`."""
    source, output = files
    return main(["reduce", str(source), "-o", str(output), "--keep-failing", command, *options])


@pytest.mark.parametrize(
    ("command", "jobs"),
    [(HAS_COSINE, 1), (f"{HAS_COSINE} {{}}", 2), (f"cat {{}} | ({HAS_COSINE})", 5)],
)
def test_one_op(files, command: str, jobs: int, capfd) -> None:
    """The same comes out for any number of runs at a time; stdout stays empty."""
    assert run(files, command, "--jobs", str(jobs)) == 0
    assert files[1].read_text() == COSINE
    out, err = capfd.readouterr()
    assert out == "" and "on IN the command ends with status 1" in err
    last = f"5 ops, 1 functions, {len(MODULE)} bytes -> 3 ops, 1 functions, {len(COSINE)} bytes"
    assert err.rstrip().endswith(last), err
    assert sorted(path.name for path in files[0].parent.iterdir()) == ["in.mlir", "out.mlir"]


def test_standard_streams(files) -> None:
    """IN from stdin and OUT to stdout."""
    command = [
        sys.executable,
        "-m",
        "attnorm.tools.cli",
        "reduce",
        "-",
        "--keep-failing",
        HAS_COSINE,
    ]
    result = subprocess.run(command, input=MODULE.encode(), capture_output=True)
    assert (result.returncode, result.stdout.decode()) == (0, COSINE)


def test_bytecode(files, capfd) -> None:
    """Bytecode comes in, and goes out and to the command where OUT is named for it."""
    import attnorm

    source, output = files[0].with_suffix(".mlirbc"), files[1].with_suffix(".mlirbc")
    source.write_bytes(bytecode(attnorm.load(files[0])))
    command = "! { head -c 2 {} | grep -q ML && grep -qa cosine {}; }"
    assert run((source, output), command) == 0
    assert output.read_bytes().startswith(b"ML")
    assert str(attnorm.load(output)) == COSINE


# -- text ----------------------------------------------------------------------------------------


def test_text_that_does_not_parse(files, capfd) -> None:
    """Lines and words go."""
    files[0].write_text(MODULE.replace("sine", "sign of", 1))
    assert run(files, "! grep -q 'sign of'") == 0
    assert files[1].read_text() == "sign of"
    assert "as text" in capfd.readouterr().err


def test_bytes(files) -> None:
    """What is no text loses bytes."""
    files[0].write_bytes(b"\xff\xfe--A--B--\x00")
    assert run(files, "! grep -qa 'A.*B'") == 0
    assert files[1].read_bytes() == b"AB"


def test_what_printing_changes(files, capfd) -> None:
    """Where the failure is not in the module, the text is reduced."""
    files[0].write_text(f"// a comment{MODULE}")
    assert run(files, "! grep -q comment") == 0
    assert files[1].read_text() == "comment"
    assert "does not fail" in capfd.readouterr().err


def test_what_ends_the_parser(files) -> None:
    """Text that MLIR's parser does not survive is text."""
    files[0].write_text("module attributes {a = " + "[" * 300_000 + "}")
    assert run(files, "! grep -q attributes") == 0
    assert files[1].read_text() == "attributes"


def test_skainet(files) -> None:
    """SKaiNET's text is a module."""
    files[0].write_text(
        "module {\n  func.func @f(%x: tensor<2x4xf32>) -> tensor<2xf32> {\n"
        "    %v1 = stablehlo.custom_call @reduce_mean(%x) {dimensions = [1], keepdim = false}"
        " : tensor<2xf32>\n    return %v1 : tensor<2xf32>\n  }\n}\n"
    )
    assert run(files, "! grep -q reduce_mean") == 0
    text = files[1].read_text()
    assert "stablehlo.custom_call @reduce_mean" in text and "dimensions" not in text


# -- commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        ("true", [], "the command does not fail on '"),
        ("no-such-command", [], "--keep-failing: no such command: no-such-command"),
        ("/dev/null", [], "--keep-failing: the command cannot be run: /dev/null"),
        ("echo yes; false", ["--keep-output", "^no"], "--keep-output: expected what the command"),
    ],
)
def test_mistakes(files, command: str, options: list[str], message: str, capfd) -> None:
    """An error in one line, and OUT is what it was."""
    assert run(files, command, *options) == 1
    assert capfd.readouterr().err.startswith(f"error: {message}")
    assert files[1].read_text() == "before"


def test_no_file(tmp_path: Path, capfd) -> None:
    """IN has to be there, and OUT has to have a place; both are said before anything is run."""
    missing = tmp_path / "missing.mlir"
    assert run((missing, tmp_path / "out.mlir"), "false") == 1
    assert f"cannot read '{missing}'" in capfd.readouterr().err
    missing.write_text(MODULE)
    assert run((missing, tmp_path / "none" / "out.mlir"), f"touch {tmp_path}/ran; false") == 1
    assert "cannot write" in capfd.readouterr().err
    assert not (tmp_path / "ran").exists()


def test_always(files, capfd) -> None:
    """A command that fails whatever it gets leaves nothing, and that is said."""
    assert run(files, "false") == 0
    assert files[1].read_text() == "module {\n}\n"
    assert "nothing is left" in capfd.readouterr().err


def test_another_failure(files) -> None:
    """A failure with another status is another failure."""
    command = "grep -q sine {} || exit 2; ! grep -q cosine {} || exit 3"
    assert run(files, command) == 0
    assert "cosine" in files[1].read_text()


def test_output(files) -> None:
    """--keep-output keeps what the command says, on either stream."""
    assert run(files, "grep -o cosine {} >&2; grep -o sine {}; false", "--keep-output", "^cos") == 0
    assert files[1].read_text() == COSINE


def test_a_death(files) -> None:
    """A signal is kept, and is not an exit status."""
    command = "grep -q cosine {} && kill -SEGV $$; exit 1"
    assert run(files, command) == 0
    assert files[1].read_text() == COSINE


def test_a_hang(files) -> None:
    """A run that does not end is ended, with what it has started, and can be what is kept."""
    command = "grep -q cosine {} && { sleep 61 & sleep 62; }; false"
    begun = time.monotonic()
    assert run(files, command, "--timeout", "1.5", "--jobs", "8") == 0
    assert time.monotonic() - begun < 40
    assert files[1].read_text() == COSINE
    assert "sleep 61" not in _commands()


def test_what_hangs_is_no_failure(files) -> None:
    """A candidate that hangs does not fail as IN did."""
    command = "grep -q sine {} || sleep 60; false"
    assert run(files, command, "--timeout", "1.5", "--jobs", "8") == 0
    assert "sine" in files[1].read_text()


@pytest.mark.parametrize("harm", ["rm {}", "rm -r $(dirname {})", "echo > {}"])
def test_harm(files, harm: str) -> None:
    """What a command does to its input is its own affair."""
    assert run(files, f"grep -q cosine {{}}; s=$?; {harm}; test $s != 0") == 0
    assert files[1].read_text() == COSINE
    assert files[0].read_text() == MODULE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupt(files, number: signal.Signals) -> None:
    """Ctrl-C leaves the smallest so far, and no command; so does no warning at all."""
    marker = files[0].with_name("marker")
    seconds = 63 if number == signal.SIGINT else 3
    # From a candidate of this size on, everything takes its time.
    slow = (
        f"test $(wc -l < {{}}) -gt 7 || {{ touch {marker}; sleep {seconds}; }}; {HAS_COSINE} {{}}"
    )
    command = [sys.executable, "-m", "attnorm.tools.cli", "reduce", str(files[0])]
    command += ["-o", str(files[1]), "--keep-failing", slow]
    files[0].write_text(MODULE.replace("%1 =", "%3 = stablehlo.sine %0 : tensor<4x8xf32>\n%1 ="))
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not marker.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=30)
    assert "cosine" in files[1].read_text() and b"Traceback" not in err
    if number == signal.SIGINT:
        assert process.returncode == 130 and b" -> " in err, err.decode()
        assert f"sleep {seconds}" not in _commands()


def _commands() -> set[str]:
    """What runs on this machine."""
    found: set[str] = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # It may end meanwhile.
            found.add(" ".join(path.read_text().split("\0")).strip())
    return found
