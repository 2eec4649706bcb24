"""Text, bytecode and portable artifacts, read."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path

from ..errors import AttnormError, Diagnostic
from .diagnostics import from_info, raising_located
from .mlir import hlo, ir

_MODULE = "module {"
_RESOURCES = "dialect_resources"
# After comments and aliases.
_OPENS_MODULE = re.compile(
    r'(?:\s|//[^\n]*\n|[#!][^\n]*\n)*(?:module\b|builtin\.module\b|"builtin\.module")'
)
# What only stands outside of a module: aliases and resources.
_TOP_LEVEL = re.compile(r"^[ \t]*(?:[#!]|\{-#)", re.MULTILINE)


def parse_text(source: str, name: str, context: ir.Context) -> ir.Operation:
    """Parses MLIR text to a verified `builtin.module`; `name` is the file in its locations."""
    if not source.endswith("\n"):
        # Where a string among the resources does not end, MLIR's parser reads on behind the text.
        source += "\n"
    with context, raising_located("cannot parse the text", unnamed=name):
        several = "source must contain a single top-level operation"
        # Resources are not parsed twice: their names would be taken then.
        if _RESOURCES not in source or _OPENS_MODULE.match(source):
            try:
                top = ir.Operation.parse(source, source_name=name).operation
                if top.name == "builtin.module":
                    return top
            except ir.MLIRError as error:
                if not any(several in info.message for info in error.error_diagnostics):
                    raise
        # The module around the operations is left out.
        if _TOP_LEVEL.search(source):
            # This entry adds it, but calls every source "-".
            return ir.Module.parse(source).operation
        return ir.Operation.parse(f"{_MODULE}{source}\n}}", source_name=name).operation


def parse_bytecode(source: bytes, name: str, context: ir.Context) -> ir.Operation:
    """Parses MLIR bytecode to a verified `builtin.module`; `name` is the file in errors.

    By way of a file: resources want their bytes at aligned addresses, which those of a Python
    object do not have. (MLIR maps files from 16 KB on.)
    """
    with tempfile.NamedTemporaryFile(suffix=".mlirbc") as file:
        file.write(source)
        file.flush()
        return parse_bytecode_file(file.name, context, name)


def _renamed(found: Diagnostic, old: str, new: str) -> Diagnostic:
    notes = tuple(_renamed(note, old, new) for note in found.notes)
    return replace(found, file=new if found.file == old else found.file, notes=notes)


def parse_bytecode_file(path: str | Path, context: ir.Context, name: str) -> ir.Operation:
    """Parses a file of MLIR bytecode to a verified `builtin.module`; `name` is it in errors.

    Resources stay in the file, which is mapped: they take memory when they are read.
    """
    try:
        with context, raising_located("cannot parse the bytecode", unnamed=name):
            return ir.Module.parseFile(str(path)).operation
    except AttnormError as error:
        renamed = [_renamed(found, str(path), name) for found in error.diagnostics]
        raise AttnormError(renamed) from None


def deserialize_portable_artifact(source: bytes, name: str, context: ir.Context) -> ir.Operation:
    """Reads a StableHLO portable artifact (VHLO bytecode); `name` is the file in errors."""
    found: list[Diagnostic] = []

    def handler(said: ir.Diagnostic) -> bool:
        if said.severity == ir.DiagnosticSeverity.ERROR:
            with raising_located("cannot read the portable artifact", unnamed=name):
                found.append(_renamed(from_info(said), "-", name))
        return True

    # Errors are no exceptions here.
    attached = context.attach_diagnostic_handler(handler)
    try:
        with context, raising_located("cannot read the portable artifact", unnamed=name):
            return hlo.deserialize_portable_artifact(context, source).operation
    except ValueError:
        expected = Diagnostic("expected a whole portable artifact", name)
        raise AttnormError(found or expected) from None
    finally:
        attached.detach()
