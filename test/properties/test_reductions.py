"""Opaque reductions against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from cases import (
    BF16,
    F16,
    F32,
    F64,
    FLOATS,
    HALVES,
    Question,
    call_case,
    check_compiled,
    check_interpreted,
    tensor,
)
from closeness import precision
from drawing import normal, seeds, shapes, subsets, with_specials
from hypothesis import given, settings
from hypothesis import strategies as st

from attnorm import reference

ERROR = 2e-6
BOOL = np.dtype(bool)
SIGNED = [np.dtype(f"int{bits}") for bits in (8, 16, 32, 64)]
UNSIGNED = [np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64)]
DTYPES = [*FLOATS, *SIGNED, *UNSIGNED, BOOL]

SAME = ("reduce_max", "reduce_min")
WIDENING = ("reduce_sum", "reduce_prod")
FLOAT = ("reduce_mean", "reduce_variance", "reduce_logsumexp", "reduce_l2", "reduce_norm")
TRUTH = ("reduce_any", "reduce_all")
POSITION = ("reduce_argmax", "reduce_argmin")
TARGETS = (*SAME, *WIDENING, *FLOAT, *TRUTH, *POSITION)


def result_types(target, dtype):
    """The element types that a target's result may have."""
    if target in FLOAT:
        return list(FLOATS)
    if target in POSITION:
        return [*SIGNED[2:], *UNSIGNED[2:]]
    if target in TRUTH:
        return [BOOL, dtype]
    if target in SAME:
        return [dtype]
    for family in (FLOATS[1:], FLOATS[::2], SIGNED, UNSIGNED):
        if dtype in family:
            return list(family[family.index(dtype) :])
    return [BOOL, *SIGNED, *UNSIGNED]


def error_of(target, x, values, want):
    """The error allowed in f32: relative to the sum of magnitudes where terms cancel."""
    magnitude = np.abs(x.astype(np.float64))
    values = {**values, "result": np.float64}
    with np.errstate(all="ignore"):
        if target in ("reduce_sum", "reduce_mean"):
            return ERROR * reference.reduce(target, magnitude, **values)
        if target == "reduce_variance":
            # The mean itself is known to an error of its own, which is squared.
            mean = reference.reduce("reduce_mean", magnitude, **{**values, "correction": 0})
            return 2 * ERROR * np.abs(want) + (ERROR * mean) ** 2
        if target == "reduce_logsumexp":
            return ERROR * (1 + np.abs(want))
        return ERROR * np.abs(want)


def question(target, x, axes, result, *, keepdim=False, correction=0.0, dynamic=(), signs=()):
    """One reduction; the axes whose position is in `signs` are spelt from the end."""
    values = {"axes": axes, "keepdim": keepdim, "correction": correction, "result": result}
    want = reference.reduce(target, x, **values)
    error = 0.0
    if want.dtype == np.float64 and target not in SAME:
        error = precision([x.dtype, result], error_of(target, x, values, want))
    spelt = [axis - x.ndim if index in signs else axis for index, axis in enumerate(axes)]
    attributes = f"dimensions = {spelt}, keepdim = {str(keepdim).lower()}"
    if target == "reduce_variance":
        attributes += f", correction = {correction}"
    reduced = axes or range(x.ndim)
    sizes = [None if axis in dynamic else size for axis, size in enumerate(x.shape)]
    shape = [
        1 if axis in reduced else size
        for axis, size in enumerate(sizes)
        if keepdim or axis not in reduced
    ]
    case = call_case(
        target, [x], attributes, [tensor(shape, result)], [(0, axis) for axis in dynamic]
    )
    return Question(case, [(want, error)])


def array(shape, dtype, seed, scale):
    """Values of any element type, with equal ones among them."""
    generator = np.random.default_rng(seed)
    if dtype in FLOATS:
        return normal(shape, dtype, seed, scale)
    if dtype == BOOL:
        return generator.integers(0, 2, shape).astype(bool)
    low, high = (-100, 100) if dtype in SIGNED else (0, 200)
    if generator.random() < 0.3:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    return generator.integers(low, high, shape, dtype)


@st.composite
def reductions(draw, dynamic=False, min_size=0, dtypes=DTYPES):
    """Any target, axes and types; sizes of 0 too."""
    target = draw(st.sampled_from(TARGETS))
    dtype = draw(st.sampled_from(dtypes))
    shape = draw(shapes(1 if dynamic else 0, 4, min_size, 4))
    axes = draw(subsets(len(shape), 0))
    result = draw(st.sampled_from(result_types(target, dtype)))
    seed = draw(seeds)
    x = array(shape, dtype, seed, draw(st.sampled_from([1.0, 1e-2, 50.0])))
    if dtype in FLOATS and draw(st.booleans()):
        specials = [0.0, 1.0, np.inf, -np.inf, np.nan]
        x = with_specials(x, seed, *draw(st.sampled_from([specials[:2], specials[:4], specials])))
    return question(
        target,
        x,
        axes,
        result,
        keepdim=draw(st.booleans()),
        correction=draw(st.sampled_from([0.0, 1.0, 0.5, 3.0])),
        dynamic=draw(subsets(len(shape))) if dynamic else (),
        signs=draw(st.sets(st.integers(0, 3))),
    )


