"""Bytecode and portable artifacts, written."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from ..errors import AttnormError
from .diagnostics import raising_located
from .mlir import hlo, ir


def serialize_portable_artifact(module: ir.Operation, version: str | None = None) -> bytes:
    """Writes a StableHLO portable artifact for `version` ("1.9.0"; by default the current one)."""
    with module.context, raising_located("cannot write the portable artifact"):
        try:
            return hlo.serialize_portable_artifact(
                as_module(module), version or hlo.get_current_version()
            )
        except ValueError as error:
            raise AttnormError(f"cannot write the portable artifact: {error}") from None


def bytecode(module: ir.Operation) -> bytes:
    """The module as MLIR bytecode."""
    stream = io.BytesIO()
    module.write_bytecode(stream)
    return stream.getvalue()


class _Counter(io.RawIOBase):
    """A file that keeps no more than its length."""

    length = 0

    def write(self, data: Any) -> int:
        self.length += len(data)
        return len(data)


def bytecode_size(module: ir.Operation) -> int:
    """The length of `bytecode`, without its memory."""
    counter = _Counter()
    module.write_bytecode(counter)
    return counter.length


def as_module(module: ir.Operation) -> ir.Module:
    """A copy as the class that some functions of the bindings take."""
    return ir.Module.parse(bytecode(module), module.context)


def fingerprint(op: ir.Operation) -> bytes:
    """What tells two states of an op apart, locations included, but for the bytes of resources."""
    text = op.get_asm(
        binary=True, print_generic_op_form=True, enable_debug_info=True, large_resource_limit=0
    )
    return hashlib.sha256(text).digest()
