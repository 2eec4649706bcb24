"""A NumPy interpreter of StableHLO and of what stands beside it in exported modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import AttnormError
from ..ir.diagnostics import diagnostic
from ..ir.entry import choose, named_functions, signature
from ..ir.mlir import ir
from . import (
    attnorm_ops,
    batch_norm,
    chlo,
    constants,
    contractions,
    control,
    custom_calls,
    elementwise,
    folding,
    gather_scatter,
    shape_dialects,
    shapes,
    sorting,
    windows,
)
from .kinds import FLOAT64, PRECISIONS, Kind, Precision, as_declared
from .liveness import Deaths, deaths
from .noise import Noise
from .step import Handler, Step
from .wide import Array, quietly, wide

_COMPUTED: dict[str, Handler] = {
    **attnorm_ops.HANDLERS,
    **batch_norm.HANDLERS,
    **chlo.HANDLERS,
    **contractions.HANDLERS,
    **custom_calls.HANDLERS,
    **elementwise.HANDLERS,
    **folding.HANDLERS,
    **shape_dialects.HANDLERS,
    **windows.HANDLERS,
}
# Their results are values that are there, rounded already.
_MOVED: dict[str, Handler] = {
    **constants.HANDLERS,
    **control.HANDLERS,
    **gather_scatter.HANDLERS,
    **shapes.HANDLERS,
    **sorting.HANDLERS,
}
HANDLERS: dict[str, tuple[Handler, bool]] = {
    **{name: (handler, True) for name, handler in _COMPUTED.items()},
    **{name: (handler, False) for name, handler in _MOVED.items()},
}
"""Every op with a definition: the definition, and whether its results are to be rounded."""

_CONSTANTS = frozenset({"arith.constant", "stablehlo.constant"})
_TERMINATORS = frozenset({"func.return", "stablehlo.return", "shape.assuming_yield"})
_ON_LANES = frozenset(
    {*elementwise.HANDLERS, *_CONSTANTS, "stablehlo.return"} - {"stablehlo.bitcast_convert"}
)


@quietly
def evaluate(
    module: ir.Operation,
    *arrays: np.ndarray,
    function: str | None = None,
    precision: Precision = "native",
    rms_norm_epsilon: float | None = None,
    noise: int | None = None,
) -> tuple[np.ndarray, ...]:
    """Runs a function of `module` on NumPy arrays, every op by its definition in float64.

    `function` is by default the only public one, or "main". Arrays have to be of the declared
    types; dynamic dimensions take the arrays' sizes. `precision` says what float values are rounded
    to after each op:

    - "native": the op's result type. Results have the declared dtypes.
    - "exact": f16, bf16 and narrower types; f32 and f64 are float64. So are the float results.
    - "folded": as "exact", but what depends on no argument is native: a compiler may compute it,
      and then it is a constant of its type.
    - "real": nothing. Conversions to half types change nothing. Float results are float64.

    `rms_norm_epsilon` is that of RMSNorm calls that carry none (`@ai_edge_torch.rms_norm`).
    `noise` is the seed of what moves the operands of every op by a unit in the last place, or not:
    results of several seeds are as far apart as rounding may put them.

    Raises `AttnormError` for a function that is not there, arguments that do not fit, ops without
    a definition, and results that are not of the declared type, at the op's location.
    """
    if precision not in PRECISIONS:
        raise AttnormError(f"precision: expected {', '.join(PRECISIONS)}, got '{precision}'")
    with module.context, ir.Location.unknown():
        declared = signature(choose(module, function))
        arguments = [
            wide(array) if kind.dtype.kind not in "biu" else array
            for array, kind in zip(declared.check(arrays), declared.arguments, strict=True)
        ]
        moving = None if noise is None else Noise(noise)
        machine = _Machine(named_functions(module), precision, rms_norm_epsilon, moving)
        try:
            results = machine.call(declared.name, arguments)
        except RecursionError:
            raise AttnormError(f"function '{declared.name}': calls are nested too deep") from None
    if precision != "native":
        return tuple(np.array(value) for value in results)
    return tuple(
        np.array(as_declared(value, kind.dtype))
        for value, kind in zip(results, declared.results, strict=True)
    )


class _Machine:
    """A module at work."""

    def __init__(
        self,
        functions: dict[str, ir.Operation],
        precision: Precision,
        rms_norm_epsilon: float | None,
        noise: Noise | None,
    ):
        self.functions = functions
        self.precision: Precision = precision
        self.rms_norm_epsilon = rms_norm_epsilon
        self.noise = noise
        self._kinds: dict[ir.Type, Kind] = {}
        self.constants: dict[ir.Value, Array] = {}
        self.elementwise: dict[ir.Block, bool] = {}
        self._deaths: dict[ir.Block, Deaths] = {}
        self.folding = self
        if precision == "folded":
            self.folding = _Machine(functions, "native", rms_norm_epsilon, noise)

    def kind(self, type_: ir.Type) -> Kind:
        """What a type is."""
        kind = self._kinds.get(type_)
        if kind is None:
            kind = self._kinds[type_] = Kind.of(type_, self.precision)
        return kind

    def deaths(self, block: ir.Block) -> Deaths:
        """The last reads of a block's values."""
        if block not in self._deaths:
            self._deaths[block] = deaths(block)
        return self._deaths[block]

    def call(self, function: str, arguments: Sequence[Array]) -> list[Array]:
        """What a function returns."""
        called = self.functions.get(function)
        if called is None or not len(called.regions[0].blocks):
            raise AttnormError(f"@{function}: expected a function with a body")
        return _Frame(self).run(called.regions[0].blocks[0], arguments)


