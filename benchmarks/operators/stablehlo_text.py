"""Every case in StableHLO primitives, as a user would write it.

The one source for attnorm and for plain IREE: names no op of attnorm's.
"""

from __future__ import annotations

from collections.abc import Sequence

from .cases import DTYPES, EPSILON, Attention, Case, Rows

Shape = tuple[int, ...]
_LOWEST, _ZERO = "0xFF800000", "0.0"  # -inf, as f32's bits


def text(case: Case) -> str:
    """A module with one function, @main, of the case's operands in order."""
    body = _Body()
    for name, shape in case.shapes.items():
        body.types[f"%{name}"] = _type(shape, case.dtype)
    arguments = ", ".join(f"{name}: {type_}" for name, type_ in body.types.items())
    results = _attention(case, body) if isinstance(case, Attention) else _rows(case, body)
    types = ", ".join(body.types[result] for result in results)
    head = f"func.func @main({arguments}) -> ({types}) {{"
    return "\n".join([head, *body.lines, f"  return {', '.join(results)} : {types}", "}", ""])


class _Body:
    """The lines of a function, and the type of every value."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.types: dict[str, str] = {}

    def value(self, line: str, type_: str) -> str:
        """Appends an op that has one result."""
        name = f"%{len(self.types)}"
        self.lines.append(f"  {name} = stablehlo.{line}")
        self.types[name] = type_
        return name

    def op(self, kind: str, *values: str) -> str:
        """An elementwise op: operands and result of one type."""
        type_ = self.types[values[0]]
        return self.value(f"{kind} {', '.join(values)} : {type_}", type_)

    def constant(self, number: float | str, type_: str) -> str:
        """A splat."""
        literal = number if isinstance(number, str | int) else f"{number:.17e}"
        return self.value(f"constant dense<{literal}> : {type_}", type_)

    def scaled(self, x: str, number: float) -> str:
        """x * number."""
        return self.op("multiply", x, self.constant(number, self.types[x]))

    def convert(self, x: str, type_: str) -> str:
        """x in another type of its shape."""
        if self.types[x] == type_:
            return x
        return self.value(f"convert {x} : ({self.types[x]}) -> {type_}", type_)

    def reduce(self, kind: str, x: str, shape: Shape) -> str:
        """Over the last axis of f32 [shape]."""
        result = _type(shape[:-1])
        init = self.constant(_LOWEST if kind == "maximum" else _ZERO, _type(()))
        return self.value(
            f"reduce({x} init: {init}) applies stablehlo.{kind} across dimensions = "
            f"[{len(shape) - 1}] : ({self.types[x]}, {_type(())}) -> {result}",
            result,
        )

    def spread(self, x: str, axes: Sequence[int], type_: str) -> str:
        """broadcast_in_dim."""
        line = f"broadcast_in_dim {x}, dims = {list(axes)} : ({self.types[x]}) -> {type_}"
        return self.value(line, type_)

    def reshape(self, x: str, shape: Shape) -> str:
        """x as f32 [shape]."""
        return self.value(f"reshape {x} : ({self.types[x]}) -> {_type(shape)}", _type(shape))

    def dot(self, a: str, c: str, batch: int, contract: tuple[int, int], shape: Shape) -> str:
        """dot_general with the first `batch` axes as batch, f32 [shape]."""
        axes = list(range(batch))
        return self.value(
            f"dot_general {a}, {c}, batching_dims = {axes} x {axes}, contracting_dims = "
            f"[{contract[0]}] x [{contract[1]}] : ({self.types[a]}, {self.types[c]}) "
            f"-> {_type(shape)}",
            _type(shape),
        )


def _type(shape: Shape, element: str = "f32") -> str:
    return f"tensor<{'x'.join([*map(str, shape), element])}>"


# -- rows ----------------------------------------------------------------------------------------


def _rows(case: Rows, body: _Body) -> list[str]:
    assert case.dtype in DTYPES
    shape, own = (case.rows, case.columns), _type((case.rows, case.columns), case.dtype)
    if case.op == "softmax":
        return [_softmax(body, "%x", shape)]
    if case.op == "layer_norm":
        x = _normed(body, _centred(body, "%x", shape), shape)
        return [body.op("add", _weighted(body, x, shape), body.spread("%bias", [1], _type(shape)))]
    if case.op == "add_rms_norm":
        total = body.op("add", "%a", "%b")
        return [total, _weighted(body, _normed(body, total, shape), shape)]
    x = "%x"
    for _ in range(case.repeat):
        wide = body.convert(x, _type(shape))
        x = body.convert(_weighted(body, _normed(body, wide, shape), shape), own)
    return [body.op("multiply", x, "%multiplier") if case.op == "rms_norm_mul" else x]


def _mean(body: _Body, x: str, shape: Shape) -> str:
    """f32 [rows]."""
    total = body.reduce("add", x, shape)
    return body.op("divide", total, body.constant(float(shape[1]), body.types[total]))


def _centred(body: _Body, x: str, shape: Shape) -> str:
    return body.op("subtract", x, body.spread(_mean(body, x, shape), [0], _type(shape)))


def _normed(body: _Body, x: str, shape: Shape) -> str:
    """x * rsqrt(mean(x^2) + epsilon)."""
    mean = _mean(body, body.op("multiply", x, x), shape)
    root = body.op("rsqrt", body.op("add", mean, body.constant(EPSILON, body.types[mean])))
    return body.op("multiply", x, body.spread(root, [0], _type(shape)))


def _weighted(body: _Body, x: str, shape: Shape) -> str:
    weight = body.convert("%weight", _type(shape[1:]))
    return body.op("multiply", x, body.spread(weight, [1], _type(shape)))


def _softmax(body: _Body, x: str, shape: Shape) -> str:
    """Over the last axis of f32 [shape]."""
    kept = range(len(shape) - 1)
    peak = body.spread(body.reduce("maximum", x, shape), kept, _type(shape))
    power = body.op("exponential", body.op("subtract", x, peak))
    total = body.spread(body.reduce("add", power, shape), kept, _type(shape))
    return body.op("divide", power, total)


# -- attention -----------------------------------------------------------------------------------


def _attention(case: Attention, body: _Body) -> list[str]:
    """Grouped heads get an axis of their own, as JAX writes them: no key is repeated."""
    groups = (case.groups,) if case.groups > 1 else ()
    head = (1, case.key_heads, *groups)
    inner, outer = (*head, case.queries, case.depth), (*head, case.queries, case.keys)
    last = len(inner) - 1
    q = body.reshape("%q", inner) if groups else "%q"
    scores = body.scaled(body.dot(q, "%k", 2, (last, 3), outer), case.scale)
    if case.causal:
        scores = _masked(case, body, scores, outer)
    result = body.dot(_softmax(body, scores, outer), "%v", 2, (last, 2), inner)
    return [body.reshape(result, case.shapes["q"]) if groups else result]


def _masked(case: Attention, body: _Body, scores: str, shape: Shape) -> str:
    plane, keep = _type(shape[-2:], "i32"), _type(shape[-2:], "i1")
    query = body.value(f"iota dim = 0 : {plane}", plane)
    key = body.value(f"iota dim = 1 : {plane}", plane)
    seen = body.value(f"compare LE, {key}, {query} : ({plane}, {plane}) -> {keep}", keep)
    if case.window:
        size, distance = body.constant(case.window, plane), body.op("subtract", query, key)
        line = f"compare LT, {distance}, {size} : ({plane}, {plane}) -> {keep}"
        seen = body.op("and", seen, body.value(line, keep))
    rank, whole = len(shape), _type(shape, "i1")
    seen = body.spread(seen, [rank - 2, rank - 1], whole)
    lowest = body.constant(_LOWEST, _type(shape))
    return body.value(f"select {seen}, {scores}, {lowest} : {whole}, {_type(shape)}", _type(shape))
