"""SKaiNET's text becomes valid MLIR, line for line, or fails at the line that is to blame."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnorm.errors import AttnormError, Diagnostic
from attnorm.io.skainet.repair import is_skainet, repair
from attnorm.ir.contexts import make_context
from attnorm.ir.mlir import ir
from attnorm.ir.parsing import parse_text

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "skainet").glob("*.mlir"))
TEXTS = [path.read_text() for path in EXAMPLES]

ARGUMENTS = (
    "%x: tensor<2x4xf32>, %w: tensor<4x3xf32>, %s: tensor<4xf32>, %one: tensor<1xf32>, "
    "%scalar: tensor<f32>, %b: tensor<2x3x4xf32>, %c: tensor<2x4x5xf32>"
)


def module(*lines: str, arguments: str = ARGUMENTS, result: str = "") -> str:
    """SKaiNET's frame around the lines of a body; the body starts on line 4."""
    body = "".join(f"    {line}\n" for line in lines)
    end = "" if any("return" in line for line in lines) else "    return\n"
    head = f"module {{\n  func.func @main({arguments}) -> ({result}) {{\n"
    return f"{head}    // input x: x : tensor<2x4xf32>\n{body}{end}  }}\n}}\n"


def verified(text: str) -> str:
    """The repair of `text`, after MLIR has parsed and verified it."""
    repaired = repair(text, "in.mlir")
    parse_text(repaired, "in.mlir", make_context())
    assert repaired.count("\n") == text.count("\n")
    assert repair(repaired, "in.mlir") == repaired
    return repaired


def repaired_lines(*lines: str, arguments: str = ARGUMENTS, result: str = "") -> list[str]:
    text = module(*lines, arguments=arguments, result=result)
    assert is_skainet(text)
    repaired = verified(text).split("\n")
    return [line.strip() for line in repaired[3 : 3 + len(lines)]]


def repaired_line(line: str) -> str:
    return repaired_lines(line)[0]


def refusal(*lines: str, arguments: str = ARGUMENTS) -> Diagnostic:
    with pytest.raises(AttnormError) as caught:
        repair(module(*lines, arguments=arguments), "in.mlir")
    return caught.value.diagnostics[0]


# -- whole examples ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_verifies(path: Path) -> None:
    """Every released template is recognised, and its repair verifies and is recognised no more."""
    text = path.read_text()
    assert is_skainet(text)
    assert not is_skainet(verified(text))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_invalid_without_repair(path: Path) -> None:
    """The examples are the broken text itself: MLIR rejects each."""
    with pytest.raises(AttnormError):
        parse_text(path.read_text(), path.name, make_context())


def test_rms_norm_changes_two_lines_only() -> None:
    """In SKaiNET's RMSNorm the call gets its function type, the scale its broadcast, no more."""
    text = next(text for path, text in zip(EXAMPLES, TEXTS, strict=True) if path.stem == "rms_norm")
    pairs = zip(text.split("\n"), repair(text, "in.mlir").split("\n"), strict=True)
    changed = [new.strip() for old, new in pairs if old != new]
    assert changed == [
        "%v1 = stablehlo.custom_call @reduce_mean(%v0) {dimensions = [1], keepdim = false}"
        " : (tensor<2x4xf32>) -> tensor<2xf32>",
        "%fit0 = stablehlo.broadcast_in_dim %arg1, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>"
        " %v8 = stablehlo.multiply %v7, %fit0 : tensor<2x4xf32>",
    ]


@pytest.mark.parametrize("text", TEXTS, ids=[path.stem for path in EXAMPLES])
def test_locations_are_the_original_lines(text: str) -> None:
    """Every op of the result lies on the line of the text that names it, or on its user's."""
    lines = text.split("\n")
    repaired = repair(text, "in.mlir")
    top = parse_text(repaired, "in.mlir", make_context())
    added = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        if op.name.startswith("stablehlo."):
            place = op.location
            assert isinstance(place, ir.FileLineColLoc) and place.filename == "in.mlir"
            if op.name not in lines[place.start_line - 1]:
                added.append(place.start_line)
        return ir.WalkResult.ADVANCE

    top.walk(visit)
    users = [n for n, line in enumerate(repaired.split("\n"), 1) if line.startswith("    %fit")]
    assert added == users


