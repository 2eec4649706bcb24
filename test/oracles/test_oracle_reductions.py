"""Reductions as the systems have them: docs/semantics/reductions.md."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from agreement import Array, assert_reduces, normal, same
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
from attnorm.execution.interpreter import evaluate
from attnorm.pipeline.pipelines import TO_IREE

Reduce = Callable[..., Array]
"""f(target, x, axes, correction=0); over all axes where there are none."""

FLOAT = ["sum", "prod", "max", "min", "mean", "variance", "logsumexp", "l2"]
TARGETS = [*FLOAT, "any", "all", "argmax", "argmin"]


def torch_reduce(target: str, x: Array, axes: list[int], correction: float = 0.0) -> Array:
    """torch's reductions; argmax and argmin take one axis."""
    torch = needs("torch")
    value, every = to_torch(x), tuple(axes)
    calls: dict[str, Callable[[], Any]] = {
        "sum": lambda: value.sum(every),
        "prod": lambda: value.prod(*every),
        "max": lambda: value.amax(every),
        "min": lambda: value.amin(every),
        "mean": lambda: value.mean(every),
        "variance": lambda: value.var(every, correction=correction),
        "any": lambda: value.any(every),
        "all": lambda: value.all(every),
        "logsumexp": lambda: value.logsumexp(every),
        "l2": lambda: torch.linalg.vector_norm(value, dim=every),
        "argmax": lambda: value.argmax(*every),
        "argmin": lambda: value.argmin(*every),
    }
    with warnings.catch_warnings():
        # A correction that leaves nothing to divide by.
        warnings.filterwarnings("ignore", ".*degrees of freedom", UserWarning)
        return from_torch(calls[target]())


def jax_reduce(target: str, x: Array, axes: list[int], correction: float = 0.0) -> Array:
    """jax.numpy's reductions."""
    jnp = needs("jax.numpy")
    from jax.scipy.special import logsumexp

    every = axes[0] if len(axes) == 1 else tuple(axes)
    if target == "variance":
        return np.asarray(jnp.var(x, every, ddof=correction))
    named = {"logsumexp": logsumexp, "l2": jnp.linalg.norm}
    function = named.get(target) or getattr(jnp, target)
    return np.asarray(function(x, axis=every))


def mlx_reduce(target: str, x: Array, axes: list[int], correction: float = 0.0) -> Array:
    """MLX's reductions."""
    core = needs("mlx.core")
    every = axes[0] if len(axes) == 1 else axes
    if target == "variance":
        return from_mlx(core.var(to_mlx(x), every, ddof=int(correction)), x.dtype)
    function = core.linalg.norm if target == "l2" else getattr(core, target)
    types = {"any": bool, "all": bool, "argmax": np.int32, "argmin": np.int32}
    return from_mlx(function(to_mlx(x), axis=every), types.get(target, x.dtype))


OPERATORS = {
    "sum": "ReduceSum",
    "prod": "ReduceProd",
    "max": "ReduceMax",
    "min": "ReduceMin",
    "mean": "ReduceMean",
    "logsumexp": "ReduceLogSumExp",
    "l2": "ReduceL2",
    "argmax": "ArgMax",
    "argmin": "ArgMin",
}


def in_onnx(run: Callable[..., list[Array]]) -> Reduce:
    """ONNX's reductions, as a runtime computes them."""

    def reduce(target: str, x: Array, axes: list[int], correction: float = 0.0) -> Array:
        needs("onnx")
        if target not in OPERATORS:
            pytest.skip("ONNX has no such reduction")
        named: dict[str, Any] = {"axis": axes[0]}
        inputs, results = {"x": x}, []
        if not target.startswith("arg"):
            named = {}
            inputs["axes"] = np.array(axes, np.int64)
        else:
            results = [np.int64]
        model = node_model(
            OPERATORS[target], inputs, opset=18, results=results, keepdims=0, **named
        )
        return run(model, inputs)[0]

    return reduce


SYSTEMS: dict[str, Reduce] = {
    "torch": torch_reduce,
    "jax": jax_reduce,
    "MLX": mlx_reduce,
    "ONNX's evaluator": in_onnx(by_onnx),
    "onnxruntime": in_onnx(by_onnxruntime),
}

