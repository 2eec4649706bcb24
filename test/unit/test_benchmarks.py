"""The benchmarks' pure parts: cases, the float64 oracle, statistics, tables, the record."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import attnorm
from attnorm import reference

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks import machine, stats, tables  # noqa: E402
from benchmarks.__main__ import contenders, parser  # noqa: E402
from benchmarks.conductor import Row, environment  # noqa: E402
from benchmarks.messages import Outcome  # noqa: E402
from benchmarks.operators import SUITE, oracle, stablehlo_text  # noqa: E402
from benchmarks.operators.cases import (  # noqa: E402
    CASES,
    EPSILON,
    Attention,
    Case,
    Rows,
    mask,
    operands,
    ways,
)
from benchmarks.record import record  # noqa: E402
from benchmarks.suite import BASE, SUITES, find  # noqa: E402

SMALL: tuple[Case, ...] = (
    Rows("rms_norm", 3, 8),
    Rows("rms_norm", 2, 8, repeat=3),
    Rows("rms_norm", 3, 8, "bf16"),
    Rows("rms_norm_mul", 3, 8),
    Rows("add_rms_norm", 3, 8),
    Rows("layer_norm", 3, 8),
    Rows("softmax", 3, 8),
    Attention(2, 2, 6, 6, 4),
    Attention(2, 2, 6, 6, 4, causal=True),
    Attention(2, 2, 6, 6, 4, causal=True, window=3),
    Attention(4, 2, 6, 6, 4),
    Attention(4, 1, 1, 6, 4),
)
EVERY_SMALL = pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
EVERY = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


# -- cases ---------------------------------------------------------------------------------------


def test_names_and_titles_are_unique() -> None:
    """A table's row and `--cases` mean one case."""
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({case.title for case in CASES}) == len(CASES)


def test_operands_are_the_same_everywhere() -> None:
    """Every process makes its own copy."""
    first, second = operands(SMALL[0]), operands(SMALL[0])
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert {name: array.shape for name, array in first.items()} == SMALL[0].shapes


def test_bytes_moved() -> None:
    """Whole arrays, not weights."""
    assert Rows("rms_norm", 3, 8).bytes_moved == 2 * 3 * 8 * 4
    assert Rows("add_rms_norm", 3, 8, "bf16").bytes_moved == 4 * 3 * 8 * 2


def test_mask() -> None:
    """The last `window` keys up to the query itself."""
    seen = mask(Attention(1, 1, 4, 4, 2, causal=True, window=2))
    assert seen is not None
    assert seen.astype(int).tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]


@EVERY
def test_attnorm_recognises_the_text(case: Case) -> None:
    """Primitives are raised to the op that the case is named after, as often as it is there."""
    found = attnorm.report(attnorm.load(stablehlo_text.text(case))).fused
    repeat = case.repeat if isinstance(case, Rows) else 1
    assert {op: count for op, count in found.items() if count} == {case.op: repeat}


# -- the oracle ----------------------------------------------------------------------------------


@EVERY_SMALL
def test_oracle_agrees_with_the_reference(case: Case) -> None:
    """Two definitions, written apart. On float64 neither rounds."""
    arrays = {name: array.astype(np.float64) for name, array in operands(case).items()}
    if isinstance(case, Attention):
        window = [case.window - 1 if case.window else -1, -1]
        how = {"scale": case.scale, "causal": case.causal, "window": window}
        wanted = reference.sdpa(*arrays.values(), **how)[0]
    elif case.op == "softmax":
        wanted = reference.softmax(arrays["x"], axis=1)
    else:
        wanted = norm(case, arrays)
    found = oracle.expected(case, arrays)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    for one, other in zip(found, wanted, strict=True):
        assert oracle.error(one, np.asarray(other)) < 1e-12


def norm(case: Rows, arrays: dict[str, np.ndarray]) -> object:
    """attnorm's own definition of a norm, in a chain."""
    function, how = getattr(reference, case.op), {"axes": [1], "epsilon": EPSILON}
    if case.op != "rms_norm":
        return function(**arrays, **how)
    x = arrays["x"]
    for _ in range(case.repeat):
        x = function(x, arrays["weight"], **how)
    return x


@EVERY_SMALL
def test_stablehlo_means_the_case(case: Case) -> None:
    """The text's results by StableHLO's own interpreter are equal to the oracle's."""
    from attnorm.execution.interpreter import evaluate

    arrays = operands(case)
    results = evaluate(attnorm.load(stablehlo_text.text(case)), *arrays.values())
    assert oracle.verdict(case, results, oracle.expected(case, arrays)) <= oracle.tolerance(case)


