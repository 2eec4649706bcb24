"""attnorm and plain IREE: the same module, called in the same way."""

from __future__ import annotations

from functools import partial

import numpy as np
from iree import runtime

from attnorm.execution.program import Program

from ...contender import Array, Form, Prepared
from ..cases import Model, Step
from ..inputs import Inputs
from ..programs import Built, build


class Attnorm:
    """`attnorm.from_hugging_face`, compiled apart from the weights."""

    pipeline = "attnorm-to-iree"
    flags: tuple[str, ...] = ()
    """Of the compiler."""

    def __init__(self, threads: int) -> None:
        # Read when the device is made.
        runtime.flags.parse_flags(f"--task_topology_group_count={threads}")
        self._device = "local-sync" if threads == 1 else "local-task"
        self._program: tuple[Built, Program] | None = None

    def forms(self, case: Step, inputs: Inputs) -> list[Form]:
        """The program's own functions for tokens by the one and by the chunk."""
        return [partial(self._prepare, case, inputs)]

    def _prepare(self, case: Step, inputs: Inputs) -> Prepared:
        built = build(case, inputs.checkpoint, self.pipeline, self.flags)
        session = _Session(self._load(built), case.model)
        session.fill(inputs.ids[: case.before])
        ids = inputs.ids[case.before :]
        return Prepared(
            lambda: session.step(ids, case.before),
            lambda: [session.step(ids, case.before)],
            f"@{_function(case.count)}",
            built.seconds,
        )

    def _load(self, built: Built) -> Program:
        """One program at a time."""
        if self._program is None or self._program[0] != built:
            self._program = None
            program = Program.load(built.program, device=self._device, weights=built.weights)
            self._program = built, program
        return self._program[1]


class Plain(Attnorm):
    """The same module with none of attnorm's kernels: StableHLO's primitives."""

    pipeline = "attnorm-to-stablehlo"
    # With it, IREE 3.13 has no room on its stack for the probabilities of 2304 keys.
    flags = ("--iree-opt-data-tiling=false",)


class _Session:
    """The caches, and calls that say where in them a token goes: it may be the same place again."""

    def __init__(self, program: Program, model: Model) -> None:
        self._program, self._model = program, model
        types = program.functions["decode"].arguments[4:]
        shapes = [[size for size in kind.shape if size is not None] for kind in types]
        self._caches = [
            program.upload(np.zeros(shape, kind.dtype))
            for shape, kind in zip(shapes, types, strict=True)
        ]

    def fill(self, ids: Array) -> None:
        """A text, in chunks."""
        position = 0
        while position < len(ids):
            left = len(ids) - position
            size = max(size for size in (1, *self._model.prompts) if size <= left)
            self.step(ids[position : position + size], position)
            position += size

    def step(self, ids: Array, position: int) -> Array:
        """The logits behind the ids. No slots are used up: a token's is its position."""
        scalars = (np.array(value, np.int32) for value in (position, position, len(ids) - 1))
        arrays = [self._program.upload(array) for array in (ids[None], *scalars)]
        logits, *self._caches = self._program.call_on_device(
            _function(len(ids)), [*arrays, *self._caches]
        )
        return self._program.download(logits)


def _function(count: int) -> str:
    return "decode" if count == 1 else f"prefill_{count}"
