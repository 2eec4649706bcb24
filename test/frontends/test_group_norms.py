"""GroupNorm and InstanceNorm as torch, JAX and ONNX write them: one op, and the same values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreeing import compiled_error, error
from needs import needs

import attnorm
from attnorm.ir.mlir import ir

ERROR = {"float32": 2e-6, "float16": 2.0**-9, "bfloat16": 2.0**-6}


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Random numbers around 1."""
    return 1 + np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def raised(module: ir.Operation) -> list[dict[str, Any]]:
    """The attributes of every group_norm, fused; there is no other op."""
    ops = attnorm.report(attnorm.lower(module, "attnorm-raise,attnorm-fuse")).ops
    assert {op.op for op in ops} <= {"group_norm"}
    names = ("groups", "channel_axis", "activation")
    return [
        {**{name: op.attributes[name] for name in names}, "operands": len(op.operands)}
        for op in ops
    ]


def found(groups: int, operands: int, *, last: int = 1, silu: bool = False) -> dict[str, Any]:
    """What is raised of a norm."""
    activation = "silu" if silu else "none"
    values = {"groups": groups, "channel_axis": last, "activation": activation}
    return {**values, "operands": operands}


# -- torch ---------------------------------------------------------------------------------------


def in_torch(module: Any, x: Any, **options: Any) -> tuple[ir.Operation, float]:
    """A module of torch's with other weights than 1 and 0, imported; how far it is."""
    torch = needs("torch")
    for index, parameter in enumerate(module.parameters()):
        values = torch.from_numpy(normal(*parameter.shape, seed=index + 1))
        parameter.data = values.to(parameter.dtype)
    imported = attnorm.from_torch(module.eval(), (x,), **options)
    want = module(x).detach().to(torch.float32).numpy()
    given = x
    if x.dtype == torch.bfloat16:
        import ml_dtypes

        given, want = x.view(torch.int16).numpy().view(ml_dtypes.bfloat16), want
        want = want.astype(ml_dtypes.bfloat16)
    else:
        given, want = x.numpy(), want.astype(x.numpy().dtype)
    return imported, error(imported, [given], [want])


@pytest.mark.parametrize("dtype", ERROR)
@pytest.mark.parametrize("groups", [1, 4, 8])
def test_torch_group_norm(groups: int, dtype: str) -> None:
    """With a SiLU behind it, in every type; one group and a group for each channel too."""
    torch = needs("torch")
    type_ = getattr(torch, dtype)
    module = torch.nn.Sequential(torch.nn.GroupNorm(groups, 8, dtype=type_), torch.nn.SiLU())
    x = torch.from_numpy(normal(2, 8, 3, 5)).to(type_)
    imported, far = in_torch(module, x)
    assert raised(imported) == [found(groups, 3, silu=True)]
    assert far <= ERROR[dtype]


def test_torch_without_weights() -> None:
    """A GroupNorm is still one; an InstanceNorm is a LayerNorm of whole dimensions."""
    torch = needs("torch")
    x = torch.from_numpy(normal(2, 8, 3, 5))
    imported, far = in_torch(torch.nn.GroupNorm(4, 8, affine=False), x)
    assert raised(imported) == [found(4, 1)]
    assert far <= ERROR["float32"]
    imported, far = in_torch(torch.nn.InstanceNorm2d(8), x)
    assert [op.op for op in attnorm.report(imported).ops] == ["layer_norm"]
    assert far <= ERROR["float32"]


@pytest.mark.parametrize(("name", "shape"), [("1d", (2, 8, 5)), ("2d", (2, 8, 3, 5))])
def test_torch_instance_norm(name: str, shape: tuple[int, ...]) -> None:
    """With weights, every channel is a group."""
    torch = needs("torch")
    module = getattr(torch.nn, f"InstanceNorm{name}")(8, affine=True)
    imported, far = in_torch(module, torch.from_numpy(normal(*shape)))
    assert raised(imported) == [found(8, 3)]
    assert far <= ERROR["float32"]


def test_torch_instance_norm_with_kept_statistics() -> None:
    """Statistics of training are constants: no norm, and the same values."""
    torch = needs("torch")
    module = torch.nn.InstanceNorm2d(8, affine=True, track_running_stats=True)
    module.running_mean.data = torch.from_numpy(normal(8, seed=3))
    imported, far = in_torch(module, torch.from_numpy(normal(2, 8, 3, 5)))
    assert raised(imported) == []
    assert far <= ERROR["float32"]


