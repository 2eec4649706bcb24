"""Draws modules, runs pipelines over them, and says where values, crashes or errors come of it.

    python test/fuzz/run.py --seed 1 --count 100000 --processes 2
    python test/fuzz/run.py --seed 7 --seconds 600
    python test/fuzz/run.py --seed 1234 --count 1           # one module again

A seed is a module and a pipeline, always the same. Findings are stored as .mlir files with a line
that says what is wrong; the exit status is 1 where there are any.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "properties")]

from findings import reduce_stored, store  # noqa: E402
from workers import CHUNK, Found, run  # noqa: E402


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, help="how many modules")
    parser.add_argument("--seconds", type=float, help="for how long, without --count")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--findings",
        type=Path,
        default=HERE.parents[1] / "build" / "fuzz",
        help="the folder for what is found",
    )
    parser.add_argument("--reduce", type=int, default=3, help="how many of a kind are reduced")
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")
    options = parser.parse_args()
    if options.count is None and options.seconds is None:
        options.count = 1000
    begun, counter, found = time.monotonic(), Counter(), []
    told = begun
    ranges = _ranges(options.seed, options.count, options.seconds, options.processes)
    for event in run(ranges, options.processes):
        if isinstance(event, Found):
            found.append(event)
            print(f"seed {event.seed}: {event.finding}", flush=True)
            store(event, options.findings)
            continue
        counter += event
        if not options.quiet and time.monotonic() - told > 10:
            told = time.monotonic()
            rate = counter["modules"] / (told - begun)
            print(f"{counter['modules']} modules, {rate:.0f}/s, {len(found)} findings", flush=True)
    if not options.quiet:
        _summarize(counter, found, time.monotonic() - begun)
    for one in _examples(found, options.reduce):
        reduce_stored(one, options.findings)
    return 1 if found else 0


def _ranges(seed: int, count: int | None, seconds: float | None, processes: int) -> Iterator[range]:
    """Seeds in portions for a process each."""
    end = None if count is None else seed + count
    deadline = None if count is not None or seconds is None else time.monotonic() + seconds
    size = CHUNK if count is None else max(1, min(CHUNK, -(-count // processes)))
    while end is None or seed < end:
        if deadline is not None and time.monotonic() > deadline:
            return
        stop = seed + size if end is None else min(seed + size, end)
        yield range(seed, stop)
        seed = stop


def _examples(found: list[Found], count: int) -> Iterator[Found]:
    """The first findings of each kind and pass."""
    seen: Counter[tuple[str, str]] = Counter()
    for one in sorted(found, key=lambda one: one.seed):
        seen[one.finding.kind, one.finding.step] += 1
        if seen[one.finding.kind, one.finding.step] <= count:
            yield one


def _summarize(counter: Counter[str], found: list[Found], seconds: float) -> None:
    """What was done, by kind."""
    print(f"\n{counter['modules']} modules in {seconds:.0f} s, {counter['runs']} executions")
    for group in ("pipeline", "step", "pass", "op", "refusal", "not run"):
        print(f"\n{group}")
        rows = [(key, n) for key, n in counter.most_common() if key.startswith(f"{group}")]
        for key, n in rows:
            print(f"{n:9}  {key.removeprefix(group).strip(' :')}")
    kinds = Counter((one.finding.kind, one.finding.step) for one in found)
    print(f"\n{len(found)} findings")
    for (kind, step), n in kinds.most_common():
        print(f"{n:9}  {kind} [{step}]")


if __name__ == "__main__":
    sys.exit(main())
