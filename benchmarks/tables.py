"""A record as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from .contenders import BASE, CONTENDERS, LIMIT
from .record import Record

_ROWS_HEADING = "Norms and softmax"
_ATTENTION_HEADING = "Attention"


def markdown(record: Record) -> str:
    """The machine, a table a kind of op and number of threads, compile times, reasons."""
    parts = [_about(record)]
    results = record["results"]
    for threads in sorted({result["threads"] for result in results}):
        for heading in (_ROWS_HEADING, _ATTENTION_HEADING):
            here = [r for r in results if r["threads"] == threads and _heading(r) == heading]
            if here:
                parts.append(f"## {heading}, {_threads(threads)}\n\n{_times(here)}")
    parts += [f"## Seconds to compile\n\n{_compilations(results)}", _notes(record)]
    return "\n\n".join(parts) + "\n"


def milliseconds(seconds: float) -> str:
    """Three digits, in milliseconds."""
    value = seconds * 1e3
    places = 0 if value >= 99.95 else 1 if value >= 9.995 else 2 if value >= 0.9995 else 3
    return f"{value:.{places}f}"


def _heading(result: Record) -> str:
    return _ATTENTION_HEADING if result["op"] == "sdpa" else _ROWS_HEADING


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"


def _about(record: Record) -> str:
    facts = [f"- {name}: {fact}" for name, fact in record["machine"].items()]
    facts.append("- " + ", ".join(f"{n} {v}" for n, v in record["versions"].items() if v != "-"))
    return (
        "# Benchmarks\n\n"
        + "\n".join(facts)
        + f"\n\nMilliseconds a call, the median of {record['settings']['rounds']} interleaved "
        f"rounds. In parentheses: the peer's time over {BASE}'s, round by round, as median and "
        "quartiles; above 1 the peer is slower. Every result was equal to a float64 definition "
        "before it was timed. `-`: the peer lacks the case; the JSON has the reason."
    )


# -- times ---------------------------------------------------------------------------------------


def _times(results: Sequence[Record]) -> str:
    names = [n for n in CONTENDERS if any(r["contender"] == n and _shown(r) for r in results)]
    lines = []
    for title in dict.fromkeys(result["title"] for result in results):
        row = {r["contender"]: r for r in results if r["title"] == title}
        lines.append([title, *(_cell(row, name) for name in names)])
    return table(["", *(CONTENDERS[name].label for name in names)], lines)


def _shown(result: Record) -> bool:
    """A contender that has none of the cases gets no column."""
    return result["status"] != "unsupported"


def _cell(row: dict[str, Record], name: str) -> str:
    result = row.get(name)
    if result is None or result["status"] == "unsupported":
        return "-"
    if "seconds" not in result:
        return result["status"]
    time = milliseconds(result["seconds"])
    if name == BASE:
        return f"**{time}**{_share(row)}"
    if name == LIMIT or "ratio" not in result:
        return time
    ratio = result["ratio"]
    return f"{time} ({ratio['median']:.2f}x, {ratio['low']:.2f} to {ratio['high']:.2f})"


def _share(row: dict[str, Record]) -> str:
    """How much of the copy's bandwidth attnorm reaches."""
    limit = row.get(LIMIT, {}).get("ratio")
    return f", {limit['median']:.0%} of copy" if limit else ""


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its first column left-aligned, the others right-aligned."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *lines))


# -- the rest ------------------------------------------------------------------------------------


def _compilations(results: Sequence[Record]) -> str:
    names = [
        name
        for name in CONTENDERS
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
    return table(["", *(CONTENDERS[name].label for name in names)], lines)


def _notes(record: Record) -> str:
    lines = [f"- {entry['label']}: {entry['buffers']}." for entry in record["contenders"].values()]
    faults = [
        f"- {CONTENDERS[r['contender']].label}, {r['title']}, {_threads(r['threads'])}: "
        f"{r['status']}: {r['reason']}"
        for r in record["results"]
        if r["status"] in ("wrong", "failed")
    ]
    return "\n".join(
        ["## Buffers", "", *lines, *(["", "## Faults", "", *faults] if faults else [])]
    )
