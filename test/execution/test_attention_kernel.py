"""The kernel of attention, through IREE, against its float64 definition."""

from __future__ import annotations

import math
import platform
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import aarch64
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnorm import dialect, reference
from attnorm.execution.build import build
from attnorm.execution.program import Program
from attnorm.execution.targets import TARGETS
from attnorm.ir.mlir import ir
from attnorm.ir.tensor_type import TensorType
from attnorm.pipeline import driver

F16, F32, BF16 = np.dtype(np.float16), np.dtype(np.float32), np.dtype(ml_dtypes.bfloat16)
MODES = ("nan", "zero", "uniform")
BANDS = [
    {},
    {"causal": True},
    {"causal": True, "window": (9, -1)},
    {"window": (20, 3)},
    {"window": (-1, 5)},
    {"window": (0, -1)},
]


@dataclass
class Case:
    """Operands by name, attributes, and whether the logarithm is asked for too."""

    arrays: dict[str, np.ndarray]
    attributes: dict[str, Any] = field(default_factory=dict)
    log_sum_exp: bool = True

    def __post_init__(self):
        self.attributes = {"scale": 0.35, **self.attributes}


def normal(shape, seed=0, dtype=F32):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def operands(heads=(2, 2), lengths=(37, 70), depths=(16, 16), batch=(1,), dtype=F32):
    """Normal q, k and v; heads, lengths and depths of q and k, and the depths of k and v."""
    q = (*batch, heads[0], lengths[0], depths[0])
    k, v = ((*batch, heads[1], lengths[1], depth) for depth in depths)
    return {
        name: normal(s, i, dtype) for i, (name, s) in enumerate(zip("qkv", (q, k, v), strict=True))
    }


# -- through IREE --------------------------------------------------------------------------------


def compiled(cases, target="host"):
    """A program with a function for each case, and why the cases that have no kernel have none."""
    reasons = []
    with dialect.new_context(), ir.Location.unknown():
        module = ir.Module.create().operation
        for index, case in enumerate(cases):
            with ir.InsertionPoint(module.regions[0].blocks[0]):
                _define("main" if len(cases) == 1 else f"f{index}", case)
        driver.run(module, driver.resolve("to-composites"))
        vmfb = build(module, target, on_choice=lambda choice: reasons.append(choice.reason))
    return vmfb, reasons


def _define(name, case):
    inputs = [_tensor(array.shape, TensorType.of(array).element) for array in case.arrays.values()]
    q, v = case.arrays["q"], case.arrays["v"]
    outputs = [_tensor((*q.shape[:-1], v.shape[-1]), TensorType.of(q).element)]
    outputs += [_tensor(q.shape[:-1], "f32")] * case.log_sum_exp
    function = ir.Operation.create(
        "func.func",
        attributes={
            "sym_name": ir.StringAttr.get(name),
            "function_type": ir.TypeAttr.get(ir.FunctionType.get(inputs, outputs)),
        },
        regions=1,
    )
    locations = [ir.Location.unknown()] * len(inputs)
    entry = function.regions[0].blocks.append(*inputs, arg_locs=locations)
    with ir.InsertionPoint(entry):
        named = dict(zip(case.arrays, entry.arguments, strict=True))
        op = dialect.Sdpa.build(named, outputs, case.attributes)
        ir.Operation.create("func.return", operands=list(op.results))


def _tensor(shape, element):
    return ir.Type.parse(f"tensor<{TensorType(tuple(shape), element)}>")


def check(cases, target="host", device="local-sync"):
    """Compiles the cases as one module, each to a kernel; compares all results."""
    vmfb, reasons = compiled(cases, target)
    assert reasons == [None] * len(cases)
    program = Program(vmfb, device=device)
    for index, case in enumerate(cases):
        got = program(*case.arrays.values(), function="main" if len(cases) == 1 else f"f{index}")
        compare(got if case.log_sum_exp else [got], case)


