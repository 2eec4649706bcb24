"""Patterns, and passes of MLIR's own run on a module."""

from __future__ import annotations

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


def apply_patterns(scope: ir.Operation, patterns: Iterable[tuple[str, Pattern]]) -> bool:
    """Walks `scope` once and offers every op to the patterns whose root name is its name.

    Returns whether a pattern changed the IR.
    """
    changed = False

    def noting(pattern: Pattern) -> Pattern:
        def noted(op: ir.Operation, rewriter: Rewriter) -> bool:
            nonlocal changed
            done = pattern(op, rewriter)
            changed |= done
            return done

        return noted

    with scope.context:
        found = rewrite.RewritePatternSet()
        for root, pattern in patterns:
            found.add(root, _callback(noting(pattern)))
        rewrite.walk_and_apply_patterns(scope, found.freeze())
    return changed


def contains(scope: ir.Operation, names: Iterable[str]) -> bool:
    """Whether an op of one of the names is below `scope`: a walk in C++."""
    found = False

    def callback(op: ir.OpView, rewriter: rewrite.PatternRewriter) -> bool:
        nonlocal found
        found = True
        return True

    with scope.context:
        patterns = rewrite.RewritePatternSet()
        for name in names:
            patterns.add(name, callback)
        rewrite.walk_and_apply_patterns(scope, patterns.freeze())
    return found


def run_native(op: ir.Operation, passes: str) -> None:
    """Runs C++ passes, as text, on an op; the caller's pass is verified as a whole."""
    with op.context:
        manager = PassManager.parse(f"{op.name}({passes})")
        manager.enable_verifier(False)
        manager.run(op)


def simplify(op: ir.Operation) -> None:
    """Cleans up behind a pass with what StableHLO and MLIR know: a function, or those inside."""
    passes = "stablehlo-aggressive-simplification,canonicalize,cse"
    run_native(op, passes if op.name == "func.func" else f"func.func({passes})")


def erase_dead(op: ir.Operation) -> None:
    """Erases what nothing reads: a pattern may only erase its root, a walk may come to the rest."""
    run_native(op, "trivial-dce")


def _callback(pattern: Pattern) -> Callable[[ir.OpView, rewrite.PatternRewriter], bool]:
    def callback(op: ir.OpView, rewriter: rewrite.PatternRewriter) -> bool:
        # Types and attributes that a pattern makes want a location around them.
        with op.location:
            try:
                changed = pattern(op.operation, Rewriter(rewriter))
            except (RuntimeError, TypeError) as error:
                raise unreadable(op.operation, error) from None
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