# -- repair 1: function types --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("custom_call @softmax(%x) {axis = 1} : tensor<2x4xf32>", "(tensor<2x4xf32>)"),
        (
            "custom_call @rms_norm(%x, %s) {epsilon = 1.0E-6} : tensor<2x4xf32>",
            "(tensor<2x4xf32>, tensor<4xf32>)",
        ),
        ("custom_call @seed() {} : tensor<2x4xf32>", "()"),
        ("transpose %w, dims = [1, 0] : tensor<3x4xf32>", "(tensor<4x3xf32>)"),
        ("reshape %b : tensor<6x4xf32>", "(tensor<2x3x4xf32>)"),
        ("convert %s : tensor<4xf32> -> tensor<4xf64>", "(tensor<4xf32>)"),
        ("concatenate %x, %x, dim = 1 : tensor<2x8xf32>", "(tensor<2x4xf32>, tensor<2x4xf32>)"),
    ],
)
def test_result_type_becomes_function_type(line: str, end: str) -> None:
    """Where MLIR wants a function type, the operands' types come from their definitions."""
    result = line.rpartition(" ")[2]
    repaired = repaired_line(f"%v0 = stablehlo.{line}")
    assert repaired.endswith(f" : {end} -> {result}")


def test_unknown_operand_is_named() -> None:
    """A call on a value that nothing defines is an error at that operand."""
    found = refusal(
        "%v0 = stablehlo.custom_call @reduce_sum(%gone) {dimensions = []} : tensor<f32>"
    )
    assert (found.line, found.column) == (4, 45)
    assert "stablehlo.custom_call @reduce_sum: operand %gone" in found.message


def test_functions_do_not_share_values() -> None:
    """A value of one function is unknown in the next."""
    call = "    %v1 = stablehlo.custom_call @reduce_sum(%v0) {dimensions = [0]} : tensor<f32>\n"
    first = "  func.func @a(%x: tensor<2xf32>) {\n    %v0 = stablehlo.negate %x : tensor<2xf32>\n"
    second = f"    return\n  }}\n  func.func @b() {{\n{call}    return\n  }}\n"
    with pytest.raises(AttnormError, match=r"operand %v0") as caught:
        repair(f"module {{\n{first}{second}}}\n", "in.mlir")
    assert caught.value.diagnostics[0].line == 7


def test_reshape_prints_its_own_operand() -> None:
    """Releases that print the result's type for the operand too are put right."""
    line = "%v0 = stablehlo.reshape %b : (tensor<6x4xf32>) -> tensor<6x4xf32>"
    assert repaired_line(line).endswith(": (tensor<2x3x4xf32>) -> tensor<6x4xf32>")
    wrong = refusal("%v0 = stablehlo.reshape %b : (tensor<7x4xf32>) -> tensor<7x4xf32>")
    assert wrong.message == (
        "stablehlo.reshape: operand %b: expected 28 elements, got tensor<2x3x4xf32>"
    )


@pytest.mark.parametrize(
    "lines",
    [
        [
            "%v0 = stablehlo.dot_general %b, %c",
            "  contracting_dims = [[-1], [-2]] : tensor<2x3x5xf32>",
        ],
        [
            "%v0 = stablehlo.dot_general %b, %c, contracting_dims = [[2], [1]], "
            "batch_dims = [[0], [0]] : tensor<2x3x5xf32>"
        ],
        [
            "%v0 = stablehlo.dot_general %b, %c, batching_dims = [0] x [0], "
            "contracting_dims = [-1] x [-2] : tensor<2x3x5xf32>"
        ],
    ],
)
def test_matrix_products(lines: list[str]) -> None:
    """All three spellings of a batched product, one of them on two lines, mean the same op."""
    assert repaired_lines(*lines)[0] == (
        "%v0 = stablehlo.dot_general %b, %c, batching_dims = [0] x [0], "
        "contracting_dims = [2] x [1] : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x3x5xf32>"
    )


