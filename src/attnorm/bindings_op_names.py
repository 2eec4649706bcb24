"""The names of ops: the bindings end the process where one is not UTF-8."""

from __future__ import annotations

import ctypes
from dataclasses import replace

from torch_mlir._mlir_libs import _mlir

from .bindings import diagnostic, ir
from .errors import AttnormError, Diagnostic


class _Operation(ctypes.Structure):
    _fields_ = (("address", ctypes.c_void_p),)


class _Identifier(ctypes.Structure):
    _fields_ = (("address", ctypes.c_void_p),)


class _Text(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("length", ctypes.c_size_t))


# MLIR's C interface: the extension module is linked to it.
_C = ctypes.CDLL(_mlir.__file__)
_name = _C.mlirOperationGetName
_name.argtypes, _name.restype = [_Operation], _Identifier
_text = _C.mlirIdentifierStr
_text.argtypes, _text.restype = [_Identifier], _Text
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_pointer.restype = ctypes.c_void_p


def check_op_names(module: ir.Operation, file: str, *, binary: bool) -> None:
    """Raises `AttnormError` for the first op of `module` whose name is not UTF-8.

    Some dialects allow ops that they do not know, by any name. `file` is the file. In a `binary`
    one an op of VHLO is wrong too: it is converted where it is verified, in artifacts.
    """
    found: list[Diagnostic] = []
    seen: set[int | None] = set()

    def visit(op: ir.Operation) -> ir.WalkResult:
        pointer = _pointer(op._CAPIPtr, b"torch_mlir.ir.Operation._CAPIPtr")
        name = _name(_Operation(pointer))
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
