"""Commands: what they do when they crash, are interrupted or killed, and what they leave behind."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import attnorm
from attnorm.errors import AttnormError
from attnorm.execution.weight_files import WeightFiles
from attnorm.io.files import check_writable, replacing, write_atomically

TOOLS = Path(sys.executable).parent
MODULE = (
    """func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {
  %w = stablehlo.constant dense_resource<my.weight> : tensor<64xf32>
  %y = stablehlo.add %x, %w : tensor<64xf32>
  return %y : tensor<64xf32>
}
"""
    + '{-# dialect_resources: { builtin: { my.weight: "0x04000000'
    + "0000803F" * 64
    + '" } } #-}\n'
)


def contained(work: str) -> list[str]:
    """The command of a process whose work, contained, is a function `work` of these lines."""
    body = "\n    ".join(work.splitlines())
    # A shell's background jobs ignore SIGINT, those of nohup SIGHUP, and so would what they start.
    code = f"""
import os, signal, sys, time
from attnorm.io import guard
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
def work():
    {body}
    return 0
sys.exit(guard.contained(work))
"""
    return [sys.executable, "-c", code]


def run(work: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(contained(work), capture_output=True, text=True, **options)


# -- crashes and signals -------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
def test_a_crash_is_an_error(number):
    """A death by a signal is a line that says the file and what was done with it."""
    work = f"guard.note('reading it', file='a.mlir')\nos.kill(os.getpid(), {number.value})"
    done = run(work)
    said = f"a.mlir: error: attnorm crashed ({number.name}) while reading it\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


@pytest.mark.parametrize("status", [0, 1, 2, 77])
def test_exit_statuses_pass_through(status):
    """What the work returns, or exits with, is the command's status; its output comes through."""
    for end in (f"return {status}", f"sys.exit({status})"):
        done = run(f"print('out')\nprint('err', file=sys.stderr)\n{end}")
        assert (done.returncode, done.stdout, done.stderr) == (status, "out\n", "err\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_reach_the_work(number):
    """A signal sent to the command ends its work, and the command in the same way."""
    process = subprocess.Popen(
        contained("print('begun', flush=True)\ntime.sleep(60)"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout and process.stdout.readline() == b"begun\n"
    process.send_signal(number)
    assert process.wait(20) == -number
    process.stdout.close()


def test_work_does_not_outlive_its_command():
    """Where the command is killed, so is its work."""
    process = subprocess.Popen(
        contained("print(os.getpid(), flush=True)\ntime.sleep(60)"), stdout=subprocess.PIPE
    )
    assert process.stdout
    worker = int(process.stdout.readline())
    process.kill()
    process.wait()
    # The pipe's other end is closed by the worker's death.
    assert process.stdout.read() == b""
    process.stdout.close()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}/stat").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{worker}").exists()


def test_elsewhere_than_on_linux_reading_is_contained(tmp_path):
    """The work has no process of its own there; what may be harmful is read by one that has."""
    path = tmp_path / "deep.mlir"
    path.write_text("func.func private @f(" + "tuple<" * 100_000)
    code = f"""
import sys
from attnorm.tools import opt, optimizer
sys.platform = "darwin"
sys.argv = ["attnorm-opt", {str(path)!r}]
sys.exit(opt.main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(rf"{re.escape(str(path))}: error: .* while reading it\n", done.stderr)


def test_a_crash_of_a_pass_names_it(tmp_path):
    """The pass at hand is told, MLIR's own too."""
    (tmp_path / "x.mlir").write_text("func.func @f() {\n  return\n}\n")
    code = f"""
import os, signal, sys
import attnorm
from attnorm.io import guard
def work():
    from attnorm.pipeline import driver
    module = attnorm.load({str(tmp_path / "x.mlir")!r})
    note = guard.note
    def crash(doing=None, *, file=None):
        note(doing, file=file)
        if doing and "'cse'" in doing: os.kill(os.getpid(), signal.SIGSEGV)
    guard.note = crash
    driver.run(module, "canonicalize,cse")
    return 0
sys.exit(guard.contained(work))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    said = f"{tmp_path}/x.mlir: error: attnorm crashed (SIGSEGV) while running pass 'cse'\n"
    assert (done.returncode, done.stderr) == (1, said)


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ("bytearray(3 << 30)", "took too much memory"),
        ("while True: pass", "error: attnorm took too long while starting"),
    ],
)
def test_bounds_while_reading(work, said):
    """Endless memory and endless loops end; afterwards the process has its limits back."""
    done = run(f"""
import resource
before = resource.getrlimit(resource.RLIMIT_AS)
try:
    with guard.bounds(100):
        {work}
except MemoryError:
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    sys.exit('took too much memory')
""")
    assert done.returncode == 1
    assert said in done.stderr


# -- output --------------------------------------------------------------------------------------


def kill_at_random(command: list[str | Path], rng: random.Random, longest: float) -> None:
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        process.wait(rng.uniform(0, longest))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_no_half_file_when_killed(tmp_path):
    """Under the final name stands the old file or the new one, whenever the process was killed."""
    size = 20_000_000
    code = f"""
import sys
from attnorm.io.files import replacing
for value in range(100):
    with replacing({str(tmp_path / "out")!r}) as path, open(path, "wb") as file:
        for _ in range(20):
            file.write(bytes([value]) * {size // 20})
"""
    rng = random.Random(1)
    write_atomically(tmp_path / "out", bytes(size))
    for _ in range(12):
        kill_at_random([sys.executable, "-c", code], rng, 1.0)
        data = (tmp_path / "out").read_bytes()
        assert len(data) == size and data == data[:1] * size


def test_a_program_and_its_weights_when_killed(tmp_path):
    """`attnorm compile --weights` leaves whole files; where there is a program, its archive too."""
    (tmp_path / "m.mlir").write_text(MODULE)
    rng = random.Random(2)
    command = [TOOLS / "attnorm", "compile", tmp_path / "m.mlir", "-o", tmp_path / "m.vmfb"]
    command += ["--weights", tmp_path / "m.irpa", "--weights-min-bytes", "1"]
    begun = time.monotonic()
    subprocess.run(command, check=True)
    longest = 1.2 * (time.monotonic() - begun)
    whole = (tmp_path / "m.vmfb").read_bytes()
    for _ in range(8):
        (tmp_path / "m.vmfb").unlink(missing_ok=True)
        (tmp_path / "m.irpa").unlink(missing_ok=True)
        kill_at_random(command, rng, longest)
        if (tmp_path / "m.vmfb").exists():
            assert len((tmp_path / "m.vmfb").read_bytes()) == len(whole)
            assert WeightFiles([tmp_path / "m.irpa"]).entries


def test_what_a_failure_leaves(tmp_path):
    """A block that raises leaves the old file, and nothing beside it."""
    path = tmp_path / "out"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("new")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["compile", "IN", "-o", "OUT.vmfb"],
        ["compile", "IN", "-o", "FINE.vmfb", "--weights", "OUT.irpa"],
        ["run", "IN", "--input", "64xf32=1", "--output", "@OUT.npy"],
        ["export", "hf", "gemma3-270m", "-o", "OUT.mlirbc"],
    ],
)
def test_where_nothing_can_be_written(arguments, tmp_path):
    """An output that cannot be written was found after the work; now no input is read before."""
    names = {
        "OUT": f"{tmp_path}/none/out",
        "FINE": f"{tmp_path}/fine",
        "IN": f"{tmp_path}/none.mlir",
    }
    words = [re.sub("OUT|FINE|IN", lambda found: names[found[0]], word) for word in arguments]
    done = subprocess.run([TOOLS / "attnorm", *words], capture_output=True, text=True)
    assert done.returncode == 1
    assert re.fullmatch(r"error: cannot write '.*/none/out.*': No such .*\n", done.stderr)
    assert os.listdir(tmp_path) == []


def test_check_writable(tmp_path):
    """Folders are refused, also as the file itself; devices are not; nothing is left behind."""
    check_writable(tmp_path / "new")
    check_writable("/dev/null")
    for path in (tmp_path, tmp_path / "none" / "new"):
        with pytest.raises(AttnormError, match="cannot write"):
            check_writable(path)
    assert os.listdir(tmp_path) == []


def test_a_device_stays_one():
    """What is no file is written to, and not replaced."""
    write_atomically("/dev/null", b"x")
    with replacing("/dev/null") as path:
        path.write_bytes(b"x")
    assert Path("/dev/null").is_char_device()


# -- large modules -------------------------------------------------------------------------------


def chain(count: int) -> str:
    names = ("add", "multiply", "subtract", "maximum")
    lines = [
        f"  %v{i + 1} = stablehlo.{names[i % 4]} %v{i}, %v{max(0, i - 3)} : tensor<4x8xf32>\n"
        for i in range(count)
    ]
    body = "".join(lines)
    type_ = "tensor<4x8xf32>"
    return f"func.func @main(%v0: {type_}) -> {type_} {{\n{body}  return %v{count} : {type_}\n}}\n"


def test_a_hundred_thousand_ops(tmp_path):
    """A module of 100,000 ops is lowered and written, in less than 600 MB."""
    (tmp_path / "in.mlir").write_text(chain(100_000))
    # What getrusage says begins with what this process had when it made the other.
    code = (
        "import re, sys\n"
        "from attnorm.tools.opt import main\n"
        "status = main(sys.argv[1:])\n"
        "print(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])\n"
        "sys.exit(status)"
    )
    arguments = [
        "--attnorm-to-stablehlo",
        "--emit-bytecode",
        "-o",
        tmp_path / "out",
        tmp_path / "in.mlir",
    ]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 600_000
    assert (tmp_path / "out").stat().st_size > 1_000_000


@pytest.mark.parametrize("count", [1000, 10_000])
def test_arguments_by_the_thousand(count):
    """A function may have ten thousand arguments and results, a program of IREE's some thousand."""

    types = ", ".join(["tensor<f32>"] * count)
    arguments = ", ".join(f"%a{i}: tensor<f32>" for i in range(count))
    values = ", ".join(f"%a{count - 1 - i}" for i in range(count))
    text = f"func.func @main({arguments}) -> ({types}) {{\n  return {values} : {types}\n}}\n"
    module = attnorm.load(text)
    assert str(attnorm.lower(module)).count("tensor<f32>") >= 2 * count
    assert attnorm.report(module).size.after.ops == 2
    if count > 4000:
        with pytest.raises(AttnormError, match="register count overflow"):
            attnorm.compile(module)
        return
    program = attnorm.compile(module)
    assert len(program.functions["main"].arguments) == count
    results = program(*np.arange(count, dtype=np.float32))
    assert [int(value) for value in results] == list(range(count - 1, -1, -1))


def test_no_memory_for_numbers_that_are_all_alike():
    """Constants of one value and counting numbers of a terabyte stay as they are in passes."""

    text = """func.func @main(%x: tensor<1000000000000xf32>) -> tensor<1000000000000xf32> {
  %c = stablehlo.constant dense<1.0> : tensor<1000000000000xf32>
  %i = stablehlo.iota dim = 0 : tensor<1000000000000xf32>
  %0 = stablehlo.add %c, %i : tensor<1000000000000xf32>
  %1 = stablehlo.slice %0 [0:1000000000000:1]
      : (tensor<1000000000000xf32>) -> tensor<1000000000000xf32>
  %2 = stablehlo.multiply %1, %x : tensor<1000000000000xf32>
  %3 = stablehlo.exponential %c : tensor<1000000000000xf32>
  %4 = stablehlo.add %2, %3 : tensor<1000000000000xf32>
  return %4 : tensor<1000000000000xf32>
}
"""
    module = attnorm.load(text)
    for pipeline in ("attnorm-to-stablehlo", "attnorm-to-iree", "attnorm-to-composites"):
        assert len(str(attnorm.lower(module, pipeline))) < 2000


@pytest.mark.parametrize("visibility", ["", "private ", "nested "])
def test_names_that_passes_make(visibility):
    """A user's functions that are called as ours would be keep their meaning."""

    type_ = "tensor<4x4xf32>"
    names = ("attnorm.softmax", "attnorm.softmax.impl", "attnorm.rows", "attnorm.rows.impl")
    own = "".join(
        f"func.func {visibility}@{name}(%x: {type_}) -> {type_} {{\n"
        f"  %0 = stablehlo.{op} %x : {type_}\n  return %0 : {type_}\n}}\n"
        for name, op in zip(names, ("negate", "tanh", "abs", "sine"), strict=True)
    )
    calls = "".join(
        f"  %{i + 1} = func.call @{name}(%{i}) : ({type_}) -> {type_}\n"
        for i, name in enumerate(names)
    )
    text = f"""{own}func.func @main(%x: {type_}) -> {type_} {{
  %0 = stablehlo.custom_call @softmax(%x) {{axis = 1 : i64}} : ({type_}) -> {type_}
{calls}  return %{len(names)} : {type_}
}}
"""
    x = np.arange(16, dtype=np.float32).reshape(4, 4)
    power = np.exp(x - x.max(1, keepdims=True))
    want = np.sin(np.abs(np.tanh(-power / power.sum(1, keepdims=True))))
    module = attnorm.load(text)
    for lowered in (module, attnorm.lower(module, "attnorm-to-composites")):
        got = attnorm.compile(lowered)(x, function="main")
        np.testing.assert_allclose(got, want, rtol=1e-5)
