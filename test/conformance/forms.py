"""StableHLO and CHLO, op by op and type by type: small functions with inputs at the edges.

A `Form` is one function of one op (or of a pair that breaks compilers, such as a conversion ahead
of a product) on tensors of one element type. `forms()` lists all of them, in a fixed order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ml_dtypes
import numpy as np

BOOLEAN = ("i1",)
SIGNED = ("i4", "i8", "i16", "i32", "i64")
UNSIGNED = ("ui4", "ui8", "ui16", "ui32", "ui64")
F8 = ("f8E4M3FN", "f8E5M2")
FLOATS = (*F8, "bf16", "f16", "f32", "f64")
INTEGERS = (*SIGNED, *UNSIGNED)
NUMBERS = (*INTEGERS, *FLOATS)
ALL = (*BOOLEAN, *NUMBERS)
HELD = {"i4": "i8", "ui4": "ui8", "f8E4M3FN": "f32", "f8E5M2": "f32"}
"""What a function takes and gives in place of a type that no program's signature has."""
DTYPES = {
    "i1": np.bool_,
    "i4": ml_dtypes.int4,
    "ui4": ml_dtypes.uint4,
    **{f"i{width}": np.dtype(f"int{width}").type for width in (8, 16, 32, 64)},
    **{f"ui{width}": np.dtype(f"uint{width}").type for width in (8, 16, 32, 64)},
    "f8E4M3FN": ml_dtypes.float8_e4m3fn,
    "f8E5M2": ml_dtypes.float8_e5m2,
    "bf16": ml_dtypes.bfloat16,
    "f16": np.float16,
    "f32": np.float32,
    "f64": np.float64,
}


@dataclass(frozen=True)
class Tensor:
    """A tensor type; None is a dynamic size, and takes 3."""

    shape: tuple[int | None, ...]
    element: str

    def __str__(self) -> str:
        sizes = "".join("?x" if size is None else f"{size}x" for size in self.shape)
        return f"tensor<{sizes}{self.element}>"

    def of(self, element: str) -> Tensor:
        """The same shape of another element type."""
        return Tensor(self.shape, element)

    @property
    def is_held(self) -> bool:
        """Whether functions take it in a wider type."""
        return self.element in HELD

    def held(self) -> Tensor:
        """The type that functions take it in."""
        return self.of(HELD.get(self.element, self.element))

    def sizes(self) -> tuple[int, ...]:
        """The shape of the arrays that a function gets."""
        return tuple(3 if size is None else size for size in self.shape)


@dataclass(frozen=True)
class Form:
    """A function: `body` makes %r of %0, %1, ...; `values` says which inputs it wants."""

    name: str
    element: str
    arguments: tuple[Tensor, ...]
    result: Tensor
    body: str
    values: str = "edges"

    @property
    def key(self) -> str:
        """What tables name it by: no two forms share one."""
        return f"{self.name} {', '.join(str(t)[7:-1] for t in self.arguments)} -> {self.element}"

    def text(self, symbol: str) -> str:
        """The function in MLIR."""
        taken = ", ".join(
            f"%{'h' * t.is_held}{i}: {t.held()}" for i, t in enumerate(self.arguments)
        )
        lines = [
            f"%{i} = stablehlo.convert %h{i} : ({t.held()}) -> {t}"
            for i, t in enumerate(self.arguments)
            if t.is_held
        ]
        lines += self.body.splitlines()
        value, result = "%r", self.result.held()
        if self.result.is_held:
            lines.append(f"%h = stablehlo.convert %r : ({self.result}) -> {result}")
            value = "%h"
        body = "\n".join(f"    {line}" for line in lines)
        head = f"  func.func @{symbol}({taken}) -> {result} {{"
        return f"{head}\n{body}\n    return {value} : {result}\n  }}\n"

    def inputs(self) -> list[np.ndarray]:
        """Arrays for the arguments, the same ones each time."""
        rng = np.random.default_rng(sum(map(ord, self.key)))
        return [
            _values(t, self.values, rng).astype(DTYPES[t.held().element]) for t in self.arguments
        ]


