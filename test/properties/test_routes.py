"""The routes that a module may take give what the direct one gives, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from cases import (
    F16,
    F32,
    FLOATS,
    Case,
    interpret,
    lowered,
    run_compiled,
    tensor,
)
from closeness import assert_same_bits
from drawing import normal
from hypothesis import given, settings
from hypothesis import strategies as st
from test_layer_norm import layer_norms
from test_rms_norm import norms
from test_sdpa import attentions
from test_sdpa import question as sdpa
from test_softmax import softmaxes

from attnorm import dialect
from attnorm.ir.mlir import ir

ANY = st.one_of(norms(), layer_norms(), softmaxes(), attentions().map(sdpa))


def assert_same(got, want):
    """Checks all results of a function."""
    for one, other in zip(got, want, strict=True):
        assert_same_bits(one, other)


@given(ANY)
def test_composites_are_their_decompositions(asked):
    """A consumer that inlines our composites has the expansion; raised again they are the ops."""
    want = interpret(asked.case)
    assert_same(interpret(asked.case, "attnorm-to-composites"), want)
    assert_same(interpret(asked.case, "to-composites,raise-composites,attnorm-expand"), want)


@given(st.lists(ANY, min_size=12, max_size=12))
@settings(max_examples=1)
def test_composites_compiled(asked):
    """IREE inlines our composites."""
    cases = [one.case for one in asked if "f64" not in one.elements()]
    for got, want in zip(
        run_compiled(cases, "attnorm-to-composites"), run_compiled(cases), strict=True
    ):
        for one, other in zip(got, want, strict=True):
            # Only what a compiler may choose anew differs: the order of a sum.
            np.testing.assert_allclose(one.astype(float), other.astype(float), rtol=2e-6, atol=1e-6)


# -- fusing --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Residual:
    """`s = a + b; n = rms_norm(s, w)`, and `s`; or `n = rms_norm(a, w) * broadcast(factor)`."""

    dtype: np.dtype
    result: np.dtype
    cast: str
    weighted: bool
    dims: tuple[int, ...] | None
    """Where the factor's dimensions go; None for no product."""

    def case(self) -> Case:
        """The function, before anything is fused."""
        shape = (3, 2, 5)
        axes = [1, 2]
        arrays = [normal(shape, self.dtype, 0)]
        if self.weighted:
            arrays.append(normal(shape[1:], F32, 1))
        if self.dims is None:
            arrays.append(normal(shape, self.dtype, 2))
        else:
            arrays.append(normal(tuple(shape[axis] for axis in self.dims), self.result, 2))

        def body(values, types):
            x, other = values[0], values[-1]
            sum_ = _binary("add", x, other) if self.dims is None else x
            norm = dialect.rms_norm(
                sum_,
                values[1] if self.weighted else None,
                axes=axes,
                epsilon=1e-5,
                cast=self.cast,
                result=types[0],
            )
            if self.dims is None:
                return [norm, sum_]
            return [_binary("multiply", norm, _spread(other, types[0], self.dims))]

        results = [tensor(shape, self.result)]
        results += [tensor(shape, self.dtype)] if self.dims is None else []
        return Case(repr(self), arrays, results, body)


def _binary(name: str, a: ir.Value, b: ir.Value) -> ir.Value:
    return ir.Operation.create(f"stablehlo.{name}", [a.type], [a, b]).results[0]


def _spread(value: ir.Value, type_: ir.Type, dims: tuple[int, ...]) -> ir.Value:
    if len(dims) == 3:
        return value
    attributes = {"broadcast_dimensions": ir.DenseI64ArrayAttr.get(list(dims))}
    return ir.Operation.create("stablehlo.broadcast_in_dim", [type_], [value], attributes).results[
        0
    ]


FACTORS = [(0, 1, 2), (1, 2), (2,), (1,), (0,), (0, 2), (), None]


@pytest.mark.parametrize("dims", FACTORS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_fusing_changes_no_bit(dtype, dims):
    """A sum, a product or a weight that joins its norm keeps every rounding, in all types."""
    for result in FLOATS:
        for cast, weighted in (
            ("after_weight", True),
            ("before_weight", True),
            ("after_weight", False),
        ):
            case = Residual(dtype, result, cast, weighted, dims).case()
            fused = str(lowered([case], "attnorm-fuse"))
            assert ("stablehlo.add" if dims is None else "stablehlo.multiply") not in fused
            assert_same(
                interpret(case, "attnorm-fuse,attnorm-expand"), interpret(case, "attnorm-expand")
            )


def test_fusing_changes_no_bit_compiled():
    """IREE's values are the same before and after, where it rounds what it is told to round."""
    cases = [
        Residual(dtype, dtype, cast, weighted, dims).case()
        for dtype in (F16, F32)
        for dims in [*FACTORS[::2], None]
        for cast, weighted in (("before_weight", True), ("after_weight", False))
    ]
    fused = run_compiled(cases, "attnorm-fuse,attnorm-expand")
    for got, want in zip(fused, run_compiled(cases, "attnorm-expand"), strict=True):
        assert_same(got, want)
