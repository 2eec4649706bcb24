"""RMSNorm as the systems have it: docs/semantics/rms_norm.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from agreement import ERROR, Array, assert_means, gains, normal, same, thirds
from cases import BF16, F16, F32, F64, HALVES, interpret, op_case, run_compiled, tensor
from needs import needs
from systems import (
    MICROSOFT,
    by_onnx,
    by_onnxruntime,
    by_specification,
    by_tract,
    from_mlx,
    from_torch,
    imported,
    node_model,
    to_mlx,
    to_torch,
)

import attnorm
from attnorm import reference
from attnorm.execution.interpreter import evaluate
from attnorm.pipeline.pipelines import TO_IREE

# -- the systems' norms: f(x, weight, epsilon), epsilon None for their own ------------------------

Norm = Callable[[Array, "Array | None", "float | None"], Array]


def hugging_face(family: str, name: str, **options: Any) -> Norm:
    """A norm of transformers."""

    def norm(x: Array, weight: Array | None, epsilon: float | None) -> Array:
        needs("transformers")
        module = import_module(f"transformers.models.{family}.modeling_{family}")
        given = {} if epsilon is None else {"eps": epsilon}
        made = getattr(module, name)(x.shape[-1], **given, **options)
        if weight is not None:
            made.weight.data = to_torch(weight)
        return from_torch(made(to_torch(x)))

    return norm


def torch_norm(x: Array, weight: Array | None, epsilon: float | None) -> Array:
    """torch.nn.RMSNorm."""
    torch = needs("torch")
    affine = weight is not None
    module = torch.nn.RMSNorm(x.shape[-1], eps=epsilon, elementwise_affine=affine)
    if affine:
        module.weight.data = to_torch(weight)
    return from_torch(module(to_torch(x)))


def flax_norm(x: Array, weight: Array | None, epsilon: float | None) -> Array:
    """flax.nnx.RMSNorm, which computes in f32 and returns what x and its scale promote to."""
    nnx = needs("flax.nnx")
    assert weight is not None
    given = {} if epsilon is None else {"epsilon": epsilon}
    module = nnx.RMSNorm(x.shape[-1], rngs=nnx.Rngs(0), param_dtype=weight.dtype, **given)
    module.scale[...] = weight
    return np.asarray(module(x))


def linen_norm(x: Array, weight: Array | None, epsilon: float | None) -> Array:
    """flax.linen.RMSNorm."""
    linen = needs("flax.linen")
    given = {} if epsilon is None else {"epsilon": epsilon}
    return np.asarray(linen.RMSNorm(**given).apply({"params": {"scale": weight}}, x))


def mlx_norm(x: Array, weight: Array | None, epsilon: float | None) -> Array:
    """What MLX's mlx.nn.RMSNorm calls."""
    nn = needs("mlx.nn")
    core = needs("mlx.core")
    assert weight is not None
    epsilon = nn.RMSNorm(1).eps if epsilon is None else epsilon
    return from_mlx(core.fast.rms_norm(to_mlx(x), to_mlx(weight), epsilon), x.dtype)


def onnx_inputs(x: Array, weight: Array | None, epsilon: float | None) -> tuple[dict, dict]:
    """The inputs and attributes of a norm in ONNX."""
    return {"X": x, "scale": weight}, {} if epsilon is None else {"epsilon": epsilon}


def specified(x: Array, weight: Array | None, epsilon: float | None) -> Array:
    """The function that ONNX specifies RMSNormalization-23 by."""
    assert weight is not None
    inputs = {"X": x, "scale": weight}
    return by_specification("RMSNormalization", 23, inputs, epsilon=epsilon or 1e-5)[0]


def in_onnx(run: Callable[..., list[Array]], operator: str, opset: int, domain: str = "") -> Norm:
    """A node, as a runtime computes it."""

    def norm(x: Array, weight: Array | None, epsilon: float | None) -> Array:
        needs("onnx")
        inputs, attributes = onnx_inputs(x, weight, epsilon)
        if operator.startswith("Skip"):
            inputs = {"X": x, "skip": np.zeros_like(x), "gamma": weight}
        return run(node_model(operator, inputs, ["y"], domain, opset, **attributes), inputs)[0]

    return norm


