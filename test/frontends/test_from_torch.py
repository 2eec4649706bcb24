"""`attnorm.from_torch`: the imported module computes what torch computes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from agreeing import compiled_error, error
from needs import needs

import attnorm
from attnorm.errors import AttnormError
from attnorm.execution.interpreter import evaluate
from attnorm.pipeline.pipelines import TO_IREE

torch = needs("torch")
F = torch.nn.functional


class Calling(torch.nn.Module):
    """A module that calls a function."""

    def __init__(self, function: Callable[..., Any]):
        super().__init__()
        self.function = function

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the function returns."""
        return self.function(*args, **kwargs)


def to_numpy(value: Any) -> np.ndarray:
    """A tensor as an array, bf16 too."""
    value = value.detach()
    if value.dtype == torch.bfloat16:
        return value.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return value.numpy()


def error_of(module: Any, args: Sequence[Any] = (), how: Any = error, **kwargs: Any) -> float:
    """How far the import of a module is from it, on the arguments that it was traced with."""
    with torch.no_grad():
        returned = module(*args, **kwargs)
    imported = attnorm.from_torch(module, args, kwargs=kwargs)
    tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor)]
    expected = returned if isinstance(returned, tuple) else (returned,)
    return how(imported, [to_numpy(x) for x in tensors], [to_numpy(x) for x in expected])


def randn(*shape: int, dtype: str = "float32", scale: float = 1.0) -> Any:
    """Random numbers, the same ones each time."""
    generator = torch.Generator().manual_seed(sum(shape))
    return (torch.randn(shape, generator=generator) * scale).to(getattr(torch, dtype))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("eps", [None, 1e-5])
def test_rms_norm_computes_in_f32(dtype: str, eps: float | None) -> None:
    """Rows of 300s overflow f16's squares, and a row of zeros needs the epsilon of None."""
    module = torch.nn.RMSNorm(64, eps=eps, dtype=getattr(torch, dtype))
    x = randn(4, 64, dtype=dtype, scale=300.0)
    x[3] = 0
    assert error_of(module, (x,)) <= {"float16": 1e-3, "bfloat16": 8e-3}.get(dtype, 1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_layer_norm(dtype: str) -> None:
    """LayerNorm with weight and bias computes in f32, and rounds once."""
    module = torch.nn.LayerNorm(64, dtype=getattr(torch, dtype))
    x = randn(4, 64, dtype=dtype)
    module.weight.data, module.bias.data = randn(2, 64, dtype=dtype)
    assert error_of(module, (x,)) <= (1e-6 if dtype == "float32" else 4e-3)


ATTENTION = {
    "plain": {},
    "causal": {"is_causal": True},
    "scale": {"scale": 0.3},
    "grouped": {"enable_gqa": True},
    "bool mask with a row of none": {"attn_mask": torch.ones(6, 6).tril(-1).bool()},
    "float mask": {"attn_mask": torch.linspace(-2, 2, 36).reshape(6, 6)},
}


@pytest.mark.parametrize("options", ATTENTION.values(), ids=ATTENTION)
def test_scaled_dot_product_attention(options: dict[str, Any]) -> None:
    """Each variant of F.scaled_dot_product_attention; one with masked rows gives zeros."""
    heads = 2 if "enable_gqa" in options else 4
    args = randn(2, 4, 6, 16), randn(2, heads, 6, 16), randn(2, heads, 6, 8)
    module = Calling(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **options))
    assert error_of(module, args) < 2e-6


@pytest.mark.parametrize("mask", ["none", "bool", "float"])
@pytest.mark.parametrize("queries", [1, 4])
def test_attention_at_a_position(queries: int, mask: str) -> None:
    """Torch's attention is one op; a mask of positions known at run time is its `start`."""

    def attend(q: Any, k: Any, v: Any, position: Any) -> Any:
        i, j = torch.arange(queries)[:, None] + position, torch.arange(12)
        kept = (j <= i) & (j > i - 3)
        given = {"none": None, "bool": kept, "float": torch.where(kept, 0.0, -torch.inf)}[mask]
        return F.scaled_dot_product_attention(q, k, v, attn_mask=given)

    args = randn(2, 4, queries, 16), randn(2, 4, 12, 16), randn(2, 4, 12, 8), torch.tensor(5)
    imported = attnorm.from_torch(Calling(attend), args)
    (found,) = attnorm.report(imported).ops
    assert found.op == "sdpa" and "mask" not in found.operands
    assert ("start" in found.operands) == (mask != "none")
    for position in (0, 8):
        args = *args[:3], torch.tensor(position)
        assert error(imported, [to_numpy(x) for x in args], [to_numpy(attend(*args))]) < 2e-6


