"""Passes of MLIR's that are taken to leave a module as it is do so, and the others are not."""

from __future__ import annotations

import pytest

from attnorm import load
from attnorm.ir.serialization import fingerprint
from attnorm.pipeline import driver
from attnorm.pipeline.idle import may_change

PASSES = ("stablehlo-legalize-composite-to-call", "inline{default-pipeline=}", "symbol-dce")

ONE_FUNCTION = """
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.abs %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
"""
PRIVATE = """
func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
"""
RECURSIVE = """
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = func.call @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
"""
CALL = """
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = func.call @g(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @g(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
"""
COMPOSITE = CALL.replace("func.call @g(%x)", 'stablehlo.composite "a.b" %x {decomposition = @g}')
NESTED = """
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  builtin.module {
    func.func private @g(%y: tensor<4xf32>) -> tensor<4xf32> {
      return %y : tensor<4xf32>
    }
  }
  return %x : tensor<4xf32>
}
"""
GLOBAL = 'memref.global "private" @g : memref<4xf32>\n'
MODULES = (ONE_FUNCTION, PRIVATE, RECURSIVE, CALL, COMPOSITE, NESTED, GLOBAL, "module {\n}")


def changes(text: str, pass_: str) -> bool:
    """Whether a pass changes a module."""
    module = load(text)
    before = fingerprint(module)
    driver.run(module, f"func.func({pass_})" if "composite" in pass_ else pass_)
    return fingerprint(module) != before


def is_taken_to(text: str, pass_: str) -> bool:
    """Whether a pass is taken to be able to."""
    (step,) = driver.resolve(pass_)
    return may_change(step.name, step.options, load(text))


@pytest.mark.parametrize("pass_", PASSES)
@pytest.mark.parametrize("text", MODULES)
def test_a_pass_that_changes_a_module_is_taken_to(text: str, pass_: str) -> None:
    """Whatever a module is made of."""
    assert is_taken_to(text, pass_) or not changes(text, pass_)


@pytest.mark.parametrize(
    "text, changed",
    [
        (ONE_FUNCTION, (False, False, False)),
        (PRIVATE, (False, True, True)),
        (CALL, (False, True, True)),
        (COMPOSITE, (True, True, True)),
        (NESTED, (False, True, True)),
    ],
)
def test_idle(text: str, changed: tuple[bool, ...]) -> None:
    """Composites, calls and functions that nobody sees are work."""
    assert tuple(is_taken_to(text, pass_) for pass_ in PASSES) == changed


def test_other_passes_may_change_any_module() -> None:
    """Nothing is known of them; nor of the inliner with a pipeline of its own."""
    assert all(is_taken_to(ONE_FUNCTION, pass_) for pass_ in ("canonicalize", "cse", "inline"))
