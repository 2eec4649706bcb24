"""The one room that touches the MLIR bindings; everything else imports them from here.

The bindings' habits that callers must not have to know are hidden here: what a pattern callback
returns, which locations survive an insertion point, how an error becomes a failure.
"""

from __future__ import annotations

import importlib
import io
import pkgutil
import re
import sys
import tempfile
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch_mlir import dialects, ir, rewrite
from torch_mlir._mlir_libs import _stablehlo as hlo
from torch_mlir.dialects import ext
from torch_mlir.passmanager import PassManager

from .errors import AttnormError, Diagnostic

__all__ = [
    "PassManager",
    "Pattern",
    "Rewriter",
    "apply_patterns",
    "bytecode",
    "bytecode_size",
    "changes",
    "collecting_diagnostics",
    "constant_value",
    "deserialize_portable_artifact",
    "diagnostic",
    "dialect_names",
    "entries",
    "erase_dead",
    "evaluate",
    "ext",
    "hlo",
    "inline_resource_of",
    "integers",
    "ir",
    "make_context",
    "names",
    "parse_bytecode",
    "parse_bytecode_file",
    "parse_text",
    "raising_located",
    "reading_attributes",
    "run_native",
    "serialize_portable_artifact",
    "simplify",
]

# The bindings ask for a Python module of an op's dialect whenever they touch the op, and remember
# only that they found one. There is none for these: without an empty one, half of the time goes
# into looking for it.
for _dialect in ("attnorm", "chlo", "stablehlo"):
    _name = f"{dialects.__name__}.{_dialect}"
    sys.modules.setdefault(_name, types.ModuleType(_name))

hlo.register_stablehlo_passes()
# Importing this one registers the rest: stablehlo-aggressive-simplification and torch-mlir's own.
importlib.import_module("torch_mlir._mlir_libs._torchMlir")


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


# -- diagnostics ---------------------------------------------------------------------------------


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


def _from_info(info: ir.DiagnosticInfo) -> Diagnostic:
    severity = str(info.severity).rpartition(".")[2].lower()
    own = diagnostic(info.location, info.message, severity)
    return replace(own, notes=tuple(_from_info(note) for note in info.notes))


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
        found = [_from_info(info) for info in error.error_diagnostics]
        found = [replace(item, file=unnamed) if item.file == "-" else item for item in found]
        raise AttnormError(found or [Diagnostic(what)]) from None


@contextmanager
def reading_attributes(op: ir.Operation) -> Iterator[None]:
    """Turns what the bindings cannot read, such as strings not in UTF-8, into an error at `op`."""
    try:
        yield
    except (RuntimeError, TypeError) as error:
        raise _unreadable(op, error) from None


def _unreadable(op: ir.Operation, error: Exception) -> Exception:
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


def names(dictionary: ir.DictAttr) -> list[str]:
    """The names in a dictionary attribute. One that is not UTF-8 raises, as other strings do."""
    found = []
    for item in dictionary:
        repr(item)  # raises; the name itself would abort
        found.append(item.name)
    return found


def entries(dictionary: ir.DictAttr) -> dict[str, ir.Attribute]:
    """What a dictionary attribute holds, where the bindings have classes for all of it."""
    # The items of an iteration abort where they have none.
    return {name: dictionary[name] for name in names(dictionary)}


@contextmanager
def collecting_diagnostics(
    context: ir.Context, tell: Callable[[Diagnostic], None]
) -> Iterator[None]:
    """Hands warnings and remarks of MLIR to `tell`; errors arrive as exceptions instead."""

    def handler(found: ir.Diagnostic) -> bool:
        if found.severity != ir.DiagnosticSeverity.ERROR:
            tell(_from_info(found))
        return True

    attached = context.attach_diagnostic_handler(handler)
    try:
        yield
    finally:
        attached.detach()


# -- text, bytecode, portable artifacts ----------------------------------------------------------


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
                found.append(_renamed(_from_info(said), "-", name))
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


def serialize_portable_artifact(module: ir.Operation, version: str | None = None) -> bytes:
    """Writes a StableHLO portable artifact for `version` ("1.9.0"; by default the current one)."""
    with module.context, raising_located("cannot write the portable artifact"):
        try:
            return hlo.serialize_portable_artifact(
                _as_module(module), version or hlo.get_current_version()
            )
        except ValueError as error:
            raise AttnormError(f"cannot write the portable artifact: {error}") from None


def evaluate(module: ir.Operation, arguments: Sequence[ir.Attribute]) -> list[ir.DenseElementsAttr]:
    """Runs @main in the StableHLO reference interpreter."""
    with module.context, ir.Location.unknown(), raising_located("the interpreter failed"):
        return hlo.eval_module(_as_module(module), list(arguments))


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


