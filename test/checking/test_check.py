"""`attnorm.checking.check`: right passes pass, and wrong ones are named, whatever is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import attnorm
from attnorm.checking import check, compare_modules, generate, verdict
from attnorm.dialect import OPS
from attnorm.errors import AttnormError
from attnorm.execution import interpreter
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import operations
from attnorm.passes.expand.expand_rms_norm import ExpandRmsNormPass
from attnorm.passes.expand.expand_sdpa import ExpandSdpaPass

NORM = """
func.func @f(%x: tensor<4x16x{0}>, %w: tensor<16x{0}>) -> tensor<4x16x{0}> {{
  %0 = "attnorm.rms_norm"(%x, %w) {{axes = array<i64: 1>, epsilon = 1.0e-5 : f64,
    operandSegmentSizes = array<i32: 1, 1>}}
    : (tensor<4x16x{0}>, tensor<16x{0}>) -> tensor<4x16x{0}>
  return %0 : tensor<4x16x{0}>
}}
"""
SDPA = """
func.func @f(%q: tensor<2x5x4xf32>, %k: tensor<2x7x4xf32>, %m: tensor<5x7xi1>)
    -> tensor<2x5x4xf32> {
  %0 = "attnorm.sdpa"(%q, %k, %k, %m) {scale = 0.5 : f64, causal = true, offset = 2 : i64,
    fully_masked = "zero", operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>}
    : (tensor<2x5x4xf32>, tensor<2x7x4xf32>, tensor<2x7x4xf32>, tensor<5x7xi1>)
    -> tensor<2x5x4xf32>
  return %0 : tensor<2x5x4xf32>
}
"""
EXPANDS = {"attnorm.rms_norm": ExpandRmsNormPass, "attnorm.sdpa": ExpandSdpaPass}


@pytest.fixture
def spoil(monkeypatch) -> Iterator[Callable[..., None]]:
    """Makes the expansion of an op expand one with other attributes."""

    def spoil(name: str, **values) -> None:
        pass_ = EXPANDS[name]
        run = pass_.run

        def wrong(self, module, report) -> None:
            for op in operations(module, name):
                for key, value in values.items():
                    with op.location:
                        op.attributes[key] = OPS[name].fields[key].encode(value)
            run(self, module, report)

        monkeypatch.setattr(pass_, "run", wrong)

    yield spoil


@pytest.mark.parametrize("element", ["f32", "f64", "f16", "bf16"])
def test_a_right_pass(element: str) -> None:
    """Every value is the same, where f32 is not rounded; natively it moves by a few roundings."""
    found = check(attnorm.load(NORM.format(element)), "attnorm-expand", anchors=False)
    assert found.ok and found.first_failure is None
    assert [item.name for item in found.passes if item.changed] == ["expand-rms-norm"]
    (output,) = found.passes[0].verdict.outputs
    assert (output.kind, output.type) == ("same", f"4x16x{element}")
    assert output.exact is not None and output.exact < 1e-9
    assert output.ulps is not None and output.ulps < 10


WRONG = [
    ("attnorm.rms_norm", {"epsilon": 1.1e-5}),
    ("attnorm.rms_norm", {"weight_offset": 1.0}),
    ("attnorm.sdpa", {"scale": 0.50001}),
    ("attnorm.sdpa", {"causal": False}),
    ("attnorm.sdpa", {"offset": 1}),
    ("attnorm.sdpa", {"window": (1, -1)}),
    ("attnorm.sdpa", {"fully_masked": "nan"}),
    ("attnorm.sdpa", {"fully_masked": "uniform"}),
    ("attnorm.sdpa", {"softcap": 1e5}),
]


@pytest.mark.parametrize(("op", "values"), WRONG)
def test_a_wrong_pass(op: str, values: dict, spoil) -> None:
    """It is named, and so are the output and the arguments that show it."""
    spoil(op, **values)
    found = check(
        attnorm.load(SDPA if op == "attnorm.sdpa" else NORM.format("f32")),
        "attnorm-expand,canonicalize",
        anchors=False,
    )
    assert not found.ok and found.first_failure is not None
    assert found.first_failure.name == EXPANDS[op].name
    (output,) = found.first_failure.verdict.outputs
    assert output.kind == "differs" and output.reason
    assert f"{EXPANDS[op].name}: f result 0" in str(found)


def test_roundings_that_move(spoil, monkeypatch) -> None:
    """They fail, unless the pass says why that is no less accurate."""
    module = attnorm.load(NORM.format("bf16").replace("epsilon", 'cast = "throughout", epsilon'))
    spoil("attnorm.rms_norm", cast="after_weight")
    found = check(module, "attnorm-expand", anchors=False)
    assert found.first_failure is not None and found.first_failure.verdict.kind == "rounds"
    assert "rounds for" in str(found)
    monkeypatch.setattr(ExpandRmsNormPass, "rounds", "nothing is rounded inside")
    assert check(module, "attnorm-expand", anchors=False).ok


def test_roundings_that_do_harm() -> None:
    """What is further from the value than it was differs, the other way round it only rounds."""
    text = """
    func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {{
      %0 = stablehlo.convert %x : (tensor<4xf32>) -> tensor<4x{0}>
      %1 = stablehlo.convert %0 : (tensor<4x{0}>) -> tensor<4xf32>
      return %1 : tensor<4xf32>
    }}
    """
    modules = [attnorm.load(text.format(element)) for element in ("f16", "bf16")]
    inputs = {"given": (np.array([0.1, 0.2, 0.3, 0.7], np.float32),)}
    assert "for the worse" in str(compare_modules(*modules, inputs))
    assert compare_modules(*reversed(modules), inputs).kind == "rounds"


def test_constants_that_are_folded() -> None:
    """1e-6 of f64, converted to f32, is another number once it is a constant; that is no change."""
    text = """
    func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
      %c = stablehlo.constant dense<0.1> : tensor<4xf64>
      %0 = stablehlo.convert %c : (tensor<4xf64>) -> tensor<4xf32>
      %1 = stablehlo.multiply %x, %0 : tensor<4xf32>
      return %1 : tensor<4xf32>
    }
    """
    folded = text.replace("0.1>", "0.100000001490116>").replace("xf64", "xf32")
    wrong = folded.replace("0.1000000014", "0.1000000314")
    module = attnorm.load(text)
    inputs = generate(module, "f")
    assert compare_modules(module, attnorm.load(folded), inputs).ok
    assert not compare_modules(module, attnorm.load(wrong), inputs).ok


def test_what_overflows_is_worse() -> None:
    """A softmax without its maximum is the same where nothing overflows: native values say it."""
    text = """
    func.func @f(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {{
      {minus}
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %1 = stablehlo.exponential %0 : tensor<2x4xf32>
      %2 = stablehlo.reduce(%1 init: %zero) applies stablehlo.add across dimensions = [1]
        : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
      %3 = stablehlo.broadcast_in_dim %2, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
      %4 = stablehlo.divide %1, %3 : tensor<2x4xf32>
      return %4 : tensor<2x4xf32>
    }}
    """
    with_peak = """
      %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
      %m = stablehlo.reduce(%x init: %low) applies stablehlo.maximum across dimensions = [1]
        : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
      %n = stablehlo.broadcast_in_dim %m, dims = [0] : (tensor<2xf32>) -> tensor<2x4xf32>
      %0 = stablehlo.subtract %x, %n : tensor<2x4xf32>"""
    without = "%0 = stablehlo.abs %x : tensor<2x4xf32>"
    inputs = {"hot": (np.full((2, 4), 100, np.float32),)}
    modules = [attnorm.load(text.format(minus=minus)) for minus in (with_peak, without)]
    found = compare_modules(*modules, inputs)
    assert found.kind == "differs" and "native values" in str(found)
    assert compare_modules(*reversed(modules), inputs).ok


def test_what_is_badly_conditioned(monkeypatch) -> None:
    """(1e4 x + z) - 1e4 x keeps few digits of z in any order; z itself loses them that way."""

    def module(*lines: str) -> ir.Operation:
        t = "tensor<64xf32>"
        body = "\n".join(f"{line} : {t}" for line in lines)
        return attnorm.load(f"""func.func @f(%x: {t}, %z: {t}) -> {t} {{
          %c = stablehlo.constant dense<1.0e4> : {t}
          %a = stablehlo.multiply %x, %c : {t}
          %b = stablehlo.add %a, %a : {t}
          %y = stablehlo.add %z, %z : {t}
          {body}
          return %r : {t}
        }}""")

    well = module("%r = stablehlo.add %z, %z")
    first = module(
        "%0 = stablehlo.add %a, %z", "%1 = stablehlo.add %0, %z", "%r = stablehlo.subtract %1, %a"
    )
    other = module(
        "%0 = stablehlo.add %y, %a", "%1 = stablehlo.add %0, %a", "%r = stablehlo.subtract %1, %b"
    )
    draw = np.random.default_rng(0).standard_normal
    inputs = {"normal": tuple(draw((2, 64)).astype(np.float32))}
    assert compare_modules(first, other, inputs).ok
    assert not compare_modules(well, first, inputs).ok
    monkeypatch.setattr(verdict, "NOISY", 0.0)
    assert not compare_modules(first, other, inputs).ok


INTEGERS = "func.func @f(%x: tensor<4x{0}>) -> tensor<4x{0}> {{\n {1}\n return %0 : tensor<4x{0}>}}"


@pytest.mark.parametrize(
    ("element", "right", "wrong"),
    [
        ("i32", "add %x, %x", "subtract %x, %x"),
        ("ui8", "xor %x, %x", "or %x, %x"),
        ("i1", "and %x, %x", "not %x"),
    ],
)
def test_integers(element: str, right: str, wrong: str) -> None:
    """They are equal or not."""
    modules = [
        attnorm.load(INTEGERS.format(element, f"%0 = stablehlo.{op} : tensor<4x{element}>"))
        for op in (right, wrong)
    ]
    inputs = generate(modules[0], "f")
    assert compare_modules(modules[0], modules[0], inputs).ok
    (output,) = compare_modules(*modules, inputs).outputs
    assert (output.kind, output.ulps) == ("differs", None)


def test_other_types_and_nan() -> None:
    """A result of another type, or NaN where there was a number, is another value."""
    text = "func.func @f(%x: tensor<4xf32>) -> tensor<4x{1}> {{\n {0}\n return %0 : tensor<4x{1}>}}"
    same, half, none = (
        attnorm.load(text.format(*parts))
        for parts in (
            ("%0 = stablehlo.abs %x : tensor<4xf32>", "f32"),
            ("%0 = stablehlo.convert %x : (tensor<4xf32>) -> tensor<4xf16>", "f16"),
            ("%0 = stablehlo.log %x : tensor<4xf32>", "f32"),
        )
    )
    fewer = attnorm.load("func.func @f(%x: tensor<4xf32>) {\n  return\n}\n")
    inputs = {"given": (np.array([-1, 1, 1, 1], np.float32),)}
    assert "expected 1 results, got 0" in str(compare_modules(same, fewer, inputs))
    assert "expected 4xf32, got 4xf16" in str(compare_modules(same, half, inputs))
    assert "1.0 and nan" in str(compare_modules(same, none, inputs))


def test_passes_that_change_nothing_cost_nothing(monkeypatch) -> None:
    """Only a module that is new is evaluated."""
    calls = []
    evaluate = verdict.evaluate
    monkeypatch.setattr(
        verdict, "evaluate", lambda *a, **k: calls.append(k["precision"]) or evaluate(*a, **k)
    )
    module = attnorm.load(NORM.format("f32"))
    inputs = [np.ones((4, 16), np.float32), np.ones(16, np.float32)]
    found = check(module, "cse,raise-softmax,cse", inputs=inputs, anchors=False)
    assert calls == ["native"] and not any(item.changed for item in found.passes)
    calls.clear()
    check(module, "cse,expand-rms-norm,cse", inputs=inputs, anchors=False)
    assert sorted(calls) == ["exact", "exact", "native", "native"]


def test_tolerances() -> None:
    """What is asked for is asked of native values, whatever they were before."""
    module = attnorm.load(NORM.format("f32"))
    assert not check(module, "attnorm-expand", rtol=0, atol=0, anchors=False).ok
    assert check(module, "attnorm-expand", rtol=1e-5, atol=0, anchors=False).ok


def test_every_function(spoil) -> None:
    """A module with several is wrong where one of them is."""
    text = NORM.format("f32")
    module = attnorm.load(text.replace("@f", "@g") + SDPA)
    spoil("attnorm.sdpa", causal=False)
    found = check(module, "attnorm-expand", anchors=False)
    kinds = {o.function: o.kind for item in found.passes for o in item.verdict.outputs if o.reason}
    assert kinds == {"f": "differs"}
    assert check(module, "attnorm-expand", function="g", anchors=False).ok


def test_save(spoil, tmp_path: Path) -> None:
    """The IR around the first pass that fails; nothing where none does."""
    spoil("attnorm.rms_norm", epsilon=0.5)
    module = attnorm.load(NORM.format("f32"))
    check(module, "attnorm-expand,canonicalize", anchors=False, save=tmp_path / "ir")
    before, after = (tmp_path / "ir" / f"expand-rms-norm.{end}.mlir" for end in ("before", "after"))
    assert str(attnorm.load(before)) == str(module)
    assert "attnorm.rms_norm" not in after.read_text() and attnorm.load(after)
    check(module, "canonicalize", anchors=False, save=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_epsilon_of_calls_that_carry_none() -> None:
    """The pass's option is what the call means before it, too."""
    text = """
    func.func @f(%x: tensor<2x8xf32>, %w: tensor<8xf32>) -> tensor<2x8xf32> {
      %0 = stablehlo.custom_call @ai_edge_torch.rms_norm(%x, %w) {backend_config = ""}
        : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
      return %0 : tensor<2x8xf32>
    }
    """
    pipeline = "attnorm-to-stablehlo{rms-norm-epsilon=0.25}"
    found = check(attnorm.load(text), pipeline, anchors=False)
    assert found.ok and found.passes[2].changed
    with pytest.raises(AttnormError, match=r"error: .*epsilon"):
        check(attnorm.load(text), "attnorm-to-stablehlo", anchors=False)


def test_dynamic_sizes() -> None:
    """As they are, and specialized, which is a pass like others."""
    text = NORM.format("f32").replace("4x16", "?x16")
    assert check(attnorm.load(text), "attnorm-expand", anchors=False).ok
    text = """func.func @f(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %0 = stablehlo.negate %x : tensor<?x4xf32>
      return %0 : tensor<?x4xf32>
    }
    """
    found = check(attnorm.load(text), "attnorm-expand", dims=["0.0=3"], anchors=False)
    assert found.ok and found.passes[0].name == "specialize-dims{dims=0.0=3}"
    assert found.passes[0].verdict.outputs[0].type == "3x4xf32"


def test_json_and_the_same_again() -> None:
    """JSON has everything, and is the same for the same seed."""
    module = attnorm.load(SDPA)
    first, again = (check(module, "attnorm-expand", anchors=False) for _ in range(2))
    assert first.to_json() == again.to_json()
    read = json.loads(first.to_json())
    assert read["ok"] is True and read["first_failure"] is None
    (output,) = next(item for item in read["passes"] if item["changed"])["verdict"]["outputs"]
    assert output["kind"] == "same" and output["exact"] < 1e-9


def test_anchors(monkeypatch) -> None:
    """Other systems agree; one that does not is named."""
    module = attnorm.load(
        "func.func @f(%x: tensor<3xf32>) -> tensor<3xf32> {\n"
        "  %0 = stablehlo.negate %x : tensor<3xf32>\n  return %0 : tensor<3xf32>\n}\n"
    )
    inputs = [np.arange(3, dtype=np.float32)]
    systems = [(item.system, item.agrees) for item in check(module, "cse", inputs=inputs).anchors]
    assert systems == [("StableHLO's interpreter", True), ("IREE", True)]
    monkeypatch.setattr(interpreter, "evaluate", lambda module, *arrays, function: arrays)
    found = check(module, "cse", inputs=inputs)
    assert not found.ok and found.first_failure is None
    assert "StableHLO's interpreter differs on the module as given, f: result 0" in str(found)


def located(text: str, **options) -> str:
    """What is said about a module that cannot be checked."""
    with pytest.raises(AttnormError) as caught:
        check(attnorm.load(text, name="m.mlir"), anchors=False, **options)
    return str(caught.value)


def test_errors() -> None:
    """At the place, with the name of what is wrong."""
    identity = "func.func @f(%x: {0}) -> {0} {{\n  return %x : {0}\n}}\n"
    assert "m.mlir:1:1: error: expected a public function" in located("module {\n}\n")
    for kind in ("!stablehlo.token", "tensor<2xcomplex<f32>>", "tensor<*xf32>"):
        assert f"argument 0: expected a tensor of numbers, got {kind}" in located(
            identity.format(kind)
        )
    call = "%0 = stablehlo.custom_call @mystery(%x) : (tensor<f32>) -> tensor<f32>\n"
    unknown = identity.format("tensor<f32>").replace("  return", f"  {call}  return")
    assert "m.mlir:2:8: error: 'stablehlo.custom_call' op: @mystery" in located(unknown)
    recursive = call.replace("stablehlo.custom_call @mystery", "func.call @f")
    message = located(identity.format("tensor<f32>").replace("  return", f"  {recursive}  return"))
    assert "nested too deep" in message
    plain = identity.format("tensor<f32>")
    assert "expected a function of f, got 'g'" in located(plain, function="g")
    wrong = [np.zeros(3, np.float32)]
    assert "argument 0: expected f32, got 3xf32" in located(plain, inputs=wrong)


def test_functions_without_results() -> None:
    """There is nothing to compare, and nothing wrong."""
    assert check(attnorm.load("func.func @f(%x: tensor<f32>) {\n  return\n}\n"), anchors=False).ok


def test_a_module_of_a_pass_that_cannot_be_evaluated(monkeypatch) -> None:
    """The error names the pass that made it."""

    def unknown(self, module: ir.Operation, report) -> None:
        for op in operations(module, "attnorm.rms_norm"):
            with op.location, ir.InsertionPoint(op):
                attributes = {"call_target_name": ir.StringAttr.get("mystery")}
                call = ir.Operation.create(
                    "stablehlo.custom_call", [op.results[0].type], [op.operands[0]], attributes
                )
            op.results[0].replace_all_uses_with(call.results[0])

    monkeypatch.setattr(ExpandRmsNormPass, "run", unknown)
    message = located(NORM.format("f32"), pipeline="expand-rms-norm")
    assert "@mystery" in message and "note: in the module after 'expand-rms-norm'" in message
