"""Functions that IREE approximates: far from 0, for negative bases, at zeros and infinities."""

from __future__ import annotations

import itertools
import math

import ml_dtypes
import numpy as np
import pytest

import attnorm

DTYPES = {
    "f64": np.float64,
    "f32": np.float32,
    "bf16": ml_dtypes.bfloat16,
    "f16": np.float16,
}
ANGLES = {"stablehlo.sine": np.sin, "stablehlo.cosine": np.cos, "stablehlo.tan": np.tan}


def compiled(body: str, element: str, arguments: int, size: int) -> attnorm.Program:
    """A program of one function of vectors; `body` makes %r of %0, %1 with the type T."""
    kind = f"tensor<{size}x{element}>"
    taken = ", ".join(f"%{index}: {kind}" for index in range(arguments))
    text = f"func.func @main({taken}) -> {kind} {{\n{body}\nreturn %r : {kind}\n}}"
    return attnorm.compile(attnorm.load(text.replace("T", kind)), device="local-sync")


@pytest.mark.parametrize("element", DTYPES)
@pytest.mark.parametrize("name", ANGLES)
def test_angles(name: str, element: str) -> None:
    """Up to 2^30, within an ULP of the type; an infinity has no sine."""
    dtype = DTYPES[element]
    rng = np.random.default_rng(0)
    ranges = [1.0, 10.0, 1e3, 6e4, *([] if element == "f16" else [131072.0, 1e6, 1e9])]
    x = np.concatenate([rng.uniform(-end, end, 64) for end in ranges]).astype(dtype)
    program = compiled(f"%r = {name} %0 : T", element, 1, len(x))
    got = program(x).astype(np.float64)
    want = ANGLES[name](x.astype(np.float64))
    eps = float(ml_dtypes.finfo(dtype).eps)
    if element == "f64":
        # NumPy's own rest of a large angle is exact; ours has 107 bits of pi.
        assert (abs(got - want) <= 4 * eps * np.maximum(1, want**2)).all()
    else:
        assert (abs(got - want) <= eps * abs(want) + float(ml_dtypes.finfo(dtype).tiny)).all()
    edges = np.array([np.inf, -np.inf, np.nan] + [0.0] * (len(x) - 3), dtype)
    found = program(edges).astype(np.float64)
    assert np.isnan(found[:3]).all() and not np.isnan(found[3:]).any()


BASES = (-3.3, -1.0, -0.0, 0.0, 0.5, 1.0, 2.5, math.inf, -math.inf, math.nan, -2.0, 1e-20)
EXPONENTS = (0.0, -0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.5, -0.5, -1.0, -2.0, -3.0, 2.5, 7.0)
EXPONENTS += (math.inf, -math.inf, math.nan, 1e9, 65.0)


def power(x: float, y: float) -> float:
    """C99's `pow` (annex F.9.4.4), which Python's raises exceptions for."""
    try:
        return math.pow(x, y)
    except OverflowError:
        return -math.inf if x < 0 and y % 2 == 1 else math.inf
    except ValueError:
        if x == 0:
            return math.copysign(math.inf, x) if y % 2 == 1 else math.inf
        return math.nan


@pytest.mark.parametrize("element", ["f64", "f32"])
def test_powers(element: str) -> None:
    """Of exponents known at run time."""
    dtype = DTYPES[element]
    x, y = np.array(list(itertools.product(BASES, EXPONENTS)), dtype).T.copy()
    got = compiled("%r = stablehlo.power %0, %1 : T", element, 2, len(x))(x, y)
    with np.errstate(all="ignore"):
        want = np.array([power(float(a), float(b)) for a, b in zip(x, y, strict=True)]).astype(
            dtype
        )
    tiny = float(np.finfo(dtype).tiny)
    with np.errstate(all="ignore"):
        near = abs(got - want) <= 500 * np.finfo(dtype).eps * abs(want) + tiny
    right = (got == want) | (np.isnan(got) & np.isnan(want)) | near
    assert right.all(), [*zip(x[~right], y[~right], got[~right], want[~right], strict=True)]


@pytest.mark.parametrize("element", DTYPES)
@pytest.mark.parametrize("exponent", [4.0, 5.0, -3.0, 11.0, 2.5, -0.5, 70.0])
def test_constant_powers(exponent: float, element: str) -> None:
    """Whole ones as products, of negative numbers too."""
    dtype = DTYPES[element]
    x = np.array([-1.5, -1.0, 0.25, 1.0, 1.25, 0.875, -0.75, 1.125], dtype)
    body = f"%c = stablehlo.constant dense<{exponent}> : T\n%r = stablehlo.power %0, %c : T"
    got = compiled(body, element, 1, len(x))(x).astype(np.float64)
    with np.errstate(all="ignore"):
        want = np.array([power(float(a), exponent) for a in x]).astype(dtype).astype(np.float64)
    error = 100 * float(ml_dtypes.finfo(dtype).eps) if element in ("f64",) else 2.0**-20
    error = max(error, float(ml_dtypes.finfo(dtype).eps))
    with np.errstate(all="ignore"):
        near = abs(got - want) <= error * abs(want) + 2.0**-126
    assert (near | (got == want) | (np.isnan(got) & np.isnan(want))).all(), (x, got, want)


def test_tanh_in_f64() -> None:
    """It does not link as it is."""
    x = np.concatenate([np.linspace(-25, 25, 201), [np.inf, -np.inf, np.nan, 1e-9, -1e-300, 0.0]])
    got = compiled("%r = stablehlo.tanh %0 : T", "f64", 1, len(x))(x)
    np.testing.assert_allclose(got, np.tanh(x), rtol=1e-13, atol=0)


def test_signs_of_angles_and_roots() -> None:
    """`atan2` of -0 lies below the axis, and the cube root of an infinity is one."""
    y = np.array([-0.0, 0.0, -0.0, 1.0, -1.0, -0.0], np.float32)
    x = np.array([-1.0, -1.0, 1.0, 0.0, 0.0, -0.0], np.float32)
    got = compiled("%r = stablehlo.atan2 %0, %1 : T", "f32", 2, 6)(y, x)
    np.testing.assert_allclose(got, np.arctan2(y, x), rtol=1e-6)
    np.testing.assert_array_equal(np.signbit(got), np.signbit(y))
    x = np.array([np.inf, -np.inf, 27.0, -8.0], np.float32)
    got = compiled("%r = stablehlo.cbrt %0 : T", "f32", 1, 4)(x)
    np.testing.assert_allclose(got, np.cbrt(x), rtol=1e-6)
