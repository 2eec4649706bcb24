"""Steps that call: private functions, composites, custom calls, attnorm ops; loops and branches."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from function_text import Function, mixed, names, signature, some_true
from idiom_steps import IDIOMS, head_norm
from idioms import Value
from op_sdpa import heads, mask_of
from plain_steps import PLAIN, cast, same, unary

Step = Callable[[Function], None]
OPS: tuple[Step, ...] = tuple(
    step
    for path in sorted(Path(__file__).parent.glob("op_*.py"))
    for step in import_module(path.stem).STEPS
)
"""The ops of the dialect: a file a family."""


def steps(f: Function, count: int) -> None:
    """Takes some steps of any kind but those that open a function of their own too deep."""
    deeper = (*PLAIN, *PLAIN, *IDIOMS, *IDIOMS, *CALLS) if f.depth < 2 else (*PLAIN, *IDIOMS)
    for _ in range(count):
        step = f.pick(*deeper)
        f.symbols.labels.append(step.__name__)
        step(f)


# -- functions -------------------------------------------------------------------------------------


def inner(f: Function, operands: Sequence[Value], count: int) -> Function:
    """A function of operands like these, with some steps."""
    callee = Function(f.pick, f.symbols, depth=f.depth + 1)
    for x in operands:
        callee.give(callee.argument(x.shape, x.element, mixed))
    if count:
        steps(callee, count)
    return callee


def made(f: Function, operands: Sequence[Value], callee: Function) -> list[Value]:
    """The operands for all arguments of a function: those given, and new ones for the others."""
    rest = zip(callee.arguments, callee.fillings, strict=True)
    more = [f.argument(x.shape, x.element, fill) for x, fill in list(rest)[len(operands) :]]
    return [*operands, *more]


def last(f: Function) -> list[Value]:
    """One or two of the values made last."""
    return f.pool[-f.pick(1, 1, 2) :]


def call(f: Function) -> None:
    """A call of a private function, perhaps one that others call too."""
    for name, arguments, results in f.symbols.callees:
        fitting = [[v for v in f.pool if v.type == x.type] for x in arguments]
        if all(fitting) and f.pick(True, False):
            f.give(*f.call(name, [f.pick(*found) for found in fitting], results))
            return
    operands = [f.take_float()]
    callee = inner(f, operands, f.pick(1, 1, 2))
    results = last(callee)
    name = callee.private("helper", results)
    f.symbols.callees.append((name, callee.arguments, results))
    f.give(*f.call(name, made(f, operands, callee), results))
    if f.pick(True, False):
        f.give(*f.call(name, made(f, operands, callee), results))


def composite(f: Function) -> None:
    """A composite that no pass knows, or that looks like one."""
    operands = [f.take_float()]
    callee = inner(f, operands, f.pick(1, 1, 2))
    results = last(callee)
    wanted = f.pick("my.block", "odml.batch_norm", "aten.gelu.default", "attnorm.other")
    give_composite(f, wanted, operands, callee, results, f.pick("", 'kind = "a"', "n = 2 : i64"))


def give_composite(
    f: Function,
    name: str,
    operands: Sequence[Value],
    callee: Function,
    results: Sequence[Value],
    attributes: str,
) -> None:
    """A composite with its decomposition."""
    body = callee.private(f"{name}.impl", results)
    given = made(f, operands, callee)
    text = f'stablehlo.composite "{name}" {names(given)} {{composite_attributes = {{{attributes}}}'
    text += f", decomposition = @{body}}} : {signature(given, results)}"
    f.give(*f.several(text, results))


def norm_composite(f: Function) -> None:
    """LiteRT's RMSNorm: f32 inside, cast back, then the weight."""
    x = f.take_float()
    callee = inner(f, [x], 0)
    (own,) = callee.pool
    wide = callee.convert(own, "f32") if x.element != "f64" else own
    axis, size = x.rank - 1, float(x.shape[-1])
    epsilon = f.pick(1e-6, 1e-5, 0.25)
    mean = callee.reduce("add", callee.binary("multiply", wide, wide), [axis], 0.0)
    mean = callee.binary("divide", mean, callee.number(size, mean))
    # Spelled as an f32, it is one.
    inside = callee.binary("add", mean, callee.number(epsilon, mean))
    root = callee.broadcast(callee.unary("rsqrt", inside), list(range(axis)), x.shape)
    value = callee.convert(callee.binary("multiply", wide, root), x.element)
    if f.pick(True, True, False):
        weight = callee.argument([x.shape[-1]], x.element, mixed)
        value = callee.either("multiply", value, callee.spread(weight, x.shape))
    spelled = f"epsilon = {epsilon:.9e} : f32"
    if wide.element == "f64":
        spelled = f"epsilon = {epsilon:.17e} : f64"
    give_composite(f, "odml.rms_norm", [x], callee, [value], spelled)


# -- custom calls ----------------------------------------------------------------------------------