INF, NAN = np.inf, np.nan
FINITE = [[1.0, -2.0, 3.5, 0.0], [2.0, 2.0, 1.0, 1.0], [0.0, -0.0, 0.0, -0.0]]
INFINITE = [[1.0, INF, 2.0, 3.0], [-INF, 1.0, 2.0, 3.0], [INF, -INF, 0.0, 1.0]]
ALIKE = [[INF] * 4, [-INF] * 4]
MISSING = [[1.0, NAN, 2.0, 3.0], [NAN, 1.0, 2.0, NAN], [INF, 1.0, NAN, -INF], [NAN] * 4]
GROUPS = {"finite": FINITE, "infinite": INFINITE, "alike": ALIKE, "missing": MISSING}

DIFFERENT = {
    ("onnxruntime", "max", "missing"),
    ("onnxruntime", "min", "missing"),
    ("onnxruntime", "argmax", "missing"),
    ("onnxruntime", "argmin", "missing"),
    ("ONNX's evaluator", "logsumexp", "alike"),
}
"""Where a system has another meaning: `test_different` says which."""


STEPWISE = [("torch", "prod"), ("torch", "logsumexp"), ("jax", "logsumexp"), ("jax", "l2")]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", SYSTEMS)
def test_rows(name: str, target: str) -> None:
    """Equal, infinite and missing numbers: NaN wins, the first of equals has the position."""
    for group, rows in GROUPS.items():
        if (name, target, group) not in DIFFERENT:
            x = np.array(rows, F32)
            assert_reduces(SYSTEMS[name](target, x, [1]), f"reduce_{target}", x, [1])


def test_different() -> None:
    """onnxruntime loses NaN, and more with it; ONNX's evaluator subtracts inf from inf."""
    x = np.array([[1.0, NAN, 2.0, 3.0]], F32)
    for target in ("max", "min"):
        assert np.isfinite(SYSTEMS["onnxruntime"](target, x, [1])).all()
    assert np.isnan(SYSTEMS["ONNX's evaluator"]("logsumexp", np.array(ALIKE, F32), [1])).all()


def test_tract_differs() -> None:
    """tract passes over NaN, and gives the least finite number for a maximum of -inf."""
    needs("tract")
    for row, expected in (([1.0, NAN, 2.0, 3.0], 3), ([-INF] * 4, np.finfo(F32).min)):
        inputs = {"x": np.array([row], F32)}
        model = node_model("ReduceMax", inputs, opset=13, axes=[1], keepdims=0)
        assert by_tract(model, inputs)[0] == expected


@pytest.mark.parametrize("target", FLOAT)
@pytest.mark.parametrize("name", ["torch", "jax"])
def test_halves_accumulate_in_f32(name: str, target: str) -> None:
    """In f16 and bf16 as well: sums beyond f16, and more addends than it has integers."""
    if (name, target) in STEPWISE:
        pytest.skip("rounds at each step")
    for dtype in HALVES:
        x = normal(3, 300, dtype=dtype)
        if target == "prod":
            x = x[:, :8]
        if target in ("sum", "mean", "l2"):
            x = x * np.array(100, dtype) + np.array(50, dtype)
        got = SYSTEMS[name](target, x, [1])
        assert got.dtype == dtype
        assert_reduces(got, f"reduce_{target}", x, [1])


def test_halves_that_round_at_each_step() -> None:
    """torch's product, both logsumexps, and the squares of JAX's norm are of the half type."""
    for name, target in STEPWISE:
        wrong = 0
        for dtype in HALVES:
            x = normal(30, 8, dtype=dtype) * np.array(300 if target == "l2" else 1, dtype)
            got = SYSTEMS[name](target, x, [1])
            want = reference.reduce(f"reduce_{target}", x, [1])
            wrong += (got != want.astype(dtype)).sum()
        assert wrong


@pytest.mark.parametrize("name", SYSTEMS)
def test_several_axes(name: str) -> None:
    """Any axes; the position over all of them is row-major where a system has one."""
    x = normal(2, 3, 4)
    for target in ("sum", "max", "logsumexp"):
        assert_reduces(SYSTEMS[name](target, x, [0, 2]), f"reduce_{target}", x, [0, 2])
    if name in ("torch", "jax", "MLX"):
        arrays = {"torch": to_torch, "jax": lambda x: jax_array(x), "MLX": to_mlx}
        if name == "MLX":
            needs("mlx.core")
        position = int(arrays[name](x).argmax())
        assert_reduces(np.array(position, np.int64), "reduce_argmax", x, [])


