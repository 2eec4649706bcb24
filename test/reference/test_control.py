"""Calls, branches, loops, entries and errors."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from both import check, function, parse

from attnorm import reference
from attnorm.errors import AttnormError

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


def test_entries_calls_and_composites() -> None:
    """@main, a function by its name, private ones by calls; the module is left alone."""
    module = parse(SEVERAL)
    before = str(module)
    x = np.array([1, 2], np.float32)
    b = x.astype("bfloat16")
    np.testing.assert_array_equal(reference.evaluate(module, x), [[2, 4]])
    np.testing.assert_array_equal(reference.evaluate(module, x, function="double"), [[2, 4]])
    first, second = reference.evaluate(module, x, b, function="again")
    assert first.dtype == b.dtype
    np.testing.assert_array_equal(first.astype(np.float32), x)
    np.testing.assert_array_equal(second, [2, 4])
    assert str(module) == before
    with pytest.raises(AttnormError, match="expected a function of main, double, again, got 'no'"):
        reference.evaluate(module, x, function="no")
    with pytest.raises(AttnormError, match="'main': argument 0: expected 2xf32, got 3xf32"):
        reference.evaluate(module, np.zeros(3, np.float32))


LOOP = """
  %z = stablehlo.constant dense<0> : tensor<i32>
  %r:2 = stablehlo.while(%i = %z, %x = %1) : tensor<i32>, tensor<3xf32>
  cond {
    %t = stablehlo.compare LT, %i, %0, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %t : tensor<i1>
  } do {
    %one = stablehlo.constant dense<1> : tensor<i32>
    %n = stablehlo.add %i, %one : tensor<i32>
    %y = stablehlo.multiply %x, %1 : tensor<3xf32>
    stablehlo.return %n, %y : tensor<i32>, tensor<3xf32>
  }"""


@pytest.mark.parametrize("count", [-1, 0, 1, 5])
def test_while(count: int) -> None:
    """As often as the condition holds, with values from outside."""
    text = function("i32, 3xf32", "i32, 3xf32", LOOP)
    check(text, np.array(count, np.int32), np.array([1, -2, 0.5], np.float32))


BRANCHES = """
  %r = "stablehlo.case"(%0) ({
    stablehlo.return %1 : tensor<3xf32>
  }, {
    %n = stablehlo.negate %1 : tensor<3xf32>
    stablehlo.return %n : tensor<3xf32>
  }, {
    %n = stablehlo.abs %1 : tensor<3xf32>
    stablehlo.return %n : tensor<3xf32>
  }) : (tensor<i32>) -> tensor<3xf32>"""


@pytest.mark.parametrize("index", [-1, 0, 1, 2, 3, 2**31 - 1])
def test_case(index: int) -> None:
    """Every index that there is no branch for has the last."""
    text = function("i32, 3xf32", "3xf32", BRANCHES)
    check(text, np.array(index, np.int32), np.array([1, -2, 0.5], np.float32))


@pytest.mark.parametrize("truth", [False, True])
def test_if(truth: bool) -> None:
    """The first branch where it is true."""
    body = """%r = "stablehlo.if"(%0) ({ stablehlo.return %1 : tensor<f32> }, {
      %n = stablehlo.negate %1 : tensor<f32>
      stablehlo.return %n : tensor<f32>
    }) : (tensor<i1>) -> tensor<f32>"""
    check(function("i1, f32", "f32", body), np.array(truth), np.array(3, np.float32))


def test_map_and_barrier() -> None:
    """A body for every element; values that pass."""
    body = """%m = "stablehlo.map"(%0, %1) ({
      ^bb0(%a: tensor<f32>, %b: tensor<f32>):
        %s = stablehlo.subtract %a, %b : tensor<f32>
        stablehlo.return %s : tensor<f32>
    }) {dimensions = array<i64: 0, 1>} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
    %r:2 = stablehlo.optimization_barrier %m, %0 : tensor<2x3xf32>, tensor<2x3xf32>"""
    check(function("2x3xf32, 2x3xf32", "2x3xf32, 2x3xf32", body))


def test_unknown_ops_and_calls_are_located() -> None:
    """The op's name and place."""
    body = '%r = "stablehlo.cholesky"(%0) : (tensor<2x2xf32>) -> tensor<2x2xf32>'
    x = np.eye(2, dtype=np.float32)
    with pytest.raises(AttnormError, match=r"mlir:1:\d+: error: 'stablehlo.cholesky' op: no d"):
        reference.evaluate(parse(function("2x2xf32", "2x2xf32", body)), x)
    body = "%r = stablehlo.custom_call @mystery(%0) : (tensor<2x2xf32>) -> tensor<2x2xf32>"
    with pytest.raises(AttnormError, match=r"'stablehlo.custom_call' op: @mystery: no definition"):
        reference.evaluate(parse(function("2x2xf32", "2x2xf32", body)), x)


def test_results_are_of_the_declared_type() -> None:
    """A dynamic size that turns out to be another one is an error at the op."""
    body = """%r = stablehlo.dynamic_reshape %0, %1
      : (tensor<?xf32>, tensor<2xi32>) -> tensor<?x3xf32>"""
    text = function("?xf32, 2xi32", "?x3xf32", body)
    x = np.zeros(6, np.float32)
    assert reference.evaluate(parse(text), x, np.array([2, 3], np.int32))[0].shape == (2, 3)
    with pytest.raises(AttnormError, match=r"'stablehlo.dynamic_reshape' op: result 0: expected"):
        reference.evaluate(parse(text), x, np.array([3, 2], np.int32))
    with pytest.raises(AttnormError, match="cannot reshape"):
        reference.evaluate(parse(text), x, np.array([3, 3], np.int32))


def test_endless_calls() -> None:
    """Functions that call each other end in an error."""
    text = """
      func.func @main(%x: tensor<f32>) -> tensor<f32> {
        %0 = call @other(%x) : (tensor<f32>) -> tensor<f32>
        return %0 : tensor<f32>
      }
      func.func private @other(%x: tensor<f32>) -> tensor<f32> {
        %0 = call @main(%x) : (tensor<f32>) -> tensor<f32>
        return %0 : tensor<f32>
      }"""
    with pytest.raises(AttnormError, match="calls are nested too deep"):
        reference.evaluate(parse(text), np.array(1, np.float32))


def test_iree_is_not_imported() -> None:
    """Definitions run where IREE is not installed."""
    code = "import sys, attnorm.reference; assert not any('iree' in name for name in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
