"""The dialects that dynamic exports compute sizes with, and CHLO."""

from __future__ import annotations

import math

import numpy as np
import pytest
from both import FLOATS, check, function, hard, parse, same

from attnorm import reference
from attnorm.errors import AttnormError
from attnorm.execution import interpreter
from attnorm.ir.rewriting import run_native
from attnorm.ir.tensor_type import TensorType


def evaluate(arguments: str, results: str, body: str, *arrays: object) -> list[np.ndarray]:
    """The results of a body."""
    module = parse(function(arguments, results, body))
    return list(reference.evaluate(module, *(np.asarray(array) for array in arrays)))


def index_of(body: str) -> str:
    """A body whose index %i becomes an i64 tensor."""
    return f"""{body}
      %cast = arith.index_cast %i : index to i64
      %r = tensor.from_elements %cast : tensor<i64>"""


X = np.zeros((3, 5, 1), np.float32)
SHAPES = {
    "dimension": ("%a = arith.constant 1 : index\n%i = tensor.dim %0, %a : tensor<?x?x1xf32>", 5),
    "shape": (
        """%s = shape.shape_of %0 : tensor<?x?x1xf32> -> tensor<3xindex>
        %a = arith.constant 0 : index
        %i = tensor.extract %s[%a] : tensor<3xindex>""",
        3,
    ),
    "elements": (
        """%s = shape.shape_of %0 : tensor<?x?x1xf32> -> tensor<3xindex>
        %i = shape.num_elements %s : tensor<3xindex> -> index""",
        15,
    ),
    "extent": (
        """%s = shape.shape_of %0 : tensor<?x?x1xf32> -> !shape.shape
        %a = shape.const_size 1
        %e = shape.get_extent %s, %a : !shape.shape, !shape.size -> !shape.size
        %i = shape.size_to_index %e : !shape.size""",
        5,
    ),
    "broadcast": (
        """%s = shape.shape_of %0 : tensor<?x?x1xf32> -> tensor<3xindex>
        %c = shape.const_shape [5, 7] : tensor<2xindex>
        %b = shape.broadcast %s, %c : tensor<3xindex>, tensor<2xindex> -> tensor<3xindex>
        %a = arith.constant 2 : index
        %i = tensor.extract %b[%a] : tensor<3xindex>""",
        7,
    ),
    "assuming": (
        """%s = shape.shape_of %0 : tensor<?x?x1xf32> -> tensor<3xindex>
        %c = shape.const_shape [5, 1] : tensor<2xindex>
        %w = shape.cstr_broadcastable %s, %c : tensor<3xindex>, tensor<2xindex>
        %i = shape.assuming %w -> (index) {
          %n = shape.num_elements %c : tensor<2xindex> -> index
          shape.assuming_yield %n : index
        }""",
        5,
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str) -> None:
    """Sizes of a value of 3x5x1."""
    body, want = SHAPES[name]
    (got,) = evaluate("?x?x1xf32", "i64", index_of(body), X)
    assert got == want


def test_assumptions_are_checked() -> None:
    """Where they do not hold, the shapes are named."""
    body = index_of(SHAPES["assuming"][0].replace("[5, 1]", "[4, 1]"))
    with pytest.raises(AttnormError, match=r"shapes that broadcast, got \[3, 5, 1\], \[4, 1\]"):
        evaluate("?x?x1xf32", "i64", body, X)


ARITHMETIC = {
    "addi": lambda a, b: a + b,
    "subi": lambda a, b: a - b,
    "muli": lambda a, b: a * b,
    "divsi": lambda a, b: int(a / b),
    "divui": lambda a, b: (a % 2**64) // (b % 2**64),
    "remsi": lambda a, b: int(math.fmod(a, b)),
    "remui": lambda a, b: (a % 2**64) % (b % 2**64),
    "ceildivsi": lambda a, b: -(-a // b),
    "ceildivui": lambda a, b: -(-(a % 2**64) // (b % 2**64)),
    "floordivsi": lambda a, b: a // b,
    "maxsi": max,
    "maxui": lambda a, b: max(a, b, key=lambda x: x % 2**64),
    "minsi": min,
    "minui": lambda a, b: min(a, b, key=lambda x: x % 2**64),
    "andi": lambda a, b: a & b,
    "ori": lambda a, b: a | b,
    "xori": lambda a, b: a ^ b,
}


def as_i64(value: int) -> int:
    """A number as 64 bits hold it."""
    return (value + 2**63) % 2**64 - 2**63


@pytest.mark.parametrize("op", ARITHMETIC)
def test_arithmetic(op: str) -> None:
    """On i64 tensors and on indices, with and without a sign."""
    pairs = [(7, 2), (-7, 2), (7, -2), (-7, -2), (6, 3), (0, 5), (-6, 3)]
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    want = [as_i64(ARITHMETIC[op](int(x), int(y))) for x, y in pairs]
    kind = "tensor<7xi64>"
    (got,) = evaluate("7xi64, 7xi64", "7xi64", f"%r = arith.{op} %0, %1 : {kind}", a, b)
    np.testing.assert_array_equal(got, want)
    for (x, y), result in zip(pairs, want, strict=True):
        scalars = f"%a = arith.constant {x} : index\n%b = arith.constant {y} : index\n"
        (got,) = evaluate("", "i64", index_of(f"{scalars}%i = arith.{op} %a, %b : index"))
        assert got == result


@pytest.mark.parametrize(
    ("predicate", "want"),
    [
        *(("eq", [0, 0, 1]), ("ne", [1, 1, 0]), ("slt", [1, 0, 0]), ("sle", [1, 0, 1])),
        *(("sgt", [0, 1, 0]), ("sge", [0, 1, 1]), ("ult", [0, 1, 0]), ("ule", [0, 1, 1])),
        *(("ugt", [1, 0, 0]), ("uge", [1, 0, 1])),
    ],
)
def test_comparisons(predicate: str, want: list[int]) -> None:
    """-1 is the largest without a sign."""
    body = f"%r = arith.cmpi {predicate}, %0, %1 : tensor<3xi64>"
    (got,) = evaluate("3xi64, 3xi64", "3xi1", body, np.array([-1, 2, 3]), np.array([2, -1, 3]))
    np.testing.assert_array_equal(got, np.array(want, bool))


def test_casts() -> None:
    """Signs are kept, or not; truth is -1 with a sign."""
    x = np.array([-1, 127, 0], np.int8)
    (got,) = evaluate("3xi8", "3xi32", "%r = arith.extsi %0 : tensor<3xi8> to tensor<3xi32>", x)
    np.testing.assert_array_equal(got, x)
    (got,) = evaluate("3xi8", "3xi32", "%r = arith.extui %0 : tensor<3xi8> to tensor<3xi32>", x)
    np.testing.assert_array_equal(got, [255, 127, 0])
    (got,) = evaluate("3xi8", "3xf32", "%r = arith.uitofp %0 : tensor<3xi8> to tensor<3xf32>", x)
    np.testing.assert_array_equal(got, [255, 127, 0])
    (got,) = evaluate(
        "2xi1", "2xi8", "%r = arith.extsi %0 : tensor<2xi1> to tensor<2xi8>", x[1:] > 0
    )
    np.testing.assert_array_equal(got, [-1, 0])
    (got,) = evaluate("3xi8", "3xi1", "%r = arith.trunci %0 : tensor<3xi8> to tensor<3xi1>", x)
    np.testing.assert_array_equal(got, [True, True, False])


def test_tensor_shapes() -> None:
    """Dimensions joined and split, at sizes known at run time."""
    body = """%c = tensor.collapse_shape %0 [[0, 1], [2]] : tensor<?x2x3xf32> into tensor<?x3xf32>
    %n = arith.constant 2 : index
    %r = tensor.expand_shape %c [[0, 1], [2]] output_shape [%n, 4, 3]
      : tensor<?x3xf32> into tensor<?x4x3xf32>"""
    x = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    (got,) = evaluate("?x2x3xf32", "?x4x3xf32", body, x)
    np.testing.assert_array_equal(got, x.reshape(2, 4, 3))


def test_assert() -> None:
    """The message, where it does not hold."""
    body = """%i = arith.constant 0 : index
    %n = tensor.dim %0, %i : tensor<?xf32>
    %two = arith.constant 2 : index
    %t = arith.cmpi sge, %n, %two : index
    cf.assert %t, "n >= 2"
    %r = stablehlo.negate %0 : tensor<?xf32>"""
    assert evaluate("?xf32", "?xf32", body, np.ones(2, np.float32))[0].shape == (2,)
    with pytest.raises(AttnormError, match=r"'cf.assert' op: n >= 2"):
        evaluate("?xf32", "?xf32", body, np.ones(1, np.float32))


# -- CHLO ----------------------------------------------------------------------------------------


def check_chlo(arguments: str, result: str, body: str, ulps: float = 0) -> None:
    """As what it is legalized to, in StableHLO's own interpreter."""
    text = function(arguments, result, body)
    kinds = [TensorType.parse(kind) for kind in arguments.split(", ")]
    arrays = [hard(kind, seed) for seed, kind in enumerate(kinds)]
    (got,) = reference.evaluate(parse(text), *arrays)
    legal = parse(text)
    with legal.context:
        run_native(legal, "func.func(chlo-legalize-to-stablehlo)")
    (want,) = interpreter.evaluate(legal, *arrays)
    assert same(got, want, ulps).all()


@pytest.mark.parametrize(
    "op", ["add", "atan2", "divide", "maximum", "minimum", "multiply", "power", "subtract"]
)
def test_implicit_broadcasts(op: str) -> None:
    """Aligned at the last dimension, or where it is said."""
    body = f"%r = chlo.broadcast_{op} %0, %1 : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>"
    check_chlo("2x3xf32, 3xf32", "2x3xf32", body)
    body = (
        f'%r = "chlo.broadcast_{op}"(%0, %1) {{broadcast_dimensions = array<i64: 0>}} : '
        "(tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xf32>"
    )
    arrays = [hard(TensorType.parse(kind), i) for i, kind in enumerate(("2x3xf32", "2xf32"))]
    (got,) = evaluate("2x3xf32, 2xf32", "2x3xf32", body, *arrays)
    other = function("2x3xf32, 2x3xf32", "2x3xf32", f"%r = stablehlo.{op} %0, %1 : tensor<2x3xf32>")
    spread = np.broadcast_to(arrays[1][:, np.newaxis], (2, 3))
    assert same(got, reference.evaluate(parse(other), arrays[0], spread)[0]).all()


def test_implicit_comparison_and_choice() -> None:
    """With a scalar on one side."""
    body = """%t = chlo.broadcast_compare %0, %1 {comparison_direction =
      #chlo<comparison_direction LT>} : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xi1>
    %r = chlo.broadcast_select %t, %0, %1
      : (tensor<2x3xi1>, tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>"""
    x, y = hard(TensorType.parse("2x3xf32"), 0), np.float32(0.5)
    (got,) = evaluate("2x3xf32, f32", "2x3xf32", body, x, y)
    assert same(got, np.where(x < y, x, y)).all()


FUNCTIONS = {
    "acos": math.acos,
    "acosh": math.acosh,
    "asin": math.asin,
    "asinh": math.asinh,
    "atan": math.atan,
    "atanh": math.atanh,
    "cosh": math.cosh,
    "erf": math.erf,
    "erfc": math.erfc,
    "lgamma": math.lgamma,
    "sinh": math.sinh,
    "square": lambda x: x * x,
}


@pytest.mark.parametrize("element", FLOATS)
@pytest.mark.parametrize("op", FUNCTIONS)
def test_functions(op: str, element: str) -> None:
    """Python's, rounded once; NaN where they are not defined."""
    x = hard(TensorType.parse(f"200x{element}"), 0)
    types = f"tensor<200x{element}> -> tensor<200x{element}>"
    (got,) = evaluate(f"200x{element}", f"200x{element}", f"%r = chlo.{op} %0 : {types}", x)
    with np.errstate(all="ignore"):
        want = np.array([_value(op, float(value)) for value in x]).astype(x.dtype)
    assert same(got, want, 4 if element == "f64" else 0).all()


def _value(op: str, x: float) -> float:
    try:
        return FUNCTIONS[op](x)
    except OverflowError:
        return -math.inf if op == "sinh" and x < 0 else math.inf
    except ValueError:
        # A pole, or outside of what it is defined on.
        if op == "atanh" and abs(x) == 1:
            return math.copysign(math.inf, x)
        return math.inf if op == "lgamma" else math.nan


@pytest.mark.parametrize("element", ["f32", "bf16", "i32", "ui8"])
def test_top_k(element: str) -> None:
    """The largest first; NaN before infinity, of equals the earlier one first."""
    x = hard(TensorType.parse(f"4x9x{element}"), 0)
    body = f"%r:2 = chlo.top_k(%0, k = 4) : tensor<4x9x{element}> -> "
    body += f"(tensor<4x4x{element}>, tensor<4x4xi32>)"
    values, positions = evaluate(f"4x9x{element}", f"4x4x{element}, 4x4xi32", body, x)
    for row, value, position in zip(x, values, positions, strict=True):
        wide = [float(v) for v in row]
        key = [(math.isnan(v), 0.0 if math.isnan(v) else v, math.copysign(1, v)) for v in wide]
        order = sorted(range(9), key=lambda i: (key[i], -i), reverse=True)[:4]
        np.testing.assert_array_equal(position, order)
        assert same(value, row[order]).all()


def test_constants() -> None:
    """chlo.constant, and a number in another value's shape."""
    body = """%c = chlo.constant dense<[1.0, 2.0]> : tensor<2xf32>
    %l = "chlo.constant_like"(%0) {value = 3.0 : f32} : (tensor<2xf32>) -> tensor<2xf32>
    %r = stablehlo.add %c, %l : tensor<2xf32>"""
    (got,) = evaluate("2xf32", "2xf32", body, np.zeros(2, np.float32))
    np.testing.assert_array_equal(got, [4, 5])
    check(function("", "3xi32", "%r = stablehlo.constant dense<[1, -2, 3]> : tensor<3xi32>"))


def test_elements_that_mean_nothing() -> None:
    """torch.empty of a buffer that is written to: what is read of it shows."""
    body = """%a = arith.constant 0 : index
      %n = tensor.dim %0, %a : tensor<?xf32>
      %e = tensor.empty(%n) : tensor<?x2xf32>
      %r = tensor.cast %e : tensor<?x2xf32> to tensor<3x2xf32>"""
    x = np.zeros(3, np.float32)
    (result,) = evaluate("?xf32", "3x2xf32", body, x)
    assert result.shape == (3, 2)
    assert np.isnan(result).all()