def jax_array(x: Array) -> Any:
    """An array of JAX's."""
    return needs("jax.numpy").asarray(x)


@pytest.mark.parametrize("correction", [0, 1, 3, 4, 5])
@pytest.mark.parametrize("name", ["torch", "jax", "MLX"])
def test_correction(name: str, correction: int) -> None:
    """The divisor is the count less the correction; at 0 that is inf, or NaN of equal numbers.

    Below 0 torch divides by 0, JAX gives NaN, MLX a negative number or NaN; attnorm does as torch.
    """
    x = np.array([[1.0, 2.0, 4.0, 8.0], [3.0] * 4], F32)
    got = SYSTEMS[name]("variance", x, [1], correction)
    if correction <= 4 and not (name == "jax" and correction == 4):
        assert_reduces(got, "reduce_variance", x, [1], correction=correction)
    if correction == 5:
        want = {"torch": [INF, NAN], "jax": [NAN, NAN]}.get(name)
        if want:
            np.testing.assert_array_equal(got, want)
    own = reference.reduce("reduce_variance", x, [1], correction=5)
    np.testing.assert_array_equal(own, [INF, NAN])


def test_default_corrections() -> None:
    """torch.var corrects by 1, and jax.numpy.var by 0, where nothing is said."""
    torch = needs("torch")
    jnp = needs("jax.numpy")
    x = normal(3, 5)
    got = from_torch(torch.var(to_torch(x), 1))
    assert_reduces(got, "reduce_variance", x, [1], correction=1)
    assert_reduces(np.asarray(jnp.var(x, 1)), "reduce_variance", x, [1])


EMPTY = {"sum": 0.0, "prod": 1.0, "mean": NAN, "variance": NAN, "logsumexp": -INF, "l2": 0.0}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", [name for name in SYSTEMS if name != "MLX"])
def test_over_nothing(name: str, target: str) -> None:
    """The neutral element, NaN for means; a maximum or a position of nothing most systems refuse.

    ONNX's maximum of nothing is -inf, as is attnorm's. onnxruntime's mean of nothing is 0.
    """
    x = np.zeros((2, 0), F32)
    refused = target.startswith("arg") or (target in ("max", "min") and "ONNX" not in name)
    if refused and name != "onnxruntime":
        with pytest.raises((RuntimeError, ValueError, IndexError)):
            SYSTEMS[name](target, x, [1])
        return
    if target.startswith("arg"):
        return
    with warnings.catch_warnings():
        # NumPy's means of nothing.
        warnings.simplefilter("ignore", RuntimeWarning)
        got = SYSTEMS[name](target, x, [1])
    if (name, target) == ("onnxruntime", "mean"):
        assert (got == 0).all()
        return
    assert_reduces(got, f"reduce_{target}", x, [1])
    if target in EMPTY:
        np.testing.assert_array_equal(got, [EMPTY[target]] * 2)


@pytest.mark.parametrize(
    ("dtype", "results"),
    [
        (np.int8, {"torch": np.int64, "jax": np.int32}),
        (np.int32, {"torch": np.int64, "jax": np.int32, "ONNX's evaluator": np.int32}),
        (np.uint8, {"torch": np.int64, "jax": np.uint32}),
        (bool, {"torch": np.int64, "jax": np.int32}),
    ],
    ids=["int8", "int32", "uint8", "bool"],
)
def test_integer_sums(dtype: Any, results: dict[str, Any]) -> None:
    """torch's sums of integers are i64, JAX's have 32 bits and the operand's sign; they wrap.

    The declared type of an opaque reduction says which it is. Another kind of type, as bool to an
    integer, is a conversion before the sum. onnxruntime does not wrap.
    """
    if dtype is bool:
        x = np.array([[True] * 5, [False, True] * 2 + [False]])
    else:
        x = np.full((2, 5), np.iinfo(dtype).max, dtype)
        x[1] = 7
    for name, result in results.items():
        got = SYSTEMS[name]("sum", x, [1])
        assert got.dtype == result
        same_kind = x.dtype.kind == np.dtype(result).kind
        assert_reduces(got, "reduce_sum", x if same_kind else x.astype(result), [1])
    if dtype is np.int32:
        assert SYSTEMS["onnxruntime"]("sum", x, [1])[0] == np.iinfo(np.int32).max


