"""Threads that load, lower, compile and run different modules at once.

    python test/longuse/stress.py [--threads 8] [--rounds 60] [--compilations 1]

They start together with nothing warmed up. What they got is compared with what one thread gets
afterwards. Exit status 1 where anything differs, or stderr is not what it was.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from workloads import arguments, modules

import attnorm
from attnorm.ir.serialization import bytecode
from attnorm.pipeline.driver import resolve

Outcome = str | bytes
_ATTENTION = modules()[0]


def lowered(path: Path, pipeline: str) -> Outcome:
    """The text that a pipeline makes of a module; the message where it refuses it."""
    try:
        return attnorm.lower(attnorm.load(path), pipeline).get_asm()
    except attnorm.AttnormError as error:
        return str(error)


def reread(path: Path, _: str) -> Outcome:
    """A module by way of bytecode."""
    return attnorm.load(bytecode(attnorm.load(path))).get_asm()


def misspelt(path: Path, _: str) -> Outcome:
    """What is said of passes that are not there."""
    said = []
    for number in range(10):
        try:
            resolve(f"kanonicalize-{path.stem}-{number}")
        except attnorm.AttnormError as error:
            said.append(str(error))
    return "\n".join(said)


def compiled(path: Path, _: str) -> Outcome:
    """A program, and what it computes of ones."""
    try:
        program = attnorm.compile(attnorm.load(path))
    except attnorm.AttnormError as error:
        return error.diagnostics[0].message
    signature = next(iter(program.functions.values()))
    results = program(*arguments(signature))
    results = results if isinstance(results, tuple) else (results,)
    return b"".join(result.tobytes() for result in results)


def calls(program: attnorm.Program, seed: int) -> list[bytes]:
    """What a program computes of some arrays, time and again, bound and not."""
    (signature,) = program.functions.values()
    arrays = [array * (seed + 1) for array in arguments(signature)]
    bound = program.bind(*arrays)
    found = [
        np.asarray(result).tobytes() for _ in range(20) for result in (bound(), program(*arrays))
    ]
    return sorted(set(found))


def main() -> int:
    """Runs the threads, then what they did in one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--compilations", type=int, default=1)
    options = parser.parse_args()
    stderr = os.fstat(2)
    sys.setswitchinterval(1e-5)  # threads meet more often
    paths = modules()
    tasks: list[tuple[Callable[[Path, str], Outcome], Path, str]] = []
    pipelines = ("attnorm-to-stablehlo", "attnorm-to-composites", "attnorm-to-iree")
    for index in range(options.rounds):
        task = (lowered, lowered, reread, misspelt)[index % 4]
        tasks.append((task, paths[index % len(paths)], pipelines[index % 3]))
    few = paths[2 : 2 + options.compilations]
    found: list[tuple[object, ...]] = []
    programs: list[attnorm.Program] = []
    sharing = threading.Lock()
    start = threading.Barrier(options.threads)

    def work(number: int) -> None:
        start.wait()
        mine = tasks[number :: options.threads]
        mine += [(compiled, path, "") for path in few]
        for index, (task, path, pipeline) in enumerate(mine if number % 2 else mine[::-1]):
            found.append((task, path, pipeline, task(path, pipeline)))
            with sharing:
                if not programs:
                    programs.append(attnorm.compile(attnorm.load(_ATTENTION)))
            found.append((calls, programs[0], index, calls(programs[0], index)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(options.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrong = [
        f"{task.__name__} {one}"  # pyright: ignore
        for task, one, other, outcome in found
        if task(one, other) != outcome  # pyright: ignore
    ]
    expected = len(tasks) + options.threads * len(few)
    print(f"{len(found)} outcomes, {len(wrong)} wrong: {wrong[:5]}")
    same = os.path.samestat(stderr, os.fstat(2))
    print("stderr is", "what it was" if same else "another file")
    return 0 if same and not wrong and len(found) == 2 * expected else 1


if __name__ == "__main__":
    sys.exit(main())
