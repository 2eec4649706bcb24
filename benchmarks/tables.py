"""A record as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from .record import Record
from .suite import BASE


def markdown(record: Record) -> str:
    """The machine, a table a heading and number of threads, compile times, reasons."""
    parts = [_about(record)]
    results = record["results"]
    for threads in sorted({result["threads"] for result in results}):
        for heading in dict.fromkeys(result["heading"] for result in results):
            here = [r for r in results if (r["threads"], r["heading"]) == (threads, heading)]
            if here:
                parts.append(f"## {heading}, {_threads(threads)}\n\n{_times(record, here)}")
    parts += [f"## Seconds to compile\n\n{_compilations(record)}", _notes(record)]
    return "\n\n".join(parts) + "\n"


def milliseconds(seconds: float) -> str:
    """Three digits, in milliseconds."""
    value = seconds * 1e3
    places = 0 if value >= 99.95 else 1 if value >= 9.995 else 2 if value >= 0.9995 else 3
    return f"{value:.{places}f}"


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"


def _about(record: Record) -> str:
    facts = [f"- {name}: {fact}" for name, fact in record["machine"].items()]
    facts.append("- " + ", ".join(f"{n} {v}" for n, v in record["versions"].items() if v != "-"))
    how = (
        f"Milliseconds a call, the median of {record['settings']['rounds']} interleaved rounds. In "
        f"parentheses: the peer's time over {BASE}'s, round by round, as median and quartiles; "
        f"above 1 the peer is slower. Every result was equal to {record['standard']} before it was "
        f"timed. `-`: the peer lacks the case; the JSON has the reason. {record['remarks']}"
    )
    return "\n".join(["# Benchmarks", "", *facts, "", how.rstrip()])


# -- times ---------------------------------------------------------------------------------------


def _times(record: Record, results: Sequence[Record]) -> str:
    shown = {result["contender"] for result in results if _shown(result)}
    names = [name for name in record["contenders"] if name in shown]
    lines = []
    for title in dict.fromkeys(result["title"] for result in results):
        row = {r["contender"]: r for r in results if r["title"] == title}
        lines.append([title, *(_cell(row, name, record["limit"]) for name in names)])
    return table(["", *_labels(record, names)], lines)


def _shown(result: Record) -> bool:
    """A contender that has none of the cases gets no column."""
    return result["status"] != "unsupported"


def _labels(record: Record, names: Sequence[str]) -> list[str]:
    return [record["contenders"][name]["label"] for name in names]


def _cell(row: dict[str, Record], name: str, limit: str) -> str:
    result = row.get(name)
    if result is None or result["status"] == "unsupported":
        return "-"
    if "seconds" not in result:
        return result["status"]
    time = milliseconds(result["seconds"])
    if name == BASE:
        return f"**{time}**{_share(row, limit)}"
    if name == limit or "ratio" not in result:
        return time
    ratio = result["ratio"]
    return f"{time} ({ratio['median']:.2f}x, {ratio['low']:.2f} to {ratio['high']:.2f})"


def _share(row: dict[str, Record], limit: str) -> str:
    """How much of the limit's bandwidth attnorm reaches."""
    ratio = row.get(limit, {}).get("ratio")
    return f", {ratio['median']:.0%} of {limit}" if ratio else ""


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its first column left-aligned, the others right-aligned."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *lines))


# -- the rest ------------------------------------------------------------------------------------


def _compilations(record: Record) -> str:
    results = record["results"]
    names = [
        name
        for name in record["contenders"]
        if any(r["contender"] == name and r["compile_seconds"] is not None for r in results)
    ]
    # Compilers take what threads there are: the largest number shows them at their best.
    most = max(result["threads"] for result in results)
    lines = []
    for title in dict.fromkeys(result["title"] for result in results):
        row = {
            r["contender"]: r["compile_seconds"]
            for r in results
            if r["title"] == title and r["threads"] == most
        }
        times = [row.get(name) for name in names]
        lines.append([title, *("-" if time is None else f"{time:.2f}" for time in times)])
    return table(["", *_labels(record, names)], lines)


def _notes(record: Record) -> str:
    lines = [f"- {entry['label']}: {entry['buffers']}." for entry in record["contenders"].values()]
    labels = {name: entry["label"] for name, entry in record["contenders"].items()}
    faults = [
        f"- {labels[r['contender']]}, {r['title']}, {_threads(r['threads'])}: "
        f"{r['status']}: {r['reason']}"
        for r in record["results"]
        if r["status"] in ("wrong", "failed")
    ]
    return "\n".join(
        ["## Buffers", "", *lines, *(["", "## Faults", "", *faults] if faults else [])]
    )
