"""What IREE does not survive, or silently takes for something else, as errors ahead of it."""

from __future__ import annotations

from .. import dialect
from ..dialect import composites
from ..errors import AttnormError
from ..ir.diagnostics import diagnostic
from ..ir.entry import named_functions
from ..ir.mlir import ir

_COUNTS = ("mhlo.num_partitions", "mhlo.num_replicas")
"""What says that a module is for several devices, which run it together."""
_CALLS = {"func.call": "callee", "stablehlo.composite": "decomposition"}


def check(module: ir.Operation) -> None:
    """Raises `AttnormError` for what IREE crashes on, or inlines until its memory is used up.

    That is modules for several devices, modules in modules, functions without a body, recursion,
    and attnorm's own ops; and composites of their names that are not sound, which kernels would
    take by their name.
    """
    dialect.load(module.context)
    for name in _COUNTS:
        count = module.attributes.get(name)
        if isinstance(count, ir.IntegerAttr) and count.value != 1:
            raise _error(module, f"{name}: expected the program of one device, got {count.value}")
    for op in module.regions[0].blocks[0].operations:
        if op.operation.name == "builtin.module" or "sym_name" not in op.attributes:
            raise _error(op.operation, "expected functions in the module, got this")
    functions = named_functions(module)
    for name, function in functions.items():
        if not len(function.regions[0].blocks):
            raise _error(function, f"'@{name}': expected a function with a body")
    calls = {name: _calls(function, functions) for name, function in functions.items()}
    cycle = _cycle(calls)
    if cycle:
        path = " calls ".join(f"'@{name}'" for name in cycle)
        raise _error(functions[cycle[0]], f"expected no recursion: {path}")


def _error(op: ir.Operation, message: str) -> AttnormError:
    return AttnormError(diagnostic(op.location, f"'{op.name}' op {message}"))


def _calls(function: ir.Operation, functions: dict[str, ir.Operation]) -> list[str]:
    """The functions that one calls, each once.

    Raises `AttnormError` for ops of attnorm's own, and for composites of their names, unsound.
    """
    found: dict[str, None] = {}
    own: list[ir.Operation] = []
    standing: list[ir.Operation] = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        name = op.name
        if name.startswith("attnorm."):
            own.append(op.operation)
            return ir.WalkResult.INTERRUPT
        if name == "stablehlo.composite" and composites.stands_for_op(op.operation):
            standing.append(op.operation)
        if name in _CALLS:
            callee = ir.FlatSymbolRefAttr(op.attributes[_CALLS[name]]).value
            if callee in functions:
                found[callee] = None
        return ir.WalkResult.ADVANCE

    function.walk(visit)
    if own:
        raise _error(own[0], "is none that IREE knows: expand it ahead of it")
    for composite in standing:
        _check_sound(composite)
    return list(found)


def _check_sound(composite: ir.Operation) -> None:
    """Raises `AttnormError` for a composite that breaks a constraint of the op it stands for."""
    try:
        composites.op_of(composite).erase()
    except ValueError as error:
        name = composite.attributes["name"].value
        raise _error(composite, f'"{name}": {error}') from None


def _cycle(calls: dict[str, list[str]]) -> list[str]:
    """Names that call each other in turn, the first one again at the end; [] where there are none.

    Without recursion of its own: a chain may be longer than Python's stack is deep.
    """
    done: set[str] = set()
    for start in calls:
        path, waiting = [start], [iter(calls[start])]
        while path:
            following = next(waiting[-1], None)
            if following is None:
                done.add(path.pop())
                waiting.pop()
            elif following in path:
                return [*path[path.index(following) :], following]
            elif following not in done:
                path.append(following)
                waiting.append(iter(calls[following]))
    return []