def test_oracle_sees_errors() -> None:
    """A wrong number, NaN, a result too few, another type."""
    case = SMALL[0]
    right = [array.astype(np.float32) for array in oracle.expected(case, operands(case))]
    wanted = oracle.expected(case, operands(case))
    assert oracle.verdict(case, right, wanted) < oracle.tolerance(case)
    assert oracle.verdict(case, [right[0] * np.float32(1.001)], wanted) > oracle.tolerance(case)
    assert oracle.verdict(case, [right[0] * np.float32(np.nan)], wanted) == np.inf
    assert oracle.verdict(case, [], wanted) == np.inf
    assert oracle.verdict(case, [right[0].astype(np.float64)], wanted) == np.inf


def test_ways_mean_the_same() -> None:
    """Grouped heads of one query, as queries of one head."""
    case = Attention(4, 2, 1, 6, 8)
    (whole, arrays), (folded, other) = ways(case, operands(case))
    assert folded == replace(case, heads=2, queries=2)
    first, second = oracle.expected(whole, arrays), oracle.expected(folded, other)
    np.testing.assert_allclose(first[0].ravel(), second[0].ravel(), rtol=1e-12)


# -- statistics and tables -----------------------------------------------------------------------


def test_ratios_are_paired() -> None:
    """A machine that slows down for a round slows both."""
    assert stats.ratios([2.0, 4.0, 8.0], [1.0, 2.0, 4.0]) == (2.0, 2.0, 2.0)
    assert stats.spread([3.0]) == (3.0, 3.0, 3.0)
    assert stats.spread([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 3.0, 4.0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.5e-6, "0.002"), (1.234e-3, "1.23"), (0.0123, "12.3"), (0.2, "200"), (12.0, "12000")],
)
def test_milliseconds(seconds: float, text: str) -> None:
    """Three digits, or what is there."""
    assert tables.milliseconds(seconds) == text


def rows() -> list[Row]:
    """Four contenders: the base, one twice as slow, one that is wrong, one that lacks the case."""
    case, ok = CASES[1], Outcome("ok", compile_seconds=0.5)
    return [
        Row(case, 1, BASE, ok, [1e-3, 2e-3, 3e-3]),
        Row(case, 1, "torch", Outcome("ok"), [2e-3, 4e-3, 6e-3]),
        Row(case, 1, "openvino", Outcome("wrong", "differs")),
        Row(case, 1, "tract", Outcome("unsupported", "lacks it")),
        Row(case, 1, "copy", Outcome("ok"), [5e-4, 1e-3, 1.5e-3]),
    ]


def test_table() -> None:
    """Times with ratios; what is wrong is named, what is lacking is left out."""
    found = record(SUITE, rows(), {"cpu": "one"}, {"torch": "1", "jax": "-"}, {"rounds": 3})
    text = tables.markdown(found)
    assert "| **2.00**, 50% of copy | wrong | 4.00 (2.00x, 2.00 to 2.00) | 1.00 |" in text
    assert "tract |" not in text
    assert "OpenVINO, rms_norm, [32, 1024], one thread: wrong: differs" in text
    assert "torch 1" in text and "jax" not in text


def test_remarks_stand_at_the_head() -> None:
    """Before the first table, where there are any."""
    how = ({"cpu": "one"}, {}, {"rounds": 3})
    said = tables.markdown(record(replace(SUITE, remarks="Mind this."), rows(), *how))
    assert "the JSON has the reason. Mind this.\n\n## Norms" in said
    assert "the JSON has the reason.\n\n## Norms" in tables.markdown(record(SUITE, rows(), *how))


def test_record_keeps_reasons() -> None:
    """The JSON says why a cell is empty."""
    found = record(SUITE, rows(), {}, {}, {"rounds": 3})
    lacking = next(r for r in found["results"] if r["contender"] == "tract")
    assert (lacking["status"], lacking["reason"]) == ("unsupported", "lacks it")
    assert "seconds" not in lacking
    assert set(found["contenders"]) == {row.contender for row in rows()}


def test_machine_names_nothing() -> None:
    """No host name, no path."""
    facts = machine.describe()
    assert facts["cpu"] and facts["python"]
    assert not any(value.startswith("/") or " /" in value for value in facts.values())
    assert machine.versions(["numpy", "no-such-package"])["no-such-package"] == "-"


def test_environment_says_threads(tmp_path: Path) -> None:
    """To every pool."""
    found = environment(2, tmp_path)
    assert {found[f"{pool}_NUM_THREADS"] for pool in ("OMP", "MKL", "RAYON")} == {"2"}


def test_command_line() -> None:
    """The base is always there; unknown contenders are an error."""
    options = parser().parse_args(["--contenders", "torch,iree"])
    assert contenders(find(options.suite), options.contenders) == ["attnorm", "iree", "torch"]
    with pytest.raises(SystemExit, match="nobody"):
        contenders(SUITE, "nobody")


@pytest.mark.parametrize("name", SUITES)
def test_suites(name: str) -> None:
    """Found by their names; the base is the first contender, the limit is one."""
    suite = find(name)
    assert suite.name == name
    assert next(iter(suite.contenders)) == BASE
    assert suite.limit in suite.contenders
