"""Products of dynamic sizes: every arrangement of dimensions, compiled, is NumPy's einsum."""

from __future__ import annotations

from dataclasses import dataclass

import ml_dtypes
import numpy as np
import pytest

import attnorm

SIZES = {"a": 2, "b": 1, "m": 3, "n": 1, "p": 1, "q": 4, "k": 5, "l": 6}
"""Batches are a and b, free dimensions m and n, p and q, and contracted ones k and l."""
ARRANGEMENTS = (
    *("k,k->", "k,kq->q", "mk,k->m", "nk,kq->nq", "mk,kp->mp", "mk,qk->mq", "mnk,kq->mnq"),
    *("mk,kpq->mpq", "mkl,klq->mq", "mkl,lkq->mq", "amk,akq->amq", "bmk,bkq->bmq", "bnk,bkp->bnp"),
    *(
        "ak,ak->a",
        "bk,bk->b",
        "abmk,abkq->abmq",
        "bank,bakq->banq",
        "amkl,aqlk->amq",
        "amk,kq->amq",
    ),
    "bnk,bqk->bnq",
)


@dataclass(frozen=True)
class Dot:
    """A `dot_general` by the letters of its dimensions; those in `dynamic` have no known size."""

    text: str
    dynamic: frozenset[str]
    types: tuple[str, str, str] = ("f32", "f32", "f32")

    def operands(self) -> tuple[list[str], str]:
        """The letters of both operands, and of the result."""
        left, _, result = self.text.partition("->")
        return left.split(","), result

    def function(self, name: str) -> str:
        """The function in MLIR."""
        (left, right), result = self.operands()
        batch = [letter for letter in left if letter in right and letter in result]
        contracted = [letter for letter in left if letter in right and letter not in result]
        types = [
            f"tensor<{''.join(self._size(letter) + 'x' for letter in letters)}{element}>"
            for letters, element in zip((left, right, result), self.types, strict=True)
        ]
        numbers = ", ".join(
            f"{kind} = {[left.index(c) for c in shared]} x {[right.index(c) for c in shared]}"
            for kind, shared in (("batching_dims", batch), ("contracting_dims", contracted))
            if shared
        )
        return f"""
  func.func @{name}(%a: {types[0]}, %b: {types[1]}) -> {types[2]} {{
    %0 = stablehlo.dot_general %a, %b, {numbers} : ({types[0]}, {types[1]}) -> {types[2]}
    return %0 : {types[2]}
  }}"""

    def _size(self, letter: str) -> str:
        return "?" if letter in self.dynamic else str(SIZES[letter])


def dots() -> list[Dot]:
    """Every arrangement with each dimension, all contracted ones, and everything dynamic."""
    found = []
    for text in ARRANGEMENTS:
        letters = sorted(set(text) & SIZES.keys())
        chosen = [{letter} for letter in letters] + [{"k", "l"} & {*letters}, {*letters}]
        found += [Dot(text, frozenset(each)) for each in chosen]
    return list(dict.fromkeys(found))


DTYPES = {
    "f64": np.float64,
    "f32": np.float32,
    "bf16": ml_dtypes.bfloat16,
    "f16": np.float16,
    "i32": np.int32,
    "i8": np.int8,
}
TYPES = (
    *(("f64", "f64", "f64"), ("bf16", "bf16", "f32"), ("f16", "f16", "f32")),
    *(("i8", "i8", "i32"), ("i32", "i32", "i32")),
)


def check(asked: list[Dot]) -> None:
    """Compiles products as one module and compares every one with einsum in float64."""
    text = "module {" + "".join(dot.function(f"f{i}") for i, dot in enumerate(asked)) + "\n}"
    program = attnorm.compile(attnorm.load(text))
    for index, dot in enumerate(asked):
        operands, _ = dot.operands()
        rng = np.random.default_rng(index)
        arrays = [
            (rng.normal(0, 40, [SIZES[letter] for letter in letters])).astype(DTYPES[element])
            for letters, element in zip(operands, dot.types[:2], strict=True)
        ]
        wide = np.float64 if dot.types[2] in ("f64", "f32") else np.int64
        want = np.einsum(dot.text, *[array.astype(wide) for array in arrays])
        got = program(*arrays, function=f"f{index}")
        dtype = DTYPES[dot.types[2]]
        if wide is np.int64:
            np.testing.assert_array_equal(got, want.astype(dtype), err_msg=str(dot))
        else:
            # No more than a rounding for each of up to 30 terms.
            terms = np.einsum(dot.text, *[abs(array.astype(wide)) for array in arrays])
            assert (abs(got - want) <= 30 * np.finfo(dtype).eps * terms).all(), dot


def test_every_arrangement() -> None:
    """Dimensions of 1 among them, and products of vectors."""
    check(dots())


@pytest.mark.parametrize("types", TYPES, ids="-".join)
def test_types(types: tuple[str, str, str]) -> None:
    """Sums are in the result's type: of halves in f32, of integers exact."""
    check([Dot(text, frozenset("kl"), types) for text in ARRANGEMENTS])
