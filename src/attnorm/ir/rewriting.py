"""Patterns, and passes of MLIR's own run on a module."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence

from .diagnostics import unreadable
from .mlir import PassManager, ir, rewrite
from .values import producer


class Refusal(Exception):
    """Raised inside a rewrite, before it changes anything, with the reason for not making it."""


class Rewriter:
    """What a pattern may do to the IR at its root op."""

    def __init__(self, rewriter: rewrite.PatternRewriter):
        self._rewriter = rewriter

    @property
    def ip(self) -> ir.InsertionPoint:
        """The insertion point before the root."""
        return self._rewriter.ip

    def replace(self, op: ir.OpView | ir.Operation, values: Sequence[ir.Value]) -> None:
        """Replaces every result of `op` and erases it."""
        self._rewriter.replace_op(op, list(values))

    def erase(self, op: ir.OpView | ir.Operation) -> None:
        """Erases an op that has no uses."""
        self._rewriter.erase_op(op)


Pattern = Callable[[ir.Operation, Rewriter], bool]
"""Takes a root and a rewriter; returns whether it changed the IR."""


class _Changes(threading.local):
    count = 0


_changes = _Changes()


def changes() -> int:
    """A number that grows where this thread's patterns and native passes may have changed IR."""
    return _changes.count


def _note_change() -> None:
    _changes.count += 1


def apply_patterns(scope: ir.Operation, patterns: Iterable[tuple[str, Pattern]]) -> bool:
    """Walks `scope` once and offers every op to the patterns whose root name is its name.

    Returns whether a pattern changed the IR.
    """
    before = changes()
    with scope.context:
        found = rewrite.RewritePatternSet()
        for root, pattern in patterns:
            found.add(root, _callback(pattern))
        rewrite.walk_and_apply_patterns(scope, found.freeze())
    return changes() != before


def run_native(module: ir.Operation, passes: str) -> None:
    """Runs C++ passes, as text, on a module; the caller's pass is verified as a whole."""
    _note_change()
    with module.context:
        manager = PassManager.parse(f"builtin.module({passes})")
        manager.enable_verifier(False)
        manager.run(module)


def simplify(module: ir.Operation) -> None:
    """Cleans up behind a pass with what StableHLO and MLIR know."""
    run_native(module, "func.func(stablehlo-aggressive-simplification,canonicalize,cse)")


def erase_dead(module: ir.Operation) -> None:
    """Erases what nothing reads: a pattern may only erase its root, a walk may come to the rest."""
    run_native(module, "trivial-dce")


def _callback(pattern: Pattern) -> Callable[[ir.OpView, rewrite.PatternRewriter], bool]:
    def callback(op: ir.OpView, rewriter: rewrite.PatternRewriter) -> bool:
        # Types and attributes that a pattern makes want a location around them.
        with op.location:
            try:
                changed = pattern(op.operation, Rewriter(rewriter))
            except (RuntimeError, TypeError) as error:
                raise unreadable(op.operation, error) from None
        if changed:
            _note_change()
        # The bindings want a falsy value for "rewritten" and exactly True for "no match".
        return not changed

    return callback


def operations(module: ir.Operation, name: str) -> list[ir.Operation]:
    """Every op of a name below `module`, in order."""
    found: list[ir.Operation] = []

    def visit(op: ir.Operation, rewriter: Rewriter) -> bool:
        found.append(op)
        return False

    apply_patterns(module, [(name, visit)])
    return found


def erase_unused(values: Iterable[ir.Value]) -> None:
    """Erases the ops that make values without a use, and what only they use."""
    pending = [op for value in values if (op := producer(value))]
    while pending:
        op = pending.pop()
        computes = op.name.partition(".")[0] in ("arith", "shape", "stablehlo", "tensor")
        if not computes or op.name == "stablehlo.custom_call":
            continue
        if not any(list(result.uses) for result in op.results):
            pending = [other for other in pending if other != op]
            pending += [made for operand in op.operands if (made := producer(operand))]
            op.erase()
