"""Idioms written out as StableHLO text, and what the passes make of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np

import attnorm
from attnorm import dialect
from attnorm.execution.interpreter import evaluate
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import operations

Pick = Callable[..., Any]
"""`pick(a, b, ...)` draws one of its arguments."""

DTYPES = {
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    "i1": np.dtype(bool),
    "i32": np.dtype(np.int32),
    "i64": np.dtype(np.int64),
}
ULPS = {"f16": 2.0**-10, "bf16": 2.0**-7, "f32": 2.0**-23, "f64": 2.0**-52}
"""The distance from 1 to the next number."""
_INFINITY = {
    "f16": "0x7C00",
    "bf16": "0x7F80",
    "f32": "0x7F800000",
    "f64": "0x7FF0000000000000",
}
_MINUS_INFINITY = {
    "f16": "0xFC00",
    "bf16": "0xFF80",
    "f32": "0xFF800000",
    "f64": "0xFFF0000000000000",
}
OPS = ("rms_norm", "layer_norm", "softmax", "sdpa")


@dataclass(frozen=True)
class Value:
    """A tensor in the text."""

    name: str
    shape: tuple[int, ...]
    element: str

    @property
    def type(self) -> str:
        """`tensor<2x3xf32>`."""
        return f"tensor<{'x'.join([*map(str, self.shape), self.element])}>"

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.shape)


Filling = Callable[[np.random.Generator, tuple[int, ...], bool], np.ndarray]
"""Values of a shape; hard ones where the flag says so."""


class Text:
    """A function of StableHLO text under construction; numbers are spelled as drawn."""

    prefix = "%"
    """What the names of values begin with."""

    def __init__(self, pick: Pick) -> None:
        self.pick = pick
        self.lines: list[str] = []
        self.arguments: list[Value] = []
        self.fillings: list[Filling] = []
        self._scalars: dict[tuple[float | int, str], Value] = {}

    def argument(self, shape: Sequence[int], element: str, filling: Filling) -> Value:
        """A further argument of the function."""
        value = Value(f"%arg{len(self.arguments)}", tuple(shape), element)
        self.arguments.append(value)
        self.fillings.append(filling)
        return value

    def line(self, body: str, shape: Sequence[int], element: str) -> Value:
        """A value made by `body` of StableHLO, in which `{type}` is its type."""
        return self.op(f"stablehlo.{body}", shape, element)

    def op(self, body: str, shape: Sequence[int], element: str) -> Value:
        """A value made by an op of any dialect."""
        value = Value(f"{self.prefix}{len(self.lines)}", tuple(shape), element)
        self.lines.append(f"{value.name} = {body.replace('{type}', value.type)}")
        return value

    # -- ops -------------------------------------------------------------------------------------

    def unary(self, name: str, x: Value) -> Value:
        """An elementwise op of one operand."""
        return self.line(f"{name} {x.name} : {{type}}", x.shape, x.element)

    def binary(self, name: str, a: Value, b: Value) -> Value:
        """An elementwise op of two operands of one type."""
        assert a.type == b.type, (name, a, b)
        return self.line(f"{name} {a.name}, {b.name} : {{type}}", a.shape, a.element)

    def either(self, name: str, a: Value, b: Value) -> Value:
        """A commutative op, its operands in either order."""
        return self.binary(name, a, b) if self.pick(True, False) else self.binary(name, b, a)

    def convert(self, x: Value, element: str) -> Value:
        """x in another element type."""
        if x.element == element:
            return x
        return self.line(f"convert {x.name} : ({x.type}) -> {{type}}", x.shape, element)

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        """x in another shape."""
        return self.line(f"reshape {x.name} : ({x.type}) -> {{type}}", shape, x.element)

    def transpose(self, x: Value, order: Sequence[int]) -> Value:
        """x with its dimensions in another order."""
        shape = [x.shape[axis] for axis in order]
        body = f"transpose {x.name}, dims = {list(order)} : ({x.type}) -> {{type}}"
        return self.line(body, shape, x.element)

    def broadcast(self, x: Value, dims: Sequence[int], shape: Sequence[int]) -> Value:
        """x with dimension n at `dims[n]` of a shape."""
        body = f"broadcast_in_dim {x.name}, dims = {list(dims)} : ({x.type}) -> {{type}}"
        return self.line(body, shape, x.element)

    def reduce(self, kind: str, x: Value, axes: Sequence[int], init: float | bool) -> Value:
        """x reduced over axes by "add", "maximum" or "and"."""
        start = self.constant(init, (), x.element)
        kept = [size for axis, size in enumerate(x.shape) if axis not in axes]
        body = f"reduce({x.name} init: {start.name}) applies stablehlo.{kind} across dimensions = "
        body += f"{list(axes)} : ({x.type}, {start.type}) -> {{type}}"
        return self.line(body, kept, x.element)

    def dot(
        self,
        a: Value,
        b: Value,
        batch: Sequence[tuple[int, int]],
        contract: tuple[int, int],
        element: str | None = None,
    ) -> Value:
        """A product; `batch` and `contract` pair the dimensions of both."""
        sides = [[pair[side] for pair in batch] for side in (0, 1)]
        shape = [a.shape[axis] for axis in sides[0]]
        for side, value in enumerate((a, b)):
            used = {*sides[side], contract[side]}
            shape += [size for axis, size in enumerate(value.shape) if axis not in used]
        batching = f"batching_dims = {sides[0]} x {sides[1]}, " if batch else ""
        body = f"dot_general {a.name}, {b.name}, {batching}contracting_dims = [{contract[0]}] x "
        body += f"[{contract[1]}] : ({a.type}, {b.type}) -> {{type}}"
        return self.line(body, shape, element or a.element)

    def compare(self, direction: str, a: Value, b: Value) -> Value:
        """A comparison: "LE", "EQ", ..."""
        assert a.type == b.type, (a, b)
        body = f"compare {direction}, {a.name}, {b.name} : ({a.type}, {b.type}) -> {{type}}"
        return self.line(body, a.shape, "i1")

    def select(self, predicate: Value, a: Value, b: Value) -> Value:
        """a where the predicate is true, else b."""
        assert (predicate.shape, a.type) == (a.shape, b.type), (predicate, a, b)
        body = f"select {predicate.name}, {a.name}, {b.name} : {predicate.type}, {{type}}"
        return self.line(body, a.shape, a.element)

    def iota(self, axis: int, shape: Sequence[int], element: str) -> Value:
        """Positions along an axis."""
        return self.line(f"iota dim = {axis} : {{type}}", shape, element)

    def slice(self, x: Value, ranges: Sequence[tuple[int, int]]) -> Value:
        """A part of x."""
        spelled = ", ".join(f"{start}:{stop}" for start, stop in ranges)
        shape = [stop - start for start, stop in ranges]
        body = f"slice {x.name} [{spelled}] : ({x.type}) -> {{type}}"
        return self.line(body, shape, x.element)

    def concatenate(self, values: Sequence[Value], axis: int) -> Value:
        """Values one after the other along an axis."""
        shape = list(values[0].shape)
        shape[axis] = sum(value.shape[axis] for value in values)
        names = ", ".join(value.name for value in values)
        types = ", ".join(value.type for value in values)
        body = f"concatenate {names}, dim = {axis} : ({types}) -> {{type}}"
        return self.line(body, shape, values[0].element)

    def reverse(self, x: Value, axes: Sequence[int]) -> Value:
        """x back to front."""
        return self.line(f"reverse {x.name}, dims = {list(axes)} : {{type}}", x.shape, x.element)

    # -- numbers ---------------------------------------------------------------------------------

    def constant(self, number: float | int, shape: Sequence[int], element: str) -> Value:
        """A number as a constant."""
        return self.line(f"constant dense<{_spelled(number, element)}> : {{type}}", shape, element)

    def number(self, number: float | int, like: Value) -> Value:
        """A number in the type of another value: at once, or a scalar, shared, and moved."""
        if self.pick(True, False):
            return self.constant(number, like.shape, like.element)
        scalar = self._scalars.get((number, like.element))
        if scalar is None:
            scalar = self._scalar(number, like.element)
            self._scalars[number, like.element] = scalar
        return self.broadcast(scalar, [], like.shape)

    def _scalar(self, number: float | int, element: str) -> Value:
        """A scalar: at once, or converted from an integer or an f64 and reshaped."""
        if not element.endswith(("f16", "f32")) or self.pick(True, False):
            return self.constant(number, (), element)
        if "f" in element:
            with np.errstate(all="ignore"):
                number = float(np.array(number).astype(DTYPES[element]))
        wide = "i64" if float(number).is_integer() and abs(number) < 1e6 else "f64"
        one = self.convert(self.constant(number, (1,), wide), element)
        return self.reshape(one, ())

    def function(self, name: str, results: Sequence[Value]) -> str:
        """The text of the function."""
        arguments = ", ".join(f"{value.name}: {value.type}" for value in self.arguments)
        types = ", ".join(value.type for value in results)
        names = ", ".join(value.name for value in results)
        body = "\n".join(f"    {line}" for line in [*self.lines, f"return {names} : {types}"])
        return f"  func.func @{name}({arguments}) -> ({types}) {{\n{body}\n  }}\n"


def _spelled(number: float | int, element: str) -> str:
    if element == "i1":
        return "true" if number else "false"
    if "f" not in element:
        return str(int(number))
    if math.isinf(number):
        return (_INFINITY if number > 0 else _MINUS_INFINITY)[element]
    return f"{float(number):.17e}"


def normal(scale: float = 1.0, **hard: float) -> Filling:
    """Normal values; the hard ones have rows of zeros, NaN and `hard` numbers among them."""

    def fill(generator: np.random.Generator, shape: tuple[int, ...], is_hard: bool) -> np.ndarray:
        values = generator.standard_normal(shape) * scale
        if is_hard and shape:
            rows = generator.random(shape[:-1])[..., None]
            numbers = generator.choice([math.nan, *hard.values()], shape)
            values = np.where(generator.random(shape) < 0.05, numbers, values)
            values = np.where(rows < 0.2, 0.0, values)
            values = np.where(rows > 0.8, values * hard.get("large", 1.0), values)
        return values

    return fill


# -- what is expected ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Idiom:
    """A function, how near its values have to stay, and the ops that have to be found in it.

    `expected` maps a kind of op to the attributes of each that has to be there, and to none where
    there must be none; kinds that it does not name may be found or not. A value may move by `error`
    of itself and of `floor(arrays)`. `settles` says whether a second run finds the same ops: not
    where the expansion shares what several had each, or rounds to a half type at every step.
    """

    label: str
    text: Text
    results: Sequence[Value]
    expected: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    error: float = 1e-5
    floor: Callable[[Sequence[np.ndarray]], float] = lambda arrays: 0.0
    settles: bool = True

    def __repr__(self) -> str:
        return f"{self.label}\n{self.text.function('f', self.results)}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What hypothesis shows."""
        printer.text(self.label)

    def arrays(self, seed: int, *, hard: bool) -> list[np.ndarray]:
        """Arguments."""
        generator = np.random.default_rng(seed)
        with np.errstate(all="ignore"):
            return [
                np.asarray(fill(generator, value.shape, hard)).astype(DTYPES[value.element])
                for value, fill in zip(self.text.arguments, self.text.fillings, strict=True)
            ]


