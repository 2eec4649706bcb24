"""`attnorm report` and `attnorm.report`."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from exports import ABSENT, BESIDE, MANIFEST

import attnorm
from attnorm.checking.contents import Size, Sizes
from attnorm.dialect import SPECS
from attnorm.execution.choices import merge
from attnorm.execution.kernels import Choice
from attnorm.ir.rewriting import run_native
from attnorm.ir.serialization import bytecode
from attnorm.tools.cli import main

NONE = {spec.name: 0 for spec in SPECS}

NORM_MUL = """\
func.func @main(%x: tensor<2x?xf32>, %g: tensor<2x?xf32>) -> tensor<2x?xf32> {
  %0 = stablehlo.custom_call @rms_norm(%x) {eps = 1.0e-5 : f64}
      : (tensor<2x?xf32>) -> tensor<2x?xf32>
  %1 = stablehlo.multiply %0, %g : tensor<2x?xf32>
  return %1 : tensor<2x?xf32>
}
"""
NO_EPSILON = """\
func.func @main(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
  %0 = stablehlo.custom_call @ai_edge_torch.rms_norm(%x, %w)
      : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
"""
SOFTMUX = """\
func.func @main(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = stablehlo.custom_call @softmux(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.custom_call @"[bold]"(%0) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}
"""
SDPA = """\
func.func @main(%q: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %scale = stablehlo.constant dense<0.5> : tensor<2x4x4xf32>
  %0 = stablehlo.dot_general %q, %q, batching_dims = [0] x [0], contracting_dims = [2] x [2]
      : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x4xf32>
  %1 = stablehlo.multiply %0, %scale : tensor<2x4x4xf32>
  %2 = stablehlo.custom_call @softmax(%1) {axis = 2 : i64}
      : (tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %3 = stablehlo.dot_general %2, %q, batching_dims = [0] x [0], contracting_dims = [2] x [1]
      : (tensor<2x4x4xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %3 : tensor<2x4x8xf32>
}
"""


def composite(
    name: str, attributes: str = "epsilon = 1.0e-5 : f32", *, declared: bool = False
) -> str:
    """A module with a composite whose decomposition is a softmax by custom call, or `declared`."""
    body = """\
func.func private @impl(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = stablehlo.custom_call @softmax(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
"""
    if declared:
        body = "func.func private @impl(tensor<2x4xf32>) -> tensor<2x4xf32>\n"
    return f"""\
func.func @main(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {{
  %0 = stablehlo.composite "{name}" %x {{
    composite_attributes = {{{attributes}}}, decomposition = @impl
  }} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}}
{body}"""


def report_of(source: str, *, name: str = "m.mlir") -> dict[str, Any]:
    """The JSON of a module's report."""
    module = attnorm.load(source, name=name)
    return json.loads(attnorm.report(module).to_json())


@pytest.fixture
def file(tmp_path):
    """Writes a module and gives its path."""

    def write(source: str) -> str:
        path = tmp_path / "m.mlir"
        path.write_text(source)
        return str(path)

    return write


# -- what is counted -----------------------------------------------------------------------------


def test_counts_as_raised_and_as_fused() -> None:
    """A norm and the multiply after it are one rms_norm as raised and one rms_norm_mul as fused."""
    found = report_of(NORM_MUL)
    assert found["counts"] == NONE | {"rms_norm": 1}
    assert found["fused"] == NONE | {"rms_norm_mul": 1}


def test_softmax_inside_attention_is_not_counted_again() -> None:
    """The softmax between two products is part of the sdpa."""
    assert report_of(SDPA)["counts"] == NONE | {"sdpa": 1}


def test_composite_known_by_name() -> None:
    """A composite that a row of the table knows, and nothing else says what it is, is its op."""
    found = report_of(composite("odml.rms_norm", declared=True))
    assert found["counts"] == NONE | {"rms_norm": 1}
    assert (found["left"], found["opened"]) == ([], [])


@pytest.mark.parametrize("name", ["odml.softmin", "odml.rms_norm"])
def test_composite_with_a_body_is_opened(name: str) -> None:
    """What is inside of it counts, whatever its name; it is listed, and not as left."""
    found = report_of(composite(name))
    assert found["counts"] == NONE | {"softmax": 1}
    assert found["left"] == []
    (opened,) = found["opened"]
    assert opened["kind"] == "composite"
    assert opened["name"] == name
    assert opened["location"] == "m.mlir:2:8"


def test_composite_is_left_where_the_pipeline_opens_none() -> None:
    """A pipeline without decompositions leaves an unknown composite as it is."""
    found = attnorm.report(attnorm.load(composite("attnorm.soft")), "raise-composites")
    assert [(call.name, call.nearest) for call in found.left] == [
        ("attnorm.soft", "attnorm.softmax"),
        ("softmax", "softmax"),
    ]
    assert found.opened == ()


def test_counts_by_function() -> None:
    """Each function that has an op, in the order of the module."""
    other = SDPA.replace("@main", "@other")
    found = report_of(SDPA + other + "func.func @none() { return }\n")
    assert found["counts"] == NONE | {"sdpa": 2}
    assert list(found["functions"]) == ["main", "other"]
    assert found["functions"]["other"] == NONE | {"sdpa": 1}


# -- the schema ----------------------------------------------------------------------------------


def test_json_keys_are_in_order() -> None:
    """The keys are those that the module docstring documents, in its order."""
    found = report_of(NORM_MUL)
    keys = ["counts", "functions", "fused", "ops", "refusals", "left", "opened", "size"]
    assert list(found) == keys
    assert list(found["counts"]) == list(found["fused"]) == list(NONE)


def test_json_of_an_op() -> None:
    """An op has its location, its operands and results by name and every attribute."""
    tensor = {"shape": [2, None], "dtype": "f32"}
    attributes = {"axes": [1], "epsilon": 1e-5, "weight_offset": 0.0, "cast": "after_weight"}
    assert report_of(NORM_MUL)["ops"] == [
        {
            "op": "rms_norm",
            "function": "main",
            "location": "m.mlir:2:8",
            "operands": {"x": tensor},
            "results": {"result": tensor},
            "attributes": attributes,
            "missing": [],
        }
    ]


def test_epsilon_that_the_ir_does_not_carry() -> None:
    """A call without an epsilon counts; its entry says that epsilon is missing."""
    found = report_of(NO_EPSILON)
    assert found["counts"] == NONE | {"rms_norm": 1}
    (op,) = found["ops"]
    assert op["attributes"]["epsilon"] is None
    assert op["missing"] == ["epsilon"]


def test_epsilon_that_the_pipeline_gives() -> None:
    """An epsilon of the pipeline's own is not missing."""
    found = attnorm.report(attnorm.load(NO_EPSILON), "attnorm-raise{rms-norm-epsilon=0.25}")
    assert found.ops[0].attributes["epsilon"] == 0.25
    assert found.ops[0].missing == ()


def test_size_before_and_after() -> None:
    """Ops are all those below the module: a function, its body, its return; bytes are bytecode."""
    module = attnorm.load(NORM_MUL)
    fused = attnorm.lower(module, "attnorm-raise,attnorm-fuse")
    size = attnorm.report(module).size
    assert size == Sizes(Size(4, len(bytecode(module))), Size(3, len(bytecode(fused))))


def test_no_location() -> None:
    """An op that has no location in a file has none in the report."""
    module = attnorm.load(NORM_MUL)
    run_native(module, "strip-debuginfo")
    assert attnorm.report(module).ops[0].location is None


def test_module_is_left_alone() -> None:
    """The report works on a copy."""
    module = attnorm.load(NORM_MUL)
    before = str(module)
    attnorm.report(module)
    assert str(module) == before


# -- what becomes a kernel -----------------------------------------------------------------------


def test_kernels() -> None:
    """Where asked for, each composite that IREE's stage gets is a kernel, or has a reason."""
    found = attnorm.report(attnorm.load(SDPA, name="m.mlir"), kernels=True)
    (choice,) = json.loads(found.to_json())["kernels"]["choices"]
    assert list(choice) == ["name", "location", "reason", "count"]
    assert choice["name"] == "attnorm.sdpa"
    assert choice["location"].startswith("m.mlir:")
    assert choice["count"] == 1
    assert found.kernels and found.kernels.error is None


def test_kernels_are_counted() -> None:
    """Choices that are alike are one, with a count, and read as a line."""
    alike = [Choice("attnorm.sdpa", 'loc("f"("m.mlir":2:8))', "it is odd")] * 2
    other = Choice("attnorm.rows", "loc(unknown)", None)
    assert list(map(str, merge([*alike, other]))) == [
        "attnorm.sdpa at m.mlir:2:8: decomposition, because it is odd (2 times)",
        "attnorm.rows: kernel",
    ]


@pytest.mark.parametrize("source", [SOFTMUX, NO_EPSILON], ids=["opaque call", "no epsilon"])
def test_kernels_of_what_cannot_be_lowered(file, capsys, source: str) -> None:
    """The report is whole, and says in its section why there is nothing."""
    assert main(["report", file(source), "--kernels"]) == 0
    out, err = capsys.readouterr()
    assert "kernels: not known, because lowering failed: " in out
    assert "ops: " in out and err == ""


def test_kernels_in_tables(file, capsys) -> None:
    """The table has the composite, its place, its count and what became of it."""
    path = file(NORM_MUL.replace("?", "64"))
    main(["report", path, "--kernels"])
    (line,) = [line for line in lines_of(capsys) if line[:1] == ["attnorm.rows"]]
    assert line[1].startswith(f"{path}:") and line[2:] == ["1", "kernel"]


# -- what was not recognised ---------------------------------------------------------------------


def test_refusals_are_located() -> None:
    """A composite with an attribute that its row does not know is listed with pass and reason."""
    (refusal,) = report_of(composite("odml.rms_norm", "gamma = 1 : i64", declared=True))["refusals"]
    assert list(refusal) == ["pass_name", "location", "reason"]
    assert refusal["pass_name"] == "raise-composites"
    assert refusal["location"] == "m.mlir:2:8"
    assert "gamma" in refusal["reason"]


def test_calls_left() -> None:
    """A custom call that no pass knows is left, with the nearest name that one knows, if any."""
    found = report_of(SOFTMUX)["left"]
    assert found == [
        {
            "kind": "custom_call",
            "name": "softmux",
            "location": "m.mlir:2:8",
            "nearest": "softmax",
        },
        {"kind": "custom_call", "name": "[bold]", "location": "m.mlir:3:8", "nearest": None},
    ]


# -- the command ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "flags", "status"),
    [(SOFTMUX, [], 0), (SOFTMUX, ["--fail-on-left"], 1), (NORM_MUL, ["--fail-on-left"], 0)],
)
def test_fail_on_left(file, capsys, source: str, flags: list[str], status: int) -> None:
    """The exit status is 1 only where calls are left and --fail-on-left asks; stdout is whole."""
    assert main(["report", file(source), "--json", *flags]) == status
    out, err = capsys.readouterr()
    assert list(json.loads(out)["counts"]) == list(NONE)
    assert err == ""


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (NORM_MUL.replace("%1 :", "%2 :"), "m.mlir:5:10: error: use of undeclared"),
        (NORM_MUL.replace("1.0e-5 : f64", "true"), "m.mlir:2:8: error: @rms_norm: epsilon"),
    ],
    ids=["text", "known call"],
)
def test_broken_input(file, capsys, source: str, error: str) -> None:
    """A module that cannot be read or raised is an error at its place, and no report."""
    assert main(["report", file(source), "--json"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert error in err


def test_stdin(capsys, monkeypatch) -> None:
    """`-` is stdin; locations say so."""
    stdin = SimpleNamespace(buffer=io.BytesIO(NORM_MUL.encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert main(["report", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ops"][0]["location"] == "<stdin>:2:8"


def lines_of(capsys) -> list[list[str]]:
    """The words of each line on stdout."""
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_tables(file, capsys) -> None:
    """Tables have the counts, each op's place, types and attributes, and the sizes."""
    path = file(NORM_MUL)
    assert main(["report", path]) == 0
    lines = lines_of(capsys)
    assert ["rms_norm", "1", "0"] in lines
    assert ["rms_norm_mul", "0", "1"] in lines
    types = ["x", "2x?xf32", "->", "result", "2x?xf32"]
    assert ["rms_norm", f"{path}:2:8", *types, "axes", "[1],", "epsilon", "1e-05"] in lines
    assert ["ops:", "4", "before,", "3", "after"] in lines


def test_tables_of_what_is_missing(file, capsys) -> None:
    """Tables say that an epsilon is not in the IR, why a candidate was refused, what was opened."""
    path = file(NO_EPSILON)
    main(["report", path])
    assert "epsilon not in the IR" in capsys.readouterr().out
    path = file(composite("odml.rms_norm", "gamma = 1 : i64", declared=True))
    main(["report", path])
    lines = lines_of(capsys)
    assert any(line[:2] == ["raise-composites", f"{path}:2:8"] for line in lines)
    assert ["composite", "odml.rms_norm", f"{path}:2:8", "odml.rms_norm"] in lines


def test_tables_of_what_is_left(file, capsys) -> None:
    """Names are printed as they are, whatever they mean to the library that prints."""
    path = file(SOFTMUX)
    main(["report", path])
    lines = lines_of(capsys)
    assert ["custom_call", "softmux", f"{path}:2:8", "softmax"] in lines
    assert ["custom_call", "[bold]", f"{path}:3:8", "none"] in lines


def test_help_does_not_load_what_it_does_not_need() -> None:
    """Neither the bindings nor the library that prints tables is loaded for --help."""
    program = (
        "import sys; from attnorm.tools.cli import _parser; _parser().format_help(); "
        "print({'rich', 'torch_mlir'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


# -- real modules --------------------------------------------------------------------------------


def manifest() -> list[Any]:
    """The modules of which it is known what they contain."""
    if not MANIFEST.exists():
        return [pytest.param(None, None, marks=pytest.mark.skip(ABSENT))]
    entries = json.loads(MANIFEST.read_text())
    return [
        pytest.param(BESIDE / entry["file"], entry["contains"], id=entry["file"])
        for entry in entries
        if entry["contains"] is not None
    ]


@pytest.mark.parametrize(("path", "contains"), manifest())
def test_counts_of_real_modules(path: Path, contains: dict[str, int]) -> None:
    """What an exporter's module truly contains is what is counted, no more and no less."""
    assert attnorm.report(attnorm.load(path)).counts == NONE | contains
