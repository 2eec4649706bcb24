"""GroupNorm as an op of the dialect, and written out, a SiLU behind it by chance."""

from __future__ import annotations

import math
from collections.abc import Sequence

from function_text import FLOATS, Function, mixed, names, signature
from idioms import Value


def group_norm_op(f: Function) -> None:
    """An op on any dimension of channels, with every attribute."""
    shape, channel, groups = _shape(f)
    x = f.argument([f.size(shape[0]), *shape[1:]], f.pick("f32", "f32", *FLOATS), mixed)
    sizes = [f.pick(shape[channel], shape[channel], 1) for _ in range(f.pick(0, 1, 2))]
    affine = [f.argument([size], f.pick(x.element, "f32"), mixed) for size in sizes]
    result = Value("", x.shape, f.pick(x.element, x.element, *FLOATS))
    attributes = [
        f"groups = {groups} : i64, channel_axis = {channel} : i64, epsilon = 1.0e-5 : f64",
        f'activation = "{f.pick("none", "silu")}"',
        f"operandSegmentSizes = array<i32: 1, {int(len(sizes) > 0)}, {int(len(sizes) > 1)}>",
    ]
    operands = [x, *affine]
    text = f'"attnorm.group_norm"({names(operands)}) {{{", ".join(attributes)}}}'
    f.give(*f.several(f"{text} : {signature(operands, [result])}", [result]))


def group_norm(f: Function) -> None:
    """A norm in primitives: of a reshape, or with statistics spread over channels; or nearly."""
    shape, channel, groups = _shape(f)
    x = f.argument(shape, "f32", mixed)
    kept = (groups, shape[channel] // groups)
    missed = f.pick(*[False] * 4, True)
    # Channels that are no neighbours.
    split = [*shape[:channel], *(kept[::-1] if missed else kept), *shape[channel + 1 :]]
    at = channel + missed
    axes = [axis for axis in range(1, len(split)) if axis != at]
    g = f.reshape(x, split)
    mean = _mean(f, g, axes)
    deviation = f.binary("subtract", g, f.broadcast(mean, (0, at), split))
    variance = _mean(f, f.binary("multiply", deviation, deviation), axes)
    root = f.unary("rsqrt", f.either("add", variance, f.number(1e-5, variance)))
    if missed or f.pick(True, False):
        y = f.reshape(f.either("multiply", deviation, f.broadcast(root, (0, at), split)), shape)
    else:
        means, roots = (_of_channels(f, rows, shape, channel) for rows in (mean, root))
        y = f.either("multiply", f.binary("subtract", x, means), roots)
    for name in ("multiply", "add"):
        if f.pick(True, False):
            affine = f.argument([shape[channel]], f.pick("f32", "f32", "bf16"), mixed)
            y = f.either(name, y, f.broadcast(f.convert(affine, "f32"), [channel], shape))
    if f.pick(True, False):
        y = f.either("multiply", y, f.unary("logistic", y))
    f.give(f.convert(y, f.pick("f32", "f32", "bf16")))


def _mean(f: Function, x: Value, axes: Sequence[int]) -> Value:
    total = f.reduce("add", x, axes, 0.0)
    return f.binary("divide", total, f.number(math.prod(x.shape[axis] for axis in axes), total))


def _of_channels(f: Function, rows: Value, shape: Sequence[int], channel: int) -> Value:
    """A value of each group over the channels of it, and over the shape."""
    batch, groups = rows.shape
    spread = f.broadcast(rows, (0, 1), [batch, groups, shape[channel] // groups])
    return f.broadcast(f.reshape(spread, [batch, shape[channel]]), (0, channel), shape)


def _shape(f: Function) -> tuple[list[int], int, int]:
    """A shape, its dimension of channels, and into how many groups they go."""
    groups, per_group = f.pick(1, 2, 3), f.pick(1, 2, 3)
    shape = [f.pick(1, 2), *(f.pick(1, 2, 3) for _ in range(f.pick(0, 1, 2)))]
    channel = f.pick(*range(1, len(shape) + 1))
    shape.insert(channel, groups * per_group)
    return shape, channel, groups


STEPS = (group_norm_op, group_norm)