def _values(type_: Tensor, kind: str, rng: np.random.Generator) -> np.ndarray:
    dtype, shape = DTYPES[type_.element], type_.sizes()
    if type_.element == "i1":
        return rng.integers(0, 2, shape).astype(bool)
    if kind == "small":
        low = 0 if type_.element.startswith("u") else -3
        return rng.integers(low, 4, shape).astype(dtype)
    if kind == "index":
        return rng.integers(0, 2, shape).astype(dtype)
    if type_.element in INTEGERS:
        info = ml_dtypes.iinfo(dtype)
        edges = [int(info.min), int(info.max), 0, 1, max(-1, int(info.min)), 2, 7]
        drawn = rng.integers(0, 2**64, shape, dtype=np.uint64).astype(object)
        low, high = int(info.min), int(info.max)
        return _mixed(edges, drawn % (high - low + 1) + low, rng).astype(dtype)
    normal = rng.normal(size=shape) * rng.choice([0.5, 3.0])
    if kind == "angle":
        return (normal * rng.choice([1, 1e2, 1e4])).astype(dtype)
    if kind == "unit":
        return np.clip(normal / 4, -0.99, 0.99).astype(dtype)
    if kind == "finite":
        return normal.astype(dtype)
    info = ml_dtypes.finfo(dtype)
    edges = [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -3.5, float(info.max), float(info.min)]
    edges += [float(info.tiny), float(np.nan)] + (
        [np.inf, -np.inf] if "FN" not in str(info) else []
    )
    with np.errstate(all="ignore"):
        return _mixed(edges, normal, rng).astype(dtype)