def test_lines_after_an_op_on_two_lines() -> None:
    """An op on two lines counts as two."""
    product = [
        "%v0 = stablehlo.dot_general %x, %w",
        "  contracting_dims = [[1], [0]] : tensor<2x3xf32>",
    ]
    assert refusal(*product, "%v1 = stablehlo.add %x, %w : tensor<2x4xf32>").line == 6


@pytest.mark.parametrize(
    "lines",
    [
        [
            "%v0 = stablehlo.broadcast_in_dim %s : tensor<4xf32> -> tensor<2x3x4xf32>",
            "  broadcast_dimensions = [2]",
        ],
        ["%v0 = stablehlo.broadcast_in_dim %s, dims = [-1] : tensor<2x3x4xf32>"],
        ["%v0 = stablehlo.broadcast_in_dim %s dims = [2] : (tensor<4xf32>) -> tensor<2x3x4xf32>"],
        ["%v0 = stablehlo.broadcast_in_dim %s {dims = [2]} : tensor<2x3x4xf32>"],
        ["%v0 = stablehlo.broadcast_in_dim %s : tensor<2x3x4xf32>"],
    ],
)
def test_broadcasts(lines: list[str]) -> None:
    """Every spelling of a broadcast's dimensions, or none, becomes StableHLO's."""
    assert repaired_lines(*lines)[0] == (
        "%v0 = stablehlo.broadcast_in_dim %s, dims = [2] : (tensor<4xf32>) -> tensor<2x3x4xf32>"
    )


def test_slice_bounds() -> None:
    """A slice's three attributes become StableHLO's ranges."""
    line = (
        "%v0 = stablehlo.slice %x {start_indices = [0, 1], limit_indices = [2, 4], "
        "strides = [1, 2]} : tensor<2x2xf32>"
    )
    assert "%x [0:2:1, 1:4:2] : (tensor<2x4xf32>)" in repaired_line(line)


# -- repair 2: operands of another shape ---------------------------------------------------------


@pytest.mark.parametrize(
    ("operand", "result", "dims"),
    [
        ("%s", "tensor<2x3x4xf32>", "[2]"),
        ("%s", "tensor<2x4x5xf32>", "[1]"),
        ("%scalar", "tensor<2x3x4xf32>", "[]"),
        ("%one", "tensor<2x3x4xf32>", "[2]"),
        ("%s", "tensor<4x4xf32>", "[1]"),
    ],
)
def test_vector_broadcast(operand: str, result: str, dims: str) -> None:
    """A vector goes to the last axis where its size fits, or else to the only one that fits."""
    big = f"%v0 = stablehlo.constant dense<1.0> : {result}"
    line = repaired_lines(big, f"%v1 = stablehlo.add %v0, {operand} : {result}")[1]
    assert f"stablehlo.broadcast_in_dim {operand}, dims = {dims} :" in line
    assert line.endswith(f"%v1 = stablehlo.add %v0, %fit0 : {result}")


NORM = [
    "%m = stablehlo.custom_call @reduce_mean(%a) {dimensions = [0]} : tensor<4xf32>",
    "%n = stablehlo.broadcast_in_dim %m, dims = [1] : (tensor<4xf32>) -> tensor<SIZEx4xf32>",
    "%q = stablehlo.divide %a, %n : tensor<SIZEx4xf32>",
    "%r = stablehlo.multiply %q, %k : tensor<SIZEx4xf32>",
    "%t = stablehlo.add %r, %k : tensor<SIZEx4xf32>",
]


def test_scale_and_offset_of_the_first_axis() -> None:
    """A norm over the first axis has its scale and offset there."""
    lines = [line.replace("SIZE", "3") for line in NORM]
    repaired = repaired_lines(*lines, arguments="%a: tensor<3x4xf32>, %k: tensor<3xf32>")
    assert all("broadcast_in_dim %k, dims = [0]" in line for line in repaired[3:])


