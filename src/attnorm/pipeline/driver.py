"""Textual pass pipelines: `builtin.module(raise-composites,func.func(canonicalize),cse)`.

Python passes have no place in MLIR's own registry, so the text is parsed here: our passes become
callables, everything else is handed to MLIR, in the order written, on one pass manager.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any

from .. import passes
from ..errors import AttnormError, Diagnostic, printable
from ..io import guard
from ..ir.diagnostics import diagnostic, raising_located, reading_attributes
from ..ir.mlir import PassManager, ir
from ..ir.rewriting import contains
from ..ir.serialization import fingerprint
from ..passes import Pass, Report
from . import pipelines
from .idle import may_change

# -- the text ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Element:
    """A pass, a named pipeline, or a nest: `name{options}` or `anchor(children)`."""

    name: str
    options: str = ""
    children: tuple[Element, ...] | None = None
    at: int = field(default=0, compare=False)
    """Where it starts in the text."""

    def __str__(self) -> str:
        if self.children is not None:
            return f"{self.name}({','.join(map(str, self.children))})"
        return self.name + (f"{{{self.options}}}" if self.options else "")


def parse_pipeline(text: str) -> tuple[Element, ...]:
    """Parses a pipeline, with or without the `builtin.module(...)` around it."""
    try:
        elements, end = _elements(text, 0)
    except RecursionError:
        raise _syntax(text, 0, "expected fewer nested parentheses") from None
    if end != len(text):
        raise _syntax(text, end, "expected ',' or the end")
    if len(elements) == 1 and elements[0].name in ("builtin.module", "any"):
        return elements[0].children or ()
    return elements


def _elements(text: str, at: int) -> tuple[tuple[Element, ...], int]:
    found: list[Element] = []
    while True:
        element, at = _element(text, at)
        if element is not None:
            found.append(element)
        elif found:
            raise _syntax(text, at, "expected a pass name")
        if at == len(text) or text[at] != ",":
            return tuple(found), at
        at += 1


def _element(text: str, at: int) -> tuple[Element | None, int]:
    at = _skip_space(text, at)
    start = at
    while at < len(text) and text[at] not in "(){}," and not text[at].isspace():
        at += 1
    name, at = text[start:at], _skip_space(text, at)
    if not name:
        return None, at
    if text[at : at + 1] == "(":
        children, at = _elements(text, at + 1)
        if text[at : at + 1] != ")":
            raise _syntax(text, at, "expected ')'")
        return Element(name, children=children, at=start), _skip_space(text, at + 1)
    if text[at : at + 1] == "{":
        end = _closing_brace(text, at)
        options = " ".join(text[at + 1 : end].split())
        return Element(name, options, at=start), _skip_space(text, end + 1)
    return Element(name, at=start), at


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _closing_brace(text: str, at: int) -> int:
    depth = 0
    for index in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index
    raise _syntax(text, at, "expected a '}' for this '{'")


def _syntax(text: str, at: int, message: str) -> AttnormError:
    return AttnormError(Diagnostic(message, f"pass pipeline '{text}'", 1, at + 1))


# -- what it means -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One pass of a flat pipeline: ours (`pass_`) or MLIR's.

    It runs on the ops that its nest of anchors reaches: those of the first name that stand directly
    in the module, those of the second that stand directly in these, ...
    """

    name: str
    options: str
    nest: tuple[str, ...] = ()
    pass_: Pass | None = None

    def __str__(self) -> str:
        own = self.name + (f"{{{self.options}}}" if self.options else "")
        text = str(self.pass_) if self.pass_ else own
        for anchor in reversed(self.nest):
            text = f"{anchor}({text})"
        return text


def resolve(text: str) -> list[Step]:
    """The flat list of passes that a pipeline stands for, every option checked."""
    return list(_resolve(parse_pipeline(text), (), text))


_ANY = "any"
"""The anchor of every op that passes may run on."""


def _resolve(elements: tuple[Element, ...], nest: tuple[str, ...], text: str) -> Iterator[Step]:
    for element in elements:
        if element.children is not None:
            yield from _nested(element, element.children, nest, text)
        elif element.name in pipelines.named():
            expanded = parse_pipeline(pipelines.named()[element.name].expand(element.options))
            yield from _resolve(tuple(_moved(item, element.at) for item in expanded), nest, text)
        else:
            yield _placed(element, nest, text)


