"""Values far from where they come from: no pass goes there by recursion, or again and again."""

from __future__ import annotations

import pytest

import attnorm

LENGTH = 3000
F, P, S = "tensor<4x4xf32>", "tensor<4x4xi1>", "tensor<4x4xi32>"
STEPS = {
    "add": (F, f"stablehlo.add %{{0}}, %{{0}} : {F}"),
    "multiply": (F, f"stablehlo.multiply %{{0}}, %a : {F}"),
    "scale": (F, f"stablehlo.multiply %{{0}}, %half : {F}"),
    "subtract": (F, f"stablehlo.subtract %{{0}}, %a : {F}"),
    "maximum": (F, f"stablehlo.maximum %{{0}}, %a : {F}"),
    "tanh": (F, f"stablehlo.tanh %{{0}} : {F}"),
    "negate": (F, f"stablehlo.negate %{{0}} : {F}"),
    "transpose": (F, f"stablehlo.transpose %{{0}}, dims = [1, 0] : ({F}) -> {F}"),
    "reverse": (F, f"stablehlo.reverse %{{0}}, dims = [1] : {F}"),
    "reduce_precision": (F, f"stablehlo.reduce_precision %{{0}}, format = e5m7 : {F}"),
    "select": (F, f"stablehlo.select %p, %{{0}}, %low : {P}, {F}"),
    "dot": (F, f"stablehlo.dot %{{0}}, %a : ({F}, {F}) -> {F}"),
    "barrier": (F, f"stablehlo.optimization_barrier %{{0}} : {F}"),
    "and": (P, f"stablehlo.and %{{0}}, %p : {P}"),
    "or": (P, f"stablehlo.or %p, %{{0}} : {P}"),
    "not": (P, f"stablehlo.not %{{0}} : {P}"),
    "positions": (S, f"stablehlo.add %{{0}}, %{{0}} : {S}"),
    "moved": (S, f"stablehlo.subtract %{{0}}, %one : {S}"),
    "turned": (S, f"stablehlo.transpose %{{0}}, dims = [1, 0] : ({S}) -> {S}"),
}
START = {F: "a", P: "p", S: "rows"}


def text(step: str) -> str:
    """Attention and a norm, whose scores, mask or positions stand at the end of a chain."""
    type_, op = STEPS[step]
    lines, last = [], START[type_]
    for index in range(LENGTH):
        lines.append(f"%c{index} = {op.format(last)}")
        last = f"c{index}"
    scores, rows = (last if type_ == F else "a"), (last if type_ == S else "rows")
    mask = last if type_ == P else "band"
    chain = "\n  ".join(lines)
    return f"""
func.func @f(%a: {F}, %p: {P}) -> ({F}, {F}) {{
  %half = stablehlo.constant dense<0.5> : {F}
  %low = stablehlo.constant dense<-1.0e30> : {F}
  %one = stablehlo.constant dense<1> : {S}
  %four = stablehlo.constant dense<4.0> : tensor<4xf32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %least = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %rows = stablehlo.iota dim = 0 : {S}
  %columns = stablehlo.iota dim = 1 : {S}
  {chain}
  %band = stablehlo.compare GE, %{rows}, %columns : ({S}, {S}) -> {P}
  %s0 = stablehlo.dot_general %{scores}, %a, contracting_dims = [1] x [1] : ({F}, {F}) -> {F}
  %s1 = stablehlo.multiply %s0, %half : {F}
  %s2 = stablehlo.select %{mask}, %s1, %low : {P}, {F}
  %m = stablehlo.reduce(%s2 init: %least) applies stablehlo.maximum across dimensions = [1]
    : ({F}, tensor<f32>) -> tensor<4xf32>
  %m2 = stablehlo.broadcast_in_dim %m, dims = [0] : (tensor<4xf32>) -> {F}
  %d = stablehlo.subtract %s2, %m2 : {F}
  %e = stablehlo.exponential %d : {F}
  %t = stablehlo.reduce(%e init: %zero) applies stablehlo.add across dimensions = [1]
    : ({F}, tensor<f32>) -> tensor<4xf32>
  %t2 = stablehlo.broadcast_in_dim %t, dims = [0] : (tensor<4xf32>) -> {F}
  %w = stablehlo.divide %e, %t2 : {F}
  %y = stablehlo.dot %w, %a : ({F}, {F}) -> {F}
  %q = stablehlo.multiply %{scores}, %{scores} : {F}
  %n0 = stablehlo.reduce(%q init: %zero) applies stablehlo.add across dimensions = [1]
    : ({F}, tensor<f32>) -> tensor<4xf32>
  %n1 = stablehlo.divide %n0, %four : tensor<4xf32>
  %n2 = stablehlo.rsqrt %n1 : tensor<4xf32>
  %n3 = stablehlo.broadcast_in_dim %n2, dims = [0] : (tensor<4xf32>) -> {F}
  %z = stablehlo.multiply %{scores}, %n3 : {F}
  return %y, %z : {F}, {F}
}}
"""


@pytest.mark.parametrize("pipeline", ["attnorm-to-stablehlo", "attnorm-to-iree"])
@pytest.mark.parametrize("step", STEPS)
def test_chains(step: str, pipeline: str) -> None:
    """A chain of thousands of ops goes through like one of three."""
    attnorm.lower(attnorm.load(text(step)), pipeline)
