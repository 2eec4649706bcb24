"""MLIR's C interface, for what its Python bindings show only as text, or not at all."""

from __future__ import annotations

import ctypes
from typing import Any

from torch_mlir._mlir_libs import _mlir

MLIR = ctypes.CDLL(_mlir.__file__)
"""The extension module: it is linked to the C interface."""


class Handle(ctypes.Structure):
    """`MlirAttribute`, `MlirOperation` and their kin: a pointer each."""

    _fields_ = (("address", ctypes.c_void_p),)


class Span(ctypes.Structure):
    """`MlirStringRef`, `ArrayRef` and their kin."""

    _fields_ = (("data", ctypes.c_void_p), ("length", ctypes.c_size_t))


_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_pointer.restype = ctypes.c_void_p


def handle_of(value: Any, kind: bytes) -> Handle:
    """What the C interface takes for an object of the bindings; `kind` is b"Attribute", .."""
    return Handle(_pointer(value._CAPIPtr, b"torch_mlir.ir.%s._CAPIPtr" % kind))
