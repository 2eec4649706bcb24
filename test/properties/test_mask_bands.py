"""Masks that are bands against the attributes that take their place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
from cases import F32, Case, Question, interpret, lowered
from drawing import seeds
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_sdpa import BANDS, MODES, attention, question

import attnorm
from attnorm.execution.interpreter import evaluate
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import operations
from attnorm.ir.stablehlo import Builder

PLAIN, RAISED = "expand-sdpa", "raise-mask-bands,expand-sdpa"
FILLS = (-math.inf, -1e9, -3e38)


@dataclass(frozen=True)
class Band:
    """Keys j of query i with `low <= j - i <= high`, and a way of writing them as a mask."""

    lengths: tuple[int, int]
    low: int | None
    high: int | None
    fill: float | None
    constant: bool
    spread: int
    """To how many dimensions the mask is broadcast."""

    def kept(self) -> np.ndarray:
        """Which keys are kept."""
        queries, keys = self.lengths
        distance = np.arange(keys) - np.arange(queries)[:, None]
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return (low <= distance) & (distance <= high)

    def mask(self) -> np.ndarray:
        """The mask as an array."""
        return self.kept() if self.fill is None else np.where(self.kept(), 0, self.fill).astype(F32)

    def build(self, b: Builder, heads: int) -> ir.Value:
        """The mask in a module."""
        value = self._literal(b) if self.constant else self._computed(b)
        return b.broadcast(
            value, (self.spread - 2, self.spread - 1), (1, heads, *self.lengths)[-self.spread :]
        )

    def _literal(self, b: Builder) -> ir.Value:
        element = "i1" if self.fill is None else "f32"
        type_ = b.tensor(self.lengths, ir.Type.parse(element))
        rows = ", ".join(f"[{', '.join(map(_spelled, row))}]" for row in self.mask())
        value = ir.Attribute.parse(f"dense<[{rows}]> : {type_}")
        return b.op("constant", [], type_, value=value)

    def _computed(self, b: Builder) -> ir.Value:
        i, j = (self._positions(b, axis) for axis in (0, 1))
        kept = b.full(1, ir.Type.parse("i1"), self.lengths)
        if self.high is not None:
            kept = b.binary("and", kept, b.compare("LE", j, b.add(i, self.high)))
        if self.low is not None:
            kept = b.binary("and", kept, b.compare("GT", b.subtract(j, i), self.low - 1))
        if self.fill is None:
            return kept
        zeros = b.full(0.0, ir.Type.parse("f32"), self.lengths)
        return b.select(kept, zeros, self.fill)

    def _positions(self, b: Builder, axis: int) -> ir.Value:
        dimension = ir.IntegerAttr.get(ir.Type.parse("i64"), axis)
        type_ = b.tensor(self.lengths, ir.Type.parse("i32"))
        return b.op("iota", [], type_, iota_dimension=dimension)


def _spelled(number: np.bool_ | np.float32) -> str:
    if isinstance(number, np.bool_):
        return str(bool(number)).lower()
    return f"0x{number.view(np.uint32):08X}"


def asked(band: Band, heads: int, *, sums: bool = True, **values) -> Question:
    """Attention whose mask is a band that the module computes or holds; `sums` are log_sum_exp."""
    one = attention((heads, 1), band.lengths, batch=(1,), mask=band.mask(), **values)
    given_as_argument = question(one if sums else replace(one, log_sum_exp=None))
    case = given_as_argument.case

    def body(values: Sequence[ir.Value], types: Sequence[ir.Type]) -> Sequence[ir.Value]:
        b = Builder(ir.InsertionPoint.current, ir.Location.unknown())
        return case.body([*values, band.build(b, heads)], types)

    return replace(given_as_argument, case=replace(case, arguments=case.arguments[:3], body=body))


def masks_left(case: Case) -> int:
    """How many ops have a mask after the pass."""
    module = lowered([case], "raise-mask-bands")
    return sum(op.opview.mask is not None for op in operations(module, "attnorm.sdpa"))


bounds = st.one_of(st.none(), st.integers(-5, 5))
bands = st.builds(
    Band,
    st.tuples(st.integers(1, 5), st.integers(1, 6)),
    bounds,
    bounds,
    st.sampled_from([None, *FILLS]),
    st.booleans(),
    st.integers(2, 4),
)
beside = st.one_of(st.just({}), st.sampled_from(BANDS), st.just({"window": (2, 1), "offset": -1}))


@given(bands, beside, st.sampled_from(MODES), st.booleans(), st.integers(1, 2), seeds)
@settings(max_examples=300)
def test_same_values(band, known, mode, sums, heads, seed):
    """Attention is the formula with the mask, whether it stays or becomes attributes."""
    # A score is nothing beside the last of the fills only, and f32 rounds it beside -1e9.
    assume(band.fill != -1e9 or (band.kept().any(-1).all() and not known))
    one = asked(band, heads, sums=sums, fully_masked=mode, seed=seed, **known)
    for passes in (PLAIN, RAISED):
        one.check(interpret(one.case, passes))


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("lengths", [(3, 4), (3, 2)])
def test_every_band(lengths, constant):
    """Every pair of bounds, also those that nothing lies between or beyond."""
    ends = (None, *range(-3, 5))
    for low, high, fill in product(ends, ends, (None, -3e38)):
        one = asked(Band(lengths, low, high, fill, constant, 2), 1, sums=False)
        one.check(interpret(one.case, RAISED))


@given(bands, st.integers(1, 2))
@settings(max_examples=150)
def test_no_band_stays(band, heads):
    """Every band that a window can be is taken, in whatever form its mask is written."""
    assume(min(band.lengths) > 1 and band.kept().any())
    low = -math.inf if band.low is None else band.low
    high = band.lengths[1] - 1 if band.high is None else band.high
    assume(low <= high and band.fill in (None, -math.inf))
    assert masks_left(asked(band, heads).case) == 0


@pytest.mark.parametrize("lengths", [(3, 4), (1, 4)])
def test_every_start(lengths):
    """Every pair of bounds from every start known at run time: ahead of the keys, behind them."""
    ends = (None, *range(-2, 3))
    for low, high in product(ends, ends):
        if low is None and high is None:
            continue
        source = _from_start(lengths, low, high)
        module = attnorm.load(source)
        plain, raised = (
            attnorm.lower(module, f"builtin.module({passes})") for passes in (PLAIN, RAISED)
        )
        taken = attnorm.lower(module, "builtin.module(raise-mask-bands)")
        named = [op.opview for op in operations(taken, "attnorm.sdpa")]
        if low is None or (high or 0) >= low:
            assert all(op.mask is None and op.start is not None for op in named)
        rng = np.random.default_rng(0)
        q, k = (rng.standard_normal((2, n, 4), F32) for n in lengths)
        for start in range(-4, 7):
            arguments = q, k, np.int32(start)
            expected, got = (evaluate(one, *arguments)[0] for one in (plain, raised))
            np.testing.assert_allclose(got, expected, atol=1e-6)


def _from_start(lengths: tuple[int, int], low: int | None, high: int | None) -> str:
    """Attention whose mask is a band around the queries, which stand from an argument on."""
    q, k = (f"tensor<2x{n}x4xf32>" for n in lengths)
    scores = "x".join(map(str, lengths))
    integers, truth = f"tensor<{scores}xi32>", f"tensor<{scores}xi1>"
    text = f"""
      func.func @main(%q: {q}, %k: {k}, %n: tensor<i32>) -> {q} {{
        %i = stablehlo.iota dim = 0 : {integers}
        %j = stablehlo.iota dim = 1 : {integers}
        %s = stablehlo.broadcast_in_dim %n, dims = [] : (tensor<i32>) -> {integers}
        %p = stablehlo.add %i, %s : {integers}
        %d = stablehlo.subtract %j, {"%p" if lengths[0] > 1 else "%s"} : {integers}
        %mask0 = stablehlo.constant dense<true> : {truth}
    """
    count = 0
    for direction, bound in (("GE", low), ("LE", high)):
        if bound is None:
            continue
        count += 1
        text += f"""
        %b{count} = stablehlo.constant dense<{bound}> : {integers}
        %c{count} = stablehlo.compare {direction}, %d, %b{count}
            : ({integers}, {integers}) -> {truth}
        %mask{count} = stablehlo.and %mask{count - 1}, %c{count} : {truth}
        """
    return f"""{text}
        %0 = "attnorm.sdpa"(%q, %k, %k, %mask{count}) {{
          scale = 0.5 : f64, fully_masked = "zero",
          operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>
        }} : ({q}, {k}, {k}, {truth}) -> {q}
        return %0 : {q}
      }}
    """
