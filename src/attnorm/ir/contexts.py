"""Contexts, and the dialects that they know."""

from __future__ import annotations

import pkgutil

from .mlir import PassManager, dialects, hlo, ir


def make_context(*, allow_unregistered_dialects: bool = False) -> ir.Context:
    """A context with StableHLO, CHLO and every upstream dialect of the bindings.

    Single-threaded: verifiers of Python-defined ops need the interpreter's lock, which the thread
    that waits for a parallel verification holds.
    """
    context = ir.Context()
    context.enable_multithreading(False)
    context.allow_unregistered_dialects = allow_unregistered_dialects
    hlo.register_dialect(context)
    _load_chlo(context)
    return context


def _load_chlo(context: ir.Context) -> None:
    """Loads CHLO and VHLO, which have no registration of their own: passes depend on them."""
    with context, ir.Location.unknown():
        module = ir.Module.create()
        passes = "func.func(convert-torch-to-stablehlo),stablehlo-legalize-to-vhlo"
        with ir.InsertionPoint(module.body):
            # A pass on functions loads its dialects only where there is one.
            empty = ir.TypeAttr.get(ir.FunctionType.get([], []))
            attributes = {"sym_name": ir.StringAttr.get("f"), "function_type": empty}
            function = ir.Operation.create("func.func", attributes=attributes, regions=1)
        with ir.InsertionPoint(function.regions[0].blocks.append()):
            ir.Operation.create("func.return")
        PassManager.parse(f"builtin.module({passes})").run(module.operation)


def dialect_names(context: ir.Context) -> list[str]:
    """The dialects that a context can load, sorted.

    The bindings do not list them: every dialect that has Python classes, and those that are known
    to have none, is asked for by name.
    """
    candidates = {module.name for module in pkgutil.iter_modules(dialects.__path__)}
    candidates |= {"attnorm", "chlo", "stablehlo", "vhlo"}
    return [name for name in sorted(candidates) if _is_available(context, name)]


def _is_available(context: ir.Context, name: str) -> bool:
    try:
        context.get_dialect_descriptor(name)
    except ValueError:
        return False
    return True