def _moved(element: Element, at: int) -> Element:
    """An element of a named pipeline, at the place of its name."""
    children = element.children and tuple(_moved(child, at) for child in element.children)
    return replace(element, children=children, at=at)


def _nested(
    element: Element, children: tuple[Element, ...], nest: tuple[str, ...], text: str
) -> list[Step]:
    anchor = element.name
    if anchor != _ANY and not _is_registered(anchor):
        near = difflib.get_close_matches(anchor, ("builtin.module", "func.func", _ANY), n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        message = f"expected a registered op to run on, got '{anchor}'{hint}"
        raise _syntax(text, element.at, message)
    inner = (*nest, anchor)
    steps = list(_resolve(children, inner, text))
    if anchor != _ANY:
        return steps
    # Passes run together on each op, so all of them have to be able to.
    wanted = sorted({_anchor(step) for step in steps if step.nest == inner} - {""})
    if not wanted:
        return steps
    if len(wanted) > 1:
        message = f"expected passes that can run on one op, got {' and '.join(map(repr, wanted))}"
        raise _syntax(text, element.at, message)
    return [replace(step, nest=(*nest, *wanted, *step.nest[len(inner) :])) for step in steps]


@functools.cache
def _is_registered(op: str) -> bool:
    with ir.Context() as context:
        try:
            context.get_dialect_descriptor(op.partition(".")[0])
        except ValueError:
            return False
        return context.is_registered_operation(op)


def _placed(element: Element, nest: tuple[str, ...], text: str) -> Step:
    """The pass in its nest; in that of its anchor too where a module is around, as in mlir-opt."""
    step = Step(element.name, element.options, nest)
    if element.name in passes.NAMES:
        pass_ = passes.get(element.name).from_options(element.options)
        step = replace(step, pass_=pass_)
    anchor, innermost = _anchor(step), nest[-1] if nest else "builtin.module"
    if anchor in ("", innermost) or innermost == _ANY:
        return step
    if innermost == "builtin.module":
        return replace(step, nest=(*nest, anchor))
    message = f"'{step.name}' can't run on '{innermost}', only on '{anchor}'"
    raise _syntax(text, element.at, message)


def _anchor(step: Step) -> str:
    """The op that a pass is restricted to; empty where there is none."""
    return step.pass_.anchor if step.pass_ else _native_anchor(step.name, step.options)


def check_pass_name(name: str) -> None:
    """Raises `AttnormError` where there is no pass of that name."""
    if name not in passes.NAMES:
        _native_anchor(name, "")


@functools.lru_cache(maxsize=1024)
def _native_anchor(name: str, options: str) -> str:
    """The op that a pass of MLIR is restricted to; an `AttnormError` where there is no such."""
    problem = _native_problem(Step(name, options, ("no.op",)))
    if not problem:
        return ""
    restricted = re.search("restricted to '([^']*)'", problem)
    if restricted:
        return restricted[1]
    if f"'{name}' does not refer to a registered" not in problem:
        raise AttnormError(f"{name}: {problem}")
    near = difflib.get_close_matches(name, [*passes.NAMES, *pipelines.named()], n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise AttnormError(f"unknown pass or pipeline '{name}'{hint}")


def _native_problem(step: Step) -> str | None:
    """What MLIR has against a step, on one line."""
    with ir.Context(), _captured_stderr() as captured:
        try:
            PassManager.parse(f"builtin.module({step})")
        except (ValueError, ir.MLIRError) as error:
            # Wrong values are said by LLVM's own parser, on stderr.
            said = f"{error}\n{captured()}".removeprefix("<Pass-Options-Parser>: ")
            lines = [line.strip(" :") for line in said.splitlines()]
            useful = [line for line in lines if line and not line.startswith("failed to add")]
            return useful[0] if useful else f"expected valid options, got '{step.options}'"
    return None


_capturing = Lock()


@contextmanager
def _captured_stderr() -> Iterator[Callable[[], str]]:
    """Keeps what C++ writes to stderr inside the block, and hands it out."""
    # A second thread inside would restore the first one's file.
    with _capturing, tempfile.TemporaryFile() as file:

        def captured() -> str:
            file.seek(0)
            return file.read().decode(errors="replace")

        try:
            saved = os.dup(2)
        except OSError:
            # stderr is closed: nothing to keep.
            yield captured
            return
        os.dup2(file.fileno(), 2)
        try:
            yield captured
        finally:
            os.dup2(saved, 2)
            os.close(saved)


# -- running it ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Printing:
    """How IR is printed to stderr while a pipeline runs; `asm` are `get_asm` arguments."""

    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    before_all: bool = False
    after_all: bool = False
    after_change: bool = False
    after_failure: bool = False
    asm: tuple[tuple[str, object], ...] = ()

    def wants_any(self) -> bool:
        """Whether anything is to be printed."""
        return self != replace(Printing(), asm=self.asm)


def run(
    module: ir.Operation,
    pipeline: str | list[Step],
    *,
    verify_each: bool = True,
    timing: bool = False,
    printing: Printing = Printing(),
    reproducer: Path | None = None,
    on_refusal: Callable[[Diagnostic], None] | None = None,
) -> None:
    """Runs a pipeline on a module, in place.

    Raises `AttnormError` with MLIR's diagnostics where a pass fails; the module is then undefined.
    With `reproducer`, the module before and the pipeline are written there on a failure.
    `on_refusal` hears why a pass left a candidate as it is.
    """
    steps = resolve(pipeline) if isinstance(pipeline, str) else pipeline
    before = module.get_asm(print_generic_op_form=True) if reproducer else None
    with module.context:
        manager = PassManager()
        # MLIR would verify after every callback too, and name no pass. Verification is a step of
        # its own behind each pass.
        manager.enable_verifier(False)
        if timing:
            manager.enable_timing()
        tracer = _Tracer(printing) if printing.wants_any() else None
        verification = _Verification() if verify_each else None
        for step in steps:
            if guard.is_contained() and not timing:
                manager.add(_noting(step), name="note")
            _add(manager, step, tracer, on_refusal, verification)
        try:
            with raising_located("the pass pipeline failed"):
                manager.run(module)
        except AttnormError as error:
            if tracer:
                tracer.failed(module)
            if not reproducer:
                raise
            _write_reproducer(reproducer, str(before), steps, verify_each)
            note = Diagnostic(f"reproducer written to '{reproducer}'", severity="note")
            raise AttnormError((*error.diagnostics, note)) from error


def _noting(step: Step) -> Callable[[ir.Operation, object], None]:
    return lambda op, handle: guard.note(f"running pass '{step.name}'")


def _add(
    manager: PassManager,
    step: Step,
    tracer: _Tracer | None,
    on_refusal: Callable[[Diagnostic], None] | None,
    verification: _Verification | None,
) -> None:
    if tracer:
        manager.add(tracer.before(step), name="print-ir")
    if step.pass_ is None:
        if verification:
            manager.add(lambda op, handle: verification.look(op, step), name="verify")
        manager.add(str(step))
        if verification:
            manager.add(lambda op, handle: verification.check(op, step), name="verify")
    else:
        type_ = type(step.pass_)
        callback = _callback(step, step.pass_, on_refusal, verification)
        manager.add(callback, name=type_.__name__, argument=str(step), description=type_.summary())
    if tracer:
        manager.add(tracer.after(step), name="print-ir")


class _Verification:
    """Behind every pass the module is verified, unless it is still the one that was before."""

    def __init__(self) -> None:
        self._is_verified = False

    def look(self, op: ir.Operation, step: Step) -> None:
        """Ahead of a pass of MLIR's."""
        if may_change(step.name, step.options, op):
            self._is_verified = False

    def changed(self) -> None:
        """A pass has run that may have changed the module: how one edits cannot be watched."""
        self._is_verified = False

    def check(self, op: ir.Operation, step: Step) -> None:
        """Behind a pass."""
        if self._is_verified:
            return
        try:
            with raising_located("the module is invalid"):
                op.verify()
        except AttnormError as error:
            note = Diagnostic(f"in the module after '{step}'", severity="note")
            raise AttnormError((*error.diagnostics, note)) from error
        self._is_verified = True


def _callback(
    step: Step,
    pass_: Pass,
    on_refusal: Callable[[Diagnostic], None] | None,
    verification: _Verification | None,
) -> Callable[[ir.Operation, Any], None]:
    def callback(op: ir.Operation, handle: Any) -> None:
        # One that never ran has changed nothing.
        scopes = [scope for scope in _reached(op, step.nest) if _has_root(scope, pass_)]
        if not scopes:
            return
        report = Report()
        for scope in scopes:
            try:
                with reading_attributes(scope):
                    pass_.run(scope, report)
            except AttnormError:
                raise
            except Exception as error:
                raise _internal_error(pass_, scope, error) from error
        for location, reason in report.refusals:
            if on_refusal:
                on_refusal(diagnostic(location, f"{pass_.name}: {reason}", "remark"))
        for location, message in report.errors:
            location.emit_error(printable(message))
        if report.errors:
            handle.signal_pass_failure()
        elif verification:
            verification.changed()
            verification.check(op, step)

    return callback


def _reached(op: ir.Operation, nest: tuple[str, ...]) -> list[ir.Operation]:
    """The ops that a nest reaches from `op`, each anchor directly inside the one around it."""
    found = [op]
    for anchor in nest:
        found = [inner for outer in found for inner in _children(outer) if _is(inner, anchor)]
    return found


def _children(op: ir.Operation) -> Iterator[ir.Operation]:
    for region in op.regions:
        for block in region:
            for inner in block.operations:
                yield inner.operation


def _is(op: ir.Operation, anchor: str) -> bool:
    if anchor not in (_ANY, op.name):
        return False
    isolated = op.has_trait(ir.IsIsolatedFromAboveTrait)
    if not isolated and anchor != _ANY:
        message = f"expected an op that is isolated from above to run passes on, got '{op.name}'"
        raise AttnormError(diagnostic(op.location, message))
    return isolated


def _has_root(op: ir.Operation, pass_: Pass) -> bool:
    return all(contains(op, names) for names in (pass_.roots, pass_.partners) if names)


def _internal_error(pass_: Pass, op: ir.Operation, error: Exception) -> AttnormError:
    """A bug of a pass as an error: what was raised, and by which line of ours."""
    raised = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(raised.filename).name}:{raised.lineno}"
    what = "".join(traceback.format_exception_only(type(error), error)).strip()
    message = f"internal error in pass '{pass_.name}': {what} ({place})"
    note = Diagnostic(
        "this is a bug of the pass; ATTNORM_TRACEBACK=1 prints the traceback, "
        "--mlir-pass-pipeline-crash-reproducer=FILE keeps the module and the pipeline",
        severity="note",
    )
    return AttnormError(replace(diagnostic(op.location, message), notes=(note,)))


class _Tracer:
    """Prints the module around passes, as mlir-opt does."""

    def __init__(self, printing: Printing):
        self._printing = printing
        self._fingerprint = b""
        self._running: Step | None = None

    def before(self, step: Step) -> Callable[[ir.Operation, object], None]:
        def callback(op: ir.Operation, handle: object) -> None:
            self._running = step
            if self._printing.after_change:
                self._fingerprint = fingerprint(op)
            if self._printing.before_all or step.name in self._printing.before:
                self._dump(f"Before {step}", op)

        return callback

    def after(self, step: Step) -> Callable[[ir.Operation, object], None]:
        def callback(op: ir.Operation, handle: object) -> None:
            self._running = None
            wanted = self._printing.after_all or step.name in self._printing.after
            if self._printing.after_change:
                wanted = (wanted or not self._printing.after) and fingerprint(
                    op
                ) != self._fingerprint
            if wanted:
                self._dump(f"After {step}", op)

        return callback

    def failed(self, op: ir.Operation) -> None:
        """Prints the module as the failing pass left it."""
        if self._printing.after_failure and self._running:
            self._dump(f"After {self._running} Failed", op)

    def _dump(self, title: str, op: ir.Operation) -> None:
        asm = op.get_asm(**dict(self._printing.asm))
        print(f"// -----// IR Dump {title} //----- //\n{asm}\n", file=sys.stderr)


def _write_reproducer(path: Path, module: str, steps: list[Step], verify_each: bool) -> None:
    from ..io.files import write_atomically

    pipeline = f"builtin.module({','.join(map(str, steps))})".replace('"', '\\"')
    text = (
        f"{module}\n\n{{-#\n  external_resources: {{\n    mlir_reproducer: {{\n"
        f'      pipeline: "{pipeline}",\n      disable_threading: true,\n'
        f"      verify_each: {str(verify_each).lower()}\n    }}\n  }}\n#-}}\n"
    )
    write_atomically(path, text.encode())
