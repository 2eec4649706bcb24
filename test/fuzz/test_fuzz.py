"""A short run of the fuzzer, and that it sees what it is there to see."""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import Any

import comparison
import pytest
import workers
from chosen_pipelines import choose
from entries import entries_of
from property import Case, Finding, check
from samples import sample
from workers import Found, check_seed, run

import attnorm
from attnorm import dialect
from attnorm.ir.mlir import ir
from attnorm.passes.expand.expand_softmax import ExpandSoftmaxPass
from attnorm.passes.raise_.raise_rms_norm import RaiseRmsNormPass

PORTIONS = [range(start, start + 75) for start in range(0, 600, 75)]
SOFTMAX = """
func.func @f(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
"""


@pytest.fixture(scope="module")
def counter() -> Counter[str]:
    """What all portions counted in this process."""
    return Counter()


@pytest.mark.parametrize("seeds", PORTIONS, ids=str)
def test_modules(seeds: range, counter: Counter[str]) -> None:
    """Nothing crashes, nothing fails, no value changes."""
    context = dialect.new_context()
    own: Counter[str] = Counter()
    found = [(seed, check_seed(seed, context, own)) for seed in seeds]
    assert [one for one in found if one[1]] == []
    assert own["runs"] > len(seeds)


def test_passes_are_hit() -> None:
    """A run is not vacuous: every kind of op is found, every pass for them changes something."""
    context, own = dialect.new_context(), Counter()
    for seed in range(1000, 1150):
        if choose(seed) == "attnorm-to-stablehlo":
            assert check_seed(seed, context, own) is None
    ops = {kind for kind in dialect.OPS if own[f"op {kind} before expand-rms-norm"]}
    assert ops == set(dialect.OPS)
    # Composites have bodies there, which win over their names.
    names = ("raise-softmax", "raise-sdpa", "raise-rms-norm", "raise-layer-norm")
    for name in (*names, "raise-custom-calls", "legalize-reduce-custom-calls", "fuse-norm-mul"):
        assert own[f"pass {name} hit"], name


def test_seed_is_a_module() -> None:
    """A seed is the same module and pipeline every time, another seed another module."""
    texts = [str(sample(seed, dialect.new_context()).module) for seed in (3, 3, 4)]
    assert texts[0] == texts[1] != texts[2]
    assert choose(3) == choose(3)


# -- what is wrong is seen -------------------------------------------------------------------------


def case(text: str, pipeline: str) -> Case:
    """A module of one's own."""
    module = attnorm.load(text)
    return Case(module, entries_of(module, tame=False), pipeline)


def test_wrong_value_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A softmax that a pass takes over another axis."""
    own = ExpandSoftmaxPass.run

    def wrong(self: Any, module: ir.Operation, report: Any) -> None:
        for op in module.regions[0].blocks[0].operations[0].regions[0].blocks[0].operations:
            if op.operation.name == "attnorm.softmax":
                wide = ir.IntegerType.get_signless(64, module.context)
                op.operation.attributes["axis"] = ir.IntegerAttr.get(wide, 0)
        own(self, module, report)

    monkeypatch.setattr(ExpandSoftmaxPass, "run", wrong)
    found = check(case(SOFTMAX, "attnorm-to-stablehlo"), Counter())
    assert found is not None
    assert (found.kind, found.step) == ("values", "expand-softmax")


def test_exception_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass that raises what it should not."""

    def wrong(*_: Any) -> None:
        raise KeyError("dims")

    monkeypatch.setattr(RaiseRmsNormPass, "run", wrong)
    found = check(case(SOFTMAX, "attnorm-raise"), Counter())
    assert found is not None
    assert (found.kind, found.step) == ("exception", "raise-rms-norm")


def test_error_is_seen() -> None:
    """A pass that refuses a module that it has no reason to refuse."""
    text = SOFTMAX.replace('"attnorm.softmax"(%x) {axis = 1 : i64}', "stablehlo.custom_call @f(%x)")
    found = check(case(text, "attnorm-to-stablehlo"), Counter())
    assert found is not None
    assert found.kind == "error"


# JAX, where a test before this one has loaded it, warns of any fork; it has no part in these.
@pytest.mark.filterwarnings(r"ignore:os\.fork\(\) was called:RuntimeWarning")
def test_death_and_hang_are_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A death by a signal and a hang are the seed's; the seeds after it are checked."""
    done: list[int] = []
    modules = 0

    def strange(seed: int, context: ir.Context, counter: Counter[str]) -> Finding | None:
        counter["modules"] += 1
        if seed == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if seed == 4:
            while True:
                pass
        return None

    monkeypatch.setattr(workers, "check_seed", strange)
    for event in run(iter([range(4), range(4, 6)]), 2, seconds=1):
        if isinstance(event, Found):
            done.append(event.seed)
            kind = event.finding.kind
            assert (event.seed, kind) in [(2, "death"), (4, "hang")]
        else:
            modules += event["modules"]
    assert sorted(done) == [2, 4]
    assert modules == 4


def test_roundings_are_no_change() -> None:
    """What is nearer to the value without rounding is right, what is another value is not."""
    text = """
    func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
      %c = stablehlo.constant dense<1.0e5> : tensor<4xf32>
      %0 = stablehlo.add %x, %c : tensor<4xf32>
      %1 = stablehlo.BODY : tensor<4xf32>
      return %1 : tensor<4xf32>
    }
    """
    rounded, exact, wrong = (
        comparison.Runnable(attnorm.load(text.replace("BODY", body)))
        for body in ("subtract %0, %c", "maximum %x, %x", "negate %x")
    )
    (entry,) = entries_of(rounded.module, tame=False)
    assert comparison.differs(entry, rounded, exact, 0, hard=False) is None
    assert comparison.differs(entry, rounded, wrong, 0, hard=False) is not None
