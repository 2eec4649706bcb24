"""A record as a picture: every peer's time over attnorm's, case by case."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from .record import Record
from .suite import BASE

_MARKERS = "osD^vP*Xh<"


def draw(record: Record, path: Path) -> None:
    """Writes an SVG or a PNG, by the path's suffix: one panel a number of threads."""
    matplotlib.use("Agg")
    results = [r for r in record["results"] if "ratio" in r and r["contender"] != BASE]
    if not results:
        return
    counts = sorted({result["threads"] for result in results})
    titles = list(dict.fromkeys(result["title"] for result in results))
    size = (2.6 + 4.6 * len(counts), 1.6 + 0.34 * len(titles))
    # The same record gives the same bytes.
    with pyplot.rc_context({"svg.hashsalt": BASE, "font.size": 8, "axes.axisbelow": True}):
        figure, panels = pyplot.subplots(1, len(counts), figsize=size, sharey=True, squeeze=False)
        for panel, threads in zip(panels[0], counts, strict=True):
            _panel(panel, record, threads, titles)
            panel.set_title("one thread" if threads == 1 else f"{threads} threads")
        handles = {h.get_label(): h for p in panels[0] for h in p.get_legend_handles_labels()[0]}
        figure.legend(handles=list(handles.values()), loc="lower center", ncols=6, frameon=False)
        figure.tight_layout(rect=(0, 0.06, 1, 1))
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, metadata=metadata, dpi=160)
        pyplot.close(figure)


def _panel(panel: Axes, record: Record, threads: int, titles: list[str]) -> None:
    results = [r for r in record["results"] if r["threads"] == threads and "ratio" in r]
    names = [name for name in record["contenders"] if name not in (BASE, record["limit"])]
    for index, name in enumerate(names):
        own = [result for result in results if result["contender"] == name]
        if not own:
            continue
        ratios = [result["ratio"] for result in own]
        middles = [ratio["median"] for ratio in ratios]
        reach = [
            [ratio["median"] - ratio["low"] for ratio in ratios],
            [ratio["high"] - ratio["median"] for ratio in ratios],
        ]
        rows = [titles.index(result["title"]) for result in own]
        panel.errorbar(
            *(middles, rows),
            xerr=reach,
            fmt=_MARKERS[index],
            markersize=4.5,
            linewidth=1,
            label=record["contenders"][name]["label"],
        )
    panel.axvline(1, color="black", linewidth=1)
    panel.set_xscale("log")
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter("{x:g}")
    panel.set_yticks(range(len(titles)), titles)
    panel.set_ylim(len(titles) - 0.5, -0.5)
    panel.grid(alpha=0.3)
    panel.set_xlabel(f"time over {BASE}'s (right of the line: the peer is slower)")