NAN, INF = float("nan"), float("inf")
MISSING = torch.tensor(
    [[1, NAN, 3, 2], [NAN, -INF, NAN, INF], [-1, -2, INF, NAN], [NAN] * 4, [-INF, 1, 0, INF]]
)
ORDERED = {
    "argmax": lambda x: x.argmax(1, keepdim=True),
    "argmax of all": lambda x: x.argmax(),
    "argmin": lambda x: x.argmin(0),
    "argmin of all": lambda x: x[3:].argmin(keepdim=True),
    "max": lambda x: tuple(x.max(1)),
    "min": lambda x: tuple(x.min(1, keepdim=True)),
    "sort": lambda x: tuple(x[::4].sort(1)),
    "sort, descending": lambda x: tuple(x[2:3].sort(1, descending=True)),
    "topk": lambda x: tuple(x[::2].topk(2, 1)),
}


@pytest.mark.parametrize("name", ORDERED)
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_nan_has_a_place(name: str, dtype: str) -> None:
    """torch-mlir's comparisons passed over NaN: argmax of [1, NaN, 3] was 2, a sort left it be."""
    x = MISSING.to(getattr(torch, dtype))
    imported = attnorm.from_torch(Calling(ORDERED[name]), (x,))
    expected = ORDERED[name](x)
    got = evaluate(attnorm.lower(imported, TO_IREE), to_numpy(x))
    for own, its in zip(got, expected if isinstance(expected, tuple) else [expected], strict=True):
        assert own.dtype == to_numpy(its).dtype
        np.testing.assert_array_equal(own, to_numpy(its))


@pytest.mark.parametrize(
    ("family", "attention"),
    [("Llama", "eager"), ("Llama", "sdpa"), ("Gemma3", "eager"), ("Qwen3", "sdpa")],
)
def test_language_model(family: str, attention: str) -> None:
    """Hugging Face's models, with options that are no tensors and RoPE's hidden buffers."""
    transformers = needs("transformers")
    text = "Text" if family == "Gemma3" else ""
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}{text}Config")(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        vocab_size=128,
        attn_implementation=attention,
    )
    model = getattr(transformers, f"{family}ForCausalLM")(config).eval()
    ids = torch.arange(8).reshape(1, 8) * 7
    options = {"use_cache": False, "attention_mask": None, "return_dict": False}
    assert error_of(model, how=compiled_error, input_ids=ids, **options) < 2e-5


def test_the_module_is_left_alone() -> None:
    """Hidden buffers are constants in the import, and still hidden in the module."""
    module = torch.nn.Sequential(torch.nn.BatchNorm1d(4)).eval()
    module[0].register_buffer("hidden", torch.ones(4), persistent=False)
    before = list(module.state_dict())
    assert error_of(module, (randn(3, 4),)) < 1e-6
    assert list(module.state_dict()) == before


def test_the_import_shares_no_memory() -> None:
    """Parameters that change after the import do not change it."""
    module = torch.nn.Linear(4, 4)
    x = randn(3, 4)
    expected = to_numpy(module(x))
    imported = attnorm.from_torch(module, (x,))
    with torch.no_grad():
        module.weight.zero_()
    del module
    assert error(imported, [to_numpy(x)], [expected]) < 1e-6


def test_parameters_keep_their_names() -> None:
    """The key of a parameter is its name in the state, of a tied one the first of its names."""
    module = torch.nn.ModuleDict({"embed": torch.nn.Embedding(8, 4), "head": torch.nn.Linear(4, 8)})
    module["head"].weight = module["embed"].weight
    tied = Calling(lambda ids: module["head"](module["embed"](ids)))
    tied.parts = module
    text = str(attnorm.from_torch(tied, (torch.arange(3),)))
    keys = re.findall(r"constant dense_resource<([^>]*)>", text)
    assert sorted(keys) == ["parts.embed.weight", "parts.head.bias"]


def test_several_results_in_order() -> None:
    """The leaves of what a module returns are the results; keyword arguments follow the others."""
    module = Calling(lambda x, *, y: (x - y, {"b": x * 2, "a": y}))
    x, y = randn(2, 3), randn(2, 3)
    imported = attnorm.from_torch(module, (x,), kwargs={"y": y})
    expected = [to_numpy(value) for value in (x - y, x * 2, y)]
    assert error(imported, [to_numpy(x), to_numpy(y)], expected) == 0


def test_dynamic_shapes() -> None:
    """A dimension that torch.export is told to leave open is open in @main."""
    batch = torch.export.Dim("batch")
    imported = attnorm.from_torch(
        torch.nn.RMSNorm(8), (randn(2, 8),), dynamic_shapes={"x": {0: batch}}
    )
    assert "@main(%arg0: tensor<?x8xf32>) -> tensor<?x8xf32>" in str(imported)


