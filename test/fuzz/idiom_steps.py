"""Steps that are idioms, or nearly so, on values that other steps made."""

from __future__ import annotations

import math

from attention_idioms import (
    ATTENTION_MUTATIONS,
    SOFTMAX_MUTATIONS,
    SOFTMAX_SAME,
    Attention,
    Named,
    Softmax,
)
from function_text import Function, mixed
from idioms import Value
from norm_idioms import LAYER_NORM_MUTATIONS, RMS_NORM_MUTATIONS, LayerNorm, Norm, RmsNorm
from plain_steps import give_projected


def missed(f: Function, mutations: tuple[str, ...]) -> str | None:
    """A mutation, by chance."""
    return f.pick(*mutations) if f.pick(True, False, False, False, False) else None


def take_rows(f: Function) -> Value:
    """A value to be normalised: its rows are not empty."""
    return f.take(lambda value: value.element in ("f16", "bf16", "f32", "f64") and value.rank >= 1)


def place(f: Function, norm: Norm, x: Value | None) -> Value:
    """Puts a norm on a value; a mutated one keeps the shape that it wants."""
    norm.text = f
    if x is None:
        return f.argument(norm.shape, "f32", mixed)
    norm.shape = x.shape
    count = f.pick(1, 1, 1, 2)
    first = f.pick(x.rank - count, x.rank - count, *range(x.rank))
    norm.axes = tuple(range(max(first, 0), min(max(first, 0) + count, x.rank)))
    return x


def rms_norm(f: Function) -> None:
    """RMSNorm."""
    mutation = missed(f, RMS_NORM_MUTATIONS)
    norm = RmsNorm(f.pick, mutation)
    x = place(f, norm, None if mutation else take_rows(f))
    if x.element in ("f32", "f64"):
        norm.cast, norm.half, norm.wide, norm.narrow = "f32", x.element, x.element, False
    elif norm.cast == "f32":
        norm.cast, norm.half, norm.wide = "after", x.element, "f32"
    else:
        norm.half = x.element
        norm.wide = x.element if norm.narrow else "f32"
    f.give(*norm.of(x))


def layer_norm(f: Function) -> None:
    """LayerNorm."""
    mutation = missed(f, LAYER_NORM_MUTATIONS)
    norm = LayerNorm(f.pick, mutation)
    x = place(f, norm, None if mutation else take_rows(f))
    norm.half = x.element
    norm.wide = "f64" if x.element == "f64" else f.pick("f32", "f32", "f32", "f64")
    f.give(norm.of(x))


def softmax(f: Function) -> None:
    """Softmax."""
    mutation = missed(f, SOFTMAX_MUTATIONS)
    own = Softmax(f.pick, mutation)
    own.text = f
    x = f.argument(own.shape, "f32", mixed) if mutation else take_rows(f)
    own.shape, own.axis = x.shape, own.axis if mutation else f.pick(*range(x.rank), x.rank - 1)
    # Another largest value cancels where nothing is infinite.
    f.symbols.tame |= mutation in SOFTMAX_SAME
    wide = x if f.pick(True, False, False, False) else f.convert(x, own_wide(x))
    f.give(f.convert(own.of(wide), x.element))


def own_wide(x: Value) -> str:
    """The type that a value is computed in."""
    return "f64" if x.element == "f64" else "f32"


def attention(f: Function) -> None:
    """Attention of arguments, or of projections of one value, perhaps normed and turned."""
    mutation = missed(f, ATTENTION_MUTATIONS)
    own = Attention(f.pick, mutation)
    own.text = f
    x = None if mutation else f.pick(None, None, f.take_float(2))
    if x is not None and math.prod(x.shape):
        sizes = own.sizes
        sizes["b"], sizes["t"] = math.prod(x.shape[:-2]), x.shape[-2]
        sizes["s"] = sizes["t"]
        sizes["n"] = sizes["b"] * sizes["h"]
        own.half = x.element
        own.wide = own_wide(x)
        # Any NaN of x would count as a row that sees nothing.
        own.tails = ("masked", "kept")
        results = own.of(*(projected(f, own, x, names) for names in ("bthd", "bskd", "bske")))
    else:
        if not mutation:
            own.half = f.pick(own.half, own.half, own.half, "f64")
            own.wide = "f64" if own.half == "f64" else "f32"
        results = own.of(*(own.argument(names) for names in own.layouts()))
    # A predicate hides NaN, what is added does not; no score comes near a fill; all NaN count as a
    # row that sees nothing.
    f.symbols.tame |= own.masked or own.safe is not None
    f.give(*results)


