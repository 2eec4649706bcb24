"""`attnorm.checking.reduce`: modules that are as small as they are known to get."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

import pytest
from exports import ABSENT, BESIDE, MANIFEST

import attnorm
from attnorm.checking.reduce import Progress, Size, reduce
from attnorm.ir.mlir import ir
from attnorm.ir.serialization import bytecode


def having(*patterns: str) -> Callable[[ir.Operation], bool]:
    """Whether a module's text has all of these."""
    return lambda module: all(re.search(pattern, str(module)) for pattern in patterns)


def reduced(source: str, *patterns: str) -> str:
    """The body of the module that is left, its lines without what stands around them."""
    module = attnorm.load(source)
    before = bytecode(module)
    fails = having(*patterns)
    assert fails(module)
    result = reduce(module, fails)
    result.verify()
    assert fails(result) and bytecode(module) == before
    return "\n".join(line.strip() for line in str(result).splitlines()[1:-1])


CHAIN = """
module attributes {mhlo.num_partitions = 1 : i32} {
  func.func private @unused(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
    return %x : tensor<4x8xf32>
  }
  func.func private @helper(%x: tensor<4x8xf32> {mhlo.name = "x"}) -> tensor<4x8xf32> {
    %0 = stablehlo.sine %x : tensor<4x8xf32>
    %1 = stablehlo.cosine %0 : tensor<4x8xf32>
    return %1 : tensor<4x8xf32>
  }
  func.func @main(%x: tensor<4x8xf32>, %y: tensor<3xi32>) -> (tensor<4x8xf32>, tensor<3xi32>) {
    %w = stablehlo.constant dense<3.0> : tensor<4x8xf32>
    %0 = stablehlo.add %x, %w : tensor<4x8xf32>
    %1 = func.call @helper(%0) : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %2 = stablehlo.negate %1 : tensor<4x8xf32>
    return %2, %y : tensor<4x8xf32>, tensor<3xi32>
  }
}
"""


def test_one_op() -> None:
    """Functions, calls, ops before and after, arguments, results, attributes and sizes go."""
    assert reduced(CHAIN, "cosine") == (
        "func.func @helper(%arg0: tensor<1x1xf32>) -> tensor<1x1xf32> {\n"
        "%0 = stablehlo.cosine %arg0 : tensor<1x1xf32>\n"
        "return %0 : tensor<1x1xf32>\n"
        "}"
    )


def test_nothing() -> None:
    """What always fails fails on an empty module."""
    assert str(reduce(attnorm.load(CHAIN), lambda module: True)) == "module {\n}\n"


def test_a_call() -> None:
    """A call that has to stay gets a signature that is as small as can be."""
    assert reduced(CHAIN, "call @helper", "cosine") == (
        "func.func @helper() -> tensor<1x1xf32> {\n"
        "%cst = stablehlo.constant dense<0.000000e+00> : tensor<1x1xf32>\n"
        "%0 = stablehlo.cosine %cst : tensor<1x1xf32>\n"
        "return %0 : tensor<1x1xf32>\n"
        "}\n"
        "func.func @main() -> tensor<1x1xf32> {\n"
        "%0 = call @helper() : () -> tensor<1x1xf32>\n"
        "return %0 : tensor<1x1xf32>\n"
        "}"
    )


def test_a_composite() -> None:
    """A composite keeps a decomposition of its type, with no more in it than has to be."""
    source = """
      module {
        func.func private @decomposed(%x: tensor<2x5xf32>, %w: tensor<5xf32>) -> tensor<2x5xf32> {
          %0 = stablehlo.tanh %x : tensor<2x5xf32>
          return %0 : tensor<2x5xf32>
        }
        func.func @main(%x: tensor<2x5xf32>, %w: tensor<5xf32>) -> tensor<2x5xf32> {
          %0 = stablehlo.composite "my.tanh" %x, %w {
            composite_attributes = {epsilon = 1.0 : f32, axis = 1 : i64},
            decomposition = @decomposed, version = 3 : i32
          } : (tensor<2x5xf32>, tensor<5xf32>) -> tensor<2x5xf32>
          return %0 : tensor<2x5xf32>
        }
      }
    """
    assert reduced(source, "composite", "axis") == (
        "func.func @decomposed() -> tensor<1x1xf32> {\n"
        "%cst = stablehlo.constant dense<0.000000e+00> : tensor<1x1xf32>\n"
        "return %cst : tensor<1x1xf32>\n"
        "}\n"
        "func.func @main() -> tensor<1x1xf32> {\n"
        '%0 = stablehlo.composite "my.tanh"  {composite_attributes = {axis = 1 : i64}, '
        "decomposition = @decomposed} : () -> tensor<1x1xf32>\n"
        "return %0 : tensor<1x1xf32>\n"
        "}"
    )


