"""Masks that meet in one row: what finite fills leave of it is what the module says.

Chains of selected and added masks, with fills from -1e4 to -inf, rows that see nothing, masks that
are arguments and tails that look for NaN: the lowered module, and the compiled one, against the
module as it was in the reference interpreter.
"""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import attnorm
from attnorm.execution.interpreter import evaluate

B, T, S, D = 2, 3, 4, 2
FILLS = (-1e4, -1e9, -1e30, float(np.finfo(np.float32).min), -np.inf)
PREDICATES = {
    "causal": "LE, %j, %i",
    "strict": "LT, %j, %i",
    "window": "GE, %j, %i",
}


@st.composite
def masks(draw):
    """One mask: how it is applied, what it is, and its fill."""
    return (
        draw(st.sampled_from(["select", "add"])),
        draw(st.sampled_from([*PREDICATES, "padding", "padding", "argument"])),
        draw(st.sampled_from(FILLS)),
    )


def _number(value: float) -> str:
    return "0xFF800000" if np.isinf(value) else f"{value:.9e}"


def module(chain, *, safe: bool) -> str:
    """Attention with a chain of masks on its scores, the first one next to the product."""
    kind, plane, scalar = f"tensor<{B}x{T}x{S}xf32>", f"tensor<{T}x{S}xi1>", "tensor<f32>"
    ints, rows = f"tensor<{T}x{S}xi32>", f"tensor<{B}x{T}xf32>"
    lines = [
        f"%i = stablehlo.iota dim = 0 : {ints}",
        f"%j = stablehlo.iota dim = 1 : {ints}",
        f"%s0 = stablehlo.dot_general %q, %k, batching_dims = [0] x [0], contracting_dims = [2] x "
        f"[2] : (tensor<{B}x{T}x{D}xf32>, tensor<{B}x{S}x{D}xf32>) -> {kind}",
        f"%low = stablehlo.constant dense<0xFF800000> : {scalar}",
        f"%zero = stablehlo.constant dense<0.0> : {scalar}",
        f"%zeros = stablehlo.constant dense<0.0> : {kind}",
    ]
    for n, (how, what, fill) in enumerate(chain):
        if what == "argument":
            lines.append(f"%s{n + 1} = stablehlo.add %s{n}, %m : {kind}")
            continue
        if what == "padding":
            spread, source = f"tensor<{B}x{S}xi1>", "%p"
        else:
            lines.append(
                f"%c{n} = stablehlo.compare {PREDICATES[what]} : ({ints}, {ints}) -> {plane}"
            )
            spread, source = plane, f"%c{n}"
        dims = "[0, 2]" if what == "padding" else "[1, 2]"
        p = f"tensor<{B}x{T}x{S}xi1>"
        lines += [
            f"%b{n} = stablehlo.broadcast_in_dim {source}, dims = {dims} : ({spread}) -> {p}",
            f"%f{n} = stablehlo.constant dense<{_number(fill)}> : {kind}",
        ]
        if how == "select":
            lines.append(f"%s{n + 1} = stablehlo.select %b{n}, %s{n}, %f{n} : {p}, {kind}")
        else:
            lines += [
                f"%a{n} = stablehlo.select %b{n}, %zeros, %f{n} : {p}, {kind}",
                f"%s{n + 1} = stablehlo.add %s{n}, %a{n} : {kind}",
            ]
    s = f"%s{len(chain)}"
    reduce = f"across dimensions = [2] : ({kind}, {scalar}) -> {rows}"
    lines += [
        f"%x = stablehlo.reduce({s} init: %low) applies stablehlo.maximum {reduce}",
        f"%xb = stablehlo.broadcast_in_dim %x, dims = [0, 1] : ({rows}) -> {kind}",
        f"%d = stablehlo.subtract {s}, %xb : {kind}",
        f"%e = stablehlo.exponential %d : {kind}",
        f"%n = stablehlo.reduce(%e init: %zero) applies stablehlo.add {reduce}",
        f"%nb = stablehlo.broadcast_in_dim %n, dims = [0, 1] : ({rows}) -> {kind}",
        f"%y0 = stablehlo.divide %e, %nb : {kind}",
    ]
    p = f"tensor<{B}x{T}x{S}xi1>"
    if safe:
        lines += [
            f"%nan = stablehlo.compare NE, %y0, %y0, FLOAT : ({kind}, {kind}) -> {p}",
            f"%y1 = stablehlo.select %nan, %zeros, %y0 : {p}, {kind}",
        ]
    out = f"tensor<{B}x{T}x{D}xf32>"
    lines.append(
        f"%o = stablehlo.dot_general %y{int(safe)}, %v, batching_dims = [0] x [0], "
        f"contracting_dims = [2] x [1] : ({kind}, tensor<{B}x{S}x{D}xf32>) -> {out}"
    )
    head = (
        f"func.func @main(%q: tensor<{B}x{T}x{D}xf32>, %k: tensor<{B}x{S}x{D}xf32>, "
        f"%v: tensor<{B}x{S}x{D}xf32>, %p: tensor<{B}x{S}xi1>, %m: {kind}) -> {out} {{\n  "
    )
    return head + "\n  ".join([*lines, f"return %o : {out}"]) + "\n}"


def arguments(chain, seed: int) -> list[np.ndarray]:
    """Queries, keys, values, a padding mask and a mask to add; some rows see nothing.

    Half of those without a finite fill have a query of NaN or infinity; without a predicate, also
    a mask.
    """
    rng = np.random.default_rng(seed)
    q, k, v = (rng.normal(size=(B, n, D)).astype(np.float32) for n in (T, S, S))
    padding = rng.random((B, S)) < 0.6
    mask = rng.choice([0.0, 0.5, -1e4, -1e9, -1e30, -np.inf], (B, T, S)).astype(np.float32)
    fills = [fill for _, what, fill in chain if what != "argument"]
    if seed % 2 == 0 and not np.isfinite(fills).any():
        q[rng.integers(B), rng.integers(T)] = rng.choice([np.nan, np.inf, -np.inf])
        if not fills:
            mask[rng.integers(B), rng.integers(T), rng.integers(S)] = rng.choice([np.nan, np.inf])
    return [q, k, v, padding, mask]


def agree(got: np.ndarray, want: np.ndarray, what: object) -> None:
    """Up to what a score loses beside -1e4, in an order of additions that is not ours."""
    np.testing.assert_allclose(got, want, rtol=0, atol=4e-3, err_msg=str(what))


@given(st.lists(masks(), max_size=3), st.booleans(), st.integers(0, 2**16))
@settings(max_examples=150)
def test_interpreted(chain, safe, seed):
    """The lowered module gives what the module gave."""
    loaded = attnorm.load(module(chain, safe=safe))
    given_ = arguments(chain, seed)
    want = evaluate(loaded, *given_)[0]
    agree(evaluate(attnorm.lower(loaded), *given_)[0], want, chain)


@given(st.lists(masks(), max_size=3), st.booleans(), st.integers(0, 2**16))
@settings(max_examples=25)
def test_compiled(chain, safe, seed):
    """And so does the kernel."""
    loaded = attnorm.load(module(chain, safe=safe))
    given_ = arguments(chain, seed)
    want = evaluate(loaded, *given_)[0]
    agree(attnorm.compile(loaded, device="local-sync")(*given_), want, chain)
