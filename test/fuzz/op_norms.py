"""Norms and softmax as ops of the dialect."""

from __future__ import annotations

from function_text import FLOATS, Function, mixed, names, signature
from idioms import Value


def norm_op(f: Function) -> None:
    """An op of a norm."""
    x = f.take(lambda v: v.element in FLOATS and v.rank >= 1 and 0 not in v.shape)
    if 0 in x.shape:
        return
    count = f.pick(1, 1, 2)
    axes = sorted({f.pick(*range(x.rank)) for _ in range(count)})
    kind = f.pick("rms_norm", "rms_norm", "layer_norm", "add_rms_norm", "rms_norm_mul", "softmax")
    element = f.pick(x.element, x.element, *FLOATS)
    result = Value("", x.shape, element)
    attributes = [f"axes = array<i64: {', '.join(map(str, axes))}>", "epsilon = 1.0e-5 : f64"]
    sizes = [f.pick(x.shape[axis], x.shape[axis], 1) for axis in axes]
    weights = [f.argument(sizes, f.pick(x.element, "f32"), mixed) for _ in range(f.pick(0, 1, 2))]
    if kind == "softmax":
        text = f'"attnorm.softmax"({x.name}) {{axis = {axes[0]} : i64}}'
        f.give(*f.several(f"{text} : {signature([x], [result])}", [result]))
        return
    if kind == "layer_norm":
        segments, operands = [1, len(weights) > 0, len(weights) > 1], [x, *weights]
    else:
        weights = weights[:1]
        attributes.append(f'cast = "{f.pick("before_weight", "after_weight", "throughout")}"')
        if weights and f.pick(True, False):
            attributes.append("weight_offset = 1.0 : f64")
        segments, operands = [1, len(weights)], [x, *weights]
    results = [result]
    if kind == "add_rms_norm":
        other = f.take(lambda v: v.type == x.type)
        segments, operands = [1, 1, len(weights)], [x, other, *weights]
        results = [x, result]
    if kind == "rms_norm_mul":
        shape = [f.pick(size, size, 1) for size in x.shape][f.pick(*range(x.rank)) :]
        by = f.argument(shape, element, mixed)
        segments, operands = [1, 1, len(weights)], [x, by, *weights]
    attributes.append(
        f"operandSegmentSizes = array<i32: {', '.join(str(int(s)) for s in segments)}>"
    )
    text = f'"attnorm.{kind}"({names(operands)}) {{{", ".join(attributes)}}}'
    f.give(*f.several(f"{text} : {signature(operands, results)}", results))


STEPS = (norm_op, norm_op)
