"""attnorm beside its peers: one machine, the same inputs and threads, results checked first.

    python -m benchmarks [--cases REGEX] [--contenders a,b] [--threads 1,2] [--rounds N] [--quick]

Writes a table to stdout, and results.json, results.md and results.svg to a folder.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from rich.console import Console

from .cases import CASES
from .conductor import Row, run, settings
from .contenders import BASE, CONTENDERS
from .machine import cores, describe, versions
from .record import Record, record
from .tables import markdown


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m benchmarks", description=_summary())
    found.add_argument("--cases", default="", metavar="REGEX", help="cases by name (see --list)")
    found.add_argument("--contenders", type=_names, default=list(CONTENDERS), metavar="A,B")
    found.add_argument("--threads", type=_counts, metavar="1,2", help="default: 1 and every core")
    found.add_argument("--rounds", type=int, metavar="N", help="default: 15; 3 with --quick")
    found.add_argument("--quick", action="store_true", help="few rounds, no slow cases")
    found.add_argument("--list", action="store_true", help="print the cases' names")
    found.add_argument("-o", "--output", type=Path, default=Path(__file__).parent / "results")
    return found


def _summary() -> str:
    return (__doc__ or "").partition("\n")[0]


def _names(text: str) -> list[str]:
    """The contenders named; what ratios are to is always one of them."""
    unknown = set(text.split(",")) - set(CONTENDERS)
    if unknown:
        raise argparse.ArgumentTypeError(
            f"expected some of {', '.join(CONTENDERS)}, got {', '.join(sorted(unknown))}"
        )
    return [name for name in CONTENDERS if name in {BASE, *text.split(",")}]


def _counts(text: str) -> list[int]:
    counts = [int(word) for word in text.split(",")]
    if any(not 1 <= count <= len(cores()) for count in counts):
        raise argparse.ArgumentTypeError(f"expected 1 to {len(cores())} threads, got {text}")
    return counts


def write(found: Record, folder: Path) -> str:
    """Writes the files and returns the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    text = markdown(found)
    (folder / "results.md").write_text(text)
    try:
        from .plot import draw
    except ImportError:
        print("no matplotlib: no plot", file=sys.stderr)
        return text
    draw(found, folder / "results.svg")
    return text


def main() -> None:
    """Runs, writing after every case: a run that is broken off leaves what it has."""
    options = parser().parse_args()
    cases = [case for case in CASES if re.search(options.cases, case.name)]
    if options.quick:
        cases = [case for case in cases if not case.slow]
    if options.list or not cases:
        print("\n".join(case.name for case in (cases or CASES)))
        return
    threads = options.threads or sorted({1, len(cores())})
    rounds = options.rounds or (3 if options.quick else 15)
    seconds = 0.02 if options.quick else 0.06
    packages = {p for name in options.contenders for p in CONTENDERS[name].packages}
    rows: list[Row] = []
    text = ""
    console = Console(stderr=True)
    with console.status("starts") as status:
        found = run(
            *(cases, options.contenders, threads), rounds=rounds, seconds=seconds, say=status.update
        )
        for group in found:
            rows += group
            how = settings(rounds, seconds)
            text = write(record(rows, describe(), versions(packages), how), options.output)
            console.print(f"{group[0].case.title}, {group[0].threads} thread(s): done")
    print(text)


if __name__ == "__main__":
    main()
