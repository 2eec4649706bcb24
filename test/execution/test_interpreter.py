"""The StableHLO reference interpreter on NumPy arrays."""

import ml_dtypes
import numpy as np
import pytest
from modules import ATTENTION, CHOLESKY, RMS_NORM, attention, doubling, normal, rms_norm

from attnorm.errors import AttnormError
from attnorm.execution.interpreter import evaluate
from attnorm.ir.contexts import make_context
from attnorm.ir.parsing import parse_text
from attnorm.ir.tensor_type import TensorType

SEVERAL = """
module {
  func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    %0 = call @double(%x) : (tensor<2xf32>) -> tensor<2xf32>
    return %0 : tensor<2xf32>
  }
  func.func @double(%x: tensor<2xf32>) -> tensor<2xf32> {
    %0 = stablehlo.add %x, %x : tensor<2xf32>
    return %0 : tensor<2xf32>
  }
  func.func @again(%x: tensor<2xf32>, %b: tensor<?xbf16>) -> (tensor<?xbf16>, tensor<2xf32>) {
    %0 = stablehlo.composite "some.thing" %x {decomposition = @private}
        : (tensor<2xf32>) -> tensor<2xf32>
    return %b, %0 : tensor<?xbf16>, tensor<2xf32>
  }
  func.func private @private(%x: tensor<2xf32>) -> tensor<2xf32> {
    %0 = call @main(%x) : (tensor<2xf32>) -> tensor<2xf32>
    return %0 : tensor<2xf32>
  }
}
"""


def parse(text):
    return parse_text(text, "model.mlir", make_context())


def test_rms_norm_and_attention():
    """Both agree with their float64 definitions."""
    x, w = normal(5, 37), normal(37, seed=1)
    (y,) = evaluate(parse(RMS_NORM), x, w)
    np.testing.assert_allclose(y, rms_norm(x, w), rtol=2e-6, atol=1e-7)
    q, k, v = normal(2, 9, 16), normal(2, 13, 16, seed=1), normal(2, 13, 8, seed=2)
    (o,) = evaluate(parse(ATTENTION), q, k, v)
    np.testing.assert_allclose(o, attention(q, k, v, 0.25), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 9), (0, 3)])
@pytest.mark.parametrize(
    ("element", "dtype"),
    [
        *(("f16", np.float16), ("bf16", ml_dtypes.bfloat16), ("f32", np.float32)),
        *(("f64", np.float64), ("i1", np.bool_), ("i8", np.int8), ("ui8", np.uint8)),
        *(("i32", np.int32), ("ui32", np.uint32), ("i64", np.int64)),
    ],
)
def test_types_go_in_and_come_out(element, dtype, shape):
    """Every element type, at rank 0 and with no elements too, comes out as what went in."""
    x = np.abs(np.asarray(normal(*shape)) * 3).astype(dtype)
    (y,) = evaluate(parse(doubling("x".join([*map(str, shape), element]))), x)
    assert y.dtype == x.dtype and y.shape == x.shape
    np.testing.assert_array_equal(y, x | x if element == "i1" else x + x)


def test_functions():
    """A function beside @main is run, through calls and composites; the module is left alone."""
    module = parse(SEVERAL)
    before = str(module)
    x, b = np.array([1, 2], np.float32), np.array([1, np.nan, 3], ml_dtypes.bfloat16)
    np.testing.assert_array_equal(evaluate(module, x), [[2, 4]])
    np.testing.assert_array_equal(evaluate(module, x, function="double"), [[2, 4]])
    first, second = evaluate(module, x, b, function="again")
    assert first.dtype == b.dtype
    np.testing.assert_array_equal(first.view(np.uint16), b.view(np.uint16))
    np.testing.assert_array_equal(second, [2, 4])
    assert str(module) == before


def test_mistakes():
    """What the interpreter would end the process for is an error, with its place."""
    module = parse(SEVERAL)
    with pytest.raises(AttnormError, match="argument 0: expected 2xf32, got 3xf32"):
        evaluate(module, np.zeros(3, np.float32))
    with pytest.raises(AttnormError, match="expected a function of main, double, again, got 'x'"):
        evaluate(module, function="x")
    unknown = (
        r"model.mlir:3:10: error: the reference interpreter does not know 'stablehlo.cholesky'"
    )
    with pytest.raises(AttnormError, match=unknown):
        evaluate(parse(CHOLESKY), np.eye(2, dtype=np.float32))


def test_resources():
    """A constant that is a resource is evaluated as its elements, not as stray memory."""
    text = """
    func.func @main() -> tensor<2xf32> {
      %0 = stablehlo.constant dense_resource<weight> : tensor<2xf32>
      return %0 : tensor<2xf32>
    }
    {-# dialect_resources: { builtin: { weight: "0x040000000000803F00000040" } } #-}
    """
    (result,) = evaluate(parse(text))
    np.testing.assert_array_equal(result, np.array([1, 2], np.float32))


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint8, np.uint32])
def test_integer_divisions(dtype):
    """A divisor of 0, and the least integer by -1, give XLA's values and end no process."""
    name = TensorType.of(np.zeros(1, dtype)).element
    text = f"""
    func.func @main(%a: tensor<6x{name}>, %b: tensor<6x{name}>)
        -> (tensor<6x{name}>, tensor<6x{name}>) {{
      %0 = stablehlo.divide %a, %b : tensor<6x{name}>
      %1 = stablehlo.remainder %a, %b : tensor<6x{name}>
      return %0, %1 : tensor<6x{name}>, tensor<6x{name}>
    }}"""
    info = np.iinfo(dtype)
    a = np.array([5, info.min, info.max, 0, 7, info.min], dtype)
    b = np.array([0, info.max if info.min == 0 else -1, 3, 0, 2, 0], dtype)
    quotient, rest = evaluate(parse(text), a, b)
    ones = -1 if info.min else info.max
    least = 0 if info.min == 0 else info.min
    want = [ones, least, info.max // 3, ones, 3, ones]
    np.testing.assert_array_equal(quotient, np.array(want, dtype))
    np.testing.assert_array_equal(rest, np.array([5, 0, info.max % 3, 0, 1, info.min], dtype))
