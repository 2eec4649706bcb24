"""The pipelines that modules are run through, and what their passes do there."""

from __future__ import annotations

import functools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from attnorm import dialect, passes
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import operations
from attnorm.ir.serialization import fingerprint
from attnorm.passes.base import Pass, Report
from attnorm.pipeline import driver
from attnorm.pipeline.driver import Step
from attnorm.pipeline.pipelines import DEFAULT

NAMED = (
    *[DEFAULT] * 8,
    "attnorm-to-composites",
    "attnorm-to-iree",
    "attnorm-raise",
    "attnorm-raise,attnorm-fuse",
    "normalize-stablehlo",
    "attnorm-expand",
)
STRATEGIES = (
    "expand-sdpa{strategy=dense}",
    "expand-sdpa{strategy=blocks queries=2}",
    "expand-sdpa{strategy=online queries=2 keys=2}",
)
SINGLE = tuple(name for name in passes.NAMES if name != "verify-no-opaque-calls")


def choose(seed: int) -> str:
    """The pipeline of a seed: mostly a named one, else any passes in any order."""
    generator = random.Random(f"pipeline {seed}")
    kind = generator.random()
    if kind < 0.8:
        return generator.choice(NAMED)
    if kind < 0.88:
        strategy = generator.choice(STRATEGIES)
        return f"attnorm-raise,attnorm-fuse,expand-rms-norm,expand-softmax,{strategy}"
    chosen = [generator.choice(SINGLE) for _ in range(generator.choice((1, 1, 2, 4, 8)))]
    return ",".join(chosen)


@dataclass(frozen=True)
class _Counted(Pass):
    """A pass, and what is counted of it."""

    inner: Pass
    count: Callable[[str], Any]

    @property
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Of the pass itself."""
        return self.inner.name

    def __str__(self) -> str:
        # With its options it would be written for every module.
        return self.name

    def run(self, module: ir.Operation, report: Report) -> None:
        """Runs the pass."""
        if self.name.startswith(("expand-", "to-composites")):
            for kind in dialect.OPS:
                for _ in operations(module, kind):
                    self.count(f"op {kind} before {self.name}")
        before = fingerprint(module)
        self.inner.run(module, report)
        self.count(f"pass {self.name} {'hit' if fingerprint(module) != before else 'idle'}")
        for _, reason in report.refusals:
            self.count(f"refusal {self.name}: {_general(reason)}")


def _general(reason: str) -> str:
    """A reason without its numbers, types and names."""
    words = reason.replace("[", " [").split()
    kept = [w for w in words if not any(c.isdigit() for c in w) and "tensor<" not in w]
    return " ".join(kept)[:90]


@functools.cache
def steps(text: str) -> tuple[Step, ...]:
    """The passes of a pipeline."""
    return tuple(driver.resolve(text))


def counted(text: str, counter: Counter[str]) -> list[Step]:
    """The passes of a pipeline; what they do is added to a counter."""

    def count(key: str) -> None:
        counter[key] += 1

    return [
        replace(step, pass_=_Counted(step.pass_, count)) if step.pass_ else step
        for step in steps(text)
    ]