@dataclass(frozen=True)
class Row:
    """A row of the table: whose norm, what it means, and in which types it can be asked."""

    norm: Norm
    cast: str = "after_weight"
    weight_offset: float = 0.0
    epsilon: float | None = None
    """What it takes where none is given."""
    halves: tuple[np.dtype, ...] = HALVES
    promotes: bool = False
    """Whether a half x beside a weight of f32 gives f32."""


BEFORE = {"cast": "before_weight", "epsilon": 1e-6}
ROWS = {
    "Llama": Row(hugging_face("llama", "LlamaRMSNorm"), **BEFORE, promotes=True),
    "Mistral": Row(hugging_face("mistral", "MistralRMSNorm"), **BEFORE, promotes=True),
    "Qwen3": Row(hugging_face("qwen3", "Qwen3RMSNorm"), **BEFORE, promotes=True),
    "Phi3": Row(hugging_face("phi3", "Phi3RMSNorm"), **BEFORE, promotes=True),
    "DeepSeek V3": Row(hugging_face("deepseek_v3", "DeepseekV3RMSNorm"), **BEFORE, promotes=True),
    "T5": Row(hugging_face("t5", "T5LayerNorm"), **BEFORE),
    "Gemma": Row(hugging_face("gemma", "GemmaRMSNorm"), weight_offset=1.0, epsilon=1e-6),
    "Gemma 2": Row(hugging_face("gemma2", "Gemma2RMSNorm"), weight_offset=1.0, epsilon=1e-6),
    "Gemma 3": Row(hugging_face("gemma3", "Gemma3RMSNorm"), weight_offset=1.0, epsilon=1e-6),
    "Qwen3-Next": Row(
        hugging_face("qwen3_next", "Qwen3NextRMSNorm"), weight_offset=1.0, epsilon=1e-6
    ),
    "gpt-oss": Row(hugging_face("gpt_oss", "GptOssRMSNorm"), epsilon=1e-6),
    "OLMo 2": Row(hugging_face("olmo2", "Olmo2RMSNorm"), epsilon=1e-6),
    "Gemma 3n": Row(hugging_face("gemma3n", "Gemma3nRMSNorm"), epsilon=1e-6),
    "Gemma 4": Row(hugging_face("gemma4", "Gemma4RMSNorm"), epsilon=1e-6),
    "torch.nn": Row(torch_norm, epsilon=2.0**-23),
    "flax.nnx": Row(flax_norm, epsilon=1e-6, promotes=True),
    "flax.linen": Row(linen_norm, epsilon=1e-6, promotes=True),
    "MLX": Row(mlx_norm, cast="before_weight", epsilon=1e-5),
    "ONNX's specification": Row(specified, cast="before_weight", epsilon=1e-5, halves=(F16,)),
    "ONNX's evaluator": Row(in_onnx(by_onnx, "RMSNormalization", 23), epsilon=1e-5, halves=()),
    "onnxruntime RMSNormalization": Row(
        in_onnx(by_onnxruntime, "RMSNormalization", 23), epsilon=1e-5, halves=(F16,)
    ),
    "onnxruntime SimplifiedLayerNormalization": Row(
        in_onnx(by_onnxruntime, "SimplifiedLayerNormalization", 17), epsilon=1e-5, halves=(F16,)
    ),
    "onnxruntime SkipSimplifiedLayerNormalization": Row(
        in_onnx(by_onnxruntime, "SkipSimplifiedLayerNormalization", 17, MICROSOFT),
        epsilon=1e-12,
        halves=(F16,),
    ),
    "tract": Row(in_onnx(by_tract, "RMSNormalization", 23), epsilon=1e-5, halves=()),
}
EVERY = pytest.mark.parametrize("name", ROWS)


def other_casts(row: Row) -> dict[str, list[Any]]:
    """What a row is not, where the weight is in a half type."""
    casts = ["before_weight", "after_weight", "throughout"]
    return {"cast": [x for x in casts if x != row.cast], "weight_offset": [1 - row.weight_offset]}