def test_scale_of_either_axis_is_ambiguous() -> None:
    """The last axis is not guessed where the text says that another one was normalised."""
    lines = [line.replace("SIZE", "4") for line in NORM]
    found = refusal(*lines, arguments="%a: tensor<4x4xf32>, %k: tensor<4xf32>")
    assert (found.line, found.message) == (
        7,
        "stablehlo.multiply: operand %k: expected one dimension of size 4 in tensor<4x4xf32>, "
        "got 0 or 1",
    )


def test_offset_of_either_axis_is_ambiguous() -> None:
    """What is known of the axis outlives a product with a scale of full rank."""
    lines = [line.replace("SIZE", "4") for line in NORM]
    lines[3] = lines[3].replace("%k", "%a")
    assert refusal(*lines, arguments="%a: tensor<4x4xf32>, %k: tensor<4xf32>").line == 8


def test_softmax_is_no_norm() -> None:
    """A vector added to a softmax over the first axis is aligned with the last, as in NumPy."""
    lines = [line.replace("SIZE", "4") for line in NORM]
    lines[2] = "%e = stablehlo.exponential %a : tensor<4x4xf32>"
    lines[3] = "%q = stablehlo.divide %e, %n : tensor<4x4xf32>"
    lines[4] = "%t = stablehlo.add %q, %k : tensor<4x4xf32>"
    repaired = repaired_lines(*lines, arguments="%a: tensor<4x4xf32>, %k: tensor<4xf32>")
    assert "broadcast_in_dim %k, dims = [1]" in repaired[4]


@pytest.mark.parametrize(("length", "dims"), [(5, "dims = [1]"), (4, None)])
def test_bias_of_a_convolution(length: int, dims: str | None) -> None:
    """A convolution's bias goes to the features, unless the length is as likely."""
    type_ = f"tensor<1x4x{length}xf32>"
    lines = [
        "%v0_conv = stablehlo.convolution(%a, %k) dim_numbers = [b, f, 0]x[o, i, 0]->[b, f, 0], "
        "window = {stride = [1], pad = [[0, 0]], rhs_dilate = [1]} "
        "{batch_group_count = 1 : i64, feature_group_count = 1 : i64} : "
        f"(tensor<1x3x{length}xf32>, tensor<4x3x1xf32>) -> {type_}",
        f"%v0 = stablehlo.add %v0_conv, %bias : {type_}",
    ]
    arguments = f"%a: tensor<1x3x{length}xf32>, %k: tensor<4x3x1xf32>, %bias: tensor<4xf32>"
    if dims:
        assert dims in repaired_lines(*lines, arguments=arguments)[1]
    else:
        assert refusal(*lines, arguments=arguments).line == 5


@pytest.mark.parametrize(
    ("operand", "type_"),
    [("%s", "tensor<4x4x3xf32>"), ("%s", "tensor<2x3xf32>"), ("%x", "tensor<4xf32>")],
)
def test_no_broadcast(operand: str, type_: str) -> None:
    """Sizes that fit no axis, or several and not the last, are errors that name the operand."""
    found = refusal(
        f"%v0 = stablehlo.constant dense<1.0> : {type_}",
        f"%v1 = stablehlo.multiply %v0, {operand} : {type_}",
    )
    assert (found.line, found.file) == (5, "in.mlir")
    assert found.message.startswith(f"stablehlo.multiply: operand {operand}: expected ")


def test_element_types_do_not_broadcast() -> None:
    """An operand of another element type is an error, not a broadcast."""
    found = refusal(
        "%v0 = stablehlo.constant dense<1.0> : tensor<2x4xf16>",
        "%v1 = stablehlo.add %v0, %s : tensor<2x4xf16>",
    )
    assert found.message.endswith("or what broadcasts to it, got tensor<4xf32>")