def check(idioms: Sequence[Idiom]) -> None:
    """Runs the whole pipeline over the functions, in one module, twice.

    What is there is found, values stay, and the second time changes nothing.
    """
    functions = (idiom.text.function(f"f{n}", idiom.results) for n, idiom in enumerate(idioms))
    module = attnorm.load("module {\n" + "".join(functions) + "}\n")
    lowered = attnorm.lower(module)
    again = attnorm.lower(lowered)
    found, left = (_found(attnorm.lower(each, "attnorm-raise")) for each in (module, lowered))
    for index, idiom in enumerate(idioms):
        name = f"f{index}"
        _check_found(idiom, found.get(name, {}))
        if idiom.settles:
            counts = (
                {kind: len(ops) for kind, ops in each.get(name, {}).items()}
                for each in (found, left)
            )
            assert next(counts) == next(counts), f"another count in a second run of {idiom}"
        for hard in (False, True):
            arrays = idiom.arrays(index, hard=hard)
            before, after, twice = (
                evaluate(each, *arrays, function=name) for each in (module, lowered, again)
            )
            _check_values(idiom, arrays, before, after)
            _check_same(idiom, after, twice)


Found = dict[str, list[dict[str, Any]]]
"""The attributes and operand shapes ("x.shape") of the ops of a function, by kind."""


