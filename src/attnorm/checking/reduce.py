"""Makes a module that shows a failure as small as it can be while it shows it still.

Delta debugging, as in llvm-reduce: an edit finds every place where it applies, and is tried on all
of them, on halves, on quarters, down to single ones. Edits take turns, from those that take away
most to those that only make a type simpler, until none of them helps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..ir.mlir import ir
from ..ir.rewriting import run_native
from ..ir.serialization import bytecode
from . import reduce_functions, reduce_operations, reduce_types
from .reduce_ir import Edit, erase_dead, operations

_EDITS = (*reduce_functions.EDITS, *reduce_operations.EDITS)
_RETYPES = {
    "sizes": reduce_types.smaller_sizes,
    "element types": reduce_types.simpler_elements,
}


@dataclass(frozen=True)
class Size:
    """How large a module is."""

    operations: int
    functions: int

    @staticmethod
    def of(module: ir.Operation) -> Size:
        """The ops below a module, and how many of these are functions."""
        names = [op.name for op in operations(module)]
        return Size(len(names), names.count("func.func"))

    def __str__(self) -> str:
        return f"{self.operations} ops, {self.functions} functions"


@dataclass(frozen=True)
class Candidate:
    """A valid module to try; the edit that made it has `left` places before it to try next."""

    module: ir.Operation
    left: int = 0


First = Callable[[Iterator[Candidate]], Candidate | None]
"""Takes candidates, and returns the first that fails; None where none does."""


@dataclass(frozen=True)
class Progress:
    """Where a reduction is: the smallest module so far, and what is tried on it."""

    module: ir.Operation
    trying: str
    tried: int


def reduce(
    module: ir.Operation,
    fails: Callable[[ir.Operation], bool],
    *,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> ir.Operation:
    """The smallest module found for which `fails` is true; `module` is left alone.

    `fails` has to be true for `module`, and to leave the modules that it gets as they are. These
    are valid, have no more ops than `module`, and are never the same twice. What it raises is not
    caught.
    """
    return search(
        module,
        lambda candidates: next((item for item in candidates if fails(item.module)), None),
        on_progress=on_progress,
    )


def search(
    module: ir.Operation, first: First, *, on_progress: Callable[[Progress], None]
) -> ir.Operation:
    """`reduce` for whom may look at several candidates at a time."""
    with module.context, ir.Location.unknown():
        return _Search(module, first, on_progress).run()


class _Search:
    def __init__(self, module: ir.Operation, first: First, on_progress: Callable[[Progress], None]):
        self._first = first
        self._on_progress = on_progress
        self._module = module
        self._seen = {_digest(module)}
        self._largest = len(operations(module))
        self._tidy = False

    def run(self) -> ir.Operation:
        self._take("everything", iter([Candidate(ir.Module.create().operation)]))
        self._offer("locations", lambda module: run_native(module, "strip-debuginfo"))
        # Where what nothing reads is no part of the failure, it need never be tried.
        before = len(self._seen)
        self._tidy = self._offer("dead ops", erase_dead) or len(self._seen) == before
        changed = True
        while changed:
            changed = False
            for edit in _EDITS:
                changed |= self._sweep(edit)
            for name, retype in _RETYPES.items():
                while self._take(name, map(Candidate, retype(self._module))):
                    changed = True
        return self._module

    def _offer(self, name: str, change: Callable[[ir.Operation], None]) -> bool:
        copy = self._module.clone().operation
        change(copy)
        return self._take(name, iter([Candidate(copy)])) is not None

    def _sweep(self, edit: Edit) -> bool:
        """Tries an edit on ever smaller parts of where it applies, the last ones first."""
        changed = False
        length = count = self._count(edit)
        while length:
            left = count
            while found := self._take(edit.name, self._parts(edit, left, length)):
                changed = True
                count = self._count(edit)
                left = min(found.left, count)
            length = min(length, count + 1) // 2
        return changed

    def _count(self, edit: Edit) -> int:
        return len(edit.find(self._module.clone().operation))

    def _parts(self, edit: Edit, left: int, length: int) -> Iterator[Candidate]:
        while left > 0:
            start = max(left - length, 0)
            copy = self._module.clone().operation
            try:
                edit.apply(copy, edit.find(copy)[start:left])
                yield Candidate(copy, start)
            except (ir.MLIRError, ValueError):
                pass  # It does not apply here.
            left = start

    def _take(self, name: str, candidates: Iterator[Candidate]) -> Candidate | None:
        """Goes on with the first candidate that fails."""
        self._tell(name)
        found = self._first(filter(self._is_worth_trying, candidates))
        if found:
            self._module = found.module
            self._tell(name)
        return found

    def _is_worth_trying(self, candidate: Candidate) -> bool:
        """Whether a candidate, tidied up, is valid, new, and no larger than the first module."""
        module = candidate.module
        if self._tidy:
            erase_dead(module)
        try:
            module.verify()
        except ir.MLIRError:
            return False
        digest = _digest(module)
        if digest in self._seen or len(operations(module)) > self._largest:
            return False
        self._seen.add(digest)
        return True

    def _tell(self, name: str) -> None:
        self._on_progress(Progress(self._module, name, len(self._seen) - 1))


def _digest(module: ir.Operation) -> bytes:
    return hashlib.sha256(bytecode(module)).digest()
