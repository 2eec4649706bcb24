"""Attention in blocks, written out and in loops, against float64.

StableHLO's interpreter runs every case, and IREE every fifth: it takes seconds to compile a dozen.
"""

from __future__ import annotations

from itertools import product

import ml_dtypes
import numpy as np
import pytest

from attnorm import dialect, reference
from attnorm.execution import interpreter
from attnorm.execution.compiler import compile_module
from attnorm.execution.program import Program
from attnorm.ir.mlir import ir
from attnorm.ir.serialization import bytecode
from attnorm.ir.tensor_type import TensorType
from attnorm.pipeline import driver

# Lengths are no multiples of these; blocks of queries and of keys meet at every angle.
STRATEGIES = {
    "blocks": "expand-sdpa{strategy=blocks queries=20}",
    "online": "expand-sdpa{strategy=online queries=8 keys=16}",
    "online_short_keys": "expand-sdpa{strategy=online queries=16 keys=8}",
}
MODES = ("nan", "zero", "uniform")
F16, BF16 = np.float16, ml_dtypes.bfloat16


def normal(shape, seed, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def operands(heads=(4, 2), lengths=(37, 37), depths=(8, 6), batch=(), dtype=np.float32):
    """Normal q, k and v."""
    shapes = [(heads[0], lengths[0], depths[0]), (heads[1], lengths[1], depths[0])]
    shapes.append((heads[1], lengths[1], depths[1]))
    keys = zip("qkv", shapes, strict=True)
    return {key: normal((*batch, *shape), seed, dtype) for seed, (key, shape) in enumerate(keys)}


def tensor(array):
    return ir.Type.parse(f"tensor<{TensorType.of(array)}>")


def check(cases, passes):
    """Compares both results of each case with the definition, interpreted and compiled."""
    with dialect.new_context(), ir.Location.unknown():
        module = _expanded(cases, passes)
        sample = _expanded(cases[::5], passes)
        program = Program(compile_module(bytecode(sample)), device="local-sync")
    for index, (arrays, attributes) in enumerate(cases):
        want = reference.sdpa(**arrays, **{"scale": 0.35, **attributes})
        got = interpreter.evaluate(module, *arrays.values(), function=f"f{index}")
        _compare(got, want, arrays, attributes)
        if index % 5 == 0:
            got = program(*arrays.values(), function=f"f{index // 5}")
            _compare(got, want, arrays, attributes)


def _expanded(cases, passes):
    """A module with a function for each case."""
    module = ir.Module.create().operation
    for index, (arrays, attributes) in enumerate(cases):
        with ir.InsertionPoint(module.regions[0].blocks[0]):
            _define(f"f{index}", arrays, {"scale": 0.35, **attributes})
    driver.run(module, driver.resolve(f"{passes},canonicalize,cse"))
    return module


def _define(name, arrays, attributes):
    q, v = arrays["q"], arrays["v"]
    rows = TensorType(q.shape[:-1], "f32")
    result = TensorType((*q.shape[:-1], v.shape[-1]), TensorType.of(q).element)
    inputs = [tensor(array) for array in arrays.values()]
    outputs = [ir.Type.parse(f"tensor<{kind}>") for kind in (result, rows)]
    function = ir.Operation.create(
        "func.func",
        attributes={
            "sym_name": ir.StringAttr.get(name),
            "function_type": ir.TypeAttr.get(ir.FunctionType.get(inputs, outputs)),
        },
        regions=1,
    )
    entry = function.regions[0].blocks.append(
        *inputs, arg_locs=[ir.Location.unknown()] * len(inputs)
    )
    with ir.InsertionPoint(entry):
        named = dict(zip(arrays, entry.arguments, strict=True))
        op = dialect.Sdpa.build(named, outputs, attributes)
        ir.Operation.create("func.return", operands=list(op.results))


def _compare(got, want, arrays, attributes):
    eps = float(ml_dtypes.finfo(arrays["q"].dtype).eps)
    rounding = 0.5 * eps if arrays["q"].dtype in (F16, BF16) else 0.0
    for array, expected in zip(got, want, strict=True):
        finite = np.abs(expected[np.isfinite(expected)])
        scale = max(1.0, finite.max() if finite.size else 1.0)
        # The logarithm is f32 whatever the result is.
        error = rounding * np.nan_to_num(np.abs(expected), posinf=0.0) + 1e-5 * scale
        same = (array == expected) | (np.isnan(array) & np.isnan(expected))
        with np.errstate(invalid="ignore"):
            close = np.abs(array.astype(np.float64) - expected) <= error
        assert (same | close).all(), attributes


BANDS = [
    {},
    {"causal": True},
    {"causal": True, "window": (9, -1)},
    {"window": (20, 3)},
    {"window": (-1, 5)},
    {"window": (0, -1)},
]


@pytest.mark.parametrize("passes", STRATEGIES.values(), ids=STRATEGIES)
@pytest.mark.parametrize("lengths", [(37, 37), (37, 64), (50, 21), (3, 70)], ids=str)
def test_bands(lengths, passes):
    """Every band at offsets that leave rows everything, something and nothing."""
    cases = []
    for index, band in enumerate(BANDS):
        for offset in (0, lengths[1] - lengths[0], -12, 33)[index % 2 :: 2] if band else (0,):
            mode = MODES[index % 3]
            cases.append(
                (operands(lengths=lengths), {**band, "offset": offset, "fully_masked": mode})
            )
    check(cases, passes)


@pytest.mark.parametrize("passes", STRATEGIES.values(), ids=STRATEGIES)
def test_start(passes):
    """A position that is known at run time bounds the loops as an attribute does."""
    cases = []
    for band, start in product(BANDS[1:], (-40, -5, 0, 30, 200)):
        arrays = operands(heads=(2, 2), lengths=(11, 45))
        arrays["start"] = np.array(start, np.int64 if start == 30 else np.int32)
        cases.append((arrays, {**band, "offset": 2, "fully_masked": "zero"}))
    check(cases, passes)


@pytest.mark.parametrize("passes", STRATEGIES.values(), ids=STRATEGIES)
@pytest.mark.parametrize("kind", ["bool", "float"])
def test_masks(kind, passes):
    """A mask of every shape is cut as the scores are, and whole rows of it may mask."""
    cases = []
    shapes = [(37,), (29, 37), (29, 1), (1, 37), (4, 29, 37), (1, 29, 37), (4, 1, 1), ()]
    shapes += [(2, 4, 29, 37), (2, 1, 29, 37), (2, 1, 1, 37), (1, 4, 29, 37), (1, 1, 29, 37)]
    for index, shape in enumerate(shapes):
        mask = normal(shape, index + 7)
        mask = np.asarray(mask > 0) if kind == "bool" else np.asarray(mask)
        if len(shape) > 1 and shape[-2] == 29:
            mask[..., 5, :] = False if kind == "bool" else -np.inf
            mask[..., 11, :20] = False if kind == "bool" else -np.inf
        arrays = {**operands(lengths=(29, 37), batch=(2,)), "mask": mask}
        band = BANDS[index % 4]
        cases.append((arrays, {**band, "fully_masked": MODES[index % 3]}))
    check(cases, passes)


@pytest.mark.parametrize("passes", STRATEGIES.values(), ids=STRATEGIES)
@pytest.mark.parametrize("mode", MODES)
def test_everything(mode, passes):
    """Sinks, a softcap, a mask, a band and fully masked rows at once; one head to eight a key."""
    cases = []
    for heads, batch in product([(8, 1), (6, 2), (3, 3)], [(), (2,), (1, 2)]):
        arrays = {**operands(heads, (21, 39), batch=batch)}
        arrays["mask"] = normal((21, 39), 9) > -0.5
        arrays["mask"][4] = False
        arrays["sinks"] = normal((heads[0],), 5)
        arrays["sinks"][0] = -np.inf
        band = {"causal": True, "offset": -2, "window": (25, -1)}
        cases.append((arrays, {**band, "softcap": 1.5, "fully_masked": mode}))
    check(cases, passes)


@pytest.mark.parametrize("passes", STRATEGIES.values(), ids=STRATEGIES)
@pytest.mark.parametrize("dtype", [F16, BF16])
def test_half_types(dtype, passes):
    """Scores and sums are f32: the result is one rounding away."""
    cases = [(operands(dtype=dtype), {"fully_masked": "zero", **band}) for band in BANDS]
    check(cases, passes)


@pytest.mark.parametrize("passes", STRATEGIES.values(), ids=STRATEGIES)
def test_falling_and_rising_scores(passes):
    """The largest score may come first or last; what was summed up before it is scaled down."""
    cases = []
    for sign in (1, -1):
        arrays = operands((1, 1), (9, 61))
        arrays["q"][:] = sign
        arrays["k"][:] = np.linspace(-40, 40, 61, dtype=np.float32)[None, :, None]
        cases.append((arrays, {}))
    check(cases, passes)


@pytest.mark.parametrize("length", [2048, 100_000])
def test_code_does_not_grow(length):
    """A loop's program is as small for a long sequence as for a short one, in scores and code."""
    kind = f"tensor<1x2x{length}x16xf32>"
    text = (
        f"func.func @main(%q: {kind}) -> {kind} {{\n"
        '  %0 = "attnorm.sdpa"(%q, %q, %q) {scale = 0.25 : f64, causal = true,'
        " operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}"
        f" : ({kind}, {kind}, {kind}) -> {kind}\n  return %0 : {kind}\n}}\n"
    )
    with dialect.new_context(), ir.Location.unknown():
        module = ir.Module.parse(text).operation
        driver.run(module, driver.resolve("expand-sdpa,canonicalize,cse"))
        assert str(module).count("\n") < 160
        assert len(compile_module(bytecode(module))) < 60_000
