"""What a module contains: the ops that raising finds, what it nearly found, what it left.

`Report.to_json`, and `attnorm report --json`, give one object with these keys, in this order:

    counts    {"rms_norm": 1, "rms_norm_mul": 0, ...}, every op of the dialect, as raised: an
              RMSNorm and a multiply after it are one rms_norm. The softmax inside of an sdpa is not
              counted again.
    functions {"main": {"rms_norm": 1, ...}, ...}: the same by function, of those that have any
    fused     the same keys after `attnorm-fuse`: there they are one rms_norm_mul
    ops       every op as raised, in the order of the module:
              {"op": "rms_norm", "function": "main", "location": "model.mlir:3:10",
               "operands": {"x": {"shape": [2, null], "dtype": "f32"}},
               "results": {"result": {"shape": [2, null], "dtype": "f32"}},
               "attributes": {"axes": [1], "epsilon": 1e-06, ...}, "missing": []};
              absent operands are left out, attributes at their default are not; `missing` names
              the attributes that the IR does not carry, whose value is then null
    refusals  what was nearly recognised: {"pass_name": "raise-softmax",
              "location": "model.mlir:5:10", "reason": "..."}
    left      the custom calls and composites that raising leaves: {"kind": "custom_call",
              "name": "softmux", "location": "model.mlir:7:10", "nearest": "softmax"}
    opened    likewise the composites ("kind": "composite") that no pass raised by name and that
              their decomposition took the place of; what is in it counts above
    size      {"before": {"ops": 12, "bytes": 3456}, "after": {...}}: the ops below the module, and
              the bytecode, as loaded and as raised and fused
    kernels   only where asked for (`--kernels`): what IREE's stage gets after `attnorm-to-iree`,
              {"choices": [{"name": "attnorm.sdpa", "location": "model.mlir:5:10",
              "reason": null, "count": 1}], "error": null}. A composite without a `reason` is taken
              as a kernel, others by their decomposition; `attnorm.rows` holds norms, softmaxes and
              what stands beside them, at the first's place. `error` says why lowering failed.

A location is file:line:column, or null where the module has none; a size in a shape is null where
it is dynamic; `nearest`, the nearest name that a pass knows, is null where none is near.
"""

from __future__ import annotations

import difflib
import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import dialect
from ..building.reductions import REDUCTIONS
from ..dialect.base import shape_of
from ..errors import AttnormError, Diagnostic
from ..ir.diagnostics import diagnostic, reading_attributes
from ..ir.mlir import ir
from ..ir.serialization import bytecode_size
from ..passes.raise_.raise_custom_calls import RaiseCustomCallsPass
from ..pipeline.driver import Step, resolve, run
from ..pipeline.pipelines import TO_IREE

if TYPE_CHECKING:
    from ..execution.choices import Kernel

RAISE, FUSE = "attnorm-raise", "attnorm-fuse"
_CALLS = {
    "stablehlo.custom_call": (
        "custom_call",
        "call_target_name",
        (*REDUCTIONS, *dialect.CUSTOM_CALLS),
    ),
    "stablehlo.composite": ("composite", "name", (*dialect.COMPOSITES, *dialect.OPS)),
}
"""What is opaque: its kind, the attribute that names it, the names that some pass knows."""
_OPENS_COMPOSITES = "stablehlo-legalize-composite-to-call"
_NO_EPSILON = math.ulp(0.0)
"""Stands in for an epsilon that the IR does not carry; no module asks for it."""


@dataclass(frozen=True)
class Tensor:
    """The type of an operand or a result; a size is None where it is dynamic."""

    shape: tuple[int | None, ...]
    dtype: str

    def __str__(self) -> str:
        sizes = ("?" if size is None else str(size) for size in self.shape)
        return "x".join((*sizes, self.dtype))