def compare(got, case):
    """Within 1e-5 of the result's scale, and half a unit in the last place of a half type."""
    want = reference.sdpa(**case.arrays, **case.attributes)
    for array, expected in zip(got, want, strict=False):
        finite = np.abs(expected[np.isfinite(expected)])
        scale = max(1.0, finite.max() if finite.size else 1.0)
        eps = 0.0 if array.dtype == F32 else float(ml_dtypes.finfo(array.dtype).eps)
        error = 0.5 * eps * np.nan_to_num(np.abs(expected), posinf=0.0) + 1e-5 * scale
        same = (array == expected) | (np.isnan(array) & np.isnan(expected))
        with np.errstate(invalid="ignore"):
            close = np.abs(array.astype(np.float64) - expected) <= error
        shapes = {name: x.shape for name, x in case.arrays.items()}
        assert (same | close).all(), (shapes, case.attributes)


# -- shapes --------------------------------------------------------------------------------------


def test_tiles():
    """Lengths and depths that divide by nothing, heads that share tiles and keys, batches."""
    check(
        [
            Case(operands(lengths=(37, 70))),
            Case(operands(lengths=(64, 128), depths=(64, 64))),
            Case(operands(lengths=(3, 5), depths=(1, 1))),
            Case(operands(lengths=(33, 1), depths=(20, 7), batch=())),
            Case(operands(heads=(8, 2), lengths=(5, 70), depths=(16, 40))),
            Case(operands(heads=(6, 2), lengths=(50, 13), batch=(2, 1, 2))),
            Case(operands(lengths=(40, 90), depths=(256, 256))),
        ]
    )


def test_rows():
    """Few queries: of one head and several, with the keys split over workgroups and not."""
    check(
        [
            Case(operands(heads=heads, lengths=(queries, keys), depths=(32, 48), batch=batch))
            for heads, queries, keys, batch in (
                ((2, 2), 1, 70, (1,)),
                ((4, 1), 1, 16, (2,)),
                ((3, 1), 2, 45, ()),
                ((2, 2), 3, 300, (3,)),
                ((4, 1), 1, 1030, (1,)),
                ((3, 3), 2, 1537, (1,)),
            )
        ]
    )


@pytest.mark.parametrize("dtype", [F16, BF16], ids=str)
def test_half_types(dtype):
    """Half types are computed in f32 and rounded once, the logarithm not at all."""
    check(
        [
            Case(operands(lengths=(150, 70), depths=(24, 20), dtype=dtype), {"causal": True}),
            Case(operands(lengths=(9, 64), depths=(64, 64), dtype=dtype)),
            Case(operands(heads=(4, 1), lengths=(1, 1025), depths=(64, 32), dtype=dtype)),
        ]
    )


def test_types_of_their_own():
    """Each operand and the result may have another type."""
    arrays = operands(lengths=(20, 30))
    arrays |= {"q": arrays["q"].astype(F16), "v": arrays["v"].astype(BF16)}
    arrays |= {"mask": normal((20, 30), 5, BF16), "sinks": normal((2,), 6, F16)}
    check([Case(arrays)])


# -- attributes and further operands -------------------------------------------------------------


@pytest.mark.parametrize("lengths", [(37, 37), (70, 140), (50, 21), (2, 70), (1, 1100)], ids=str)
def test_bands(lengths):
    """Every band at offsets that leave rows everything, something and nothing."""
    cases = []
    for index, band in enumerate(BANDS):
        offsets = (0, lengths[1] - lengths[0], -12, 33) if band else (0,)
        attributes = {**band, "offset": offsets[index % len(offsets)]}
        attributes["fully_masked"] = MODES[index % 3]
        cases.append(Case(operands(lengths=lengths), attributes))
    check(cases)


@pytest.mark.parametrize("lengths", [(40, 90), (1, 1100)], ids=str)
def test_start(lengths):
    """Positions known at run time; those beyond the keys on either side leave nothing or all."""
    for band, dtype in zip(BANDS[1:4], (np.int32, np.int64, np.int8), strict=True):
        attributes = {**band, "offset": 2, "fully_masked": "zero"}
        arrays = {**operands(lengths=lengths), "start": np.array(0, dtype)}
        vmfb, reasons = compiled([Case(arrays, attributes)])
        assert reasons == [None]
        program = Program(vmfb)
        for start in (-120, -5, 0, 50, 120):
            case = Case({**arrays, "start": np.array(start, dtype)}, attributes)
            compare(program(*case.arrays.values()), case)


MASKS = [
    (70,),
    (21, 70),
    (21, 1),
    (1, 70),
    (4, 21, 70),
    (4, 1, 1),
    (),
    (2, 1, 21, 70),
    (2, 4, 1, 70),
]


