"""attnorm ops, and calls whose callee a producer has in mind: by their definitions."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from both import function, parse, same

from attnorm import reference
from attnorm.errors import AttnormError
from attnorm.ir.tensor_type import TensorType

DTYPES = (np.float16, ml_dtypes.bfloat16, np.float32, np.float64)


def normal(shape: tuple[int, ...], dtype: Any = np.float32, seed: int = 0) -> np.ndarray:
    """Normal values."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def ones(*shape: int) -> np.ndarray:
    """Ones."""
    return np.ones(shape, np.float32)


def kind(array: np.ndarray) -> str:
    """A type as in `tensor<...>`."""
    return str(TensorType.of(array))


def apply(op: str, attributes: str, arrays: list[np.ndarray], results: list[str], **options):
    """The results of one op on arrays; `@name` is a custom call."""
    if op.startswith("@"):
        attributes = f'call_target_name = "{op[1:]}"' + (f", {attributes}" if attributes else "")
        op = "stablehlo.custom_call"
    arguments = ", ".join(map(kind, arrays))
    taken = ", ".join(f"tensor<{kind(array)}>" for array in arrays)
    given = ", ".join(f"tensor<{result}>" for result in results)
    values = ", ".join(f"%{index}" for index in range(len(arrays)))
    name = f"%r:{len(results)}" if len(results) > 1 else "%r"
    body = f'{name} = "{op}"({values}) {{{attributes}}} : ({taken}) -> ({given})'
    module = parse(function(arguments, ", ".join(results), body))
    return reference.evaluate(module, *arrays, **options)


def check(got: np.ndarray, want: np.ndarray) -> None:
    """One rounding of a definition's value."""
    want = want.astype(got.dtype)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    assert same(got, want).all()


# -- the dialect ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cast", ["before_weight", "after_weight", "throughout"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_rms_norms(dtype, cast: str) -> None:
    """The three norms, on any two axes, with a weight of another type."""
    x, other, w = normal((3, 4, 5), dtype), normal((3, 4, 5), dtype, 1), normal((3, 5), seed=2)
    values = {"axes": [0, 2], "epsilon": 0.5, "weight_offset": 1.0, "cast": cast}
    attributes = (
        f'axes = array<i64: 0, 2>, epsilon = 0.5 : f64, weight_offset = 1.0 : f64, cast = "{cast}"'
    )
    half = f"{attributes}, operandSegmentSizes = array<i32: 1, 1>"
    full = f"{attributes}, operandSegmentSizes = array<i32: 1, 1, 1>"
    (got,) = apply("attnorm.rms_norm", half, [x, w], ["3x4x5xf32"])
    check(got, reference.rms_norm(x, w, **values, result=np.float32))
    (got,) = apply("attnorm.rms_norm_mul", full, [x, other, w], [kind(x)])
    check(got, reference.rms_norm_mul(x, other, w, **values))
    total, got = apply("attnorm.add_rms_norm", full, [x, other, w], [kind(x), kind(x)])
    want = reference.add_rms_norm(x, other, w, **values)
    check(total, want[0])
    check(got, want[1])