class _Frame:
    """A call of a function: the values that are known."""

    def __init__(self, machine: _Machine):
        self._machine = machine
        self._values: dict[ir.Value, Array] = {}
        self.precision: Precision = machine.precision
        self.rms_norm_epsilon = machine.rms_norm_epsilon
        self.kind = machine.kind
        self.call = machine.call

    def run(self, block: ir.Block, arguments: Sequence[Array]) -> list[Array]:
        """What a block returns."""
        return self._run(block, arguments, lanes=False)

    def run_lanes(self, block: ir.Block, arguments: Sequence[Array]) -> list[Array]:
        """What a block on scalars returns for every element of its arguments, of one shape."""
        shape = arguments[0].shape
        if self._is_elementwise(block):
            found = self._run(block, arguments, lanes=True)
            return [np.broadcast_to(value, shape) for value in found]
        rows = [
            self._run(block, [np.asarray(x[at]) for x in arguments], lanes=False)
            for at in np.ndindex(shape)
        ]
        if not rows:
            terminator = list(block.operations)[-1].operation
            kinds = [self.kind(value.type) for value in terminator.operands]
            return [np.zeros(shape, FLOAT64 if k.is_float else k.dtype) for k in kinds]
        return [np.array(column).reshape(shape) for column in zip(*rows, strict=True)]

    def _is_elementwise(self, block: ir.Block) -> bool:
        known = self._machine.elementwise
        if block not in known:
            known[block] = all(view.operation.name in _ON_LANES for view in block.operations)
        return known[block]

    def _run(self, block: ir.Block, arguments: Sequence[Array], *, lanes: bool) -> list[Array]:
        values, constants_ = self._values, self._machine.constants
        values.update(zip(block.arguments, arguments, strict=True))
        dead = {} if lanes else self._machine.deaths(block)
        for position, view in enumerate(block.operations):
            op = view.operation
            name = op.name
            operands = [values[operand] for operand in op.operands]
            if name in _TERMINATORS:
                return operands
            results = list(op.results)
            if results and results[0] in constants_:
                values.update((result, constants_[result]) for result in results)
                self._drop(dead.get(position, ()))
                continue
            constant = not len(op.regions) and all(x in constants_ for x in op.operands)
            frame = _Frame(self._machine.folding) if constant else self
            found = frame._step(op, name, operands, results, lanes)
            values.update(zip(results, found, strict=True))
            if constant:
                constants_.update(zip(results, found, strict=True))
            self._drop(dead.get(position, ()))
        return []

    def _drop(self, values: Sequence[ir.Value]) -> None:
        for value in values:
            self._values.pop(value, None)

    def _step(
        self,
        op: ir.Operation,
        name: str,
        operands: list[Array],
        results: list[ir.Value],
        lanes: bool,
    ) -> list[Array]:
        """The results of an op, of its result types."""
        if name not in HANDLERS:
            raise _located(op, "no definition")
        handler, rounds = HANDLERS[name]
        try:
            kinds = [self.kind(result.type) for result in results]
            step, noise = Step(op, operands, kinds, self), self._machine.noise
            found: Any = handler(noise.on(step) if noise and rounds else step)
            listed = list(found) if isinstance(found, (list, tuple)) else [found]
            if len(listed) != len(kinds):
                raise AttnormError(f"expected {len(kinds)} results, got {len(listed)}")
            if rounds:
                listed = [
                    kind.conform(np.asarray(value))
                    for value, kind in zip(listed, kinds, strict=True)
                ]
            if not lanes:
                for index, (value, kind) in enumerate(zip(listed, kinds, strict=True)):
                    _check(index, value, kind)
            return listed
        except _Located:
            raise
        except AttnormError as error:
            raise _located(op, error.diagnostics[0].message) from None
        except (ValueError, TypeError, IndexError, KeyError, OverflowError, MemoryError) as error:
            raise _located(op, str(error) or type(error).__name__) from error


def _check(index: int, value: Array, kind: Kind) -> None:
    want = FLOAT64 if kind.is_float else kind.dtype
    if kind.holds(value.shape) and want in (None, value.dtype):
        return
    shape = "x".join(map(str, value.shape)) or "a scalar"
    raise AttnormError(f"result {index}: expected {kind.text}, got {shape} of {value.dtype}")


class _Located(AttnormError):
    """An error that says its place already."""


def _located(op: ir.Operation, problem: str) -> _Located:
    return _Located(diagnostic(op.location, f"'{op.name}' op: {problem}"))