def projected(f: Function, own: Attention, x: Value, names: str) -> Named:
    """Heads of a projection of x."""
    heads, depth = own.shape(names[2:])
    y = f.convert(give_projected(f, x, heads * depth, constant=f.pick(True, False)), own.half)
    y = f.reshape(y, own.shape(names))
    if names[3] == "d" and f.pick(True, False):
        y = f.convert(head_norm(f, y), own.half)
    if names[3] == "d" and depth % 2 == 0 and f.pick(True, False):
        y = turned(f, y)
    if f.pick(True, False):
        return own.arranged(Named(y, names), f"{names[0]}{names[2]}{names[1]}{names[3]}")
    return Named(y, names)


def head_norm(f: Function, x: Value) -> Value:
    """RMSNorm over the last axis."""
    norm = RmsNorm(f.pick)
    norm.text, norm.shape, norm.axes = f, x.shape, (x.rank - 1,)
    norm.half, norm.narrow, norm.second = x.element, False, None
    norm.cast = "f32" if x.element in ("f32", "f64") else f.pick("before", "after")
    norm.place = "after"
    norm.wide = own_wide(x)
    return norm.of(x)[0]


def turned(f: Function, x: Value) -> Value:
    """Rotary positions over the last dimension: x * cos + halves swapped * sin."""
    half = x.shape[-1] // 2
    whole = [(0, size) for size in x.shape[:-1]]
    left, right = f.slice(x, [*whole, (0, half)]), f.slice(x, [*whole, (half, 2 * half)])
    swapped = f.concatenate([f.unary("negate", right), left], x.rank - 1)
    cosine, sine = (f.spread(f.argument(x.shape[-1:], x.element, mixed), x.shape) for _ in range(2))
    return f.either("add", f.either("multiply", x, cosine), f.either("multiply", swapped, sine))


def rope(f: Function) -> None:
    """Rotary positions."""
    x = f.take(lambda value: value.rank > 1 and value.shape[-1] in (2, 4, 8))
    if x.rank and x.shape[-1] % 2 == 0 and "f" in x.element:
        f.give(turned(f, x))


def gated(f: Function) -> None:
    """An MLP with a gate."""
    x = f.take_float(2)
    size = f.pick(3, 4, 6)
    gate = f.convert(give_projected(f, x, size), x.element)
    match f.pick("silu", "tanh", "relu"):
        case "silu":
            gate = f.either("multiply", gate, f.unary("logistic", gate))
        case "tanh":
            inner = f.unary("tanh", f.either("multiply", gate, f.number(0.8, gate)))
            inner = f.either("add", inner, f.number(1.0, inner))
            gate = f.either("multiply", gate, inner)
        case _:
            gate = f.either("maximum", gate, f.number(0.0, gate))
    up = f.convert(give_projected(f, x, size), x.element)
    give_projected(f, f.either("multiply", gate, up), x.shape[-1])


def residual(f: Function) -> None:
    """The sum of two values of one type, and a norm of it."""
    x = f.take_float()
    y = f.take(lambda value: value.type == x.type and value != x)
    if y.type != x.type:
        y = f.argument(x.shape, x.element, mixed)
    total = f.either("add", x, y)
    normed = f.convert(head_norm(f, total), x.element)
    f.give(total, normed)
    if f.pick(True, False):
        f.give(f.either("multiply", normed, y))


def gated_norm(f: Function) -> None:
    """A norm and a product with another value of its shape, or spread to it."""
    x = f.take_float()
    normed = f.convert(head_norm(f, x), x.element)
    shape = x.shape[f.pick(*range(x.rank)) :]
    shape = [f.pick(size, size, 1) for size in shape]
    by = f.spread(f.argument(shape, x.element, mixed), x.shape)
    if f.pick(True, False):
        by = f.either("multiply", by, f.unary("logistic", by))
    f.give(f.either("multiply", normed, by))
    if f.pick(True, False, False):
        f.give(normed)


IDIOMS = (
    *(rms_norm, rms_norm, layer_norm, softmax, attention, attention, rope, gated),
    *(residual, residual, gated_norm),
)
