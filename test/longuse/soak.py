"""Many modules, calls and tokens through one process, whose memory has to stay where it is.

    python test/longuse/soak.py [--modules 10000] [--compilations 100] [--calls 100000] [--tokens 0]

Prints what the process holds as it goes, then by how much each step grew it after the warm-up.
Exit status 1 where that is more than `BOUNDS` says. Tokens, with a small language model, want
attnorm[torch].
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from memory import Growth, Held, slope, watch
from workloads import arguments, modules

import attnorm
from attnorm.ir.serialization import bytecode

BOUNDS = {"modules": 2048, "compilations": 8192, "calls": 16, "tokens": 512}
"""Bytes allocated that a step may add. A context that is kept takes 3,000,000 a module."""
_PIPELINES = (*["attnorm-to-stablehlo"] * 3, "attnorm-to-composites", "attnorm-to-iree")


def lower(index: int) -> None:
    """Loads and lowers a module of the samples: text, and every seventh as bytecode."""
    paths = modules()
    try:
        module = attnorm.load(paths[index % len(paths)])
        if index % 7 == 0:
            module = attnorm.load(bytecode(module))
        attnorm.lower(module, _PIPELINES[index % len(_PIPELINES)])
    except attnorm.AttnormError:
        pass  # LiteRT's norms carry no epsilon: errors are part of the work.


def compile_and_run(index: int) -> None:
    """Compiles a module of the samples and calls it."""
    paths = modules()
    try:
        program = attnorm.compile(attnorm.load(paths[index % len(paths)]))
        signature = next(iter(program.functions.values()))
        program(*arguments(signature))
    except attnorm.AttnormError:
        pass


def caller() -> Callable[[int], None]:
    """Calls one program, with new arguments and with bound ones."""
    program = attnorm.compile(attnorm.load(modules()[0]))
    (signature,) = program.functions.values()
    arrays = arguments(signature)
    bound = program.bind(*arrays)

    def call(index: int) -> None:
        if index % 2:
            bound()
        else:
            program(*arrays)

    return call


def generator(folder: Path, capacity: int) -> Callable[[int], None]:
    """Decodes the next token of one session; a new one where the caches are full."""
    sys.path.append(str(Path(__file__).parents[1] / "execution"))
    from tiny_model import random_model  # pyright: ignore

    random_model().save_pretrained(folder)
    module = attnorm.from_hugging_face(folder, capacity=capacity, chunks=[8])
    program = attnorm.compile(module)
    session = program.session(temperature=1.0)
    session.prefill([2])

    def decode(index: int) -> None:
        nonlocal session
        if session.position == capacity:
            session = program.session(temperature=1.0)
            session.prefill([2])
        session.decode()

    return decode


def run(what: str, step: Callable[[int], None], steps: int) -> bool:
    """Takes a tenth as warm-up, then the steps; whether memory stayed within the bound."""
    for index in range(steps // 10):
        step(index)
    held: list[tuple[int, Held]] = []
    for taken, now in watch(step, steps):
        held.append((taken, now))
        print(f"{what} {taken}: {now}", flush=True)
    found: Growth = slope(held)
    flat = found.allocated <= BOUNDS[what] and found.descriptors < 0.01
    print(f"{what}: a step adds {found}: {'flat' if flat else 'GROWS'}", flush=True)
    return flat


def main() -> int:
    """Runs what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--modules", type=int, default=10_000)
    parser.add_argument("--compilations", type=int, default=100)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--tokens", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        tempfile.tempdir = scratch
        flat = [True]
        if options.modules:
            flat.append(run("modules", lower, options.modules))
        if options.compilations:
            flat.append(run("compilations", compile_and_run, options.compilations))
        if options.calls:
            flat.append(run("calls", caller(), options.calls))
        if options.tokens:
            with tempfile.TemporaryDirectory() as folder:
                flat.append(run("tokens", generator(Path(folder), 2048), options.tokens))
    return 0 if all(flat) else 1


if __name__ == "__main__":
    sys.exit(main())
