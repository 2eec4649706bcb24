"""attnorm beside its peers: one machine, the same inputs and threads, results checked first.

    python -m benchmarks [SUITE] [--cases REGEX] [--contenders a,b] [--threads 1,2] [--rounds N]

SUITE is operators, the default, or models. Writes a table to stdout, and the same with all that is
behind it to a folder, as JSON, Markdown and SVG.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from rich.console import Console

from .conductor import Row, run, settings
from .machine import cores, describe, versions
from .record import Record, record
from .suite import BASE, SUITES, Suite, find
from .tables import markdown


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m benchmarks", description=_summary())
    found.add_argument("suite", nargs="?", choices=SUITES, default=SUITES[0])
    found.add_argument("--cases", default="", metavar="REGEX", help="cases by name (see --list)")
    found.add_argument("--contenders", metavar="A,B", help="default: all of the suite's")
    found.add_argument("--threads", type=_counts, metavar="1,2", help="default: 1 and every core")
    found.add_argument("--rounds", type=int, metavar="N", help="default: the suite's, or 3")
    found.add_argument("--quick", action="store_true", help="few rounds, no slow cases")
    found.add_argument("--list", action="store_true", help="print the cases' names")
    found.add_argument("-o", "--output", type=Path, default=Path(__file__).parent / "results")
    return found


def _summary() -> str:
    return (__doc__ or "").partition("\n")[0]


def contenders(suite: Suite, text: str | None) -> list[str]:
    """The contenders named, or all; what ratios are to is always one of them."""
    wanted = list(suite.contenders) if text is None else text.split(",")
    unknown = set(wanted) - set(suite.contenders)
    if unknown:
        known = ", ".join(suite.contenders)
        raise SystemExit(f"--contenders: expected some of {known}, got {', '.join(unknown)}")
    return [name for name in suite.contenders if name in {BASE, *wanted}]


def _counts(text: str) -> list[int]:
    counts = [int(word) for word in text.split(",")]
    if any(not 1 <= count <= len(cores()) for count in counts):
        raise argparse.ArgumentTypeError(f"expected 1 to {len(cores())} threads, got {text}")
    return counts


def write(found: Record, folder: Path, name: str) -> str:
    """Writes the files of that name and returns the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
    text = markdown(found)
    (folder / f"{name}.md").write_text(text)
    try:
        from .plot import draw
    except ImportError:
        print("no matplotlib: no plot", file=sys.stderr)
        return text
    draw(found, folder / f"{name}.svg")
    return text


def main() -> None:
    """Runs, writing after every case: a run that is broken off leaves what it has."""
    options = parser().parse_args()
    suite = find(options.suite)
    names = contenders(suite, options.contenders)
    cases = [case for case in suite.cases if re.search(options.cases, case.name)]
    if options.quick:
        cases = [case for case in cases if not case.slow]
    if options.list or not cases:
        print("\n".join(case.name for case in (cases or suite.cases)))
        return
    threads = options.threads or sorted({1, len(cores())})
    rounds = options.rounds or (3 if options.quick else suite.rounds)
    seconds = 0.02 if options.quick else 0.06
    packages = {p for name in names for p in suite.contenders[name].packages}
    rows: list[Row] = []
    text = ""
    console = Console(stderr=True)
    with console.status("starts") as status:
        found = run(
            *(suite, cases, names, threads), rounds=rounds, seconds=seconds, say=status.update
        )
        for group in found:
            rows += group
            how = settings(rounds, seconds)
            whole = record(suite, rows, describe(), versions(packages), how)
            text = write(whole, options.output, suite.files)
            console.print(f"{group[0].case.title}, {group[0].threads} thread(s): done")
    print(text)


if __name__ == "__main__":
    main()