@pytest.mark.parametrize("dtype", DTYPES)
def test_layer_norm_and_softmax(dtype) -> None:
    """With and without weight and bias."""
    x, w, b = normal((3, 5), dtype), normal((5,), dtype, 1), normal((5,), dtype, 2)
    attributes = "axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: "
    for operands, sizes in (([x], "1, 0, 0"), ([x, w], "1, 1, 0"), ([x, w, b], "1, 1, 1")):
        (got,) = apply("attnorm.layer_norm", f"{attributes}{sizes}>", operands, [kind(x)])
        check(got, reference.layer_norm(*operands, axes=[1], epsilon=0.5))
    (got,) = apply("attnorm.layer_norm", f"{attributes}1, 0, 1>", [x, b], [kind(x)])
    check(got, reference.layer_norm(x, None, b, axes=[1], epsilon=0.5))
    (got,) = apply("attnorm.softmax", "axis = 0 : i64", [x], [kind(x)])
    check(got, reference.softmax(x, axis=0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mask", [None, np.bool_, np.float32])
def test_sdpa(dtype, mask) -> None:
    """Grouped heads, every attribute and operand, and the second result."""
    q, k, v = (
        normal((2, 4, 3, 8), dtype),
        normal((2, 2, 6, 8), dtype, 1),
        normal((2, 2, 6, 5), dtype, 2),
    )
    sinks, start = normal((4,), seed=3), np.array(2, np.int32)
    values = {"scale": 0.5, "softcap": 2.0, "causal": True, "offset": -1, "window": [3, -1]}
    attributes = "scale = 0.5 : f64, softcap = 2.0 : f64, causal = true, offset = -1 : i64, "
    attributes += 'window = array<i64: 3, -1>, fully_masked = "zero", '
    masks = []
    if mask is not None:
        masks = [normal((4, 1, 6), seed=4) > 0 if mask == np.bool_ else normal((6,), mask, 4)]
    sizes = f"operandSegmentSizes = array<i32: 1, 1, 1, {len(masks)}, 1, 1>"
    results = [f"2x4x3x5x{kind(q).rpartition('x')[2]}", "2x4x3xf32"]
    operands = [q, k, v, *masks, sinks, start]
    got = apply("attnorm.sdpa", attributes + sizes, operands, results)
    given = masks[0] if masks else None
    want = reference.sdpa(q, k, v, given, sinks, start, **values, fully_masked="zero")
    check(got[0], want[0])
    check(got[1], want[1])
    (first,) = apply("attnorm.sdpa", attributes + sizes, operands, results[:1])
    check(first, want[0])


# -- custom calls --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attributes",
    [
        "epsilon = 0.5 : f64",
        "eps = 0.5 : f32",
        "backend_config = {variance_epsilon = 0.5 : f32}, api_version = 4 : i32",
        'backend_config = "{\\"eps\\": 0.5, \\"axis\\": -1}"',
        "mhlo.backend_config = {eps = 0.5 : f32}",
        "epsilon = 0.5 : f64, normalized_shape = [8]",
    ],
)
def test_spellings(attributes: str) -> None:
    """Of an epsilon, as attribute, dictionary and JSON."""
    x, w = normal((4, 8), ml_dtypes.bfloat16), normal((8,), seed=1)
    (got,) = apply("@rms_norm", attributes, [x, w], [kind(x)])
    check(got, reference.rms_norm(x, w, axes=[1], epsilon=0.5))


def test_norm_calls() -> None:
    """Where no epsilon is: that of the caller, that of the machine, an error."""
    x, w, other = (
        normal((4, 8)) * np.float32(2.0**-12),
        normal((8,), seed=1),
        normal((4, 8), seed=2),
    )
    litert = partial(apply, "@ai_edge_torch.rms_norm", 'backend_config = ""', [x, w], [kind(x)])
    (got,) = litert(rms_norm_epsilon=0.25)
    check(got, reference.rms_norm(x, w, axes=[1], epsilon=0.25))
    with pytest.raises(AttnormError, match=r"@ai_edge_torch.rms_norm: epsilon: expected one"):
        litert()
    (got,) = apply("@tenstorrent.rms_norm", "", [x, w], [kind(x)])
    check(got, reference.rms_norm(x, w, axes=[1], epsilon=2.0**-23))
    flag = "has_residual = true, epsilon = 0.5 : f64"
    (got,) = apply("@tenstorrent.rms_norm", flag, [x, w, other], [kind(x)])
    check(got, reference.add_rms_norm(x, other, w, axes=[1], epsilon=0.5)[1])
    with pytest.raises(AttnormError, match=r"@rms_norm: epsilon: expected one, got none"):
        apply("@rms_norm", "", [x, w], [kind(x)])
    with pytest.raises(AttnormError, match=r"@rms_norm: mode: expected no such attribute"):
        apply("@rms_norm", "epsilon = 0.5 : f64, mode = 1 : i32", [x, w], [kind(x)])
    for target in ("@layer_norm", "@tenstorrent.layer_norm"):
        (got,) = apply(target, "epsilon = 0.5 : f64", [other, w, w], [kind(x)])
        check(got, reference.layer_norm(other, w, w, axes=[1], epsilon=0.5))
    (got,) = apply("@softmax", "dim = -2 : i64", [other], [kind(x)])
    check(got, reference.softmax(other, axis=0))


@pytest.mark.parametrize(
    "target",
    [
        *("scaled_dot_product_attention", "sdpa", "aten.scaled_dot_product_attention"),
        *("tenstorrent.scaled_dot_product_attention", "tt.scaled_dot_product_attention"),
    ],
)
def test_attention_calls(target: str) -> None:
    """torch's: causal from the first key; rows that are masked out are 0; 1/sqrt(D)."""
    q, k, v = normal((2, 2, 3, 16)), normal((2, 2, 5, 16), seed=1), normal((2, 2, 5, 4), seed=2)
    keep = np.random.default_rng(0).random((3, 5)) < 0.6
    keep[1] = False
    result = ["2x2x3x4xf32"]
    (got,) = apply(f"@{target}", "is_causal = true", [q, k, v], result)
    check(got, reference.sdpa(q, k, v, scale=0.25, causal=True)[0])
    np.testing.assert_allclose(got[:, :, 0], v[:, :, 0], rtol=1e-6)
    (got,) = apply(
        f"@{target}", "scale = 0.5 : f64, logit_cap = 2.0 : f32", [q, k, v, keep], result
    )
    check(got, reference.sdpa(q, k, v, keep, scale=0.5, softcap=2.0, fully_masked="zero")[0])
    assert (got[:, :, 1] == 0).all()
    for attributes, arrays in (
        ("is_causal = true", [q, k, v, keep]),
        ("dropout_p = 0.5 : f64", [q, k, v]),
    ):
        with pytest.raises(AttnormError, match=r"(mask|dropout): expected"):
            apply(f"@{target}", attributes, arrays, result)


def test_litert_attention() -> None:
    """[B, S, H, D]; causal where there is no mask."""
    q, k, v = normal((2, 3, 2, 16)), normal((2, 5, 2, 16), seed=1), normal((2, 5, 2, 4), seed=2)
    turned = [x.swapaxes(1, 2) for x in (q, k, v)]
    target = "@ai_edge_torch.scaled_dot_product_attention"
    (got,) = apply(target, "", [q, k, v], ["2x3x2x4xf32"])
    check(got, reference.sdpa(*turned, scale=0.25, causal=True)[0].swapaxes(1, 2))
    mask = normal((2, 1, 3, 5), seed=3)
    (got,) = apply(target, "scale = 0.5 : f32", [q, k, v, mask], ["2x3x2x4xf32"])
    check(got, reference.sdpa(*turned, mask=mask, scale=0.5)[0].swapaxes(1, 2))


REDUCTIONS = {
    "sum": lambda x: x.sum(1),
    "mean": lambda x: x.mean(1),
    "max": lambda x: x.max(1),
    "min": lambda x: x.min(1),
    "prod": lambda x: x.prod(1),
    "variance": lambda x: x.var(1),
    "logsumexp": lambda x: np.log(np.exp(x).sum(1)),
    "l2": lambda x: np.sqrt((x * x).sum(1)),
    "norm": lambda x: np.sqrt((x * x).sum(1)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name: str, dtype) -> None:
    """Along an axis, in every spelling, with the dimension kept and without; of everything."""
    x = normal((3, 5), dtype)
    element = kind(x).rpartition("x")[2]
    want = REDUCTIONS[name](x.astype(np.float64))
    close = {"rtol": max(1e-12, float(ml_dtypes.finfo(dtype).eps)), "atol": 0}
    for spelling in (
        *(
            "dimensions = [1]",
            "axes = array<i64: 1>",
            "axis = -1 : i64",
            "dim = dense<1> : tensor<i64>",
        ),
        *("dimensions = [1], keepdim = false", 'backend_config = "{\\"dims\\": [1]}"'),
    ):
        (got,) = apply(f"@reduce_{name}", spelling, [x], [f"3x{element}"])
        np.testing.assert_allclose(got.astype(np.float64), want, **close)
    for spelling in ("dimensions = [1], keepdim = true", "axis = 1 : i64"):
        (got,) = apply(f"@reduce_{name}", spelling, [x], [f"3x1x{element}"])
        np.testing.assert_allclose(got[:, 0].astype(np.float64), want, **close)
    want = REDUCTIONS[name](x.astype(np.float64).reshape(1, -1))
    for result in (element, f"1x{element}"):
        (got,) = apply(f"@reduce_{name}", "dimensions = []", [x], [result])
        np.testing.assert_allclose(got.reshape(1).astype(np.float64), want, **close)


def test_reductions_to_other_types() -> None:
    """Positions, truth, sums that are wider, the mean of integers, another count of a variance."""
    x = np.array([[3, -1, 3], [0, 0, -5]], np.int8)
    axis = "dimensions = [1]"
    for name, result, want in (
        ("argmax", "2xi64", [0, 0]),
        ("argmin", "2xi32", [1, 2]),
        ("any", "2xi1", [True, True]),
        ("all", "2xi1", [True, False]),
        ("sum", "2xi32", [5, -5]),
        ("mean", "2xf64", [5 / 3, -5 / 3]),
        ("max", "2xi8", [3, 0]),
    ):
        (got,) = apply(f"@reduce_{name}", axis, [x], [result])
        np.testing.assert_array_equal(got, want)
    y = normal((3, 5), np.float64)
    for attributes in ("correction = 1 : i64", "unbiased = true", "ddof = 1.0 : f64"):
        (got,) = apply("@reduce_variance", f"{axis}, {attributes}", [y], ["3xf64"])
        np.testing.assert_allclose(got, y.var(1, ddof=1), rtol=1e-13)


def test_calls_that_change_nothing() -> None:
    """Shardings and markers hand their operand on; assertions check."""
    x = normal((2, 3))
    for target in ("Sharding", "mark_tensor", "annotate_device_placement"):
        (got,) = apply(f"@{target}", 'backend_config = "anything"', [x], [kind(x)])
        np.testing.assert_array_equal(got, x)
    body = """stablehlo.custom_call @shape_assertion(%0, %1) {
      error_message = "{0} is too small", has_side_effect = true
    } : (tensor<i1>, tensor<i32>) -> ()
    %r = stablehlo.negate %1 : tensor<i32>"""
    module = parse(function("i1, i32", "i32", body))
    assert reference.evaluate(module, np.array(True), np.array(3, np.int32)) == (-3,)
    with pytest.raises(AttnormError, match="3 is too small"):
        reference.evaluate(module, np.array(False), np.array(3, np.int32))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: reference.rms_norm(ones(5, 4, 1), ones(5), axes=[2], epsilon=0.5), "weight"),
        (lambda: reference.layer_norm(ones(2, 3), None, ones(2), axes=[1], epsilon=0.5), "bias"),
        (lambda: reference.add_rms_norm(ones(2, 3), ones(3), axes=[1], epsilon=0.5), "one shape"),
        (lambda: reference.rms_norm_mul(ones(4, 1), ones(4, 3), axes=[1], epsilon=0.5), "(4,3)"),
        (lambda: reference.sdpa(*[ones(1, h, 3, 4) for h in (3, 2, 2)], scale=1.0), "k as q"),
        (lambda: reference.sdpa(*[ones(b, 2, 3, 4) for b in (1, 2, 2)], scale=1.0), "k as q"),
        (lambda: reference.sdpa(*[ones(1, h, 3, 4) for h in (2, 2, 1)], scale=1.0), "v as k"),
        (lambda: reference.sdpa(*[ones(1, 2, 3, 4)] * 3, ones(7, 1, 1, 3), scale=1.0), "(7,1,1,3)"),
    ],
)
def test_operands_that_only_numpy_would_broadcast(call: Callable[[], Any], message: str) -> None:
    """With dynamic sizes nothing else looks at them: a weight of 5 made 5 columns of one."""
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
