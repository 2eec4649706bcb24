"""The bytes of constants where MLIR keeps them, which the bindings show only as text."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..errors import AttnormError, Diagnostic
from .attributes import names
from .c_interface import MLIR, Handle, Span, handle_of
from .diagnostics import diagnostic, reading_attributes
from .mlir import ir
from .op_names import check_op_names


class _Blob(ctypes.Structure):
    """MLIR's `DialectResourceBlobManager::BlobEntry`: a key and an optional `AsmResourceBlob`."""

    _fields_ = (
        ("key", Span),
        ("bytes", Span),
        ("alignment", ctypes.c_size_t),
        ("deleter", ctypes.c_size_t * 5),
        ("is_mutable", ctypes.c_size_t),
        ("is_present", ctypes.c_bool),
    )


class _Storage(ctypes.Structure):
    """MLIR's `DenseResourceElementsAttrStorage`."""

    _fields_ = (
        ("kind", ctypes.c_void_p),
        ("type", ctypes.c_void_p * 2),
        ("blob", ctypes.POINTER(_Blob)),
    )


class _Elements(ctypes.Structure):
    """MLIR's `DenseIntOrFPElementsAttrStorage`."""

    _fields_ = (
        ("kind", ctypes.c_void_p),
        ("type", ctypes.c_void_p * 2),
        ("bytes", Span),
    )


_raw_data = MLIR.mlirDenseElementsAttrGetRawData
_raw_data.argtypes, _raw_data.restype = [Handle], ctypes.c_void_p


def resource_key(value: ir.Attribute) -> str | None:
    """The key of a `dense_resource`; None for any other attribute."""
    blob = _blob(value)
    return None if blob is None else _key(blob)


def raw_bytes(value: ir.Attribute, size: int) -> memoryview | None:
    """The `size` bytes of a `dense_resource`, or of `dense` elements that are no splat.

    No copy. None for a resource without bytes, or with another number of them.
    """
    blob = _blob(value)
    if blob is None:
        return _view(value, _raw_data(_handle(value)), size)
    if not blob.is_present or blob.bytes.length != size:
        return None
    return _view(value, blob.bytes.data, size)


def check_binary(module: ir.Operation, name: str) -> None:
    """Raises `AttnormError` for negative sizes, and `dense` elements of another length than theirs.

    MLIR reads bytecode without looking at either, and then whatever is in memory. `name` is the
    file. The names of ops come first: they may not be told otherwise.
    """
    check_op_names(module, name, binary=True)
    found: list[Diagnostic] = []
    seen: set[ir.Type] = set()

    def visit(op: ir.Operation) -> ir.WalkResult:
        try:
            with reading_attributes(op):
                problem = problem_of(op)
        except AttnormError as error:
            # It would come out of the walk as another.
            found.extend(error.diagnostics)
            return ir.WalkResult.INTERRUPT
        if problem is None:
            return ir.WalkResult.ADVANCE
        found.append(replace(diagnostic(op.location, problem), file=name))
        return ir.WalkResult.INTERRUPT

    def problem_of(op: ir.Operation) -> str | None:
        problem = None
        for type_ in _types(op):
            if type_ not in seen:
                seen.add(type_)
                problem = problem or _size_problem(type_)
        for name_ in op.attributes:
            problem = problem or _elements_problem(op.attributes, name_)
        return problem

    module.walk(visit)
    if found:
        raise AttnormError(found)


def _types(op: ir.Operation) -> Iterator[ir.Type]:
    """Those of the values that an op makes, its regions' arguments among them."""
    for result in op.results:
        yield result.type
    for region in op.regions:
        for block in region:
            for argument in block.arguments:
                yield argument.type


def _size_problem(type_: ir.Type) -> str | None:
    if not isinstance(type_, ir.RankedTensorType):
        return None
    for dimension, size in enumerate(type_.shape):
        if size < 0 and not type_.is_dynamic_dim(dimension):
            return f"expected a size of 0 or more, got {size}"
    return None


def _elements_problem(holder: Any, key: str | int) -> str | None:
    """What is wrong with one of the attributes that an op, a dictionary or a list holds."""
    try:
        value = holder[key]
    except TypeError:
        return None  # The bindings have no class for it: complex elements, for one.
    except KeyError:
        return f"expected another name of an attribute than {key!r}"  # a null character, for one
    if isinstance(value, (ir.ArrayAttr, ir.DictAttr)):
        keys = range(len(value)) if isinstance(value, ir.ArrayAttr) else names(value)
        return next(filter(None, (_elements_problem(value, key) for key in keys)), None)
    if not isinstance(value, ir.DenseElementsAttr):
        return None
    type_ = ir.ShapedType(value.type)
    size = _element_size(type_.element_type)
    count = math.prod(type_.shape)
    elements = ctypes.cast(_handle(value).address, ctypes.POINTER(_Elements)).contents
    if size is None or elements.bytes.length in (size, size * count):
        return None
    return f"expected {size * count} bytes of {type_}, got {elements.bytes.length}"


def _element_size(type_: ir.Type) -> int | None:
    """The bytes of an element in memory; None where it has no fixed number."""
    if isinstance(type_, (ir.IntegerType, ir.FloatType)):
        return -(-type_.width // 8)
    return 8 if isinstance(type_, ir.IndexType) else None


def _blob(value: ir.Attribute) -> _Blob | None:
    try:
        resource = ir.DenseResourceElementsAttr(value)
    except ValueError:
        return None
    # The C interface gives an element at a time. The layout is that of the pinned bindings.
    storage = ctypes.cast(_handle(value).address, ctypes.POINTER(_Storage)).contents
    blob = storage.blob.contents
    with value.context:
        spellings = (_key(blob), str(ir.StringAttr.get(_key(blob))))
    assert str(resource).startswith(tuple(f"dense_resource<{key}>" for key in spellings))
    return blob


def _key(blob: _Blob) -> str:
    return ctypes.string_at(blob.key.data, blob.key.length).decode()


def _handle(value: ir.Attribute) -> Handle:
    return handle_of(value, b"Attribute")


def _view(value: ir.Attribute, address: int, size: int) -> memoryview:
    array = (ctypes.c_uint8 * size).from_address(address)
    setattr(array, "owner", value)  # noqa: B010 - the context lives as long as its memory is used
    return memoryview(array).cast("B").toreadonly()
