"""Softmax as the systems have it: docs/semantics/softmax.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from agreement import Array, assert_means, normal, same
from cases import F16, F32, F64, HALVES
from needs import needs
from systems import (
    by_onnx,
    by_onnxruntime,
    by_tract,
    from_mlx,
    from_torch,
    node_model,
    to_mlx,
    to_torch,
)

import attnorm
from attnorm import reference
from attnorm.errors import AttnormError

Softmax = Callable[[Array, int], Array]


def torch_softmax(x: Array, axis: int) -> Array:
    """torch.softmax."""
    torch = needs("torch")
    return from_torch(torch.softmax(to_torch(x), axis))


def jax_softmax(x: Array, axis: int) -> Array:
    """jax.nn.softmax."""
    nn = needs("jax.nn")
    return np.asarray(nn.softmax(x, axis))


def mlx_softmax(x: Array, axis: int) -> Array:
    """mlx.core.softmax."""
    core = needs("mlx.core")
    return from_mlx(core.softmax(to_mlx(x), axis), x.dtype)


def in_onnx(run: Callable[..., list[Array]], opset: int = 13) -> Softmax:
    """ONNX's Softmax, as a runtime computes it."""

    def softmax(x: Array, axis: int) -> Array:
        needs("onnx")
        return run(node_model("Softmax", {"x": x}, opset=opset, axis=axis), {"x": x})[0]

    return softmax


SYSTEMS = {
    "torch": torch_softmax,
    "jax": jax_softmax,
    "MLX": mlx_softmax,
    "ONNX's evaluator": in_onnx(by_onnx),
    "onnxruntime": in_onnx(by_onnxruntime),
    "tract": in_onnx(by_tract),
}
EVERY = pytest.mark.parametrize("name", SYSTEMS)


@EVERY
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_f32(name: str, axis: int) -> None:
    """In f32, over any axis, also where exp(x) is beyond f32."""
    x = normal(2, 3, 5, scale=30.0)
    x[0, 0, 0] = 1e4
    others = [other for other in range(3) if other != axis]
    got = SYSTEMS[name](x, axis)
    assert_means(got, "softmax", {"x": x}, {"axis": axis}, unlike={"axis": others})


ROWS = {
    "-inf alone": [-np.inf] * 4,
    "-inf among others": [-np.inf, 1.0, 2.0, -np.inf],
    "+inf": [1.0, np.inf, 0.0, 2.0],
    "NaN": [1.0, np.nan, 0.0, 2.0],
    "finite minimum": [np.finfo(F32).min] * 4,
    "subnormal weights": [0.0, -95.0, -100.0, 1.0],
}


@EVERY
def test_specials(name: str) -> None:
    """A row of -inf, and one with +inf or NaN, is NaN; a row of the least finite number is even."""
    x = np.array(list(ROWS.values()), F32)
    got = SYSTEMS[name](x, 1)
    assert_means(got, "softmax", {"x": x}, {"axis": 1})
    assert np.isnan(got).all(1).tolist() == [True, False, True, True, False, False]


@pytest.mark.parametrize("name", ["torch", "onnxruntime"])
def test_halves_round_once(name: str) -> None:
    """torch's and onnxruntime's halves are f32's, rounded once."""
    for dtype in HALVES if name == "torch" else (F16,):
        x = normal(16, 33, dtype=dtype, scale=3.0)
        assert_means(SYSTEMS[name](x, 1), "softmax", {"x": x}, {"axis": 1})


@pytest.mark.parametrize("name", ["jax", "ONNX's evaluator"])
def test_halves_round_at_each_step(name: str) -> None:
    """JAX and ONNX's evaluator exponentiate and divide in the half type: up to 3 roundings off."""
    for dtype in HALVES if name == "jax" else (F16,):
        x = normal(16, 33, dtype=dtype, scale=3.0)
        got = SYSTEMS[name](x, 1).astype(F64)
        want = reference.softmax(x, axis=1)
        large = want > 1e-3
        error = np.abs(got - want)[large] / want[large]
        ulp = 2.0**-10 if dtype == F16 else 2.0**-7
        assert ulp < error.max() < 6 * ulp


def test_torch_dtype() -> None:
    """With a dtype the result, too, is of it."""
    torch = needs("torch")
    x = normal(4, 8, dtype=F16)
    got = from_torch(torch.softmax(to_torch(x), 1, dtype=torch.float32))
    assert got.dtype == F32
    assert_means(got, "softmax", {"x": x}, {"axis": 1})


def test_jax_where() -> None:
    """What `where` leaves out is 0, also in a row that it leaves nothing of.

    That is a mask, which attnorm.softmax has not: a row of -inf is NaN there.
    """
    nn = needs("jax.nn")
    x = normal(3, 5)
    where = np.array([[1, 0, 1, 1, 0], [0] * 5, [1] * 5], bool)
    got = np.asarray(nn.softmax(x, where=where))
    want = np.nan_to_num(reference.softmax(np.where(where, x, -np.inf), axis=1)).astype(F32)
    assert same(got, want)
    assert (got[1] == 0).all()


@pytest.mark.parametrize("opset", [1, 11])
@pytest.mark.parametrize("axis", [None, 0, 1, 2])
def test_old_onnx_flattens(opset: int, axis: int | None) -> None:
    """Before opset 13, all dimensions from the axis on, by default 1, are one.

    onnxruntime does so; ONNX's evaluator gives every opset the meaning of 13. The import refuses.
    """
    needs("onnx")
    x = normal(2, 3, 4)
    attributes: dict[str, Any] = {} if axis is None else {"axis": axis}
    model = node_model("Softmax", {"x": x}, opset=opset, **attributes)
    first = 1 if axis is None else axis
    flat = x.reshape(int(np.prod(x.shape[:first])), -1)
    want = reference.softmax(flat, axis=1).reshape(x.shape).astype(F32)
    assert same(by_onnxruntime(model, {"x": x})[0], want)
    assert same(by_onnx(model, {"x": x})[0], want) == (axis == 2)
    with pytest.raises(AttnormError, match="Softmax"):
        attnorm.from_onnx(model.SerializeToString())


def test_tract_flattens_old_softmax() -> None:
    """tract gives opset 11 its own meaning too."""
    needs("tract")
    x = normal(2, 3, 4)
    got = by_tract(node_model("Softmax", {"x": x}, opset=11), {"x": x})[0]
    want = reference.softmax(x.reshape(2, 12), axis=1).reshape(x.shape).astype(F32)
    assert same(got, want)


@EVERY
def test_one_element(name: str) -> None:
    """Along an axis of one element everything is 1, infinities and NaN apart."""
    x = np.array([[3.0], [-1e30], [0.0]], F32)
    got = SYSTEMS[name](x, 1)
    assert (got == 1).all()
    assert_means(got, "softmax", {"x": x}, {"axis": 1})