def test_integer_means() -> None:
    """JAX's mean of integers is f32; torch has none; ONNX's is an integer, rounded towards 0.

    An opaque mean of integers is a float, or an error.
    """
    x = np.array([[1, 2, 4], [-1, -2, -4]], np.int32)
    got = SYSTEMS["jax"]("mean", x, [1])
    assert got.dtype == F32
    assert_reduces(got, "reduce_mean", x, [1])
    needs("torch")
    with pytest.raises(RuntimeError):
        torch_reduce("mean", x, [1])
    for name in ("ONNX's evaluator", "onnxruntime"):
        assert SYSTEMS[name]("mean", x, [1]).tolist() == [2, -2]


def test_onnx_last_of_equals() -> None:
    """ONNX can ask for the last of equals; opaque reductions cannot."""
    needs("onnx")
    x = np.array([[2.0, 1.0, 2.0]], F32)
    model = node_model(
        "ArgMax", {"x": x}, opset=13, results=[np.int64], axis=1, keepdims=0, select_last_index=1
    )
    for run in (by_onnx, by_onnxruntime):
        assert run(model, {"x": x})[0] == 2
    assert reference.reduce("reduce_argmax", x, [1], result=np.int64) == 0


@pytest.mark.parametrize("target", ["max", "min"])
def test_lax_reduce_propagates_nan(target: str) -> None:
    """lax.reduce with lax.max is stablehlo.reduce with maximum: NaN wins, in halves too."""
    lax = needs("jax.lax")
    for dtype in (F16, F32):
        x = np.array(MISSING, dtype)
        first = np.array(-INF if target == "max" else INF, dtype)
        got = np.asarray(lax.reduce(x, first, getattr(lax, target), (1,)))
        assert np.isnan(got).all()
        assert_reduces(got, f"reduce_{target}", x, [1])


def test_truth_of_numbers() -> None:
    """Anything but 0 is true, NaN too; a subnormal is where the processor does not flush it."""
    x = np.array([[0.0, -0.0], [NAN, 0.0], [1e-37, 1.0]], F32)
    for name in ("torch", "jax"):
        for target in ("any", "all"):
            assert_reduces(SYSTEMS[name](target, x, [1]), f"reduce_{target}", x, [1])


def test_logsumexp_beyond_f64_of_exp() -> None:
    """Numbers whose exponentials are beyond every type have a logarithm of their sum."""
    x = np.array([[1000.0, 1000.0], [-1000.0, -1000.0]], F64)
    for name in ("torch", "jax", "ONNX's evaluator"):
        x_ = x.astype(F32)
        assert_reduces(SYSTEMS[name]("logsumexp", x_, [1]), "reduce_logsumexp", x_, [1])


EVERY_ROW = np.array([row for group in GROUPS.values() for row in group], F32)


def test_import_from_jax() -> None:
    """What `from_jax` makes of reductions is what JAX gives, positions of NaN too."""
    jnp = needs("jax.numpy")

    def reductions(x: Any) -> Any:
        names = ("sum", "prod", "max", "min", "mean", "var", "any", "all", "argmax", "argmin")
        return tuple(getattr(jnp, name)(x, axis=1) for name in names)

    module = attnorm.from_jax(reductions, EVERY_ROW)
    got = evaluate(attnorm.lower(module, TO_IREE), EVERY_ROW)
    for own, want in zip(got, reductions(EVERY_ROW), strict=True):
        assert same(own, np.asarray(want))


def test_import_from_torch() -> None:
    """What `from_torch` makes of reductions is what torch gives, positions of NaN too."""
    torch = needs("torch")

    class Reductions(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            values = x.amax(1), x.amin(1), x.sum(1), x.var(1), x.logsumexp(1), x.any(1)
            return *values, x.argmax(1), x.argmin(1)

    value = to_torch(EVERY_ROW)
    module = attnorm.from_torch(Reductions(), (value,))
    got = evaluate(attnorm.lower(module, TO_IREE), EVERY_ROW)
    want = [from_torch(x) for x in Reductions()(value)]
    for own, its in zip(got, want, strict=True):
        assert same(own, its)
