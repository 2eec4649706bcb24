"""Attention as an op of the dialect, and the operands of attention."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attention_idioms import LOWEST
from function_text import FLOATS, Function, mixed, names, signature, small_integers, some_true
from idioms import Value


def heads(f: Function, *, litert: bool) -> tuple[list[Value], Value, list[int]]:
    """q, k and v, what comes of them, and the shape of the scores."""
    element = f.pick("f32", "f32", "f16", "bf16", "f64")
    b, k, g = f.size(f.pick(1, 2)), f.pick(1, 2), f.pick(1, 1, 2)
    t, s = f.size(f.pick(1, 2, 4)), f.size(f.pick(1, 3, 4))
    d, e = f.pick(1, 2, 4), f.pick(1, 2, 4)
    shapes = [[b, k * g, t, d], [b, k, s, d], [b, k, s, e], [b, k * g, t, e]]
    if litert:
        shapes = [[shape[0], shape[2], shape[1], shape[3]] for shape in shapes]
    values = [f.argument(shape, element, mixed) for shape in shapes[:3]]
    return values, Value("", tuple(shapes[3]), element), [b, k * g, t, s]


def mask_of(f: Function, scores: Sequence[int], *, full: bool = False, floats: bool) -> Value:
    """A mask of the scores' shape, or one that broadcasts to it."""
    if not (full or f.is_dynamic) and f.pick(True, False, False):
        return band_of(f, scores[-2:])
    shape = [f.pick(size, 1) for size in scores]
    if not full:
        shape = shape[f.pick(*range(len(shape))) :]
    if floats or f.pick(True, False):
        return f.argument(shape, f.pick("f32", "f32", "f16", "bf16"), mixed)
    return f.argument(shape, "i1", some_true)


def band_of(f: Function, shape: Sequence[int]) -> Value:
    """A mask of positions, as a predicate or to be added."""
    query, key = f.iota(0, shape, "i32"), f.iota(1, shape, "i32")
    moved = f.either("add", query, f.number(f.pick(0, 0, 1, -1, 2), query))
    kept = f.compare(f.pick("LE", "LE", "LT", "GE", "GT", "EQ"), key, moved)
    if f.pick(True, False, False):
        near = f.binary("subtract", query, key)
        kept = f.either("and", kept, f.compare("LT", near, f.number(f.pick(1, 2, 3), near)))
    if f.pick(True, False):
        return kept
    zero = f.constant(0.0, shape, "f32")
    return f.select(kept, zero, f.number(f.pick(-math.inf, -math.inf, LOWEST, -1e30), zero))


def sdpa_op(f: Function) -> None:
    """An op of attention, with every attribute."""
    operands, result, scores = heads(f, litert=False)
    result = Value("", result.shape, f.pick(result.element, result.element, *FLOATS))
    mask = [mask_of(f, scores, floats=False)] if f.pick(True, False) else []
    sinks = f.pick(True, False, False)
    sink = [f.argument([scores[1]], f.pick("f32", result.element), mixed)] if sinks else []
    attributes = [f"scale = {f.pick(1.0, 0.5, 0.3, -1.0)} : f64"]
    causal = f.pick(True, False)
    window = f.pick((-1, -1), (-1, -1), (1, -1), (2, 1), (-1, 0))
    if causal:
        attributes.append("causal = true")
    if window != (-1, -1):
        attributes.append(f"window = array<i64: {window[0]}, {window[1]}>")
    start: list[Value] = []
    if causal or window != (-1, -1):
        attributes.append(f"offset = {f.pick(0, 0, 1, -1, 3, scores[3] - scores[2])} : i64")
        if f.pick(True, False, False):
            start = [f.argument([], "i32", small_integers)]
    if f.pick(True, False, False):
        attributes.append(f"softcap = {f.pick(2.0, 30.0)} : f64")
    attributes.append(f'fully_masked = "{f.pick("nan", "zero", "uniform")}"')
    segments = [1, 1, 1, len(mask), len(sink), len(start)]
    attributes.append(f"operandSegmentSizes = array<i32: {', '.join(map(str, segments))}>")
    results = [result]
    if f.pick(True, False, False):
        results.append(Value("", result.shape[:-1], f.pick("f32", result.element)))
    operands = [*operands, *mask, *sink, *start]
    f.symbols.tame |= bool(mask) or causal or window != (-1, -1)
    text = f'"attnorm.sdpa"({names(operands)}) {{{", ".join(attributes)}}}'
    f.give(*f.several(f"{text} : {signature(operands, results)}", results))


STEPS = (sdpa_op,)