@pytest.mark.parametrize("queries", [21, 2])
def test_masks(queries):
    """A mask of every shape, of truth values and of numbers; rows of it may mask all."""
    cases = []
    for index, shape in enumerate(MASKS):
        shape = tuple(queries if n == 21 else n for n in shape)
        mask = normal(shape, index + 7)
        mask = np.asarray(mask > 0 if index % 2 else np.where(mask < -1, -np.inf, mask))
        arrays = operands(heads=(4, 2), lengths=(queries, 70), batch=(2,))
        cases.append(Case({**arrays, "mask": mask}, {"fully_masked": MODES[index % 3]}))
    check(cases)


@pytest.mark.parametrize("lengths", [(37, 70), (1, 70), (1, 1100)], ids=str)
def test_everything_at_once(lengths):
    """Cap, mask, band and sinks keep their order."""
    arrays = operands(heads=(4, 2), lengths=lengths)
    arrays["mask"] = np.random.default_rng(3).random((4, 1, lengths[1])) < 0.8
    arrays["sinks"] = np.array([0.5, -np.inf, 3.0, -2.0], F32)
    arrays["start"] = np.array(lengths[1] - lengths[0], np.int32)
    check([Case(arrays, {"softcap": 2.0, "causal": True, "window": (30, -1)})])


@settings(max_examples=10, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**32 - 1))
def test_any(seed):
    """Anything that the op can say."""
    check([drawn(np.random.default_rng(seed))])


def drawn(rng):
    """A case of sizes around those of vectors and tiles."""
    key_heads, group = rng.choice([1, 2]), rng.choice([1, 2, 3, 8])
    heads = int(key_heads * group)
    queries = int(rng.choice([1, 2, 5, 17, 31, 33, 70]))
    keys = int(rng.choice([1, 3, 8, 16, 33, 65, 130] if queries > 2 else [7, 16, 130, 1040]))
    # Of few queries only vectors that are whole.
    depths = [int(n) for n in rng.choice([8, 16, 20, 48, 3][: 4 + (group * queries > 8)], 2)]
    dtype = (F32, F32, F16, BF16)[rng.integers(4)]
    arrays = operands((heads, int(key_heads)), (queries, keys), depths, (2,), dtype)
    attributes = dict(BANDS[rng.integers(len(BANDS))])
    if attributes:
        attributes["offset"] = int(rng.choice([0, keys - queries, -4, keys + 3]))
    if rng.random() < 0.3:
        shape = [n if rng.random() < 0.6 else 1 for n in (2, heads, queries, keys)]
        mask = rng.standard_normal(shape)
        arrays["mask"] = mask > -0.5 if rng.random() < 0.5 else mask.astype(F16)
    if rng.random() < 0.3:
        arrays["sinks"] = rng.standard_normal(heads).astype(F32)
    if attributes and rng.random() < 0.3:
        arrays["start"] = np.array(rng.integers(-5, keys), np.int32)
    if rng.random() < 0.3:
        attributes["softcap"] = 2.0
    attributes["fully_masked"] = MODES[rng.integers(3)]
    return Case(arrays, attributes, bool(rng.random() < 0.5))


# -- hard values ---------------------------------------------------------------------------------


@pytest.mark.parametrize("queries", [20, 1])
def test_hard_values(queries):
    """NaN and infinities take their course; what is masked is not looked at."""
    cases = []
    for name, value in product("qk", (math.nan, math.inf, 1e30)):
        arrays = operands(lengths=(queries, 40))
        arrays[name][0, 0, 0, 3] = value
        cases.append(Case(arrays))
    arrays = operands(lengths=(queries, 40))
    arrays["v"][0, 1, 5, 2] = math.nan
    arrays["v"][0, 0, 6, 1] = math.inf
    cases.append(Case(arrays))
    for value in (math.nan, math.inf, -math.inf):
        arrays = operands(lengths=(queries, 40))
        cases.append(Case({**arrays, "sinks": np.array([value, 0.0], F32)}))
    # Beyond a head's last key lies the next head.
    arrays = operands(lengths=(queries, 37))
    for name in "kv":
        arrays[name][0, 1] = math.nan
    cases.append(Case(arrays))
    check(cases)