@EVERY
def test_cast_in_half_types(name: str) -> None:
    """In f16 and bf16 every bit is that of the row's cast and weight, and of no other."""
    row = ROWS[name]
    for dtype in row.halves:
        x, epsilon = thirds(dtype)
        weight = gains(dtype)
        assert_means(
            row.norm(x, weight, epsilon),
            "rms_norm",
            {"x": x, "weight": weight},
            {
                "axes": [1],
                "epsilon": epsilon,
                "cast": row.cast,
                "weight_offset": row.weight_offset,
            },
            unlike=other_casts(row),
        )
    if not row.halves:
        pytest.skip("not in half types")


def test_compiled_casts() -> None:
    """IREE gives the bits of Llama, Gemma 3 and gpt-oss in half types."""
    cases, expected = [], []
    for name in ("Llama", "Gemma 3", "gpt-oss"):
        row = ROWS[name]
        for dtype in HALVES:
            x, epsilon = thirds(dtype)
            operands = {"x": x, "weight": gains(dtype)}
            expected.append(row.norm(x, operands["weight"], epsilon))
            attributes = {"axes": [1], "epsilon": epsilon, "cast": row.cast}
            attributes["weight_offset"] = row.weight_offset
            cases.append(op_case("rms_norm", operands, attributes, [tensor(x.shape, dtype)]))
    for (got,), want in zip(run_compiled(cases), expected, strict=True):
        assert (got == want).all()


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.promotes])
def test_weight_of_f32_beside_a_half(name: str) -> None:
    """The result is f32; what is cast before the weight is cast to the half type still."""
    row = ROWS[name]
    for dtype in row.halves:
        x, epsilon = thirds(dtype)
        weight = gains(F32)
        got = row.norm(x, weight, epsilon)
        assert got.dtype == F32
        other = "after_weight" if row.cast == "before_weight" else "before_weight"
        assert_means(
            got,
            "rms_norm",
            {"x": x, "weight": weight},
            {"axes": [1], "epsilon": epsilon, "cast": row.cast},
            unlike={"cast": [other]},
        )


def test_t5_with_a_weight_of_f32() -> None:
    """T5 casts to the weight's type: beside one of f32 nothing is rounded to x's."""
    for dtype in HALVES:
        x, epsilon = thirds(dtype)
        operands = {"x": x, "weight": gains(F32)}
        got = ROWS["T5"].norm(x, operands["weight"], epsilon)
        assert got.dtype == F32
        attributes = {"axes": [1], "epsilon": epsilon, "cast": "after_weight"}
        assert_means(got, "rms_norm", operands, attributes, unlike={"cast": ["before_weight"]})


@EVERY
def test_epsilon(name: str) -> None:
    """In f32, beside squares of epsilon's size, it stands inside the root; so does the default."""
    row = ROWS[name]
    assert row.epsilon is not None
    weight = normal(16, seed=1)
    for epsilon in (3e-4, None):
        value = row.epsilon if epsilon is None else epsilon
        x = normal(5, 16, scale=float(np.sqrt(value)))
        assert_means(
            row.norm(x, weight, epsilon),
            "rms_norm",
            {"x": x, "weight": weight},
            {"axes": [1], "epsilon": value, "weight_offset": row.weight_offset},
            error=2e-6,
            unlike={"epsilon": [value * 1.1, value**2, 0.0]},
        )


def test_config_epsilon() -> None:
    """gpt-oss has another epsilon in its config than in its class."""
    transformers = needs("transformers")
    assert transformers.GptOssConfig().rms_norm_eps == 1e-5


@pytest.mark.parametrize("name", ["Gemma 3n", "Gemma 4"])
def test_without_a_weight(name: str) -> None:
    """The norm of values in Gemma 3n and 4 has no weight."""
    family = name.lower().replace(" ", "")
    norm = hugging_face(family, f"{name.replace(' ', '')}RMSNorm", with_scale=False)
    for dtype in (*HALVES, F32):
        x, epsilon = thirds(dtype)
        assert_means(
            norm(x, None, epsilon), "rms_norm", {"x": x}, {"axes": [1], "epsilon": epsilon}
        )