def _as_module(module: ir.Operation) -> ir.Module:
    return ir.Module.parse(bytecode(module), module.context)


def constant_value(constant: ir.Operation) -> Any:
    """What a constant holds; None where the bindings have no class for it: complex numbers."""
    try:
        return constant.attributes["value"]
    except TypeError:
        return None


def integers(attribute: ir.DenseI64ArrayAttr | ir.DenseI32ArrayAttr) -> list[int]:
    """The numbers in an array attribute.

    By index: the end of an iteration is an exception of C++, which takes longer than the rest.
    """
    return [attribute[index] for index in range(len(attribute))]


# What a resource's text starts with: "0x" and the alignment, as a 32-bit number.
_BLOB = re.compile(r': "0x[0-9A-F]{8}([0-9A-F]*)"')


def inline_resource_of(constant: ir.Operation) -> bool:
    """Makes the `dense_resource` of a constant its elements; False where it has no bytes.

    Raises `AttnormError` for bytes of another number than the type has.
    """
    try:
        resource = ir.DenseResourceElementsAttr(constant.attributes["value"])
    except ValueError:
        return False
    with constant.location:
        # The bindings show the bytes nowhere but in print.
        holder = ir.Module.create()
        holder.operation.attributes["value"] = resource
        blob = _BLOB.search(holder.operation.get_asm())
        if not blob:
            return False  # The key of a weight whose bytes are elsewhere.
        try:
            dense = ir.Attribute.parse(f'dense<"0x{blob[1]}"> : {resource.type}')
        except ir.MLIRError:
            problem = f"expected the bytes of {resource.type}, got {len(blob[1]) // 2}"
            where = diagnostic(constant.location, f"'{constant.name}' op value: {problem}")
            raise AttnormError(where) from None
    constant.attributes["value"] = dense
    return True


# -- rewriting -----------------------------------------------------------------------------------


class Rewriter:
    """What a pattern may do to the IR at its root op."""

    def __init__(self, rewriter: rewrite.PatternRewriter):
        self._rewriter = rewriter

    @property
    def ip(self) -> ir.InsertionPoint:
        """The insertion point before the root."""
        return self._rewriter.ip

    def replace(self, op: ir.OpView | ir.Operation, values: Sequence[ir.Value]) -> None:
        """Replaces every result of `op` and erases it."""
        self._rewriter.replace_op(op, list(values))

    def erase(self, op: ir.OpView | ir.Operation) -> None:
        """Erases an op that has no uses."""
        self._rewriter.erase_op(op)


Pattern = Callable[[ir.Operation, Rewriter], bool]
"""Takes a root and a rewriter; returns whether it changed the IR."""


class _Changes(threading.local):
    count = 0


_changes = _Changes()


def changes() -> int:
    """A number that grows where this thread's patterns and native passes may have changed IR."""
    return _changes.count


def _note_change() -> None:
    _changes.count += 1


def apply_patterns(scope: ir.Operation, patterns: Iterable[tuple[str, Pattern]]) -> bool:
    """Walks `scope` once and offers every op to the patterns whose root name is its name.

    Returns whether a pattern changed the IR.
    """
    before = changes()
    with scope.context:
        found = rewrite.RewritePatternSet()
        for root, pattern in patterns:
            found.add(root, _callback(pattern))
        rewrite.walk_and_apply_patterns(scope, found.freeze())
    return changes() != before


def run_native(module: ir.Operation, passes: str) -> None:
    """Runs C++ passes, as text, on a module; the caller's pass is verified as a whole."""
    _note_change()
    with module.context:
        manager = PassManager.parse(f"builtin.module({passes})")
        manager.enable_verifier(False)
        manager.run(module)


def simplify(module: ir.Operation) -> None:
    """Cleans up behind a pass with what StableHLO and MLIR know."""
    run_native(module, "func.func(stablehlo-aggressive-simplification,canonicalize,cse)")


def erase_dead(module: ir.Operation) -> None:
    """Erases what nothing reads: a pattern may only erase its root, a walk may come to the rest."""
    run_native(module, "trivial-dce")


def _callback(pattern: Pattern) -> Callable[[ir.OpView, rewrite.PatternRewriter], bool]:
    def callback(op: ir.OpView, rewriter: rewrite.PatternRewriter) -> bool:
        # Types and attributes that a pattern makes want a location around them.
        with op.location:
            try:
                changed = pattern(op.operation, Rewriter(rewriter))
            except (RuntimeError, TypeError) as error:
                raise _unreadable(op.operation, error) from None
        if changed:
            _note_change()
        # The bindings want a falsy value for "rewritten" and exactly True for "no match".
        return not changed

    return callback