@pytest.mark.parametrize("mask", ["tensor<3x3xf32>", "tensor<1x1x3x3xf32>", "tensor<1x3xf32>"])
def test_attention_mask(mask: str) -> None:
    """The additive mask of the attention of 0.20 and later is aligned with the last axes."""
    scores = "tensor<1x2x3x3xf32>"
    line = f"%v0 = stablehlo.add %q, %m : {scores}"
    (repaired,) = repaired_lines(line, arguments=f"%q: {scores}, %m: {mask}")
    dims = list(range(4))[4 - mask.count("x") :]
    assert f"broadcast_in_dim %m, dims = {dims} : ({mask}) -> {scores} %v0" in repaired


def test_fresh_names_do_not_clash() -> None:
    """A value that has the repair's favourite name keeps it."""
    lines = repaired_lines(
        "%fit0 = stablehlo.negate %x : tensor<2x4xf32>",
        "%v0 = stablehlo.add %fit0, %s : tensor<2x4xf32>",
    )
    assert lines[1].startswith("%fit_0 = ") and lines[1].endswith("%fit0, %fit_0 : tensor<2x4xf32>")


# -- repairs 3 to 5: ranks and dimensions --------------------------------------------------------


def test_rank_0_and_dynamic_types() -> None:
    """`tensor<xf32>` is rank 0 in signatures and ops, a size of -1 is dynamic; comments stay."""
    text = (
        "module {\n"
        "  func.func @main(%arg0: tensor<xf32>, %arg1: tensor<-1x4xf32>) -> (tensor<xf32>) {\n"
        "    // input x: x : tensor<xf32>\n    return %arg0 : tensor<xf32>\n  }\n}\n"
    )
    repaired = verified(text)
    assert "(%arg0: tensor<f32>, %arg1: tensor<?x4xf32>) -> (tensor<f32>)" in repaired
    assert "// input x: x : tensor<xf32>\n" in repaired


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("transpose %b, dims = [0, -1, -2] : tensor<2x4x3xf32>", "dims = [0, 2, 1]"),
        ("concatenate %x, %x, dim = -1 : tensor<2x8xf32>", "dim = 1 "),
        ("iota dim = -1 : tensor<2x4xi32>", "dim = 1 "),
        (
            "reduce(%b init: %scalar) applies stablehlo.add across dimensions = [-1] : "
            "(tensor<2x3x4xf32>, tensor<f32>) -> tensor<2x3xf32>",
            "dimensions = [2]",
        ),
        (
            "dot_general %x, %w, contracting_dims = [-1] x [-2] : "
            "(tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>",
            "contracting_dims = [1] x [0]",
        ),
    ],
)
def test_negative_dimensions(line: str, fixed: str) -> None:
    """A negative dimension counts from the end of the operand's or the result's rank."""
    assert fixed in repaired_line(f"%v0 = stablehlo.{line}")


def test_negative_dimension_out_of_range() -> None:
    """A negative dimension beyond the rank is an error at the number."""
    found = refusal("%v0 = stablehlo.transpose %x, dims = [0, -3] : tensor<4x2xf32>")
    assert (found.line, found.column) == (4, 46)
    assert found.message == ("stablehlo.transpose: expected a dimension of tensor<2x4xf32>, got -3")


def test_dimensions_of_a_call_stay() -> None:
    """A call's own `dimensions` are its meaning, and no business of this repair."""
    line = "%v0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [-1]} : tensor<2xf32>"
    assert "{dimensions = [-1]}" in repaired_line(line)


SUM = (
    "%v0 = stablehlo.custom_call @reduce_sum(%x) {dimensions = [], keepdim = false} : tensor<1xf32>"
)
RESHAPE = "%fit0 = stablehlo.reshape %v0 : (tensor<1xf32>) -> tensor<f32> "


@pytest.mark.parametrize(
    "use",
    [
        "%v1 = stablehlo.broadcast_in_dim %v0, dims = [] : (tensor<f32>) -> tensor<2x4xf32>",
        "%v1 = stablehlo.broadcast_in_dim %v0, dims = [] : (tensor<1xf32>) -> tensor<2x4xf32>",
        "%v1 = stablehlo.divide %v0, %scalar : tensor<xf32>",
        "%v1 = stablehlo.sqrt %v0 : tensor<f32>",
    ],
)
def test_reduce_all_used_at_rank_0(use: str) -> None:
    """A reduction of everything stays as declared, and is reshaped where it is used as a scalar."""
    call, line = repaired_lines(SUM, use)
    assert call.endswith("-> tensor<1xf32>")
    assert line.startswith(RESHAPE)