@given(reductions())
@settings(max_examples=400)
def test_interpreted(asked):
    """Every target over every set of axes of every type, empty ones too, is its definition."""
    check_interpreted(asked)


@given(reductions(dynamic=True))
@settings(max_examples=100)
def test_dynamic_sizes(asked):
    """Sizes that are known at run time only change nothing, 0 among them."""
    check_interpreted(asked)


@given(st.lists(reductions(), min_size=40, max_size=40))
@settings(max_examples=2)
def test_compiled(asked):
    """IREE gives the same values."""
    check_compiled(asked)


@given(st.lists(reductions(dynamic=True, min_size=1), min_size=25, max_size=25))
@settings(max_examples=2)
def test_dynamic_sizes_compiled(asked):
    """IREE takes the dynamic forms.

    But for unsigned integers, whose sizes it refuses ("failed to legalize 'tensor.dim'").
    """
    check_compiled([q for q in asked if not q.elements() & {"ui8", "ui16", "ui32", "ui64"}])


@pytest.mark.parametrize("target", TARGETS)
def test_over_nothing(target):
    """A reduction of no element is the neutral one, NaN for a mean, position 0."""
    for dtype in DTYPES:
        x = np.zeros((2, 0), dtype)
        check_interpreted(question(target, x, [1], result_types(target, dtype)[0]))


@pytest.mark.parametrize("target", [*SAME, *WIDENING, *FLOAT])
def test_specials(target):
    """Rows of infinities, of -inf alone, and with NaN become what the definition makes them."""
    inf, nan = np.inf, np.nan
    rows = [[-inf] * 3, [inf] * 3, [inf, -inf, 0], [1, inf, 2], [-inf, 1, 2], [nan, 1, inf]]
    asked = [question(target, np.array(rows).astype(dtype), [1], dtype) for dtype in FLOATS]
    check_compiled(asked)
    for one in asked:
        check_interpreted(one)


@pytest.mark.parametrize("dtype", HALVES)
def test_halves_accumulate_in_f32(dtype):
    """65,536 ones are 65,536, which adding in bf16 or f16 does not reach."""
    x = np.ones((2, 65536), dtype)
    asked = [question("reduce_sum", x, [1], kind) for kind in (dtype, F32)]
    asked += [question("reduce_mean", x, [1], dtype), question("reduce_l2", x, [1], dtype)]
    check_compiled(asked)
    check_interpreted(question("reduce_sum", x[:1, :4096], [1], dtype))


def test_large_halves_do_not_overflow_inside():
    """Sums, squares and norms that leave f16 on the way do not leave it in the end."""
    x = np.array([[6e4, 6e4, -6e4, -6e4, 100.0, 0.0]] * 2).astype(F16)
    asked = [question(target, x, [1], F16) for target in ("reduce_sum", "reduce_mean")]
    y = np.array([[300.0, -400.0, 0.0]] * 2).astype(F16)
    asked += [question("reduce_l2", y, [1], F16), question("reduce_logsumexp", x, [1], F16)]
    assert np.isfinite(np.concatenate([q.answers[0][0] for q in asked])).all()
    check_compiled(asked)
    for one in asked:
        check_interpreted(one)


@pytest.mark.parametrize("dtype", [*SIGNED[2:], *UNSIGNED[2:]])
def test_integers_with_an_f64_result_are_computed_in_f64(dtype):
    """The mean and variance of large integers keep what f32 would lose."""
    x = np.array([[2**30 + 1, 2**30 + 2, 2**30 + 4]] * 2, dtype)
    asked = [question(target, x, [1], F64) for target in ("reduce_mean", "reduce_variance")]
    assert np.allclose(asked[1].answers[0][0], 14 / 9)
    check_compiled(asked)
    for one in asked:
        check_interpreted(one)


@pytest.mark.parametrize("target", POSITION)
@pytest.mark.parametrize("dtype", [F16, BF16, F32, F64, SIGNED[0], UNSIGNED[3], BOOL])
def test_positions(target, dtype):
    """The first of equals has the position, over two axes it counts row-major, NaN wins."""
    x = np.random.default_rng(0).integers(0, 2, (20, 3, 2)).astype(dtype)
    asked = [question(target, x, axes, SIGNED[3]) for axes in ([0], [1, 2], [0, 2], [])]
    if dtype in FLOATS:
        x = with_specials(x, 1, np.nan, np.inf, -np.inf, share=0.3)
        asked += [question(target, x, axes, SIGNED[2]) for axes in ([1, 2], [2])]
    check_compiled(asked[1::3])
    for one in asked:
        check_interpreted(one)


def test_variance_far_from_zero():
    """A mean a thousand times the deviation does not drown it."""
    for dtype in (F32, F64):
        x = (1000 + normal((4, 64), np.dtype(np.float64), 0)).astype(dtype)
        check_compiled([question("reduce_variance", x, [1], dtype, correction=1.0)])