LOOP = """
  func.func @main(%x: tensor<4xf32>, %n: tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>) {
    %one = stablehlo.constant dense<1> : tensor<i32>
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %0:3 = stablehlo.while(%i = %zero, %a = %x, %b = %x)
      : tensor<i32>, tensor<4xf32>, tensor<4xf32>
    cond {
      %1 = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %1 : tensor<i1>
    } do {
      %1 = stablehlo.add %i, %one : tensor<i32>
      %2 = stablehlo.exponential %a : tensor<4xf32>
      %3 = stablehlo.negate %b : tensor<4xf32>
      stablehlo.return %1, %2, %3 : tensor<i32>, tensor<4xf32>, tensor<4xf32>
    }
    return %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>
  }
"""


def test_a_loop() -> None:
    """A loop that has to stay carries what it has to."""
    assert reduced(LOOP, "while", "exponential") == (
        "func.func @main(%arg0: tensor<1xf32>) -> tensor<1xf32> {\n"
        "%0 = stablehlo.while(%iterArg = %arg0) : tensor<1xf32>\n"
        "cond {\n"
        "%c = stablehlo.constant dense<false> : tensor<i1>\n"
        "stablehlo.return %c : tensor<i1>\n"
        "} do {\n"
        "%1 = stablehlo.exponential %iterArg : tensor<1xf32>\n"
        "stablehlo.return %1 : tensor<1xf32>\n"
        "}\n"
        "return %0 : tensor<1xf32>\n"
        "}"
    )


def test_out_of_a_loop() -> None:
    """An op of a region that need not be in one comes out of it."""
    assert reduced(LOOP, "exponential") == (
        "func.func @main(%arg0: tensor<1xf32>) -> tensor<1xf32> {\n"
        "%0 = stablehlo.exponential %arg0 : tensor<1xf32>\n"
        "return %0 : tensor<1xf32>\n"
        "}"
    )


def test_sizes_that_hang_together() -> None:
    """A size shrinks with those that it divides, and with the numbers that are made of it."""
    source = """
      func.func @main(%x: tensor<2x96xbf16>) -> tensor<2x4x8xbf16> {
        %n = stablehlo.constant dense<96.0> : tensor<2x4x24xbf16>
        %0 = stablehlo.reshape %x : (tensor<2x96xbf16>) -> tensor<2x4x24xbf16>
        %1 = stablehlo.divide %0, %n : tensor<2x4x24xbf16>
        %2 = stablehlo.slice %1 [0:2, 0:4, 16:24] : (tensor<2x4x24xbf16>) -> tensor<2x4x8xbf16>
        return %2 : tensor<2x4x8xbf16>
      }
    """

    def fails(module: ir.Operation) -> bool:
        """Whether the number is the product of the sizes that the reshape makes of one."""
        text = str(module)
        made = re.search(r"reshape .* -> tensor<\d+x(\d+)x(\d+)x", text)
        number = re.search(r"constant dense<(\S+)>", text)
        return bool(made and number and "slice" in text and "divide" in text) and (
            float(number[1]) == int(made[1]) * int(made[2])
        )

    module = attnorm.load(source)
    assert fails(module)
    assert str(reduce(module, fails)).splitlines()[2:6] == [
        "    %cst = stablehlo.constant dense<3.000000e+00> : tensor<1x1x3xf32>",
        "    %0 = stablehlo.reshape %arg0 : (tensor<1x3xf32>) -> tensor<1x1x3xf32>",
        "    %1 = stablehlo.divide %0, %cst : tensor<1x1x3xf32>",
        "    %2 = stablehlo.slice %1 [0:1, 0:1, 2:3] : (tensor<1x1x3xf32>) -> tensor<1x1x1xf32>",
    ]