def test_reduce_all_returned_at_rank_0() -> None:
    """A function that promises a scalar returns one."""
    lines = repaired_lines(SUM, "return %v0 : tensor<xf32>", result="tensor<xf32>")
    assert lines[1] == f"{RESHAPE}return %fit0 : tensor<f32>"


# -- repair 6: numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "type_", "fixed"),
    [
        ("1e-6", "f32", "1.0e-6"),
        ("-1E10", "f64", "-1.0E10"),
        ("4", "f32", "4.0"),
        ("-4", "bf16", "-4.0"),
        ("Infinity", "f32", "0x7F800000"),
        ("-Infinity", "f32", "0xFF800000"),
        ("NaN", "f32", "0x7FC00000"),
        ("-Infinity", "f16", "0xFC00"),
        ("-Infinity", "bf16", "0xFF80"),
        ("Infinity", "f64", "0x7FF0000000000000"),
        ("4.0", "i32", "4"),
        ("-1.0", "i64", "-1"),
        ("1.0", "i1", "1"),
    ],
)
def test_constants(number: str, type_: str, fixed: str) -> None:
    """Kotlin's and JavaScript's numbers become the literals of the element type."""
    line = repaired_line(f"%v0 = stablehlo.constant dense<{number}> : tensor<{type_}>")
    assert f"dense<{fixed}>" in line


def test_constant_list() -> None:
    """Only the numbers of a list that need it change."""
    line = "%v0 = stablehlo.constant dense<[[1e-6, 4], [-Infinity, 2.50]]> : tensor<2x2xf32>"
    assert "dense<[[1.0e-6, 4.0], [0xFF800000, 2.50]]>" in repaired_line(line)


@pytest.mark.parametrize(
    "number", ["1.0E-6", "0xFF800000", "-3.4028235e+38", "4.", "[1.0, 2.5e-7]"]
)
def test_good_constants_stay(number: str) -> None:
    """What MLIR reads already is left as it stands."""
    shape = "2x" if "[" in number else ""
    text = module(f"%v0 = stablehlo.constant dense<{number}> : tensor<{shape}f32>")
    assert verified(text) == text


@pytest.mark.parametrize(
    ("number", "fixed"),
    [
        ("1e-6", "1.0e-6"),
        ("1", "1.0"),
        ("1.0E-5", "1.0E-5"),
        ("1e-6 : f32", "1.0e-6 : f32"),
        ("Infinity", "0x7FF0000000000000 : f64"),
        ("-Infinity : f32", "0xFF800000 : f32"),
    ],
)
def test_epsilon(number: str, fixed: str) -> None:
    """An epsilon is a float however it is spelled; integers of other names stay integers."""
    line = f"%v0 = stablehlo.custom_call @n(%x) {{epsilon = {number}, axis = 1}} : tensor<2x4xf32>"
    assert f"{{epsilon = {fixed}, axis = 1}}" in repaired_line(line)


# -- repair 7: failures --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "comment",
    [
        "Error processing node n7: Index -1 out of bounds",
        "Conversion failed for node n7: Sum operation requires exactly 1 operand, got 2",
        "Unsupported operation topk: no lowering",
        "Unsupported op 'topk' (type=math) for node n7. Known names: [add]",
        "Warning: No output values found for return statement",
    ],
)
def test_failure_comment(comment: str) -> None:
    """A node that SKaiNET could not convert is an error at its comment, which it quotes."""
    lines = ["%v0 = stablehlo.negate %x : tensor<2x4xf32>", f"// {comment}"]
    assert is_skainet(module(*lines))
    found = refusal(*lines)
    assert (found.file, found.line, found.column) == ("in.mlir", 5, 5)
    assert found.message == f'expected an operation, got the conversion failure "{comment}"'


