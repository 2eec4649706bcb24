"""Bytes in, module out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..dialect import new_context
from ..errors import AttnormError, Diagnostic
from ..ir.elements import check_binary
from ..ir.mlir import ir
from ..ir.op_names import check_op_names
from ..ir.parsing import (
    deserialize_portable_artifact,
    parse_bytecode,
    parse_bytecode_file,
    parse_text,
)
from . import guard
from .files import read_bytes, read_start
from .skainet import repair

INPUT_FORMATS = ("auto", "mlir", "skainet")
_BYTECODE_MAGIC = b"ML\xefR"
_PORTABLE_PRODUCER = b"StableHLO_v"


def load(
    source: str | Path | bytes,
    *,
    input_format: str = "auto",
    name: str | None = None,
    context: ir.Context | None = None,
    trusted: bool = False,
) -> ir.Operation:
    """Reads a module: MLIR text, MLIR bytecode, a StableHLO portable artifact or SKaiNET's text.

    `source` is the contents as bytes, or as str where it has a line break; otherwise a path.
    `input_format` is "auto" (recognised by its contents), "mlir" or "skainet". `name` is the file
    in locations, by default the path. Returns a verified `builtin.module`; raises `AttnormError`.

    MLIR's readers crash on some broken files: another process reads bytecode, and text that is
    nested deeply, first. It is started once, and `trusted` does without.
    """
    context = context or new_context()
    if isinstance(source, Path) or (isinstance(source, str) and "\n" not in source):
        name = name or str(source)
        if input_format != "skainet" and _is_bytecode(read_start(source)):
            _check_format(input_format)
            path, size = source, os.path.getsize(source)
            with _guarded("bytecode", path, size, name, context, trusted):
                return _whole(parse_bytecode_file(path, context, name), name)
        data = read_bytes(source)
    else:
        data = source.encode() if isinstance(source, str) else source
    return read(data, name or "-", input_format, context, trusted=trusted)


def read(
    data: bytes, name: str, input_format: str, context: ir.Context, *, trusted: bool = False
) -> ir.Operation:
    """`load` for contents that are at hand."""
    _check_format(input_format)
    size = len(data)
    if input_format != "skainet" and data.startswith(_BYTECODE_MAGIC):
        way, parse = (
            ("bytecode", parse_bytecode)
            if _is_bytecode(data)
            else ("portable", deserialize_portable_artifact)
        )
        with _guarded(way, data, size, name, context, trusted):
            return _whole(parse(data, name, context), name)
    text = _decode(data, name)
    if input_format == "skainet" or (input_format == "auto" and repair.is_skainet(text)):
        text = repair.repair(text, name)
    known = trusted or guard.is_contained() or guard.is_harmless(text)
    with _guarded("text", b"" if known else text.encode(), size, name, context, known):
        module = parse_text(text, name, context)
    # Text is UTF-8 but for what it escapes.
    if guard.ESCAPED_BYTE.search(text):
        check_op_names(module, name, binary=False)
    return module


def _whole(module: ir.Operation, name: str) -> ir.Operation:
    """The module, if it is sound: elsewhere the process that reads first has looked."""
    if guard.is_contained():
        check_binary(module, name)
    return module


@contextmanager
def _guarded(
    way: str, source: str | Path | bytes, size: int, name: str, context: ir.Context, trusted: bool
) -> Iterator[None]:
    """Reading inside the block is known to be harmless, or may be the end of the process."""
    if guard.is_contained():
        guard.note("reading it", file=name)
        try:
            with guard.bounds(size):
                yield
        except MemoryError:
            raise AttnormError(Diagnostic("reading it took too much memory", name)) from None
        return
    if not trusted:
        _try_first(way, source, name, context)
    yield


def _try_first(way: str, source: str | Path | bytes, name: str, context: ir.Context) -> None:
    from . import reader

    with ExitStack() as stack:
        if isinstance(source, bytes):
            file = stack.enter_context(tempfile.NamedTemporaryFile())
            file.write(source)
            file.flush()
            source = file.name
        unregistered = context.allow_unregistered_dialects
        reader.check(reader.Request(os.path.abspath(source), name, way, unregistered))


def _check_format(input_format: str) -> None:
    if input_format not in INPUT_FORMATS:
        choices = ", ".join(INPUT_FORMATS)
        raise AttnormError(f"input format: expected one of {choices}, got '{input_format}'")


def _is_bytecode(data: bytes) -> bool:
    """Whether it is MLIR bytecode, and no portable artifact."""
    # The producer's name follows the version number.
    return data.startswith(_BYTECODE_MAGIC) and not data[5:].startswith(_PORTABLE_PRODUCER)


def _decode(data: bytes, name: str) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise AttnormError(Diagnostic("expected MLIR text or bytecode", name, line, 1)) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise AttnormError(Diagnostic("expected MLIR text, got a null character", name, line, 1))
    return text
