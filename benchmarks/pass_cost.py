"""What the passes cost: `attnorm-opt` on a large module against what no tool can do without.

    python benchmarks/pass_cost.py [--ops 80000] [--runs 5]
    python benchmarks/pass_cost.py --norms 10000 [--runs 5]

Two commands, run in turn: `attnorm-opt --attnorm-to-stablehlo`, and `attnorm-opt --canonicalize
--cse`, which parses, runs MLIR's own passes and prints. Prints the ratio of their times, pair by
pair. The modules are chains of elementwise ops with an opaque norm, softmax or reduction every so
often: one op in a hundred, about what a transformer has, and one in eight, which none has.

With `--norms`, in one process instead: a chain of so many of Llama's RMSNorms, each written out by
torch-mlir, in one function. For each pipeline the ratio of reading, lowering and printing it to
reading, canonicalizing and printing it, then every pass alone in multiples of the same. In
processor time, which is what other programs on the machine disturb least.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import attnorm
from attnorm.pipeline import driver

_TYPE = "tensor<4x64xf32>"
_CALLS = (
    f"stablehlo.custom_call @rms_norm({{x}}, %w) {{{{epsilon = 1.0e-6 : f32}}}} "
    f": ({_TYPE}, tensor<64xf32>) -> {_TYPE}",
    f"stablehlo.custom_call @softmax({{x}}) {{{{axis = 1 : i64}}}} : ({_TYPE}) -> {_TYPE}",
    f"stablehlo.custom_call @reduce_sum({{x}}) {{{{dimensions = [0, 1]}}}} "
    f": ({_TYPE}) -> tensor<f32>",
)


def module(ops: int, every: int) -> str:
    """A module of `ops` ops in functions of 1,000, each `every`-th an opaque call."""
    lines = ["module {"]
    for function in range(ops // 1000):
        lines.append(f"func.func @f{function}(%v0: {_TYPE}, %w: tensor<64xf32>) -> {_TYPE} {{")
        last = 0
        for index in range(1, 1000):
            if index % every == 0:
                call = _CALLS[index // every % len(_CALLS)].format(x=f"%v{last}")
                lines.append(f"  %v{index} = {call}")
                if "reduce" in call:
                    continue
            else:
                kind = ("add", "multiply", "subtract")[index % 3]
                lines.append(f"  %v{index} = stablehlo.{kind} %v{last}, %v{last} : {_TYPE}")
            last = index
        lines += [f"  return %v{last} : {_TYPE}", "}"]
    return "\n".join([*lines, "}"])


def seconds(path: Path, flags: list[str]) -> float:
    """The wall time of one run of attnorm-opt, in seconds."""
    tool = Path(sys.executable).parent / "attnorm-opt"
    start = time.perf_counter()
    subprocess.run([tool, path, *flags, "-o", path.with_suffix(".out")], check=True)
    return time.perf_counter() - start


def measure(ops: int, every: int, runs: int) -> None:
    """Prints the ratio for one module."""
    ours, floor = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "module.mlir"
        path.write_text(module(ops, every))
        for _ in range(runs):
            ours.append(seconds(path, ["--attnorm-to-stablehlo"]))
            floor.append(seconds(path, ["--canonicalize", "--cse"]))
    ratios = sorted(mine / least for mine, least in zip(ours, floor, strict=True))
    print(
        f"{ops} ops, one call in {every}: {statistics.median(ratios):.2f}x "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f}); "
        f"{statistics.median(ours):.2f} s against {statistics.median(floor):.2f} s"
    )


_NORM = Path(__file__).parents[1] / "test/models/Inputs/torch_units/norm_llama_bf16.mlir"
_PIPELINES = ("attnorm-to-stablehlo", "attnorm-to-iree")


def chain(norms: int) -> str:
    """The module of a norm, its computation `norms` times, each of the last one's result."""
    lines = _NORM.read_text().splitlines()
    end = next(at for at, line in enumerate(lines) if line.lstrip().startswith("return "))
    first = next(at for at, line in enumerate(lines) if line.lstrip().startswith("%0 = "))
    result = re.search(r"%\w+", lines[end])
    assert result
    body, value = [], "%arg0"
    for norm in range(norms):
        text = "\n".join(lines[first:end]).replace("%arg0", value)
        body.append(re.sub(r"%(\d+)\b", rf"%v{norm}_\1", text))
        value = f"%v{norm}_{result[0][1:]}"
    return "\n".join(
        [*lines[:first], *body, lines[end].replace(result[0], value), *lines[end + 1 :]]
    )


def measure_norms(norms: int, runs: int) -> None:
    """Prints the ratio for each pipeline, and what its passes take."""
    text = chain(norms)
    for name in _PIPELINES:
        _processor_time(chain(1), name)  # loads what every later run finds loaded
    floors: list[float] = []
    wholes: dict[str, list[float]] = {name: [] for name in _PIPELINES}
    parts: dict[str, list[list[float]]] = {name: [] for name in _PIPELINES}
    for _ in range(runs):
        floors.append(_processor_time(text, "canonicalize,cse"))
        for name in _PIPELINES:
            wholes[name].append(_processor_time(text, name))
            parts[name].append(_times_of_passes(text, name))
    floor = statistics.median(floors)
    print(f"{norms} norms: {floor:.2f} s to read, canonicalize and print")
    for name in _PIPELINES:
        ratios = sorted(mine / least for mine, least in zip(wholes[name], floors, strict=True))
        print(
            f"{name}: {statistics.median(ratios):.2f}x ({ratios[0]:.2f} to {ratios[-1]:.2f}); "
            f"{1e3 * statistics.median(wholes[name]) / norms:.3f} ms a norm"
        )
        for step, times in zip(driver.resolve(name), zip(*parts[name], strict=True), strict=True):
            print(f"  {statistics.median(times) / floor:6.3f}x  {step}")


def _processor_time(text: str, passes: str) -> float:
    """The seconds that it takes to parse `text`, run `passes` and print."""
    start = time.process_time()
    module = attnorm.load(text, trusted=True)
    driver.run(module, passes)
    module.get_asm()
    return time.process_time() - start


def _times_of_passes(text: str, name: str) -> list[float]:
    """The seconds that each pass of a pipeline takes, without what verifies its result."""
    module, times = attnorm.load(text, trusted=True), []
    for step in driver.resolve(name):
        start = time.process_time()
        driver.run(module, [step], verify_each=False)
        times.append(time.process_time() - start)
    return times


def main() -> None:
    """Measures both modules, or a chain of norms."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--ops", type=int, default=80_000)
    parser.add_argument("--norms", type=int)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    if options.norms:
        measure_norms(options.norms, options.runs)
        return
    for every in (100, 8):
        measure(options.ops, every, options.runs)


if __name__ == "__main__":
    main()
