"""Two interpreters asked the same: StableHLO's own, and the definitions in NumPy."""

from __future__ import annotations

import functools
import zlib

import ml_dtypes
import numpy as np

from attnorm import dialect, reference
from attnorm.execution import interpreter
from attnorm.ir.entry import choose, signature
from attnorm.ir.mlir import ir
from attnorm.ir.parsing import parse_text
from attnorm.ir.tensor_type import ELEMENTS, TensorType

FLOATS = ("f16", "bf16", "f32", "f64")
INTEGERS = tuple(e for e in ELEMENTS if "f" not in e and e != "i1")
SIGNED = tuple(e for e in INTEGERS if not e.startswith("u"))

_context = functools.cache(dialect.new_context)


def parse(text: str) -> ir.Operation:
    """A module; a body alone is that of a function: see `function`."""
    return parse_text(text, "model.mlir", _context())


def function(arguments: str, results: str, body: str) -> str:
    """@main of one line of arguments ("2x3xf32, i32", %0 and so on), and a body.

    The body's last value is %r, or %r#0, %r#1 where there are several results.
    """
    taken = [f"tensor<{kind}>" for kind in arguments.split(", ")] if arguments else []
    given = [f"tensor<{kind}>" for kind in results.split(", ")]
    names = ", ".join(f"%{index}: {kind}" for index, kind in enumerate(taken))
    values = ", ".join(f"%r#{i}" for i in range(len(given))) if len(given) > 1 else "%r"
    types = ", ".join(given)
    return f"func.func @main({names}) -> ({types}) {{ {body}\n return {values} : {types} }}"


def hard(kind: TensorType, seed: int) -> np.ndarray:
    """Values of a type, among them its ends, NaN, infinities, subnormals and both zeros."""
    rng, shape = np.random.default_rng(seed), [3 if s is None else s for s in kind.shape]
    if kind.element == "i1":
        return rng.integers(0, 2, shape).astype(np.bool_)
    if kind.dtype.kind in "iu":
        limits = np.iinfo(kind.dtype)
        x = rng.integers(limits.min, limits.max, shape, dtype=kind.dtype, endpoint=True)
        small = rng.integers(0 if limits.min == 0 else -9, 9, shape).astype(kind.dtype)
        ends = np.array([limits.min, limits.max, limits.max - 1, 0, 1], kind.dtype)
        return _mixed(rng, [x, small, small, rng.choice(ends, shape)])
    limits = ml_dtypes.finfo(kind.dtype)
    x = rng.standard_normal(shape)
    wide = x * np.exp(rng.uniform(-9, 9, shape))
    ends = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, -2.5]
    ends += [float(limits.max), -float(limits.max), float(limits.tiny)]
    ends += [float(limits.smallest_subnormal), -float(limits.smallest_subnormal)]
    found = _mixed(rng, [x, wide, rng.choice(np.array(ends), shape)])
    with np.errstate(all="ignore"):
        return np.asarray(found).astype(kind.dtype)


def plain(kind: TensorType, seed: int) -> np.ndarray:
    """Small values of a type: whole numbers, of which a few are sums without rounding."""
    shape = [3 if s is None else s for s in kind.shape]
    rng = np.random.default_rng(seed)
    low = 0 if kind.element == "i1" or kind.element.startswith("u") else -4
    return np.asarray(rng.integers(low, 2 if kind.element == "i1" else 5, shape)).astype(kind.dtype)


def _mixed(rng: np.random.Generator, choices: list[np.ndarray]) -> np.ndarray:
    return np.choose(rng.integers(0, len(choices), choices[0].shape), choices)


def check(text: str, *arrays: np.ndarray, draw=hard, ulps: float = 0) -> None:
    """Both give the same bits, but for NaN's; or what is not further off than `ulps`."""
    module = parse(text)
    if not arrays:
        with module.context:
            kinds = signature(choose(module, None)).arguments
        seed = zlib.crc32(text.encode())
        arrays = tuple(draw(kind, seed + i) for i, kind in enumerate(kinds))
    want = interpreter.evaluate(module, *arrays)
    got = reference.evaluate(module, *arrays)
    assert len(got) == len(want)
    for index, (a, b) in enumerate(zip(got, want, strict=True)):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        right = same(a, b, ulps)
        if not right.all():
            at = tuple(np.argwhere(~right)[0])
            given = [x[at] for x in arrays if x.shape == a.shape]
            found = f"{(~right).sum()} of {a.size}: got {a[at]}, not {b[at]}"
            raise AssertionError(f"result {index}, {found}, of {given}")


def same(a: np.ndarray, b: np.ndarray, ulps: float = 0) -> np.ndarray:
    """Where two arrays of one type are the same."""
    if a.dtype.kind in "biu":
        return a == b
    with np.errstate(all="ignore"):
        x, y = a.astype(np.float64), b.astype(np.float64)
        equal = (x == y) & (np.signbit(x) == np.signbit(y)) | np.isnan(x) & np.isnan(y)
        if ulps:
            spacing = np.abs(np.spacing(np.abs(b))).astype(np.float64)
            equal |= np.abs(x - y) <= ulps * spacing
        return equal
