"""The names of ops: the bindings end the process where one is not UTF-8."""

from __future__ import annotations

import ctypes
from dataclasses import replace

from ..errors import AttnormError, Diagnostic
from .c_interface import MLIR, Handle, Span, handle_of
from .diagnostics import diagnostic
from .mlir import ir

_name = MLIR.mlirOperationGetName
_name.argtypes, _name.restype = [Handle], Handle
_text = MLIR.mlirIdentifierStr
_text.argtypes, _text.restype = [Handle], Span


def check_op_names(module: ir.Operation, file: str, *, binary: bool) -> None:
    """Raises `AttnormError` for the first op of `module` whose name is not UTF-8.

    Some dialects allow ops that they do not know, by any name. `file` is the file. In a `binary`
    one an op of VHLO is wrong too: it is converted where it is verified, in artifacts.
    """
    found: list[Diagnostic] = []
    seen: set[int | None] = set()

    def visit(op: ir.Operation) -> ir.WalkResult:
        name = _name(handle_of(op, b"Operation"))
        # Names are kept once for each context.
        if name.address in seen:
            return ir.WalkResult.ADVANCE
        seen.add(name.address)
        text = _text(name)
        problem = _problem(ctypes.string_at(text.data, text.length), binary)
        if problem is None:
            return ir.WalkResult.ADVANCE
        found.append(replace(diagnostic(op.location, problem), file=file))
        return ir.WalkResult.INTERRUPT

    module.walk(visit)
    if found:
        raise AttnormError(found)


def _problem(name: bytes, binary: bool) -> str | None:
    try:
        name.decode()
    except UnicodeDecodeError:
        return f"expected a name of an op in UTF-8, got {name!r}"
    if binary and name.startswith(b"vhlo."):
        return f"expected StableHLO, got '{name.decode()}': VHLO stands in artifacts"
    return None
