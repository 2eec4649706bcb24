"""What the passes cost: `attnorm-opt` on a large module against what no tool can do without.

    python benchmarks/pass_cost.py [--ops 80000] [--runs 5]

Two commands, run in turn: `attnorm-opt --attnorm-to-stablehlo`, and `attnorm-opt --canonicalize
--cse`, which parses, runs MLIR's own passes and prints. Prints the ratio of their times, pair by
pair. The modules are chains of elementwise ops with an opaque norm, softmax or reduction every so
often: one op in a hundred, about what a transformer has, and one in eight, which none has.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def main() -> None:
    """Measures both modules."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--ops", type=int, default=80_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    for every in (100, 8):
        measure(options.ops, every, options.runs)


if __name__ == "__main__":
    main()
