"""A pipeline pass by pass: what each does to the values of a module."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import AttnormError, Diagnostic
from ..io.files import write_atomically
from ..ir.mlir import ir
from ..ir.serialization import fingerprint
from ..pipeline.driver import Step, resolve, run
from ..pipeline.pipelines import DEFAULT
from .anchors import Anchor, anchor_input, anchor_result
from .inputs import Arrays, choose, generate, signature
from .verdict import Output, Values, Verdict, compare


@dataclass(frozen=True)
class PassCheck:
    """What one pass did. `rounds` is why it may move roundings, where it says so."""

    name: str
    changed: bool
    verdict: Verdict
    rounds: str = ""

    @property
    def ok(self) -> bool:
        """Whether it kept the values, or moved roundings as it says that it does."""
        kind = self.verdict.kind
        return kind == "same" or (kind == "rounds" and bool(self.rounds))


@dataclass(frozen=True)
class Check:
    """What a pipeline did, pass by pass; `anchors` are other systems' values beside ours."""

    passes: tuple[PassCheck, ...]
    anchors: tuple[Anchor, ...]

    @property
    def ok(self) -> bool:
        """Whether every pass kept the values, and no other system sees others."""
        return self.first_failure is None and all(item.ok for item in self.anchors)

    @property
    def first_failure(self) -> PassCheck | None:
        """The first pass that did not."""
        return next((item for item in self.passes if not item.ok), None)

    def __str__(self) -> str:
        failed = self.first_failure
        lines = [f"{failed.name}: {failed.verdict}"] if failed else []
        lines += [str(item) for item in self.anchors if not item.ok]
        return "\n".join(lines) or f"{len(self.passes)} passes keep every value"

    def to_json(self) -> str:
        """One object with the fields of the classes; `ok` and `first_failure` (a name) beside."""
        failed = self.first_failure
        summary = {"ok": self.ok, "first_failure": failed.name if failed else None}
        return json.dumps({**summary, **_plain(asdict(self))}, indent=2)


def _plain(value: Any) -> Any:
    """JSON has no infinity: it is null, as what is not known."""
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def check(
    module: ir.Operation,
    pipeline: str = DEFAULT,
    *,
    inputs: Sequence[np.ndarray] | None = None,
    function: str | None = None,
    dims: Sequence[str] = (),
    seed: int = 0,
    rtol: float | None = None,
    atol: float | None = None,
    anchors: bool = True,
    save: str | Path | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Check:
    """Runs a pipeline pass by pass, and compares the values before and after each.

    `function` is by default every public one. `inputs` are its arguments; without them they are
    generated, by `seed`. `dims` (ARGUMENT.DIMENSION=SIZE or SYMBOL=SIZE) specialize the module
    first, which is checked too. `rtol` and `atol` bound native values, by default by their type.
    `anchors` compares with StableHLO's own interpreter and with IREE as well. `save` is a directory
    for the IR before and after the first pass that fails. `on_progress` hears what is being done.

    Raises `AttnormError` where the module, or what a pass made of it, cannot be evaluated, and
    where a pass fails.
    """
    steps = resolve(pipeline)
    if dims:
        steps = [*resolve(f"attnorm-specialize{{{_sizes(dims, function)}}}"), *steps]
    chosen = choose(module, function)
    if inputs is not None:
        if len(chosen) != 1:
            raise AttnormError(f"inputs: expected a function of {', '.join(chosen)}")
        given = signature(module, chosen[0]).check(inputs)
        sets: dict[str, dict[str, Arrays]] = {chosen[0]: {"given": tuple(given)}}
    else:
        sets = {name: generate(module, name, dims=dims, seed=seed) for name in chosen}
    return _Run(steps, sets, (rtol, atol), save, on_progress or (lambda text: None)).check(
        module, anchors
    )


def _sizes(dims: Sequence[str], function: str | None) -> str:
    return f"dims={';'.join(dims)}" + (f" function={function}" if function else "")


@dataclass
class _Run:
    steps: list[Step]
    sets: Mapping[str, Mapping[str, Arrays]]
    tolerances: tuple[float | None, float | None]
    save: str | Path | None
    tell: Callable[[str], None]

    def check(self, module: ir.Operation, anchors: bool) -> Check:
        with module.context:
            module = module.clone().operation
        given = before = self._values(module)
        old = fingerprint(module)
        self.tell("evaluating the module")
        for values in before:
            values.check()
        found: list[Anchor] = []
        if anchors:
            found += anchor_input(module, before, self.tell)
        passes: list[PassCheck] = []
        for number, step in enumerate(self.steps):
            self.tell(f"pass {number + 1} of {len(self.steps)}: {step}")
            with module.context:
                after = module.clone().operation
            run(after, [step])
            new = fingerprint(after)
            if new == old:
                passes.append(PassCheck(str(step), False, Verdict()))
                continue
            values = self._values(after)
            item = PassCheck(
                str(step), True, self._verdict(step, given, before, values), _reason(step)
            )
            if not item.ok and self.save and all(p.ok for p in passes):
                self._save(step, module, after)
            passes.append(item)
            module, before, old = after, values, new
        if anchors:
            found += anchor_result(module, before, self.tell)
        return Check(tuple(passes), tuple(found))

    def _values(self, module: ir.Operation) -> list[Values]:
        epsilon = next(filter(None, map(_epsilon, self.steps)), None)
        return [Values(module, name, sets, epsilon) for name, sets in self.sets.items()]

    def _verdict(
        self, step: Step, given: list[Values], before: list[Values], after: list[Values]
    ) -> Verdict:
        rtol, atol = self.tolerances
        outputs: list[Output] = []
        try:
            for first, *pair in zip(given, before, after, strict=True):
                outputs += compare(*pair, given=first, rtol=rtol, atol=atol)
        except AttnormError as error:
            note = Diagnostic(f"in the module after '{step}'", severity="note")
            raise AttnormError((*error.diagnostics, note)) from None
        return Verdict(tuple(outputs))

    def _save(self, step: Step, before: ir.Operation, after: ir.Operation) -> None:
        folder = Path(self.save or "")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AttnormError(f"cannot write '{folder}': {error.strerror}") from None
        for name, module in (("before", before), ("after", after)):
            path = folder / f"{step.name}.{name}.mlir"
            write_atomically(path, module.get_asm().encode())


def _epsilon(step: Step) -> float | None:
    return getattr(step.pass_, "rms_norm_epsilon", None)


def _reason(step: Step) -> str:
    return step.pass_.rounds if step.pass_ else ""