def test_fused_away_op() -> None:
    """SKaiNET's optimiser drops the op that it says it fused: valid text with another meaning."""
    found = refusal("%v1 = stablehlo.add %x, %x : tensor<2x4xf32> // fused with relu")
    assert (found.line, found.column) == (4, 50)


def test_all_failures_at_once() -> None:
    """Every failed node is reported, before any error that follows from one."""
    text = module(
        "// Conversion failed for node a: x",
        "%v1 = stablehlo.custom_call @reduce_sum(%v0) {dimensions = []} : tensor<f32>",
        "// Conversion failed for node b: y",
    )
    with pytest.raises(AttnormError) as caught:
        repair(text, "in.mlir")
    assert [found.line for found in caught.value.diagnostics] == [4, 6]


# -- what stays ----------------------------------------------------------------------------------

ATTENTION = module(
    "%v0 = stablehlo.dot_general %q, %q, batching_dims = [0, 1] x [0, 1], "
    "contracting_dims = [3] x [3] : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>)"
    " -> tensor<1x2x3x3xf32>",
    "%v1 = stablehlo.constant dense<0.5> : tensor<1x2x3x3xf32>",
    "%v2 = stablehlo.multiply %v0, %v1 : tensor<1x2x3x3xf32>",
    "%v3 = stablehlo.iota dim = 2 : tensor<1x2x3x3xi32>",
    "%v4 = stablehlo.iota dim = 3 : tensor<1x2x3x3xi32>",
    "%v5 = stablehlo.compare GE, %v3, %v4 : (tensor<1x2x3x3xi32>, tensor<1x2x3x3xi32>)"
    " -> tensor<1x2x3x3xi1>",
    "%v6 = stablehlo.constant dense<-1.000000e+30> : tensor<1x2x3x3xf32>",
    "%v7 = stablehlo.select %v5, %v2, %v6 : tensor<1x2x3x3xi1>, tensor<1x2x3x3xf32>",
    "%v8 = stablehlo.constant dense<0xFF800000> : tensor<f32>",
    "%v9 = stablehlo.reduce(%v7 init: %v8) applies stablehlo.maximum across dimensions = [3] : "
    "(tensor<1x2x3x3xf32>, tensor<f32>) -> tensor<1x2x3xf32>",
    "%v10 = stablehlo.broadcast_in_dim %v9, dims = [0, 1, 2] : (tensor<1x2x3xf32>)"
    " -> tensor<1x2x3x3xf32>",
    arguments="%q: tensor<1x2x3x4xf32>",
)
JAX = """module @jit_f attributes {mhlo.num_partitions = 1 : i32} {
  // Unsupported operation: this comment is somebody else's.
  func.func public @main(%arg0: tensor<2x4xf32>) -> (tensor<2xf32> {jax.result_info = "r"}) {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.reduce(%arg0 init: %cst) across dimensions = [1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
     reducer(%arg1: tensor<f32>, %arg2: tensor<f32>)  {
      %3 = stablehlo.add %arg1, %arg2 : tensor<f32>
      stablehlo.return %3 : tensor<f32>
    }
    %1 = stablehlo.custom_call @Sharding(%0) {backend_config = "tensor<xf32> // Unsupported operation"} : (tensor<2xf32>) -> tensor<2xf32>
    %2:2 = "stablehlo.custom_call"(%1) <{call_target_name = "two"}> : (tensor<2xf32>) -> (tensor<2xf32>, tensor<f32>)
    %3 = stablehlo.dot_general %arg0, %arg0,
      contracting_dims = [1] x [1] : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x2xf32>
    %4 = stablehlo.custom_call @wrapped(%1) {
      api_version = 2 : i32
    } : (tensor<2xf32>) -> tensor<2xf32>
    // CHECK: stablehlo.custom_call @f(%0) : tensor<xf32>
    return %2#0 : tensor<2xf32>
  }
}
"""  # noqa: E501