@pytest.mark.parametrize("dtype", [F16, BF16, F32, F64], ids=str)
def test_torch_epsilon_of_none(dtype: np.dtype) -> None:
    """It is that of the type computed in: f32's for half types too, which is not their own."""
    epsilon = 2.0**-52 if dtype == F64 else 2.0**-23
    x = normal(5, 16, dtype=dtype, scale=float(np.sqrt(epsilon)))
    x[0] = 0
    own = {F16: 2.0**-10, BF16: 2.0**-7}.get(dtype, epsilon * 2)
    assert_means(
        torch_norm(x, None, None),
        "rms_norm",
        {"x": x},
        {"axes": [1], "epsilon": epsilon},
        unlike={"epsilon": [own]},
    )


def test_torch_over_several_axes() -> None:
    """torch's normalized_shape names the last axes, with a weight of their shape."""
    torch = needs("torch")
    x, weight = normal(2, 3, 4), normal(3, 4)
    got = torch.nn.functional.rms_norm(to_torch(x), (3, 4), to_torch(weight), 1e-5)
    attributes = {"axes": [1, 2], "epsilon": 1e-5}
    assert_means(from_torch(got), "rms_norm", {"x": x, "weight": weight}, attributes)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_onnx_axis(axis: int) -> None:
    """ONNX's axis is the first of those normalised."""
    x = normal(2, 3, 4)
    axes = list(range(axis % 3, 3))
    weight = normal(*(x.shape[i] for i in axes))
    inputs = {"X": x, "scale": weight}
    model = node_model("RMSNormalization", inputs, axis=axis, epsilon=1e-3)
    for run in (by_onnx, by_onnxruntime):
        got = run(model, inputs)[0]
        assert_means(got, "rms_norm", {"x": x, "weight": weight}, {"axes": axes, "epsilon": 1e-3})


EXTREMES = {
    "zeros": [0.0, 0.0, -0.0, 0.0],
    "NaN": [1.0, np.nan, 2.0, 3.0],
    "an infinity": [1.0, np.inf, 2.0, -3.0],
    "all equal": [-7.0] * 4,
    "squares beyond f32": [1e25, -2e25, 1.0, 0.0],
    "subnormal squares": [1e-21, -2e-21, 0.0, 3e-21],
    "largest": [3.4e38, -3.4e38, 0.0, 1.0],
}


@pytest.mark.parametrize("name", ["Llama", "Gemma 3", "torch.nn", "flax.nnx", "MLX"])
@pytest.mark.parametrize("epsilon", [0.0, 1e-6])
def test_extremes(name: str, epsilon: float) -> None:
    """In f32, attnorm gives what the systems give, also where squares leave f32.

    There the sum is inf and the norm 0, which the definition, in f64, does not say. Subnormals
    that are flushed to 0 are left out: with an epsilon of 0 that is a matter of the machine.
    """
    row = ROWS[name]
    rows = {k: v for k, v in EXTREMES.items() if epsilon or not k.startswith("subnormal")}
    x = np.array(list(rows.values()), F32)
    weight = np.array([1.0, 2.0, -0.5, 3.0], F32)
    got = row.norm(x, weight, epsilon)
    attributes = {"axes": [1], "epsilon": epsilon, "weight_offset": row.weight_offset}
    operands = {"x": x, "weight": weight}
    (own,) = interpret(op_case("rms_norm", operands, attributes, [tensor(x.shape, F32)]))
    assert same(own, got)
    beyond = [key in ("squares beyond f32", "largest") for key in rows]
    assert np.all(np.abs(got[beyond]) == 0)
    want = reference.rms_norm(**operands, **attributes).astype(F32)
    assert same(got[~np.array(beyond)], want[~np.array(beyond)])


@pytest.mark.parametrize("name", ["Llama", "Gemma 3", "torch.nn", "flax.linen", "MLX"])
@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_large_halves(name: str, dtype: np.dtype) -> None:
    """Squares that are infinite in f16 are not: the sums are f32's."""
    x = np.array([[300.0, -2000.0, 60000.0, 1.0], [250.0, 260.0, 0.0, -270.0]], dtype)
    weight = np.ones(4, dtype)
    row = ROWS[name]
    got = row.norm(x, weight - np.array(row.weight_offset, dtype), 1e-6)
    assert same(
        got.astype(F32),
        reference.rms_norm(x, axes=[1], epsilon=1e-6).astype(F32),
        float(np.finfo(F16).eps) if dtype == F16 else 2.0**-8,
    )


