"""Steps that are no idiom: arithmetic, casts, moves, reductions, products."""

from __future__ import annotations

import math

from function_text import FLOATS, Function, mixed
from idioms import Value

UNARY = (
    *("negate", "abs", "exponential", "tanh", "logistic", "sqrt", "rsqrt", "sine", "cosine"),
    *("log", "log_plus_one", "exponential_minus_one", "cbrt", "sign", "is_finite"),
)
BINARY = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "power")
NUMBERS = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -0.5, 3.0, 1e-5, 1e-6, 1e4, -1e4, math.inf, -math.inf)


def unary(f: Function) -> None:
    """A function of one value."""
    x = f.take_float()
    name = f.pick(*UNARY)
    if name == "is_finite":
        if f.is_dynamic:
            return
        finite = f.line(f"is_finite {x.name} : ({x.type}) -> {{type}}", x.shape, "i1")
        f.give(f.select(finite, x, f.number(0.0, x)))
        return
    f.give(f.unary(name, x))


def binary(f: Function) -> None:
    """A function of two values of one shape."""
    x = f.take_float()
    y = f.take(lambda value: value.type == x.type)
    if y.type != x.type:
        y = f.spread(f.fresh(x.shape[f.pick(*range(x.rank)) :], x.element), x.shape)
    f.give(f.either(f.pick(*BINARY), x, y))


def same(f: Function) -> None:
    """A function of two values of one type."""
    x = f.take_float()
    y = f.take(lambda value: value.type == x.type)
    f.give(f.either(f.pick(*BINARY), x, y))


def with_number(f: Function) -> None:
    """A value and a number."""
    x = f.take_float()
    f.give(f.either(f.pick(*BINARY), x, f.number(f.pick(*NUMBERS), x)))


def with_rows(f: Function) -> None:
    """A value and a smaller one, spread over it."""
    x = f.take_float()
    axes = sorted({f.pick(*range(x.rank)) for _ in range(2)})
    shape = [x.shape[axis] for axis in axes]
    y = f.take(lambda value: list(value.shape) == shape and value.element == x.element)
    if list(y.shape) != shape or y.element != x.element:
        y = f.fresh(shape, x.element)
    f.give(f.either(f.pick(*BINARY), x, f.broadcast(y, axes, x.shape)))


def chosen(f: Function) -> None:
    """A value where a comparison holds, another one elsewhere."""
    x = f.take_float()
    bound = f.number(f.pick(*NUMBERS), x)
    direction = f.pick("LT", "LE", "GT", "GE", "EQ", "NE")
    compared = f.pick(x, f.unary("abs", x))
    predicate = f.compare(direction, *f.pick((compared, bound), (bound, compared)))
    other = f.pick(bound, f.unary("negate", x), f.number(f.pick(*NUMBERS), x))
    f.give(f.select(predicate, *f.pick((x, other), (other, x))))


def clamped(f: Function) -> None:
    """A value between two numbers."""
    x = f.take_float()
    low, high = f.number(f.pick(-1.0, 0.0, -math.inf), x), f.number(f.pick(1.0, 6.0, math.inf), x)
    f.give(f.line(f"clamp {low.name}, {x.name}, {high.name} : {{type}}", x.shape, x.element))


def cast(f: Function) -> None:
    """A value in another type, or rounded to it and back."""
    x = f.take_float()
    y = f.convert(x, f.pick(*FLOATS))
    f.give(f.convert(y, x.element) if f.pick(True, False) else y)


def moved(f: Function) -> None:
    """A value with its elements in other places."""
    x = f.take_float()
    f.give(f.pick(_transposed, _reshaped, _reversed, _part, _padded, _repeated)(f, x))


def _transposed(f: Function, x: Value) -> Value:
    order = list(range(x.rank))
    for n in range(x.rank):
        other = f.pick(*range(x.rank))
        order[n], order[other] = order[other], order[n]
    return f.transpose(x, order)


