"""What is rounded, and to what: small cases worked by hand."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from both import function, parse

from attnorm import reference
from attnorm.errors import AttnormError
from attnorm.reference.kinds import PRECISIONS, Precision
from attnorm.reference.wide import narrow

# Half of the spacing of f32 at 1, and of bf16 and f16.
F32, BF16, F16 = 2.0**-24, 2.0**-8, 2.0**-11


def evaluate(text: str, *arrays: Any, precision: Precision) -> np.ndarray:
    """The only result."""
    (found,) = reference.evaluate(parse(text), *arrays, precision=precision)
    return found


def added(element: str, amount: str) -> str:
    """x + amount + amount, of a type."""
    kind = f"tensor<{element}>"
    return function(
        element,
        element,
        f"""%c = stablehlo.constant dense<{amount}> : {kind}
        %s = stablehlo.add %0, %c : {kind}
        %r = stablehlo.add %s, %c : {kind}""",
    )


@pytest.mark.parametrize(
    ("precision", "f32", "bf16"),
    [
        # Each sum is a tie, which goes to the even 1.
        ("native", 1.0, 1.0),
        ("exact", 1 + 2 * F32, 1.0),
        ("folded", 1 + 2 * F32, 1.0),
        ("real", 1 + 2 * F32, 1 + 2 * BF16),
    ],
)
def test_sums(precision: Precision, f32: float, bf16: float) -> None:
    """f32 rounds in native alone, half types but in real."""
    got = evaluate(added("f32", str(F32)), np.float32(1), precision=precision)
    assert got == f32
    assert got.dtype == (np.float32 if precision == "native" else np.float64)
    one = np.array(1, ml_dtypes.bfloat16)
    got = evaluate(added("bf16", str(BF16)), one, precision=precision)
    assert got.astype(np.float64) == bf16
    assert got.dtype == (one.dtype if precision == "native" else np.float64)


@pytest.mark.parametrize(
    ("precision", "want"),
    [("native", 1.0), ("exact", 1.0), ("folded", 1.0), ("real", 1 + F16)],
)
def test_conversions(precision: Precision, want: float) -> None:
    """A conversion to a half type rounds where half types do."""
    body = """%h = stablehlo.convert %0 : (tensor<f32>) -> tensor<f16>
    %r = stablehlo.convert %h : (tensor<f16>) -> tensor<f32>"""
    assert evaluate(function("f32", "f32", body), np.float32(1 + F16), precision=precision) == want


@pytest.mark.parametrize(
    ("precision", "want"),
    [("native", 1.0), ("exact", 1.0), ("folded", 1.0), ("real", 1 + BF16)],
)
def test_reduce_precision(precision: Precision, want: float) -> None:
    """As a conversion to bf16."""
    body = "%r = stablehlo.reduce_precision %0, format = e8m7 : tensor<f32>"
    assert evaluate(function("f32", "f32", body), np.float32(1 + BF16), precision=precision) == want


def test_reduction_rounds_once() -> None:
    """1 + 256 times half a spacing of bf16: each sum would stay 1."""
    body = """%z = stablehlo.constant dense<0.0> : tensor<bf16>
    %r = stablehlo.reduce(%0 init: %z) applies stablehlo.add across dimensions = [0] :
      (tensor<257xbf16>, tensor<bf16>) -> tensor<bf16>"""
    x = np.array([1] + [BF16] * 256, ml_dtypes.bfloat16)
    for precision in PRECISIONS:
        assert evaluate(function("257xbf16", "bf16", body), x, precision=precision) == 2.0


def test_bf16_is_rounded_once() -> None:
    """What is near a tie of bf16, nearer than f32 tells, goes to its own side."""
    tie = 1 + BF16
    values = np.array(
        [tie, tie + 2.0**-40, tie - 2.0**-40, tie + 2.0**-30, np.nan, np.inf, 3.39e38]
    )
    got = narrow(values, np.dtype(ml_dtypes.bfloat16)).astype(np.float64)
    up = 1 + 2 * BF16
    np.testing.assert_array_equal(got[:4], [1, up, 1, up])
    assert np.isnan(got[4]) and got[5] == np.inf and np.isfinite(got[6])
    negative = narrow(-values, np.dtype(ml_dtypes.bfloat16)).astype(np.float64)
    np.testing.assert_array_equal(negative, -got)


THIRD = """%a = stablehlo.constant dense<1.0> : tensor<f32>
    %b = stablehlo.constant dense<3.0> : tensor<f32>
    %c = stablehlo.divide %a, %b : tensor<f32>
    %r = stablehlo.multiply %0, %c : tensor<f32>"""


@pytest.mark.parametrize(
    ("precision", "want"),
    [
        ("native", float(np.float32(1) / np.float32(3))),
        ("exact", 1 / 3),
        ("folded", float(np.float32(1) / np.float32(3))),
        ("real", 1 / 3),
    ],
)
def test_what_depends_on_no_argument(precision: Precision, want: float) -> None:
    """It rounds in folded, as a compiler that computes it would."""
    assert evaluate(function("f32", "f32", THIRD), np.float32(1), precision=precision) == want


NORM = """%r = "attnorm.rms_norm"(%0, %1) {{axes = array<i64: 0>, epsilon = 0.1 : f64,
    cast = "{}", operandSegmentSizes = array<i32: 1, 1>}}
    : (tensor<2xbf16>, tensor<2xf32>) -> tensor<2xf32>"""


@pytest.mark.parametrize(
    ("precision", "rounds", "epsilon"),
    [
        ("native", True, float(np.float32(0.1))),
        ("exact", True, 0.1),
        ("folded", True, float(np.float32(0.1))),
        ("real", False, 0.1),
    ],
)
def test_roundings_inside_an_op(precision: Precision, rounds: bool, epsilon: float) -> None:
    """The norm before the weight is rounded to bf16 where half types are."""
    x, w = np.array([1, 2], ml_dtypes.bfloat16), np.array([1, 3], np.float32)
    norm = np.array([1.0, 2.0]) / np.sqrt(2.5 + epsilon)
    half = norm.astype(np.float32).astype(ml_dtypes.bfloat16).astype(np.float64)
    want = (half if rounds else norm) * [1, 3]
    text = function("2xbf16, 2xf32", "2xf32", NORM.format("before_weight"))
    got = evaluate(text, x, w, precision=precision)
    want = want.astype(np.float32) if precision == "native" else want
    np.testing.assert_allclose(got, want, rtol=1e-15)
    got = evaluate(text.replace("before", "after"), x, w, precision=precision)
    want = (norm * [1, 3]).astype(np.float32) if precision == "native" else norm * [1, 3]
    np.testing.assert_allclose(got, want, rtol=1e-15)


def test_unknown_precision() -> None:
    """Refused, with those that there are."""
    with pytest.raises(AttnormError, match="expected native, exact, folded, real, got 'half'"):
        reference.evaluate(parse(added("f32", "1.0")), precision="half")  # type: ignore[arg-type]


def test_noise() -> None:
    """A difference of near numbers moves by much, a product by a little, the same for one seed."""
    kind = "tensor<1000xf32>"
    text = function(
        "1000xf32",
        "1000xf32",
        f"""%c = stablehlo.constant dense<1.0> : {kind}
        %s = stablehlo.multiply %0, %0 : {kind}
        %r = stablehlo.{{}} %s, %c : {kind}""",
    )
    x = np.full(1000, 1 + 2.0**-10, np.float32)

    def moves(op: str, seed: int) -> np.ndarray:
        module = parse(text.replace("{}", op))
        calm, moved = (reference.evaluate(module, x, noise=noise)[0] for noise in (None, seed))
        return np.abs(moved - calm) / calm

    assert 0 < moves("multiply", 0).max() < 16 * F32
    assert moves("subtract", 0).max() > 2.0**10 * F32
    np.testing.assert_array_equal(moves("subtract", 1), moves("subtract", 1))
    assert (moves("subtract", 1) != moves("subtract", 2)).any()