def test_onnx_evaluator_squares_in_the_type_of_x() -> None:
    """ONNX's evaluator ignores stash_type: in f16 it is not what ONNX specifies."""
    needs("onnx")
    x, weight = np.array([[300.0, -400.0, 500.0, 100.0]], F16), np.ones(4, F16)
    assert (in_onnx(by_onnx, "RMSNormalization", 23)(x, weight, 1e-6) == 0).all()
    operands, attributes = {"x": x, "weight": weight}, {"axes": [1], "epsilon": 1e-6}
    assert_means(
        specified(x, weight, 1e-6), "rms_norm", operands, {**attributes, "cast": "before_weight"}
    )


def skip(dtype: np.dtype, bias: bool) -> tuple[Any, dict[str, Array]]:
    """SkipSimplifiedLayerNormalization on numbers whose sums have to be rounded in f16."""
    needs("onnx")
    inputs = {
        "x": normal(6, 32, dtype=dtype, scale=100.0),
        "skip": normal(6, 32, dtype=dtype, seed=1),
        "gamma": gains(dtype),
    }
    if bias:
        inputs["bias"] = normal(32, dtype=dtype, seed=2)
    outputs = ["y", "", "", "sum"]
    operator = "SkipSimplifiedLayerNormalization"
    return node_model(operator, inputs, outputs, MICROSOFT, 17, epsilon=1e-6), inputs


@pytest.mark.parametrize("bias", [False, True])
def test_skip_norm_reads_the_sum_unrounded(bias: bool) -> None:
    """onnxruntime norms the f32 sum of halves, returns it rounded; its import does as well.

    `add_rms_norm` reads the rounded sum: the two differ in f16.
    """
    model, inputs = skip(F16, bias)
    got = by_onnxruntime(model, inputs)
    total = sum(inputs[key].astype(F64) for key in inputs if key != "gamma")
    attributes = {"axes": [1], "epsilon": 1e-6}
    operands = {"x": np.asarray(total), "weight": inputs["gamma"]}
    assert_means(got[0], "rms_norm", operands, attributes)
    assert (got[-1] == np.asarray(total).astype(F16)).all()
    rounded = {**operands, "x": got[-1]}
    with pytest.raises(AssertionError):
        assert_means(got[0], "rms_norm", rounded, attributes)
    own = imported(model, inputs)
    assert (own[0] == got[0]).all()
    assert (own[1] == got[-1]).all()


@pytest.mark.parametrize(
    ("operator", "opset", "run"),
    [
        ("SimplifiedLayerNormalization", 17, by_onnxruntime),
        ("RMSNormalization", 23, None),
    ],
    ids=["onnxruntime's own", "the specification's"],
)
@pytest.mark.parametrize("scale", [(32,), (6, 32)])
def test_import_keeps_the_cast(
    operator: str, opset: int, run: Callable[..., Any] | None, scale: tuple[int, ...]
) -> None:
    """onnxruntime's own norm is imported as it computes it, ONNX's as it is specified: bit by bit.

    Also where the scale is of more axes than are normalised, and the product a node of its own.
    """
    needs("onnx")
    x, epsilon = thirds(F16)
    weight = np.broadcast_to(gains(F16), scale).copy()
    inputs = {"X": x, "scale": weight}
    model = node_model(operator, inputs, opset=opset, epsilon=epsilon, axis=-1)
    (own,) = imported(model, inputs)
    want = run(model, inputs)[0] if run else specified(x, weight, epsilon)
    assert (own == want).all()


def test_normalize_is_another_function() -> None:
    """F.normalize(x) * sqrt(d) has its epsilon outside of the root: it is not raised to a norm."""
    torch = needs("torch")

    class Normalize(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return torch.nn.functional.normalize(x, dim=-1, eps=1e-3) * 4.0

    x = normal(5, 16, scale=1e-4)
    got = from_torch(Normalize()(to_torch(x)))
    for epsilon in (0.0, 1e-3, 1e-6):
        want = reference.rms_norm(x, axes=[1], epsilon=epsilon).astype(F32)
        assert not same(got, want, 0.01)
    module = attnorm.from_torch(Normalize(), (to_torch(x),))
    assert not attnorm.report(module).ops
    (own,) = evaluate(attnorm.lower(module, TO_IREE), x)
    assert same(own, got, ERROR)
