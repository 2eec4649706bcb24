"""Writes the table at the end of docs/check.md: the worst errors of each pass.

python docs/check_table.py DIRECTORY...    of all modules below, and of examples/: some minutes
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import attnorm
from attnorm.checking import Check, Output, check
from attnorm.checking.anchors import Anchor
from attnorm.checking.inputs import choose, signature

DOCUMENT = Path(__file__).parent / "check.md"
EXAMPLES = Path(__file__).parents[1] / "examples"
MARK = "<!-- written by docs/check_table.py -->\n"
# LiteRT's call carries no epsilon.
PIPELINES = (
    "attnorm-to-stablehlo{rms-norm-epsilon=1e-6}",
    "attnorm-to-iree{rms-norm-epsilon=1e-6}",
)
SIZE = 5
"""What dynamic dimensions are."""


@dataclass
class Row:
    """What became of one pass over all modules."""

    kinds: Counter[str] = field(default_factory=Counter)
    worst: dict[str, tuple[float, str]] = field(default_factory=dict)

    def add(self, output: Output, module: str) -> None:
        """Takes in one output."""
        self.kinds[output.kind] += 1
        for name in ("ulps", "relative", "exact"):
            value = getattr(output, name)
            if value is not None and value >= self.worst.get(name, (-1.0, ""))[0]:
                self.worst[name] = (value, module)


def main(arguments: list[str]) -> int:
    """Checks, and writes the table; 1 where a check fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directories", nargs="+", type=Path, metavar="DIRECTORY")
    directories = [*parser.parse_args(arguments).directories, EXAMPLES]
    rows: dict[str, Row] = {}
    anchors: list[Anchor] = []
    failed = count = 0
    for path, name in modules(directories):
        count += 1
        for pipeline in PIPELINES:
            found = checked(path, pipeline)
            print(f"{name} {pipeline.partition('{')[0]}: {found}", file=sys.stderr, flush=True)
            failed += not found.ok
            anchors += found.anchors
            for item in found.passes:
                for output in item.verdict.outputs:
                    rows.setdefault(plain(item.name), Row()).add(output, name)
    text = DOCUMENT.read_text()
    head = text[: text.index(MARK) + len(MARK)]
    DOCUMENT.write_text(head + "".join(table(rows, anchors, count, failed)))
    return int(failed > 0)


def modules(directories: list[Path]) -> Iterator[tuple[Path, str]]:
    """Every module, and what to call it."""
    for directory in directories:
        for path in sorted(directory.rglob("*.mlir")):
            yield path, str(path.relative_to(directory).with_suffix(""))


def checked(path: Path, pipeline: str) -> Check:
    """A module through a pipeline, dynamic dimensions specialized."""
    module = attnorm.load(path)
    (function,) = choose(module, None)
    sizes = [
        f"{number}.{axis}={SIZE}"
        for number, kind in enumerate(signature(module, function).arguments)
        for axis, size in enumerate(kind.shape)
        if size is None
    ]
    return check(module, pipeline, dims=sizes)


def plain(name: str) -> str:
    """A pass without its options and anchors."""
    return name.partition("{")[0].rpartition("(")[2].rstrip(")")


def table(rows: dict[str, Row], anchors: list[Anchor], count: int, failed: int) -> Iterator[str]:
    """The text behind the mark."""
    yield f"\n{count} modules, {len(PIPELINES)} pipelines, {failed} failures.\n\n"
    for system in sorted({item.system for item in anchors}):
        asked = [item for item in anchors if item.system == system and item.agrees is not None]
        agree = sum(item.ok for item in asked)
        yield f"{system} was asked {len(asked)} times, and agrees {agree} times.\n\n"
    yield "| pass | outputs | rounds | ULPs | relative | exact | the most ULPs in |\n"
    yield "|---|---:|---:|---:|---:|---:|---|\n"
    for name, row in rows.items():
        numbers = [number(row.worst[key][0]) for key in ("ulps", "relative", "exact")]
        cells = (f"`{name}`", row.kinds.total(), row.kinds["rounds"], *numbers)
        where = row.worst["ulps"][1] if row.worst["ulps"][0] else ""
        yield f"| {' | '.join(map(str, cells))} | {where} |\n"


def number(value: float) -> str:
    """Two digits."""
    return f"{value:.2g}" if math.isfinite(value) else "overflow"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