def _reshaped(f: Function, x: Value) -> Value:
    total = math.prod(x.shape)
    shapes = [(total,), (1, *x.shape), (*x.shape, 1), (*x.shape[:-2], math.prod(x.shape[-2:]))]
    if total and total % 2 == 0:
        shapes += [(2, total // 2), (total // 2, 1, 2)]
    return f.reshape(x, f.pick(*shapes))


def _reversed(f: Function, x: Value) -> Value:
    return f.reverse(x, [f.pick(*range(x.rank))])


def _part(f: Function, x: Value) -> Value:
    ranges = []
    for size in x.shape:
        start = f.pick(0, 0, *range(size)) if size else 0
        ranges.append((start, f.pick(size, size, *range(start + 1, size + 1))))
    return f.slice(x, ranges)


def _padded(f: Function, x: Value) -> Value:
    low, high = ([f.pick(0, 0, 1) for _ in x.shape] for _ in range(2))
    zero = f.constant(f.pick(0.0, 1.0, -math.inf), (), x.element)
    shape = [size + a + b for size, a, b in zip(x.shape, low, high, strict=True)]
    body = f"pad {x.name}, {zero.name}, low = {low}, high = {high}, interior = {[0] * x.rank}"
    return f.line(f"{body} : ({x.type}, {zero.type}) -> {{type}}", shape, x.element)


def _repeated(f: Function, x: Value) -> Value:
    if f.pick(True, False) or x.rank > 3:
        return f.concatenate([x, f.unary("negate", x)], f.pick(*range(x.rank)))
    at = f.pick(*range(x.rank + 1))
    shape = [*x.shape[:at], f.pick(1, 2), *x.shape[at:]]
    return f.broadcast(x, [n for n in range(x.rank + 1) if n != at], shape)


def reduction(f: Function) -> None:
    """A sum, mean or the like, with or without what it was taken of."""
    x = f.take_float()
    axes = sorted({f.pick(*range(x.rank)) for _ in range(f.pick(1, 1, 2))})
    kind = f.pick("add", "add", "maximum", "minimum", "multiply")
    init = {"add": 0.0, "maximum": -math.inf, "minimum": math.inf, "multiply": 1.0}[kind]
    init = f.pick(*[init] * 9, 1.0)
    y = f.reduce(kind, x, axes, init)
    size = math.prod(x.shape[axis] for axis in axes)
    if kind == "add" and size and f.pick(True, False):
        y = f.binary("divide", y, f.number(float(f.pick(*[size] * 8, size + 1)), y))
    if y.rank:
        f.give(y)
    kept = [axis for axis in range(x.rank) if axis not in axes]
    if f.pick(True, False):
        spread = f.broadcast(y, kept, x.shape)
        f.give(f.binary(f.pick("subtract", "divide", "multiply", "add"), x, spread))


def projection(f: Function) -> None:
    """A product with a weight."""
    x = f.take_float(2)
    give_projected(f, x, f.pick(2, 3, 4, 8), constant=f.pick(True, False, False))


def give_projected(f: Function, x: Value, size: int, *, constant: bool = False) -> Value:
    """A product of the last dimension with a weight of a width."""
    depth = x.shape[-1]
    turned = f.pick(True, False)
    shape = (size, depth) if turned else (depth, size)
    if constant:
        values = f.numbers(shape)
        weight = f.array(values, x.element, resource=f.pick(True, False))
    else:
        weight = f.argument(shape, x.element, mixed)
    y = f.dot(x, weight, [], (x.rank - 1, 1 if turned else 0), f.pick(x.element, x.element, "f32"))
    if f.pick(True, False):
        y = f.convert(y, x.element)
    f.give(y)
    return y


def wide_projection(f: Function) -> None:
    """A few vectors and a matrix that is large for what else there is."""
    rows, depth, size = f.pick(1, 1, 2, 4), f.pick(8, 16, 32), f.pick(16, 32)
    x = f.argument([rows, depth], f.pick("f32", "f32", "bf16", "f16"), mixed)
    give_projected(f, x, size, constant=f.pick(True, False))


def product(f: Function) -> None:
    """A product of two values, with batch dimensions in front."""
    x = f.take_float(2)
    y = f.take(lambda value: value.type == x.type)
    if y.type != x.type:
        y = f.fresh(x.shape, x.element)
    batch = [(n, n) for n in range(f.pick(*range(x.rank)))]
    axis = f.pick(*range(len(batch), x.rank))
    result = f.dot(x, y, batch, (axis, axis))
    if result.rank <= 5 and math.prod(result.shape) <= 2000:
        f.give(result)


PLAIN = (
    *(unary, binary, with_number, with_rows, chosen, clamped, cast, cast, moved, moved),
    *(reduction, projection, wide_projection, product),
)