def _mixed(edges: Sequence[float], values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half of `values` replaced by edges."""
    values = np.array(values, dtype=object if isinstance(edges[0], int) else np.float64)
    chosen = rng.choice(len(edges), values.shape)
    return np.where(rng.random(values.shape) < 0.5, np.array(edges, values.dtype)[chosen], values)


# -- elementwise -----------------------------------------------------------------------------------

SHAPES: tuple[tuple[int | None, ...], ...] = (
    *((), (33,), (3, 5), (2, 3, 4), (2, 1, 3, 2), (0, 3), (None, 4)),
)
_REAL = ("bf16", "f16", "f32", "f64")
_UNARY = {
    "abs": (*SIGNED, *FLOATS),
    "cbrt": _REAL,
    "ceil": FLOATS,
    "cosine": _REAL,
    "count_leading_zeros": INTEGERS,
    "exponential": _REAL,
    "exponential_minus_one": _REAL,
    "floor": FLOATS,
    "log": _REAL,
    "log_plus_one": _REAL,
    "logistic": _REAL,
    "negate": (*INTEGERS, *FLOATS),
    "not": (*BOOLEAN, *INTEGERS),
    "popcnt": INTEGERS,
    "round_nearest_afz": FLOATS,
    "round_nearest_even": FLOATS,
    "rsqrt": _REAL,
    "sign": (*SIGNED, *FLOATS),
    "sine": _REAL,
    "sqrt": _REAL,
    "tan": _REAL,
    "tanh": _REAL,
}
_CHLO = ("acos", "acosh", "asin", "asinh", "atan", "atanh", "cosh", "erf", "erf_inv", "erfc")
_CHLO += ("sinh", "square", "digamma", "lgamma", "bessel_i1e")
_BINARY = {
    **dict.fromkeys(("add", "subtract", "multiply"), NUMBERS),
    **dict.fromkeys(("divide", "remainder"), NUMBERS),
    **dict.fromkeys(("maximum", "minimum"), (*BOOLEAN, *NUMBERS)),
    **dict.fromkeys(("and", "or", "xor"), (*BOOLEAN, *INTEGERS)),
    **dict.fromkeys(("shift_left", "shift_right_arithmetic", "shift_right_logical"), INTEGERS),
    **dict.fromkeys(("power", "atan2"), _REAL),
}
_DIRECTIONS = ("EQ", "NE", "GE", "GT", "LE", "LT")


def _elementwise() -> Iterator[Form]:
    shapes = itertools.cycle(SHAPES)
    for name, elements in _UNARY.items():
        for element in elements:
            for shape in (next(shapes), next(shapes)):
                t = Tensor(shape, element)
                # Beyond 2^30 an f32 tells no angles apart.
                kind = "angle" if name in ("sine", "cosine", "tan") else "edges"
                yield Form(name, element, (t,), t, f"%r = stablehlo.{name} %0 : {t}", kind)
    for name, element in itertools.product(_CHLO, ("f16", "bf16", "f32", "f64")):
        t = Tensor(next(shapes), element)
        kind = "unit" if name in ("acos", "asin", "atanh", "erf_inv") else "finite"
        yield Form(f"chlo.{name}", element, (t,), t, f"%r = chlo.{name} %0 : {t} -> {t}", kind)
    for name, elements in _BINARY.items():
        for element in elements:
            for shape in (next(shapes), next(shapes)):
                t = Tensor(shape, element)
                yield Form(name, element, (t, t), t, f"%r = stablehlo.{name} %0, %1 : {t}")
    for direction, element in itertools.product(_DIRECTIONS, (*BOOLEAN, *NUMBERS)):
        t = Tensor(next(shapes), element)
        sign = "FLOAT" if element in FLOATS else "UNSIGNED" if element[0] == "u" else "SIGNED"
        sign = "UNSIGNED" if element == "i1" else sign
        result = t.of("i1")
        yield Form(
            f"compare {direction}",
            element,
            (t, t),
            result,
            f"%r = stablehlo.compare {direction}, %0, %1, {sign} : ({t}, {t}) -> {result}",
        )
    for element in NUMBERS:
        t = Tensor(next(shapes), element)
        yield Form("clamp", element, (t, t, t), t, f"%r = stablehlo.clamp %0, %1, %2 : {t}")
    for element in ALL:
        t = Tensor(next(shapes), element)
        p = t.of("i1")
        yield Form("select", element, (p, t, t), t, f"%r = stablehlo.select %0, %1, %2 : {p}, {t}")
    for element in FLOATS:
        t = Tensor(next(shapes), element)
        body = f"%r = stablehlo.is_finite %0 : ({t}) -> {t.of('i1')}"
        yield Form("is_finite", element, (t,), t.of("i1"), body)
    for narrow, wide in itertools.product((*BOOLEAN, *NUMBERS), repeat=2):
        # What a float out of an integer's range becomes is the implementation's.
        kind = "small" if narrow in FLOATS and wide in (*INTEGERS, "i1") else "edges"
        kind = "index" if narrow in FLOATS and wide in UNSIGNED else kind
        t = Tensor(next(shapes), narrow)
        result = t.of(wide)
        body = f"%r = stablehlo.convert %0 : ({t}) -> {result}"
        yield Form(f"convert to {wide}", narrow, (t,), result, body, kind)
    for a, b in (("f32", "i32"), ("i32", "ui32"), ("bf16", "i16"), ("f16", "ui16"), ("f64", "i64")):
        for narrow, wide in ((a, b), (b, a)):
            t = Tensor((2, 5), narrow)
            body = f"%r = stablehlo.bitcast_convert %0 : ({t}) -> {t.of(wide)}"
            yield Form(f"bitcast_convert to {wide}", narrow, (t,), t.of(wide), body, "finite")


# -- reductions ------------------------------------------------------------------------------------

_REDUCERS = {
    **dict.fromkeys(("add", "multiply", "maximum", "minimum"), NUMBERS),
    **dict.fromkeys(("and", "or"), (*BOOLEAN, *INTEGERS)),
}


def _region(op: str, element: str) -> str:
    t = f"tensor<{element}>"
    return (
        f"({{\n^bb0(%x: {t}, %y: {t}):\n  %s = stablehlo.{op} %x, %y : {t}\n"
        f"  stablehlo.return %s : {t}\n}})"
    )


def _reductions() -> Iterator[Form]:
    shapes = itertools.cycle(
        [
            ((5,), (0,)),
            ((3, 5), (1,)),
            ((3, 5), (0,)),
            ((2, 3, 4), (0, 2)),
            ((2, 1, 3, 2), (1, 3)),
            ((0, 3), (0,)),
            ((None, 4), (1,)),
            ((4, None), (1,)),
            ((2, 67), (1,)),
        ]
    )
    cases = [*_REDUCERS.items(), ("maximum", BOOLEAN), ("minimum", BOOLEAN)]
    for op, elements in cases:
        for element in elements:
            for shape, axes in (next(shapes), next(shapes)):
                t = Tensor(shape, element)
                kept = tuple(size for axis, size in enumerate(shape) if axis not in axes)
                scalar, result = Tensor((), element), Tensor(kept, element)
                body = (
                    f'%r = "stablehlo.reduce"(%0, %1) {_region(op, element)} '
                    f"{{dimensions = array<i64: {', '.join(map(str, axes))}>}} "
                    f": ({t}, {scalar}) -> {result}"
                )
                kind = "small" if op in ("add", "multiply") else "edges"
                yield Form(f"reduce {op} over {axes}", element, (t, scalar), result, body, kind)
    for op, elements in _REDUCERS.items():
        for element in elements:
            t, scalar, result = (
                Tensor((2, 7), element),
                Tensor((), element),
                Tensor((2, 4), element),
            )
            body = (
                f'%r = "stablehlo.reduce_window"(%0, %1) {_region(op, element)} '
                "{window_dimensions = array<i64: 1, 3>, window_strides = array<i64: 1, 2>, "
                "padding = dense<[[0, 0], [1, 1]]> : tensor<2x2xi64>} "
                f": ({t}, {scalar}) -> {result}"
            )
            yield Form(f"reduce_window {op}", element, (t, scalar), result, body, "small")


# -- data movement ---------------------------------------------------------------------------------


def _movement() -> Iterator[Form]:
    for element in ALL:
        for name, before, after, body in _MOVES:
            t, result = Tensor(before, element), Tensor(after, element)
            yield Form(name, element, (t,), result, body.format(t=t, r=result), "finite")
        t, s = Tensor((3, 4), element), Tensor((), element)
        yield Form(
            "pad",
            element,
            (t, s),
            Tensor((4, 9), element),
            f"%r = stablehlo.pad %0, %1, low = [2, 0], high = [-1, 2], interior = [0, 1] "
            f": ({t}, {s}) -> {Tensor((4, 9), element)}",
            "finite",
        )
        yield Form(
            "concatenate",
            element,
            (t, t),
            Tensor((3, 8), element),
            f"%r = stablehlo.concatenate %0, %1, dim = 1 : ({t}, {t}) -> {Tensor((3, 8), element)}",
            "finite",
        )
        i = Tensor((), "i32")
        yield Form(
            "dynamic_slice",
            element,
            (t, i, i),
            Tensor((2, 2), element),
            f"%r = stablehlo.dynamic_slice %0, %1, %2, sizes = [2, 2] : ({t}, {i}, {i}) -> "
            f"{Tensor((2, 2), element)}",
            "small",
        )
        u = Tensor((2, 2), element)
        yield Form(
            "dynamic_update_slice",
            element,
            (t, u, i, i),
            t,
            f"%r = stablehlo.dynamic_update_slice %0, %1, %2, %3 : ({t}, {u}, {i}, {i}) -> {t}",
            "small",
        )
        n, result = Tensor((4, 1), "i32"), Tensor((4, 4), element)
        yield Form(
            "gather",
            element,
            (t, n),
            result,
            f'%r = "stablehlo.gather"(%0, %1) <{{dimension_numbers = #stablehlo.gather<'
            "offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], "
            "index_vector_dim = 1>, slice_sizes = array<i64: 1, 4>}> "
            f": ({t}, {n}) -> {result}",
            "small",
        )
        op = "or" if element == "i1" else "add"
        yield Form(
            "scatter",
            element,
            (t, n, result),
            t,
            f'%r = "stablehlo.scatter"(%0, %1, %2) <{{scatter_dimension_numbers = '
            "#stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], "
            "scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> "
            f"{_region(op, element)} : ({t}, {n}, {result}) -> {t}",
            "index",
        )
    for element in (*BOOLEAN, *NUMBERS):
        sign = "FLOAT" if element in FLOATS else "UNSIGNED" if element[0] == "u" else "SIGNED"
        sign = "UNSIGNED" if element == "i1" else sign
        t, s, p = Tensor((3, 7), element), f"tensor<{element}>", "tensor<i1>"
        yield Form(
            "sort",
            element,
            (t,),
            t,
            f'%r = "stablehlo.sort"(%0) <{{dimension = 1 : i64, is_stable = true}}> ({{\n'
            f"^bb0(%x: {s}, %y: {s}):\n"
            f"  %p = stablehlo.compare LT, %x, %y, {sign} : ({s}, {s}) -> {p}\n"
            f"  stablehlo.return %p : {p}\n}}) : ({t}) -> {t}",
            "finite",
        )
    for element in NUMBERS:
        t = Tensor((3, 4), element)
        yield Form("iota", element, (), t, f"%r = stablehlo.iota dim = 1 : {t}")


_MOVES = (
    (
        "broadcast_in_dim",
        (3, 1),
        (2, 3, 4),
        "%r = stablehlo.broadcast_in_dim %0, dims = [1, 2] : ({t}) -> {r}",
    ),
    (
        "transpose",
        (2, 3, 4),
        (4, 2, 3),
        "%r = stablehlo.transpose %0, dims = [2, 0, 1] : ({t}) -> {r}",
    ),
    ("reshape", (2, 3, 4), (6, 4), "%r = stablehlo.reshape %0 : ({t}) -> {r}"),
    ("reverse", (3, 4), (3, 4), "%r = stablehlo.reverse %0, dims = [0, 1] : {t}"),
    ("slice", (5, 6), (2, 3), "%r = stablehlo.slice %0 [1:4:2, 0:6:2] : ({t}) -> {r}"),
)


# -- products, and what compilers fuse with them ---------------------------------------------------


def _products() -> Iterator[Form]:
    for element in ALL:
        wide = {"i1": "i1", "i4": "i32", "ui4": "ui32", **dict.fromkeys(F8, "f32")}.get(
            element, element
        )
        for name, left, right, numbers, shape in _DOTS:
            a, b = Tensor(left, element), Tensor(right, element)
            result = Tensor(shape, wide)
            body = f"%r = stablehlo.dot_general %0, %1, {numbers} : ({a}, {b}) -> {result}"
            yield Form(f"dot_general {name}", element, (a, b), result, body, "small")
        if element == "i1":
            continue
        x, w, result = Tensor((1, 6, 5, 3), element), Tensor((3, 2, 3, 4), element), None
        result = Tensor((1, 2, 4, 4), wide)
        yield Form(
            "convolution", element, (x, w), result, _convolution("%0", "%1", x, w, result), "small"
        )
    for narrow, wide in itertools.product((*BOOLEAN, *INTEGERS, *FLOATS), ("f32", "bf16", "i32")):
        if narrow == wide or (wide == "i32" and narrow in FLOATS):
            continue
        a, w, result = Tensor((4, 8), narrow), Tensor((8, 5), wide), Tensor((4, 5), wide)
        body = (
            f"%c = stablehlo.convert %0 : ({a}) -> {a.of(wide)}\n"
            f"%r = stablehlo.dot_general %c, %1, contracting_dims = [1] x [0] "
            f": ({a.of(wide)}, {w}) -> {result}"
        )
        yield Form(f"convert {narrow}, dot_general", wide, (a, w), result, body, "small")
    for element in ("f32", "f16", "bf16", "f64", "i32", "ui8", "i8"):
        yield from _pairs(element)


_DOTS = (
    ("matrix", (4, 8), (8, 5), "contracting_dims = [1] x [0]", (4, 5)),
    ("turned", (4, 8), (5, 8), "contracting_dims = [1] x [1]", (4, 5)),
    ("vector", (8,), (8, 5), "contracting_dims = [0] x [0]", (5,)),
    ("scalar", (8,), (8,), "contracting_dims = [0] x [0]", ()),
    ("outer", (4,), (5,), "contracting_dims = [] x []", (4, 5)),
    (
        "batch",
        (2, 4, 8),
        (2, 8, 5),
        "batching_dims = [0] x [0], contracting_dims = [2] x [1]",
        (2, 4, 5),
    ),
    (
        "inner batch",
        (4, 2, 8),
        (8, 5, 2),
        "batching_dims = [1] x [2], contracting_dims = [2] x [0]",
        (2, 4, 5),
    ),
    ("dynamic", (None, 8), (8, 5), "contracting_dims = [1] x [0]", (None, 5)),
    ("dynamic batch", (None, 3, 8), (8, 5), "contracting_dims = [2] x [0]", (None, 3, 5)),
    ("nothing", (4, 0), (0, 5), "contracting_dims = [1] x [0]", (4, 5)),
)


def _convolution(x: str, w: str, a: Tensor, b: Tensor, result: Tensor) -> str:
    return (
        f"%r = stablehlo.convolution({x}, {w}) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->"
        "[b, 0, 1, f], window = {stride = [2, 1], pad = [[0, 0], [0, 0]]} "
        "{batch_group_count = 1 : i64, feature_group_count = 1 : i64} "
        f": ({a}, {b}) -> {result}"
    )


def _pairs(element: str) -> Iterator[Form]:
    """What a compiler moves into a product or a convolution, or out of a reduction."""
    w, y = Tensor((8, 5), element), Tensor((4, 5), element)
    dot = "%r = stablehlo.dot_general %c, %1, contracting_dims = [1] x [0] : ({a}, {w}) -> {y}"
    c = Tensor((4, 8), element)
    for name, shape, step in (
        ("transpose", (8, 4), "stablehlo.transpose %0, dims = [1, 0] : ({t}) -> {a}"),
        ("broadcast", (8,), "stablehlo.broadcast_in_dim %0, dims = [1] : ({t}) -> {a}"),
        ("slice", (6, 20), "stablehlo.slice %0 [1:5, 2:18:2] : ({t}) -> {a}"),
        ("reshape", (2, 2, 8), "stablehlo.reshape %0 : ({t}) -> {a}"),
        ("reverse", (4, 8), "stablehlo.reverse %0, dims = [1] : {t}"),
        ("negate", (4, 8), "stablehlo.negate %0 : {t}"),
    ):
        t = Tensor(shape, element)
        body = f"%c = {step.format(t=t, a=c)}\n{dot.format(a=c, w=w, y=y)}"
        yield Form(f"{name}, dot_general", element, (t, w), y, body, "small")
    t, s, narrow = Tensor((4, 8), element), Tensor((), element), Tensor((4,), element)
    for wide in ("f32", "i8", "bf16"):
        body = (
            f'%c = "stablehlo.reduce"(%0, %1) {_region("add", element)} '
            f"{{dimensions = array<i64: 1>}} : ({t}, {s}) -> {narrow}\n"
            f"%r = stablehlo.convert %c : ({narrow}) -> {narrow.of(wide)}"
        )
        if wide != element:
            yield Form(
                f"reduce, convert to {wide}", element, (t, s), narrow.of(wide), body, "small"
            )
    x, padded = Tensor((1, 5, 4, 3), element), Tensor((1, 8, 6, 3), element)
    k, result = Tensor((3, 2, 3, 4), element), Tensor((1, 3, 5, 4), element)
    body = (
        f"%c = stablehlo.pad %0, %1, low = [0, 1, 2, 0], high = [0, 2, 0, 0], "
        f"interior = [0, 0, 0, 0] : ({x}, {s}) -> {padded}\n"
        f"{_convolution('%c', '%2', padded, k, result)}"
    )
    yield Form("pad, convolution", element, (x, s, k), result, body, "small")


# -- control flow ----------------------------------------------------------------------------------


def _control() -> Iterator[Form]:
    for element in ("i32", "f32", "bf16", "i8"):
        t, p = Tensor((3,), element), Tensor((), "i1")
        yield Form(
            "if",
            element,
            (p, t, t),
            t,
            f'%r = "stablehlo.if"(%0) ({{\n  stablehlo.return %1 : {t}\n}}, {{\n'
            f"  %s = stablehlo.add %1, %2 : {t}\n  stablehlo.return %s : {t}\n}}) : ({p}) -> {t}",
            "small",
        )
        i = Tensor((), "i32")
        yield Form(
            "case",
            element,
            (i, t, t),
            t,
            f'%r = "stablehlo.case"(%0) ({{\n  stablehlo.return %1 : {t}\n}}, {{\n'
            f"  stablehlo.return %2 : {t}\n}}) : ({i}) -> {t}",
            "small",
        )
        yield Form(
            "while",
            element,
            (i, t),
            t,
            f"%five = stablehlo.constant dense<5> : {i}\n%one = stablehlo.constant dense<1> : {i}\n"
            f"%w:2 = stablehlo.while(%a = %0, %b = %1) : {i}, {t}\n"
            f"cond {{\n  %p = stablehlo.compare LT, %a, %five : ({i}, {i}) -> {p}\n"
            f"  stablehlo.return %p : {p}\n}} do {{\n  %n = stablehlo.add %a, %one : {i}\n"
            f"  %m = stablehlo.add %b, %1 : {t}\n  stablehlo.return %n, %m : {i}, {t}\n}}\n"
            f"%r = stablehlo.add %w#1, %1 : {t}",
            "small",
        )


def forms() -> list[Form]:
    """Every form."""
    parts = (_elementwise, _reductions, _movement, _products, _control)
    found = [form for part in parts for form in part()]
    return list({form.key: form for form in found}.values())