def _written(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    x = x.clone()
    x[1:] += y[1:]
    x[-2:, -1:] = 0.5
    x[:, 2:4] = y[:, :2]
    x[::2] *= 3
    return x


def test_writing_to_a_part() -> None:
    """Gemma 3n writes to `x[1:]`: torch-mlir took all memory for the indices up to 2^63."""
    x, y = randn(4, 5), randn(4, 5)
    imported = attnorm.from_torch(Calling(_written), (x, y))
    assert error(imported, [to_numpy(x), to_numpy(y)], [to_numpy(_written(x, y))]) == 0


def test_topk_in_any_order() -> None:
    """DeepSeek's routers take the best experts unsorted, which torch-mlir does not lower."""
    x = randn(4, 8)
    imported = attnorm.from_torch(
        Calling(lambda x: torch.topk(x, 3, sorted=False)[0].sum(-1)), (x,)
    )
    expected = torch.topk(x, 3)[0].sum(-1)
    assert error(imported, [to_numpy(x)], [to_numpy(expected)]) < 1e-6


@pytest.mark.parametrize(
    "function",
    [
        lambda x, i: x[:, [-2, 1]],
        lambda x, i: x[i],
        lambda x, i: x[:, i, i - 1],
        lambda x, i: torch.take(x, i),
        lambda x, i: x.index_put((i,), x[0]),
    ],
    ids=["list", "tensor", "two", "take", "put"],
)
def test_indices_from_the_end(function: Callable[..., torch.Tensor]) -> None:
    """Falcon takes its key as `x[..., [-2], :]`, and got the first: torch-mlir clamps indices."""
    x, i = randn(4, 4, 4), torch.tensor([-1, 2, -3])
    imported = attnorm.from_torch(Calling(function), (x, i))
    assert error(imported, [to_numpy(x), i.numpy()], [to_numpy(function(x, i))]) == 0


def test_roll() -> None:
    """Swin shifts its windows so."""
    x = randn(4, 5)
    imported = attnorm.from_torch(
        Calling(lambda x: (x.roll((-2, 1), (0, 1)), x.roll(7), x.roll(0, 1))), (x,)
    )
    expected = [to_numpy(y) for y in (x.roll((-2, 1), (0, 1)), x.roll(7), x.roll(0, 1))]
    assert error(imported, [to_numpy(x)], expected) == 0


def _merged(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    attended = torch.nn.functional.scaled_dot_product_attention(x, x, x, mask)
    return attended.transpose(1, 2).reshape(2, 3, 32).view(-1, 32)


def test_heads_merged_without_a_copy() -> None:
    """GPT-2 merges its heads by a view, since torch's kernel lays its result out so."""
    x, mask = randn(2, 4, 3, 8), torch.ones(2, 1, 3, 3, dtype=torch.bool).tril()
    imported = attnorm.from_torch(Calling(_merged), (x, mask))
    expected = to_numpy(_merged(x, mask))
    assert error(imported, [to_numpy(x), mask.numpy()], [expected]) < 1e-5


def _checked(x: torch.Tensor) -> torch.Tensor:
    torch._check((x != 0).sum().item() <= x.numel())
    return x * 2


def test_assertions_are_dropped() -> None:
    """XLM asserts that no sequence is too long, which was no op of StableHLO's."""
    x = randn(4)
    imported = attnorm.from_torch(Calling(_checked), (x,))
    assert error(imported, [to_numpy(x)], [to_numpy(x * 2)]) == 0


def test_no_way_to_stablehlo() -> None:
    """An op that torch-mlir cannot lower is an error at its line in the user's code."""
    with pytest.raises(AttnormError, match=r"test_from_torch\.py:\d+") as raised:
        attnorm.from_torch(Calling(lambda x: torch.linalg.eigvalsh(x)), (torch.eye(3),))
    assert "linalg_eigh" in str(raised.value)


def test_one_tensor_for_several_arguments() -> None:
    """Each is an argument of its own: torch traces a tensor that it meets twice as one input."""
    x = torch.randn(2, 4, 16, 8)
    q, k, v = (torch.randn(2, 4, 16, 8) for _ in range(3))
    imported = attnorm.from_torch(Calling(F.scaled_dot_product_attention), (x, x, x))
    got = attnorm.compile(imported)(q.numpy(), k.numpy(), v.numpy())
    want = F.scaled_dot_product_attention(q, k, v).numpy()
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_arguments_are_a_tuple() -> None:
    """A tensor is none: its first axis was taken for the list of arguments."""
    with pytest.raises(AttnormError, match="expected a tuple of the module's arguments"):
        attnorm.from_torch(torch.nn.LayerNorm(16), torch.randn(1, 5, 16))
