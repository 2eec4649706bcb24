"""Which composites become kernels, and why the others do not; how that is told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ..ir.mlir import ir
from ..ir.serialization import bytecode
from . import refused
from .compiler import executable_target, rewrite_module
from .kernels import Choice, insert_kernels
from .kernels.machine import Machine
from .targets import find_target

_PLACE = re.compile(r'"([^"\n]*)":(\d+):(\d+)')


@dataclass(frozen=True)
class Kernel:
    """What became of a composite, and of how many like it; a kernel has no `reason`."""

    name: str
    location: str | None
    reason: str | None
    count: int

    def __str__(self) -> str:
        place = f" at {self.location}" if self.location else ""
        became = f"decomposition, because {self.reason}" if self.reason else "kernel"
        return f"{self.name}{place}: {became}{f' ({self.count} times)' if self.count > 1 else ''}"


def merge(choices: Iterable[Choice]) -> list[Kernel]:
    """Choices for people: locations as file:line:column, those that are alike put together."""
    keys = ((choice.name, _place(choice.location), choice.reason) for choice in choices)
    return [Kernel(*key, count) for key, count in Counter(keys).items()]


def kernels_of(module: ir.Operation, target: str = "host") -> list[Kernel]:
    """What becomes of the composites of a lowered module, which is not compiled for it.

    Raises `AttnormError` where IREE cannot read the module, or would not survive it.
    """
    refused.check(module)
    machine = Machine.parse(executable_target(find_target(target)))
    choices: list[Choice] = []
    rewrite_module(
        bytecode(module),
        target,
        lambda parsed: choices.extend(insert_kernels(parsed, machine)),
    )
    return merge(choices)


def _place(location: str) -> str | None:
    found = _PLACE.search(location)
    return ":".join(found.groups()) if found else None