def _found(module: ir.Operation) -> dict[str, Found]:
    """The ops of each function of a module."""
    found: dict[str, Found] = {}
    for kind in OPS:
        for op in operations(module, f"attnorm.{kind}"):
            function = ir.StringAttr(op.parent.attributes["sym_name"]).value
            found.setdefault(function, {}).setdefault(kind, []).append(_described(op))
    return found


def _described(op: ir.Operation) -> dict[str, Any]:
    found = dialect.OPS[op.name].values(op.opview)
    for name in ("weight", "bias"):
        value = getattr(op.opview, name, None)
        found[f"{name}.shape"] = value and tuple(value.type.shape)
    if op.name == "attnorm.sdpa":
        found["keys"] = math.prod(op.opview.k.type.shape)
    return found


def _counts(found: Found) -> dict[str, int]:
    return {kind: len(ops) for kind, ops in found.items()}


def _check_found(idiom: Idiom, found: Found) -> None:
    for kind, wanted in idiom.expected.items():
        ops = found.get(kind, [])
        assert len(ops) == len(wanted), f"{len(ops)} of {len(wanted)} {kind} found in {idiom}"
        for got, attributes in zip(ops, wanted, strict=True):
            for name, value in attributes.items():
                same = got[name] == value
                if isinstance(value, float) and isinstance(got[name], float):
                    same = math.isclose(got[name], value, rel_tol=1e-6)
                assert same, f"{kind}: {name} is {got[name]}, not {value}, in {idiom}"


def _check_same(idiom: Idiom, once: Sequence[np.ndarray], twice: Sequence[np.ndarray]) -> None:
    for left, right in zip(once, twice, strict=True):
        equal = (left == right) | (np.isnan(left) & np.isnan(right))
        assert equal.all(), f"other values in a second run of {idiom}"


def _check_values(
    idiom: Idiom,
    arrays: Sequence[np.ndarray],
    before: Sequence[np.ndarray],
    after: Sequence[np.ndarray],
) -> None:
    with np.errstate(all="ignore"):
        floor = idiom.floor(arrays)
        for want, got in zip(before, after, strict=True):
            assert (got.dtype, got.shape) == (want.dtype, want.shape)
            wide, result = want.astype(np.float64), got.astype(np.float64)
            same = (result == wide) | (np.isnan(result) & np.isnan(wide))
            allowed = idiom.error * (np.abs(wide) + floor) + 2.0**-126
            if got.dtype == np.float16:
                allowed += 2.0**-23
            near = np.abs(result - wide) <= np.where(np.isfinite(wide), allowed, -1.0)
            assert (same | near).all(), f"{got} is not {want} in {idiom}"