def test_torch_dynamic_batch() -> None:
    """One module for any batch, raised, and right for two sizes when compiled."""
    torch = needs("torch")
    module = torch.nn.Sequential(torch.nn.GroupNorm(4, 8), torch.nn.SiLU()).eval()
    x = torch.from_numpy(normal(4, 8, 3, 5))
    batch = torch.export.Dim("batch", min=2, max=64)
    imported = attnorm.from_torch(module, (x,), dynamic_shapes=({0: batch},))
    assert raised(imported) == [found(4, 3, silu=True)]
    for count in (2, 4):
        part = x[:count]
        want = module(part).detach().numpy()
        assert compiled_error(imported, [part.numpy()], [want]) <= ERROR["float32"]


# -- JAX -----------------------------------------------------------------------------------------


def in_jax(norm: Any, x: np.ndarray) -> tuple[ir.Operation, float]:
    """A function imported, and how far it is."""
    imported = attnorm.from_jax(norm, x)
    return imported, error(imported, [x], [np.asarray(norm(x))])


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("silu", [True, False])
def test_flax_group_norm(silu: bool, fast: bool) -> None:
    """Channels last, the weight on the root; also with the variance of deviations."""
    nnx, nn = needs("flax.nnx"), needs("jax.nn")
    module = nnx.GroupNorm(8, num_groups=4, use_fast_variance=fast, rngs=nnx.Rngs(0))
    module.scale[...], module.bias[...] = normal(8, seed=1), normal(8, seed=2)
    norm = (lambda x: nn.silu(module(x))) if silu else module
    imported, far = in_jax(norm, normal(2, 3, 5, 8))
    assert raised(imported) == [found(4, 3, last=3, silu=silu)]
    # flax subtracts the square of the mean.
    assert far <= 2e-5


def test_flax_instance_norm() -> None:
    """Every channel is a group."""
    nnx = needs("flax.nnx")
    module = nnx.InstanceNorm(8, rngs=nnx.Rngs(0))
    module.scale[...], module.bias[...] = normal(8, seed=1), normal(8, seed=2)
    imported, far = in_jax(module, normal(2, 3, 5, 8))
    assert raised(imported) == [found(8, 3, last=3)]
    assert far <= 2e-5


# -- ONNX ----------------------------------------------------------------------------------------


def in_onnx(operator: str, affine: int, opset: int, **attributes: Any) -> tuple[Any, float]:
    """A model of one node, imported, and how far it is from ONNX's evaluator."""
    onnx = needs("onnx")
    from onnx.reference import ReferenceEvaluator

    helper = onnx.helper
    arrays = {
        "x": normal(2, 8, 3, 5),
        "scale": normal(affine, seed=1),
        "bias": normal(affine, seed=2),
    }
    infos = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, array.shape)
        for name, array in arrays.items()
    ]
    node = helper.make_node(operator, list(arrays), ["y"], **attributes)
    result = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (2, 8, 3, 5))
    graph = helper.make_graph([node], "graph", infos, [result])
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    imported = attnorm.from_onnx(model.SerializeToString())
    want = ReferenceEvaluator(model).run(None, arrays)
    return imported, error(imported, list(arrays.values()), [np.asarray(want[0])])


@pytest.mark.parametrize(("opset", "affine"), [(18, 4), (21, 8)])
def test_onnx_group_normalization(opset: int, affine: int) -> None:
    """Scale and bias are numbers of groups in 18, of channels from 21 on."""
    imported, far = in_onnx("GroupNormalization", affine, opset, num_groups=4, epsilon=1e-3)
    assert raised(imported) == [found(4, 3)]
    assert far <= ERROR["float32"]


def test_onnx_instance_normalization() -> None:
    """Every channel is a group."""
    imported, far = in_onnx("InstanceNormalization", 8, 17, epsilon=1e-3)
    assert raised(imported) == [found(8, 3)]
    assert far <= ERROR["float32"]


def test_onnx_groups_that_do_not_divide() -> None:
    """Are refused."""
    with pytest.raises(attnorm.AttnormError, match="num_groups: expected a divisor of 8, got 3"):
        in_onnx("GroupNormalization", 8, 21, num_groups=3)