@pytest.mark.parametrize("text", [ATTENTION, JAX, "", "module {}", "\n\n", "module {\r\n}\r\n"])
def test_valid_text_stays(text: str) -> None:
    """Valid text, of newer releases or of others, is not SKaiNET's and comes back byte for byte."""
    assert not is_skainet(text)
    if "somebody else" not in text:
        assert verified(text) == text
    else:
        without = text.replace("Unsupported operation: this", "This")
        assert verified(without) == without


def test_valid_lines_stay_in_a_broken_module() -> None:
    """Odd but valid spacing and comments survive beside a repair."""
    odd = "%v0   =  stablehlo.add   %x,%x:tensor<2x4xf32>   // tensor<xf32>, dims = [-1]"
    lines = repaired_lines(odd, "%v1 = stablehlo.constant dense<1e-6> : tensor<f32>")
    assert lines[0] == odd


def test_header_stays_and_its_names_are_quoted() -> None:
    """MLIR accepts the encodings; names that are no identifiers get the quotes they need."""
    head = 'module attributes {skainet.tensor_encodings = {blk/0.w = "Q(4b, 8)", ok.1 = "Q8_0"}} {'
    text = module("return").replace("module {", head, 1)
    assert '{"blk/0.w" = "Q(4b, 8)", ok.1 = "Q8_0"}' in verified(text)


def test_no_function_results() -> None:
    """A function without outputs has the result list `()` and a bare return, which is valid."""
    text = module("return")
    assert verified(text) == text


# -- damage --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "%v0 =",
        "%v0 = stablehlo.custom_call @layer_norm(%x",
        "%v0 = stablehlo.custom_call @layer_norm(%x) {epsilon = 1.0} : tensor<2x",
        "%v0 = stablehlo.broadcast_in_dim %x, dims = [",
        "%v0 = stablehlo.dot_general %x, %w, contracting_dims = [[1], [",
        '%v0 = stablehlo.custom_call @"unclosed(%x) : tensor<2x4xf32>',
        "}}}} : > ) ]",
    ],
)
def test_what_is_not_understood_is_left_to_mlir(line: str) -> None:
    """A damaged line passes unchanged, and MLIR reports it."""
    text = module(line)
    assert repair(text, "in.mlir") == text
    with pytest.raises(AttnormError) as caught:
        parse_text(text, "in.mlir", make_context())
    assert caught.value.diagnostics[0].line in (4, 5)


PIECES = ["(", ")", "[", "]", "{", "<", ">", ":", "->", "=", ",", "-1", "x", "%", "@", '"', "//"]
PIECES += ["tensor<", "dense<", "NaN", "1e5", "%v0", "dims = [", "\n", "\\", " ", "²", "٣"]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_never_ends_in_a_traceback(data: st.DataObject) -> None:
    """Truncated and mutated text is repaired, passed on or refused, in as many lines as it has."""
    text = data.draw(st.sampled_from([*TEXTS, ATTENTION, JAX]))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        text = text[:start] + data.draw(st.sampled_from(["", *PIECES])) + text[end:]
    if data.draw(st.booleans()):
        text = text[: data.draw(st.integers(0, len(text)))]
    is_skainet(text)
    try:
        repaired = repair(text, "in.mlir")
    except AttnormError:
        return
    assert repaired.count("\n") == text.count("\n")


def test_huge_numbers_are_no_sizes() -> None:
    """Digits beyond any size are left to MLIR, not to Python's limit on integers."""
    text = module(f"%v0 = stablehlo.iota dim = -{'9' * 5000} : tensor<{'9' * 5000}xi32>")
    assert repair(text, "in.mlir") == text


def test_big_foreign_text_is_scanned_fast() -> None:
    """Another producer's megabytes cost a few plain scans, with no backtracking."""
    line = '    %0 = stablehlo.constant dense<"0x' + "00FF" * 250_000 + '"> : tensor<500000xf32>\n'
    text = "module {\n" + line * 20 + re.sub(r"\n", " ", JAX) * 100 + "}\n"
    start = time.perf_counter()
    assert not is_skainet(text)
    assert time.perf_counter() - start < 2.0
