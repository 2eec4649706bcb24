"""What MLIR says is wrong, as `Diagnostic`s and `AttnormError`s."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..errors import AttnormError, Diagnostic
from .mlir import ir


def _file_location(location: ir.Location) -> ir.Location:
    """The first file location inside a name, call-site or fused location."""
    while True:
        # Diagnostics and operations may hand out the base class.
        location = ir.Location.from_attr(location.attr, location.context)
        if isinstance(location, ir.NameLoc):
            location = location.child_loc
        elif isinstance(location, ir.CallSiteLoc):
            location = location.callee
        elif isinstance(location, ir.FusedLoc):
            parts = [_file_location(part) for part in location.locations]
            files = [part for part in parts if isinstance(part, ir.FileLineColLoc)]
            return files[0] if files else location
        else:
            return location


def diagnostic(location: ir.Location, message: str, severity: str = "error") -> Diagnostic:
    """A `Diagnostic` at an MLIR location."""
    leaf = _file_location(location)
    if not isinstance(leaf, ir.FileLineColLoc):
        return Diagnostic(message, severity=severity)
    return Diagnostic(message, _file_name(leaf), leaf.start_line, leaf.start_col, severity)


def _file_name(location: ir.FileLineColLoc) -> str:
    shown = str(location)
    if "\\" not in shown:
        return location.filename
    # The bindings abort on a name that is not UTF-8; what is shown is escaped.
    escaped = shown[shown.index('"') + 1 : shown.rindex('"')]
    return ir.StringAttr(ir.Attribute.parse(f'"{escaped}"', location.context)).value_bytes.decode(
        errors="replace"
    )


def from_info(info: ir.DiagnosticInfo) -> Diagnostic:
    """A diagnostic of MLIR, with its notes."""
    severity = str(info.severity).rpartition(".")[2].lower()
    own = diagnostic(info.location, info.message, severity)
    return replace(own, notes=tuple(from_info(note) for note in info.notes))


# What nanobind raises for a string that is not UTF-8: MLIR's may hold any bytes.
_NOT_UTF8 = "str_from_cstr_and_size(): conversion error"
# Of an attribute or a type.
_NO_CLASS = "Can't cast unknown element type"
# Of a dictionary that an artifact made of something else than names and values.
_NULL = "basic_string: construction from null"
# Of a location among attributes: the bindings know what it is, and fail to make it.
_LOCATION = "(arg: torch_mlir._mlir_libs._mlir.ir.Location, /)"


@contextmanager
def raising_located(what: str, unnamed: str = "-") -> Iterator[None]:
    """Turns the bindings' errors inside the block into an `AttnormError`.

    `what` is the message where the bindings give none; `unnamed` is the file that they call "-".
    """
    try:
        yield
    except RuntimeError as error:
        if _NOT_UTF8 not in str(error):
            raise
        reason = f"{what}: the mistake is in text that is not UTF-8"
        raise AttnormError(Diagnostic(reason, unnamed)) from None
    except ir.MLIRError as error:
        found = [from_info(info) for info in error.error_diagnostics]
        found = [replace(item, file=unnamed) if item.file == "-" else item for item in found]
        raise AttnormError(found or [Diagnostic(what)]) from None


@contextmanager
def reading_attributes(op: ir.Operation) -> Iterator[None]:
    """Turns what the bindings cannot read, such as strings not in UTF-8, into an error at `op`."""
    try:
        yield
    except (RuntimeError, TypeError) as error:
        raise unreadable(op, error) from None


def unreadable(op: ir.Operation, error: Exception) -> Exception:
    """What to raise for an error of the bindings about an attribute: it, where it is another."""
    if _NOT_UTF8 in str(error):
        message = "expected strings in UTF-8"
    elif _NO_CLASS in str(error):
        message = f"expected other attributes: {str(error).partition(_NO_CLASS)[2].strip()}"
    elif _NULL in str(error):
        message = "expected names and values in a dictionary, got neither"
    elif _LOCATION in str(error):
        message = "expected other attributes: a location"
    else:
        return error
    return AttnormError(diagnostic(op.location, f"'{op.name}' op: {message}"))


@contextmanager
def collecting_diagnostics(
    context: ir.Context, tell: Callable[[Diagnostic], None]
) -> Iterator[None]:
    """Hands warnings and remarks of MLIR to `tell`; errors arrive as exceptions instead."""

    def handler(found: ir.Diagnostic) -> bool:
        if found.severity != ir.DiagnosticSeverity.ERROR:
            tell(from_info(found))
        return True

    attached = context.attach_diagnostic_handler(handler)
    try:
        yield
    finally:
        attached.detach()