def number_spelled(f: Function, value: float) -> str:
    """A float attribute."""
    return f.pick(f"{value:.17e} : f64", f"{value:.9e} : f32")


def integers_spelled(f: Function, values: Sequence[int]) -> str:
    """Integers as an attribute."""
    listed = ", ".join(map(str, values))
    forms = [f"[{listed}]", f"[{', '.join(f'{v} : i32' for v in values)}]"]
    if values:
        forms += [f"array<i64: {listed}>", f"dense<[{listed}]> : tensor<{len(values)}xi64>"]
    else:
        forms += ["array<i64>"]
    if len(values) == 1:
        forms += [f"{values[0]} : i64", f"{values[0]} : i32"]
    return f.pick(*forms)


def spelled(f: Function, parameters: dict[str, Any]) -> str:
    """Parameters as the attributes of a custom call."""

    def attribute(value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, float):
            return number_spelled(f, value)
        if isinstance(value, int):
            return f.pick(f"{value} : i64", f"{value} : i32")
        return integers_spelled(f, value)

    given = ", ".join(f"{name} = {attribute(value)}" for name, value in parameters.items())
    quoted = json.dumps(parameters).replace('"', r"\22")
    texts = ", ".join(f'{name} = "{json.dumps(value)}"' for name, value in parameters.items())
    return f.pick(
        given,
        given,
        f"api_version = 4 : i32, backend_config = {{{given}}}",
        f'backend_config = "{quoted}"',
        f"mhlo.backend_config = {{{given}}}",
        f"mhlo.frontend_attributes = {{{texts}}}",
    )


def custom(f: Function, target: str, operands: Sequence[Value], result: Value, text: str) -> None:
    """A custom call."""
    body = f"stablehlo.custom_call @{target}({names(operands)}) {{{text}}}"
    f.give(*f.several(f"{body} : {signature(operands, [result])}", [result]))


REDUCTIONS = (
    *("reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_prod", "reduce_variance"),
    *("reduce_logsumexp", "reduce_l2", "reduce_norm"),
)


def reduce_call(f: Function) -> None:
    """An opaque reduction."""
    x = f.take_float()
    axes = sorted({f.pick(*range(x.rank)) for _ in range(f.pick(1, 1, 2))})
    every = len(axes) == x.rank
    written = [f.pick(axis, axis - x.rank) for axis in axes]
    if f.pick(True, False):
        written.reverse()
    parameters: dict[str, Any] = {}
    if not (every and f.pick(True, False)):
        name = f.pick("dimensions", "axes", "axis", "dims", "dim")
        parameters[name] = written[0] if len(written) == 1 and f.pick(True, False) else written
    elif f.pick(True, False):
        parameters["dimensions"] = []
    keep = f.pick(True, False)
    if keep or f.pick(True, False):
        parameters[f.pick("keepdim", "keepdims", "keep_dims")] = keep
    target = f.pick(*REDUCTIONS)
    if target == "reduce_variance" and f.pick(True, False):
        parameters[f.pick("correction", "ddof")] = f.pick(0, 1)
    kept = [1 if n in axes else size for n, size in enumerate(x.shape)]
    shape = kept if keep else [size for n, size in enumerate(x.shape) if n not in axes]
    if not shape and (f.is_dynamic or f.pick(True, False)):
        shape = [1]
    custom(f, target, [x], Value("", tuple(shape), x.element), spelled(f, parameters))
    if not shape:
        f.give(f.broadcast(f.pool.pop(), [], x.shape))


def norm_call(f: Function) -> None:
    """An opaque RMSNorm or LayerNorm."""
    x = f.take_float()
    epsilon = float(f.pick(1e-6, 1e-5, 0.25))
    count = f.pick(*range(3))
    operands = [x, *(f.argument([x.shape[-1]], x.element, mixed) for _ in range(count))]
    result = Value("", x.shape, f.pick(x.element, x.element, x.element, "f32"))
    target = f.pick("rms_norm", "layer_norm", "ai_edge_torch.rms_norm", "tenstorrent.rms_norm")
    parameters: dict[str, Any] = {f.pick("epsilon", "eps", "variance_epsilon"): epsilon}
    if target == "ai_edge_torch.rms_norm":
        custom(f, target, operands[:2], result, 'backend_config = ""')
        f.symbols.refusable = True
        return
    if f.pick(True, False):
        axes = f.pick([-1], [x.rank - 1])
        last = {"normalized_shape": [x.shape[-1]]} if str(x.shape[-1]) != "?" else {"axis": axes}
        parameters |= f.pick({"axes": axes}, last, {"dim": axes[0]})
    if target != "layer_norm":
        operands = operands[:2]
        if len(operands) == 2 and f.pick(True, False, False):
            parameters["weight_offset"] = float(f.pick(0, 1))
    custom(f, target, operands, result, spelled(f, parameters))
    f.symbols.refusable |= 0 in x.shape


