"""A checkpoint as a program, made in a process of its own: its memory goes with it.

    python -m benchmarks.models.programs CHECKPOINT DTYPE CAPACITY CHUNKS PIPELINE [FLAG...]

Beside the checkpoint there are then the module, as all pipelines take it, and PIPELINE.vmfb,
PIPELINE.irpa and PIPELINE.seconds, which is how long the compiler took.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .cases import Step


@dataclass(frozen=True)
class Built:
    """A compiled model."""

    program: Path
    weights: Path
    seconds: float


def build(case: Step, checkpoint: Path, pipeline: str, flags: tuple[str, ...] = ()) -> Built:
    """The program of a case's model; made when it is first asked for."""
    program, seconds = (checkpoint / f"{pipeline}.{suffix}" for suffix in ("vmfb", "seconds"))
    if not seconds.exists():
        model = case.model
        chunks = ",".join(map(str, model.prompts))
        what = [str(checkpoint), case.dtype, str(model.capacity), chunks, pipeline, *flags]
        # A contender's malloc gives nothing back.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
        made = subprocess.run(
            [sys.executable, "-m", "benchmarks.models.programs", *what],
            env=environment,
            capture_output=True,
            text=True,
        )
        if made.returncode:
            raise RuntimeError(made.stderr.strip().rpartition("\n")[2])
    return Built(program, checkpoint / f"{pipeline}.irpa", float(seconds.read_text()))


def main() -> None:
    """Exports, if no other pipeline has, and compiles."""
    import attnorm
    from attnorm.ir.serialization import bytecode

    folder, dtype, capacity, chunks, pipeline, *flags = sys.argv[1:]
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    checkpoint = Path(folder)
    exported = checkpoint / "module.mlirbc"
    if not exported.exists():
        sizes = [int(size) for size in chunks.split(",")]
        module = attnorm.from_hugging_face(
            checkpoint, capacity=int(capacity), chunks=sizes, dtype=dtype
        )
        exported.write_bytes(bytecode(module))
    module = attnorm.load(exported)
    start = time.perf_counter()
    program = attnorm.compile(
        module, pipeline=pipeline, weights=checkpoint / f"{pipeline}.irpa", iree_flags=flags
    )
    seconds = time.perf_counter() - start
    program.save(checkpoint / f"{pipeline}.vmfb")
    (checkpoint / f"{pipeline}.seconds").write_text(str(seconds))


if __name__ == "__main__":
    main()