@dataclass(frozen=True)
class FoundOp:
    """An op as raised. `missing` are attributes that the IR does not carry; their value is None."""

    op: str
    function: str | None
    location: str | None
    operands: dict[str, Tensor]
    results: dict[str, Tensor]
    attributes: dict[str, Any]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A candidate that a pass left as it is."""

    pass_name: str
    location: str | None
    reason: str


@dataclass(frozen=True)
class OpaqueCall:
    """A custom call or composite that no pass raised; `nearest` is the nearest known name."""

    kind: str
    name: str
    location: str | None
    nearest: str | None


@dataclass(frozen=True)
class Size:
    """Ops below the module, and bytes of bytecode."""

    ops: int
    bytes: int


@dataclass(frozen=True)
class Sizes:
    """As loaded, and as raised and fused."""

    before: Size
    after: Size


@dataclass(frozen=True)
class Kernels:
    """What becomes of the composites of the lowered module, or why it could not be lowered."""

    choices: tuple[Kernel, ...]
    error: str | None


@dataclass(frozen=True)
class Report:
    """What a module contains; the module docstring says what each field is."""

    counts: dict[str, int]
    functions: dict[str, dict[str, int]]
    fused: dict[str, int]
    ops: tuple[FoundOp, ...]
    refusals: tuple[Refused, ...]
    left: tuple[OpaqueCall, ...]
    opened: tuple[OpaqueCall, ...]
    size: Sizes
    kernels: Kernels | None = None

    def to_json(self) -> str:
        """The object that the module docstring describes."""
        found = asdict(self)
        if self.kernels is None:
            del found["kernels"]
        return json.dumps(found, indent=2, allow_nan=False)


def report(module: ir.Operation, pipeline: str = RAISE, *, kernels: bool = False) -> Report:
    """Says what `module` contains, as a pipeline raises it; `module` is left alone.

    `kernels` also asks what becomes a kernel of ours in IREE, on the machine that asks. A call
    whose epsilon the IR does not carry is recognised all the same. Raises `AttnormError` with
    located diagnostics where a pass fails.
    """
    with reading_attributes(module):
        return _report(module, [_with_epsilon(step) for step in resolve(pipeline)], kernels)


def _report(module: ir.Operation, steps: list[Step], kernels: bool) -> Report:
    names = [step.name for step in steps]
    opening = names.index(_OPENS_COMPOSITES) if _OPENS_COMPOSITES in names else len(names)
    with module.context:
        work = module.clone().operation
    refused: list[Diagnostic] = []
    loaded, bytes_before = _survey(work), bytecode_size(work)
    run(work, steps[:opening], on_refusal=refused.append)
    named = _survey(work)
    run(work, steps[opening:], on_refusal=refused.append)
    raised = _survey(work)
    run(work, FUSE)
    fused, bytes_after = _survey(work), bytecode_size(work)
    return Report(
        counts=_counts(raised.ops),
        functions=_by_function(raised.ops),
        fused=_counts(fused.ops),
        ops=raised.ops,
        refusals=tuple(map(_refused, refused)),
        left=raised.calls,
        opened=tuple(
            call for call in named.calls if call.kind == "composite" and call not in raised.calls
        ),
        size=Sizes(Size(loaded.count, bytes_before), Size(fused.count, bytes_after)),
        kernels=_kernels(module) if kernels else None,
    )


def _kernels(module: ir.Operation) -> Kernels:
    # IREE takes time to load.
    from ..execution.choices import kernels_of

    with module.context:
        work = module.clone().operation
    try:
        run(work, TO_IREE)
        return Kernels(tuple(kernels_of(work)), None)
    except AttnormError as error:
        return Kernels((), str(error))


def _with_epsilon(step: Step) -> Step:
    if isinstance(step.pass_, RaiseCustomCallsPass) and step.pass_.rms_norm_epsilon is None:
        return replace(step, pass_=replace(step.pass_, rms_norm_epsilon=_NO_EPSILON))
    return step


# -- reading a module ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Survey:
    """What one walk finds; it looks at no more than the name of most ops."""

    count: int
    ops: tuple[FoundOp, ...]
    calls: tuple[OpaqueCall, ...]


def _survey(module: ir.Operation) -> _Survey:
    count = -1  # the module itself
    ops: list[FoundOp] = []
    calls: list[OpaqueCall] = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        nonlocal count
        count += 1
        name = op.name
        if name in dialect.OPS:
            ops.append(_found(op))
        elif name in _CALLS:
            calls.append(_opaque(op))
        return ir.WalkResult.ADVANCE

    module.walk(visit)
    return _Survey(count, tuple(ops), tuple(calls))


def _counts(ops: Iterable[FoundOp]) -> dict[str, int]:
    found = Counter(op.op for op in ops)
    return {spec.name: found[spec.name] for spec in dialect.SPECS}


def _by_function(ops: Sequence[FoundOp]) -> dict[str, dict[str, int]]:
    names = dict.fromkeys(op.function for op in ops if op.function is not None)
    return {name: _counts(op for op in ops if op.function == name) for name in names}


def _found(op: ir.Operation) -> FoundOp:
    definition, view = dialect.OPS[op.name], op.opview
    attributes = definition.values(view)
    missing = ("epsilon",) if attributes.get("epsilon") == _NO_EPSILON else ()
    return FoundOp(
        op=op.name.removeprefix(f"{dialect.NAMESPACE}."),
        function=_function(op),
        location=_place(diagnostic(op.location, "")),
        operands=_tensors(view, definition.operand_defs),
        results=_tensors(view, definition.result_defs),
        attributes=attributes | dict.fromkeys(missing),
        missing=missing,
    )


def _function(op: ir.Operation) -> str | None:
    """The name of the function that an op stands in, if it is in one."""
    while op.name != "func.func":
        if op.parent is None:
            return None
        op = op.parent.operation
    return op.attributes["sym_name"].value


def _tensors(view: Any, definitions: Iterable[Any]) -> dict[str, Tensor]:
    """The types of the operands or results that are there, by name."""
    values = {item.name: getattr(view, item.name) for item in definitions}
    return {
        name: Tensor(tuple(shape_of(value)), str(value.type.element_type))
        for name, value in values.items()
        if value is not None
    }


def _opaque(op: ir.Operation) -> OpaqueCall:
    kind, key, known = _CALLS[op.name]
    # Not every string is UTF-8.
    name = op.attributes[key].value_bytes.decode(errors="replace")
    near = difflib.get_close_matches(name, known, n=1)
    return OpaqueCall(kind, name, _place(diagnostic(op.location, "")), near[0] if near else None)


def _refused(remark: Diagnostic) -> Refused:
    pass_, _, reason = remark.message.partition(": ")
    return Refused(pass_, _place(remark), reason)


def _place(found: Diagnostic) -> str | None:
    return f"{found.file}:{found.line}:{found.column}" if found.line else None