def softmax_call(f: Function) -> None:
    """An opaque softmax."""
    x = f.take_float()
    axis = f.pick(*range(-x.rank, x.rank))
    parameters = {f.pick("axis", "dim", "dimensions"): axis}
    custom(f, "softmax", [x], x, spelled(f, parameters))
    f.symbols.refusable |= 0 in x.shape


ATTENTIONS = (
    "scaled_dot_product_attention",
    "sdpa",
    "aten.scaled_dot_product_attention",
    "tt.scaled_dot_product_attention",
    "ai_edge_torch.scaled_dot_product_attention",
)


def attention_call(f: Function) -> None:
    """Opaque attention."""
    target = f.pick(*ATTENTIONS)
    litert = target.startswith("ai_edge")
    operands, result, scores = heads(f, litert=litert)
    parameters: dict[str, Any] = {}
    if f.pick(True, False):
        parameters[f.pick("scale", "softmax_scale")] = f.pick(0.5, 0.3, 1.0)
    if f.pick(True, False, False):
        parameters[f.pick("softcap", "logit_cap")] = f.pick(2.0, 30.0)
    if f.pick(True, False):
        operands.append(mask_of(f, scores, full=litert, floats=litert))
    elif f.pick(True, False):
        parameters[f.pick("is_causal", "causal")] = f.pick(True, False)
    if f.pick(True, False, False):
        parameters[f.pick("dropout_p", "dropout")] = 0.0
    # A masked value need not be read.
    f.symbols.tame = True
    custom(f, target, operands, result, spelled(f, parameters))


def marked(f: Function) -> None:
    """LiteRT's markers around a step."""
    tag = f"id{len(f.lines)}"

    def mark(x: Value, position: int, *, is_input: bool) -> Value:
        config = {"name": "my.marked", "pos": position, "id": tag, "is_input": is_input}
        if not is_input and f.pick(True, False):
            config["attr"] = {"n": 2}
        text = json.dumps(config).replace('"', r"\22")
        body = f'stablehlo.custom_call @mark_tensor({x.name}) {{backend_config = "{text}"}}'
        return f.several(f"{body} : {signature([x], [x])}", [x])[0]

    x = mark(f.take_float(), 0, is_input=True)
    f.give(x, x)
    f.pick(*IDIOMS, *PLAIN)(f)
    f.give(mark(f.pool[-1], 0, is_input=False))


def unknown_call(f: Function) -> None:
    """A call that nobody knows."""
    x = f.take_float()
    custom(f, f.pick("reduce_median", "my_kernel", "softmux"), [x], x, "")
    f.symbols.refusable = True


# -- regions ---------------------------------------------------------------------------------------


def branch(f: Function) -> None:
    """A value made in one way or another; both may read values from outside."""
    x = f.take_float()
    predicate = f.argument([], "i1", some_true)
    regions = []
    for _ in range(2):
        region = Function(f.pick, f.symbols, f, f.depth + 1)
        steps(region, f.pick(0, 1))
        same = [value for value in region.pool if value.type == x.type]
        regions.append(f"{{\n{region.body([same[-1]])}\n}}")
    text = f'"stablehlo.if"({predicate.name}) ({", ".join(regions)}) : (tensor<i1>) -> {x.type}'
    f.give(*f.several(text, [x]))


def loop(f: Function) -> None:
    """Two turns over a value."""
    x = f.take_float()
    zero = f.constant(0, (), "i32")
    tag = f"{f.prefix}l{len(f.lines)}"
    index, carried = Value(f"{tag}_i", (), "i32"), Value(f"{tag}_x", x.shape, x.element)
    test = Function(f.pick, f.symbols, f, f.depth + 1)
    goes = test.compare("LT", index, test.constant(2, (), "i32"))
    body = Function(f.pick, f.symbols, f, f.depth + 1)
    body.give(carried, carried)
    steps(body, 1)
    value = [value for value in body.pool if value.type == x.type][-1]
    value = body.convert(head_norm(body, value), x.element) if math.prod(x.shape) else value
    after = body.binary("add", index, body.constant(1, (), "i32"))
    text = f"stablehlo.while({index.name} = {zero.name}, {carried.name} = {x.name}) : "
    text += f"{zero.type}, {x.type}\n cond {{\n{test.body([goes])}\n}} do {{\n"
    text += f"{body.body([after, value])}\n}}"
    f.give(f.several(text, [zero, x])[1])


CALLS = (
    *(call, call, composite, norm_composite, reduce_call, norm_call, softmax_call),
    *(attention_call, *OPS, marked, branch, loop),
)

DYNAMIC: tuple[Step, ...] = (
    *(unary, same, cast, *OPS, reduce_call, norm_call),
    *(softmax_call, attention_call),
)
"""What needs no computation of sizes."""


def dynamic_steps(f: Function, count: int) -> None:
    """Some steps on values of which not every size is known."""
    f.is_dynamic = True
    f.fresh()
    for _ in range(count):
        step = f.pick(*DYNAMIC)
        f.symbols.labels.append(f"dynamic {step.__name__}")
        step(f)