def test_constants_are_cut() -> None:
    """A constant whose values matter is cut and cast with its type."""
    source = """
      func.func @main() -> (tensor<2x3xbf16>, tensor<2x3xi1>) {
        %0 = stablehlo.constant dense<[[1.5, 7.0, 2.0], [3.0, 4.0, 5.0]]> : tensor<2x3xbf16>
        %1 = stablehlo.constant dense<[[true, false, true], [false, true, true]]> : tensor<2x3xi1>
        return %0, %1 : tensor<2x3xbf16>, tensor<2x3xi1>
      }
    """
    assert reduced(source, r"7\.0") == (
        "func.func @main() -> tensor<1x2xf32> {\n"
        "%cst = stablehlo.constant dense<[[1.500000e+00, 7.000000e+00]]> : tensor<1x2xf32>\n"
        "return %cst : tensor<1x2xf32>\n"
        "}"
    )
    assert reduced(source, r"true, false") == (
        "func.func @main() -> tensor<1x2xi1> {\n"
        "%c = stablehlo.constant dense<[[true, false]]> : tensor<1x2xi1>\n"
        "return %c : tensor<1x2xi1>\n"
        "}"
    )


@pytest.mark.parametrize(
    ("type_", "value", "left"),
    [
        ("4xi4", "[1, 2, 3, -4]", "4xi4"),
        ("4xi2", "1", "1xi2"),
        ("4xf8E4M3FN", "2.000000e+00", "1xf8E4M3FN"),
        ("4xcomplex<f32>", "(1.000000e+00,2.000000e+00)", "1xcomplex<f32>"),
        ("4xui64", "18446744073709551615", "1xui64"),
        ("4xi64", "[9223372036854775807, 1, 2, 4]", "4xi64"),
        ("4xf64", "[1.000000e+300, 1.000000e+00, 4.000000e+00, 2.000000e+00]", "4xf64"),
        ("4xf16", "0xFC00", "1xf16"),
        ("4xbf16", "0x7FC0", "1xbf16"),
        ("0x4xf32", "", "0x1xf32"),
        ("4xui8", "255", "1xi32"),
    ],
)
def test_constants_of_every_type(type_: str, value: str, left: str) -> None:
    """Constants of extreme values, of none, and of types that NumPy does not have."""
    source = f"""
      func.func @main(%x: tensor<4xf32>) -> (tensor<{type_}>, tensor<4xf32>) {{
        %0 = stablehlo.constant dense<{value}> : tensor<{type_}>
        %1 = stablehlo.tanh %x : tensor<4xf32>
        return %0, %1 : tensor<{type_}>, tensor<4xf32>
      }}
    """
    text = reduced(source, re.escape(f"dense<{value}>"), "tanh")
    assert f"stablehlo.constant dense<{value}> : tensor<{left}>" in text
    assert f"stablehlo.tanh %arg0 : tensor<{'4' if '[' in value else '1'}xf32>" in text


def test_casts_that_overflow() -> None:
    """A constant that the simpler type cannot hold is cast as NumPy casts."""
    source = """
      func.func @main() -> (tensor<2xf64>, tensor<2xi64>) {
        %0 = stablehlo.constant dense<[1.0e300, 1.0]> : tensor<2xf64>
        %1 = stablehlo.constant dense<[9223372036854775807, 1]> : tensor<2xi64>
        return %0, %1 : tensor<2xf64>, tensor<2xi64>
      }
    """
    text = reduced(source, r"dense<\[.*f", r"dense<\[.*i")
    assert "dense<[0x7F800000, 1.000000e+00]> : tensor<2xf32>" in text
    assert "dense<[-1, 1]> : tensor<2xi32>" in text


def test_optional_operands() -> None:
    """An op's mask goes, and so does what made it."""
    source = """
      func.func @main(%q: tensor<1x2x4x8xf32>, %m: tensor<1x2x4x4xi1>) -> tensor<1x2x4x8xf32> {
        %0 = "attnorm.sdpa"(%q, %q, %q, %m) {
          fully_masked = "zero", operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>,
          scale = 0.5 : f64
        } : (tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>,
             tensor<1x2x4x4xi1>) -> tensor<1x2x4x8xf32>
        return %0 : tensor<1x2x4x8xf32>
      }
    """
    result = reduced(source, r"attnorm\.sdpa")
    assert '"attnorm.sdpa"(%arg0, %arg0, %arg0)' in result
    assert "tensor<1x1x1x1xf32>" in result and "i1" not in result