@pytest.mark.parametrize("lengths", [(20, 70), (1, 1100)], ids=str)
def test_large_scores(lengths):
    """Scores far apart, and masks of the lowest number, as exporters write them."""
    arrays = operands(lengths=lengths)
    lowest = np.full(lengths, np.finfo(F32).min, F32)
    cases = [Case({**arrays, "q": 40 * arrays["q"]}), Case({**arrays, "mask": lowest})]
    vmfb, _ = compiled(cases)
    program = Program(vmfb)
    compare(program(*cases[0].arrays.values(), function="f0"), cases[0])
    # The scores vanish beside the mask: all keys weigh the same.
    got, _ = program(*cases[1].arrays.values(), function="f1")
    want = np.broadcast_to(arrays["v"].mean(axis=-2, keepdims=True), got.shape)
    np.testing.assert_allclose(got, want, atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_to_attend_to(mode):
    """Rows that are masked whole, beside others; a sink makes them 0 by the formula."""
    attributes = {"causal": True, "offset": -7, "fully_masked": mode}
    cases = [
        Case(operands(lengths=lengths), attributes) for lengths in ((20, 30), (3, 30), (1, 1100))
    ]
    cases.append(Case({**operands(lengths=(20, 30)), "sinks": normal((2,))}, attributes))
    check(cases)


# -- what has no kernel, and other machines ------------------------------------------------------


REFUSALS = {
    "q: expected elements of f16, bf16 or f32, got f64": operands((2, 2), (5, 9), dtype=np.float64),
    "few queries, of a depth that is no multiple of a vector": operands((2, 2), (1, 99), (5, 5)),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_refusals(reason):
    """What has no kernel says why; the decomposition computes it."""
    case = Case(REFUSALS[reason])
    vmfb, reasons = compiled([case])
    assert reasons == [reason]
    compare(Program(vmfb)(*case.arrays.values()), case)


def test_threads():
    """Workgroups that run side by side leave each other alone."""
    cases = [
        Case(operands(heads=(8, 2), lengths=(300, 300), depths=(128, 128)), {"causal": True}),
        Case(operands(heads=(4, 1), lengths=(1, 4096), depths=(64, 64))),
    ]
    check(cases, device="local-task")


def portable_cases():
    """Both kernels with most of what they can do."""
    for dtype, lengths in product((F32, F16), ((21, 45), (1, 1060))):
        arrays = operands(heads=(4, 2), lengths=lengths, depths=(16, 24), dtype=dtype)
        arrays["mask"] = np.random.default_rng(3).random((4, *lengths)) < 0.8
        arrays["start"] = np.array(lengths[1] - lengths[0], np.int32)
        attributes = {"softcap": 2.0, "causal": True, "window": (30, -1), "fully_masked": "zero"}
        yield Case(arrays, attributes, log_sum_exp=False)
    yield Case(operands(lengths=(40, 64), depths=(64, 64)), log_sum_exp=False)


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "host"])
def test_targets(target):
    """There is code for every target."""
    cases = [*portable_cases(), Case(operands(dtype=BF16, lengths=(9, 33)))]
    _, reasons = compiled(cases, target)
    assert reasons == [None] * len(cases)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="not an x86-64")
@pytest.mark.parametrize("target", ["x86-64", "x86-64-v3"])
def test_narrow_vectors(target):
    """The vectors of any x86-64 do on this one."""
    check(list(portable_cases()), target)


CPUS = [
    ("aarch64", "cortex-a72"),
    ("aarch64+sve", "max,sve-max-vq=1"),
    ("aarch64+sve", "max,sve-max-vq=2"),
    ("aarch64+sve2", "max,sve-max-vq=4"),
]


@pytest.mark.skipif(bool(aarch64.missing()), reason=aarch64.missing())
@pytest.mark.parametrize(("target", "cpu"), CPUS)
def test_aarch64(target, cpu, tmp_path):
    """NEON, and SVE of 128, 256 and 512 bits."""
    for case in portable_cases():
        vmfb, reasons = compiled([case], target)
        assert reasons == [None]
        got = aarch64.run(vmfb, list(case.arrays.values()), cpu, tmp_path)
        assert isinstance(got, np.ndarray), got
        compare([got], case)
