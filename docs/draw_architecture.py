"""Draws the rooms of the package and their imports into docs/architecture.md.

    python docs/draw_architecture.py            writes the picture
    python docs/draw_architecture.py --check    exits with 1 where it is not what would be drawn

Exits with 1, too, where a room imports from one above it. Wants the extra "dev".
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import grimp
import tomllib

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- drawn by docs/draw_architecture.py -->", "<!-- end of the drawing -->"


def rooms() -> list[str]:
    """The rooms from high to low, as import-linter has them in pyproject.toml."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (one["layers"] for one in contracts["contracts"] if one["type"] == "layers")
    return [room for layer in layers for room in layer.split(" | ")]


def imports() -> Counter[tuple[str, str]]:
    """How many modules of one room import from another."""
    graph = grimp.build_graph("attnorm", cache_dir=None)
    found: set[tuple[str, str, str]] = set()
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            here, there = (name.split(".")[1:2] for name in (module, other))
            if here and there and here != there:
                found.add((module, here[0], there[0]))
    return Counter((here, there) for _, here, there in found)


def drawing(order: list[str], counts: Counter[tuple[str, str]]) -> str:
    """A flowchart without the arrows that follow from others, and a table with all of them."""
    chart = ["```mermaid", "flowchart TD"]
    chart += [f'    {room}["{room}/"]' for room in order if room != "errors"]
    for here, there in sorted(counts, key=lambda pair: [order.index(room) for room in pair]):
        between = (room for room in order if (here, room) in counts and (room, there) in counts)
        if "errors" not in (here, there) and not any(between):
            chart.append(f"    {here} --> {there}")
    rows = [f"| | {' | '.join(order)} |", f"|---|{'---|' * len(order)}"]
    for here in order:
        cells = (str(counts[here, there] or "") for there in order)
        rows.append(f"| **{here}** | {' | '.join(cells)} |")
    return "\n".join([BEGIN, "", *chart, "```", "", *rows, "", END])


def main() -> int:
    """Writes or checks the picture; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    check = parser.parse_args().check
    order, counts = rooms(), imports()
    upwards = [pair for pair in counts if order.index(pair[0]) > order.index(pair[1])]
    for here, there in upwards:
        print(f"{here} imports from {there}, which lies above it", file=sys.stderr)
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    drawn = before + drawing(order, counts) + rest.partition(END)[2]
    if drawn != page and check:
        print(f"{PAGE.name}: expected what docs/draw_architecture.py draws", file=sys.stderr)
    elif drawn != page:
        PAGE.write_text(drawn)
    return int(bool(upwards) or (check and drawn != page))


if __name__ == "__main__":
    sys.exit(main())