def test_attributes() -> None:
    """Entries of dictionaries go, those of arguments too."""
    source = """
      func.func @main(%x: tensor<4xf32> {a.one = 1 : i32}, %y: tensor<4xf32> {a.two = 2 : i32})
          -> (tensor<4xf32> {a.three = 3 : i32}) attributes {a.four = 4 : i32} {
        %0 = stablehlo.custom_call @f(%x, %y) {
          backend_config = {five = 5 : i32, six = 6 : i32}, api_version = 4 : i32
        } : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
        return %0 : tensor<4xf32>
      }
    """
    assert reduced(source, "a.two", "six") == (
        "func.func @main(%arg0: tensor<1xf32> {a.two = 2 : i32}) -> tensor<1xf32> {\n"
        "%0 = stablehlo.custom_call @f() {api_version = 4 : i32, backend_config = {six = 6 : i32}} "
        ": () -> tensor<1xf32>\n"
        "return %0 : tensor<1xf32>\n"
        "}"
    )
    assert "a.three = 3 : i32" in reduced(source, "a.three")


def test_effects_stay() -> None:
    """What nothing reads is kept where it is what fails."""
    source = """
      func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
        %0 = stablehlo.sine %x : tensor<4xf32>
        %1 = stablehlo.cosine %x : tensor<4xf32>
        return %1 : tensor<4xf32>
      }
    """
    assert reduced(source, r"sine %\w+ : tensor<\d+xf32>\n +return\b(?! %0)") == (
        "func.func @main(%arg0: tensor<1xf32>) {\n"
        "%0 = stablehlo.sine %arg0 : tensor<1xf32>\n"
        "return\n"
        "}"
    )


def test_dynamic_sizes() -> None:
    """A dynamic size becomes a static one."""
    source = """
      func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
        %0 = stablehlo.tanh %x : tensor<?x8xf32>
        return %0 : tensor<?x8xf32>
      }
    """
    assert "%0 = stablehlo.tanh %arg0 : tensor<1x1xf32>" in reduced(source, "tanh")


def test_recursion() -> None:
    """Functions that call each other are no trouble."""
    source = """
      func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
        %0 = call @g(%x) : (tensor<4xf32>) -> tensor<4xf32>
        return %0 : tensor<4xf32>
      }
      func.func @g(%x: tensor<4xf32>) -> tensor<4xf32> {
        %0 = call @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
        %1 = stablehlo.tanh %0 : tensor<4xf32>
        return %1 : tensor<4xf32>
      }
    """
    assert "call" not in reduced(source, "tanh")
    assert len(re.findall("call", reduced(source, "call @f", "call @g"))) == 2


def test_candidates() -> None:
    """Candidates are valid, never the same twice, and come in the same order every time."""

    def run() -> list[str]:
        seen: list[str] = []

        def fails(module: ir.Operation) -> bool:
            module.verify()
            seen.append(hashlib.sha256(bytecode(module)).hexdigest())
            return "exponential" in str(module)

        reduce(attnorm.load(LOOP), fails)
        return seen

    first = run()
    assert len(set(first)) == len(first) > 10
    assert run() == first


def test_errors_of_the_predicate() -> None:
    """What a predicate raises comes out as it is."""

    def fails(module: ir.Operation) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reduce(attnorm.load(LOOP), fails)


def test_progress() -> None:
    """Progress says what is left, and it gets no larger."""
    said: list[Progress] = []
    reduce(attnorm.load(CHAIN), having("cosine"), on_progress=said.append)
    sizes = [Size.of(progress.module).operations for progress in said]
    assert sizes[0] == 12 and sizes[-1] == 3 and sizes == sorted(sizes, reverse=True)
    assert [progress.tried for progress in said] == sorted(progress.tried for progress in said)


@pytest.mark.skipif(not MANIFEST.exists(), reason=ABSENT)
@pytest.mark.parametrize(
    ("name", "kind", "most"),
    [("jax/tunix_llama3", "rms_norm", 14), ("jax/gemma_block_f32", "sdpa", 24)],
)
def test_models(name: str, kind: str, most: int) -> None:
    """An idiom is cut out of a model: the ops that raising needs, and the function and its end."""
    module = attnorm.load(BESIDE / f"{name}.mlir")

    def fails(module: ir.Operation) -> bool:
        try:
            return attnorm.report(module).counts[kind] > 0
        except attnorm.AttnormError:
            return False

    assert fails(module)
    result = reduce(module, fails)
    assert Size.of(result).operations <= most, result
