"""Every bug that broken files have found: what went wrong is the test's first sentence."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from kinds import KINDS, programs

import attnorm
from attnorm.execution.arrays import load_npy, save_npy
from attnorm.execution.language_model import LanguageModel
from attnorm.execution.program import Program
from attnorm.execution.weight_files import WeightFiles
from attnorm.io import guard, reader
from attnorm.ir.serialization import bytecode, serialize_portable_artifact

TOOLS = Path(sys.executable).parent
PLAIN = """func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = stablehlo.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %0 = stablehlo.add %x, %c : tensor<4xf32>
  return %0 : tensor<4xf32>
}
"""


def refusal(source: str | bytes | Path) -> str:
    with pytest.raises(attnorm.AttnormError) as caught:
        attnorm.load(source, name=None if isinstance(source, Path) else "in.mlir")
    return str(caught.value)


def opt(*arguments: str | Path, **options) -> subprocess.CompletedProcess[str]:
    command = [TOOLS / "attnorm-opt", *arguments]
    return subprocess.run(command, capture_output=True, text=True, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_of_each_kind(kind, tmp_path):
    """Broken files of each kind are loaded or refused; the command does more of them."""
    command = [sys.executable, Path(__file__).with_name("run.py"), f"--kind={kind}", "--count=60"]
    done = subprocess.run([*command, f"--keep={tmp_path}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{kind}: 60 files" in done.stdout


# -- text ----------------------------------------------------------------------------------------

NESTED = {
    "attributes": PLAIN.replace("dense<[1.0, 2.0, 3.0, 4.0]>", "[" * 100_000),
    "types": PLAIN.replace("tensor<4xf32>)", "tuple<" * 100_000),
    "locations": PLAIN.replace("\n  %0", " loc(" + "fused[" * 100_000 + "\n  %0"),
    "regions": "module {\n" * 20_000 + "}" * 20_000,
}


@pytest.mark.parametrize("what", NESTED)
def test_deep_nesting(what, tmp_path):
    """MLIR's parser overflowed the stack of the process that loaded the text."""
    text = NESTED[what]
    assert not guard.is_harmless(text)
    assert "crashed (SIGSEGV) while reading it" in refusal(text)
    file = tmp_path / "deep.mlir"
    file.write_text(text)
    told = opt(file)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == f"{file}: error: attnorm crashed (SIGSEGV) while reading it\n"


@pytest.mark.parametrize("type_", ["tensor<4294967296xindex>", "tensor<99999x9999x9xindex>"])
def test_as_many_types_as_elements(type_):
    """MLIR's parser aborted, or took memory without end, for a type of each operand."""
    assert "while reading it" in refusal(
        f"func.func @f(%b: index) {{\n  %s = tensor.from_elements %b :\n {type_}\n  return\n}}\n"
    )


def test_as_many_values_as_the_number_of_a_result():
    """MLIR's parser aborted for want of memory."""
    text = PLAIN.replace("return %0", "return %0#1000000007")
    assert "while reading it" in refusal(text)


@pytest.mark.parametrize("axis", [2147483648, 7, -1])
def test_dimensions_and_elements_that_are_not_there(axis):
    """The bindings crashed on a dimension out of range, and the last element was read for -1."""
    text = f"""func.func @main(%x: tensor<?xf32>) -> (tensor<?xi32>, tensor<?xi32>) {{
  %c = arith.constant {axis} : index
  %n = tensor.dim %x, %c : tensor<?xf32>
  %shape = shape.shape_of %x : tensor<?xf32> -> tensor<1xindex>
  %m = tensor.extract %shape[%c] : tensor<1xindex>
  %s = tensor.from_elements %n : tensor<1xindex>
  %t = tensor.from_elements %m : tensor<1xindex>
  %0 = stablehlo.dynamic_iota %s, dim = 0 : (tensor<1xindex>) -> tensor<?xi32>
  %1 = stablehlo.dynamic_iota %t, dim = 0 : (tensor<1xindex>) -> tensor<?xi32>
  return %0, %1 : tensor<?xi32>, tensor<?xi32>
}}
"""
    lowered = str(attnorm.lower(attnorm.load(text), "legalize-shape-ops"))
    assert "tensor.dim" in lowered and "tensor.extract" in lowered


@pytest.mark.parametrize("digits", [400, 5000])
@pytest.mark.parametrize("spelled", ["{} : i20000", '"{}"', '"{{\\"eps\\": {}}}"'])
def test_numbers_of_many_digits(spelled, digits):
    """Python neither shows integers of more than 4300 digits nor makes floats of them."""
    name = "backend_config" if "eps" in spelled else "eps"
    attribute = f"{name} = {spelled.format('9' * digits)}"
    call = f"stablehlo.custom_call @rms_norm(%x) {{{attribute}}} : (tensor<4xf32>) -> tensor<4xf32>"
    text = PLAIN.replace("stablehlo.add %x, %c : tensor<4xf32>", call)
    with pytest.raises(attnorm.AttnormError, match=r"in\.mlir:3:8: error: @rms_norm: ") as caught:
        attnorm.lower(attnorm.load(text, name="in.mlir"))
    assert "internal error" not in str(caught.value)


def test_resources_of_another_length():
    """MLIR's own error came out of a pass as an internal one."""
    text = PLAIN.replace("dense<[1.0, 2.0, 3.0, 4.0]>", "dense_resource<w>").replace("f32", "bf16")
    text += '{-# dialect_resources: { builtin: { w: "0x020000000000000000000000000000" } } #-}'
    with pytest.raises(attnorm.AttnormError, match=r"value: expected the bytes of .*, got 11$"):
        attnorm.lower(attnorm.load(text), "inline-small-resources")


def test_harmless_texts():
    """What exporters print is harmless, and needs no other process."""
    inputs = sorted((Path(__file__).parents[1] / "models/Inputs").glob("**/*.mlir"))
    assert inputs and all(guard.is_harmless(path.read_text()) for path in inputs)


def test_an_error_that_is_not_utf8():
    """The bindings raised a RuntimeError where MLIR's error quotes a string that is not UTF-8."""
    assert "not UTF-8" in refusal('func.func @f() {\n  call @"\\FF"() : () -> ()\n  return\n}\n')


CALL = """func.func @main(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = stablehlo.composite "odml.rms_norm" %x {composite_attributes = ATTRIBUTES,
    decomposition = @impl} : (tensor<2x4xf32>) -> tensor<2x4xf32> loc(LOCATION)
  return %0 : tensor<2x4xf32>
}
func.func private @impl(tensor<2x4xf32>) -> tensor<2x4xf32>
"""


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('{"ep\\FFilon" = 1.0 : f32}', "expected strings in UTF-8"),
        ('{epsilon = "\\FF"}', "expected strings in UTF-8"),
        ("{epsilon = array<si8: 1>}", "expected other attributes: DenseArrayAttr"),
        ("{epsilon = loc(unknown)}", "expected other attributes: a location"),
        ('{axes = [loc("a")]}', "expected other attributes: a location"),
    ],
)
def test_attributes_that_the_bindings_do_not_read(attributes, expected):
    """The bindings raised, or aborted the process, on some names and kinds of attributes."""
    text = CALL.replace("ATTRIBUTES", attributes).replace("LOCATION", '"f.py":7:8')
    with pytest.raises(attnorm.AttnormError) as caught:
        attnorm.lower(attnorm.load(text))
    assert str(caught.value).startswith("f.py:7:8: error: 'stablehlo.composite' op: " + expected)


def test_an_error_in_a_file_whose_name_is_not_utf8():
    """The bindings aborted the process where an error's file is not UTF-8."""
    call = 'stablehlo.custom_call @f(%x) : (tensor<4xf32>) -> tensor<4xf32> loc("\\FF.py":7:8)'
    text = PLAIN.replace("stablehlo.add %x, %c : tensor<4xf32>", call)
    with pytest.raises(attnorm.AttnormError, match=r"^\ufffd\.py:7:8: error: "):
        attnorm.lower(attnorm.load(text), "verify-no-opaque-calls")


def test_a_lone_surrogate_in_json():
    """An error with a lone surrogate, from JSON in a call, could not be emitted or printed."""
    config = json.dumps('{"\\ud800": 1}')
    text = PLAIN.replace(
        "stablehlo.add %x, %c : tensor<4xf32>",
        "stablehlo.custom_call @softmax(%x) {backend_config = "
        f"{config}}} : (tensor<4xf32>) -> tensor<4xf32>",
    )
    with pytest.raises(attnorm.AttnormError, match=r"\\ud800: expected no such attribute"):
        attnorm.lower(attnorm.load(text))


def test_axes_by_the_billion():
    """The axes of a call, one value a billion times over, were made a list."""
    call = "%x) {dimensions = dense<0> : tensor<1000000000xi64>} : (tensor<4xf32>) -> tensor<4xf32>"
    text = PLAIN.replace(
        "stablehlo.add %x, %c : tensor<4xf32>", f"stablehlo.custom_call @sum({call}"
    )
    with pytest.raises(attnorm.AttnormError, match="expected integers"):
        attnorm.lower(attnorm.load(text.replace("@sum", "@reduce_sum")))


def test_complex_constants():
    """A module with a constant of complex numbers failed in every pipeline."""
    text = PLAIN.replace("xf32", "xcomplex<f32>").replace(
        "[1.0, 2.0, 3.0, 4.0]", "[(1.0, 2.0), (1.0, 3.0), (1.0, 4.0), (1.0, 5.0)]"
    )
    module = attnorm.load(text)
    lowered = str(attnorm.lower(module))
    assert "(1.000000e+00,5.000000e+00)" in lowered
    assert attnorm.report(module).size.after.ops == 4
    assert "(1.000000e+00,5.000000e+00)" in str(attnorm.load(bytecode(module)))


def test_names_of_weights_without_a_module_around():
    """Text without `module { }` was parsed twice, and its weights were called NAME_1."""
    text = PLAIN.replace("dense<[1.0, 2.0, 3.0, 4.0]>", "dense_resource<my.weight>")
    blob = "0x04000000" + np.arange(4, dtype=np.float32).tobytes().hex()
    text += f'{{-# dialect_resources: {{ builtin: {{ my.weight: "{blob}" }} }} #-}}\n'
    assert "dense_resource<my.weight>" in str(attnorm.load(text))


@pytest.mark.parametrize(
    "place", ["dialect_resources: { builtin: { a", "external_resources: { x: { a"]
)
def test_a_string_among_resources_that_the_text_ends_in(place):
    """MLIR's parser read on behind the text, mostly to a crash."""
    for _ in range(20):
        assert "in string literal" in refusal(f'{PLAIN}{{-# {place}: "0x0400000001'.encode())


# -- bytecode and artifacts ----------------------------------------------------------------------


def varint(number: int) -> bytes:
    """A signed number of two bytes, as bytecode has it."""
    zigzag = 2 * number if number >= 0 else -2 * number - 1
    return (zigzag << 2 | 2).to_bytes(2, "little")


def resized(data: bytes, size: int) -> bytes:
    """THOUSAND with another size in its only type."""
    assert data.count(varint(1000)) == 1
    return data.replace(varint(1000), varint(size))


THOUSAND = PLAIN.replace("[1.0, 2.0, 3.0, 4.0]", str([float(i) for i in range(1000)]))
THOUSAND = THOUSAND.replace("4xf32", "1000xf32")


@pytest.mark.parametrize("write", [bytecode, serialize_portable_artifact])
def test_constants_with_too_few_bytes(write, tmp_path):
    """MLIR loaded a constant with fewer bytes than its type has, and read on behind them."""
    broken = resized(write(attnorm.load(THOUSAND)), 1001)
    expected = "error: expected 4004 bytes of tensor<1001xf32>, got 4000"
    assert expected in refusal(broken)
    file = tmp_path / "cut.mlirbc"
    file.write_bytes(broken)
    assert f"{file}:2:8: {expected}" in opt(file).stderr.replace("-:2:8", f"{file}:2:8")


def test_names_that_are_not_utf8_in_bytecode():
    """The check of sizes raised a RuntimeError out of its walk."""
    data = bytecode(attnorm.load(PLAIN.replace("%x, %c :", "%x, %c {odd} :")))
    assert data.count(b"odd") == 1
    assert "expected strings in UTF-8" in refusal(data.replace(b"odd", b"\xffdd"))
    data = bytecode(attnorm.load(PLAIN.replace("%x, %c :", "%x, %c {a = {odd}} :")))
    assert "expected another name" in refusal(data.replace(b"odd", b"o\0d"))


def test_names_of_ops_that_are_not_utf8():
    """The bindings aborted the process where such a name was asked for."""
    text = """func.func @main(%x: tensor<2xindex>) -> index {
  %0 = "shape.odd"(%x) : (tensor<2xindex>) -> index
  return %0 : index
}
"""
    expected = "2:8: error: expected a name of an op in UTF-8, got b'shape.\\xffdd'"
    data = bytecode(attnorm.load(text))
    assert data.count(b"odd") == 1
    assert expected in refusal(data.replace(b"odd", b"\xffdd"))
    assert expected in refusal(text.replace("odd", r"\FFdd").encode())


def test_artifacts_by_another_name():
    """Nobody verified their ops, and printing some of them did not end."""
    data = serialize_portable_artifact(attnorm.load(PLAIN))
    broken = data.replace(b"StableHLO_v", b"StubbleHLO_")
    assert "2:8: error: expected StableHLO, got 'vhlo." in refusal(broken)


def test_a_name_in_a_dictionary_that_is_none():
    """An artifact's dictionary may have a number for a name, which the bindings could not show."""
    attributes = "{composite_attributes = {odd = 1 : i64}, "
    composite = COMPOSITE.format("b").replace("{", attributes, 1)
    main = FUNCTION.format("main", composite).replace("private ", "")
    data = serialize_portable_artifact(attnorm.load(main + FUNCTION.format("b", IDENTITY)))
    # The name's number among the attributes becomes the value's.
    assert data.count(b"\x1d\x17\x13") == 1
    broken = data.replace(b"\x1d\x17\x13", b"\x1d\x13\x13")
    assert "'stablehlo.composite' op: expected names and values in a dictionary" in refusal(broken)


def test_negative_sizes():
    """StableHLO's artifacts may have types of negative sizes, on which passes never ended."""
    broken = resized(serialize_portable_artifact(attnorm.load(THOUSAND)), -1000)
    assert "expected a size of 0 or more, got -1000" in refusal(broken)


def test_errors_of_artifacts(tmp_path, capfd):
    """What is wrong with an artifact went to stderr, and the error said nothing."""
    broken = serialize_portable_artifact(attnorm.load(PLAIN)).replace(b"add_v1", b"odd_v1")
    assert "odd_v1" in refusal(broken)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", ["bytecode", "portable"])
def test_binaries_are_read_elsewhere_first(kind):
    """MLIR's readers of binaries abort on broken ones: the first that does here is an error."""
    broken = (KINDS[kind].broken(2, index) for index in range(2000))
    for data in broken:
        try:
            attnorm.load(data)
        except attnorm.AttnormError as error:
            if "MLIR's reader" in str(error):
                return
    pytest.fail("expected a file that MLIR's reader does not survive")


def test_the_process_that_reads_first_may_end():
    """Where it was killed, another is started; a child of a fork starts its own."""
    data = bytecode(attnorm.load(PLAIN))
    attnorm.load(data)
    assert reader._running
    first = reader._running[1]
    first.kill()
    first.wait()
    assert str(attnorm.load(data)) == str(attnorm.load(data, trusted=True))
    assert reader._running[1].pid != first.pid


# -- arrays, weights, programs -------------------------------------------------------------------


def npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2,}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|V0', 'fortran_order': False, 'shape': (1,)}",
        "((((",
    ],
)
def test_npy_headers(header, tmp_path):
    """NumPy raised a TokenError, and took the memory that a header promises before reading."""
    path = tmp_path / "x.npy"
    path.write_bytes(npy(header, bytes(16)))
    with pytest.raises(attnorm.AttnormError, match="file of numbers"):
        load_npy(path)


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.bool_, ml_dtypes.bfloat16])
def test_npy_is_read_as_before(dtype, tmp_path):
    """Whole files are read: by rows and columns, of any rank, and can be written to."""
    for array in (np.arange(6).reshape(2, 3), np.array(3), np.zeros((0, 2)), np.ones((2, 3)).T):
        array = array.astype(dtype)
        save_npy(tmp_path / "x.npy", array)
        read = load_npy(tmp_path / "x.npy")
        assert read.dtype == array.dtype and read.flags.writeable
        np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("name", ["../a.safetensors", "/etc/passwd", "b/../../a", "a\0b"])
def test_an_index_stays_in_its_folder(name, tmp_path):
    """An index of .safetensors could name any file of the machine."""
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"w": name}}))
    with pytest.raises(attnorm.AttnormError, match="expected files beside the index or below"):
        WeightFiles([index])


@pytest.mark.parametrize("text", ["[" * 100_000, '{"weight_map": {"w": "\\ud800"}}', "[]", "{}"])
def test_an_index_that_is_none(text, tmp_path):
    """Deep nesting raised a RecursionError, a lone surrogate a UnicodeEncodeError."""
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(text)
    with pytest.raises(attnorm.AttnormError, match="expected an index"):
        WeightFiles([index])


def test_ranges_of_an_archive(tmp_path):
    """IREE crashed on an offset that wraps around: here every number once is the largest."""
    path = tmp_path / "w.irpa"
    whole = KINDS["irpa"].seeds()[1]
    header = struct.unpack_from("<7Q", whole, 32)
    end = header[1] + header[2]
    refused = 0
    for at in range(32, end - 8, 4):
        path.write_bytes(whole[:at] + b"\xff" * 8 + whole[at + 8 :])
        try:
            WeightFiles([path])
        except attnorm.AttnormError:
            refused += 1
    assert refused > (end - 32) // 8


def test_a_program_with_other_bytes(tmp_path):
    """IREE crashed on some programs with a changed byte, and took most for what they were."""
    whole = programs()[1]
    Program(whole, device="local-sync")
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        size = archive.infolist()[0].file_size
    start = whole.index(b"IREE") - 8
    for at in range(start, start + size, 97):
        with pytest.raises(attnorm.AttnormError, match=r"expected an IREE module \(.vmfb\)"):
            Program(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], device="local-sync")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "[" * 100_000, '{"family": 1}'],
)
def test_metadata_of_a_program(text):
    """What a program says of itself was believed: JSON's errors came out, or its wrong types."""
    with pytest.raises(attnorm.AttnormError, match=r"'attnorm\.model'"):
        LanguageModel.parse({"attnorm.model": text})
    good = json.loads(json.dumps(programs_metadata()))
    for name in good:
        with pytest.raises(attnorm.AttnormError, match=r"'attnorm\.model'"):
            LanguageModel.parse({"attnorm.model": json.dumps({**good, name: [-1, "x"]})})


def programs_metadata() -> dict[str, object]:
    model = Program(programs()[2], device="local-sync").language_model
    return {**vars(model)}


# -- what IREE does not survive ------------------------------------------------------------------

FUNCTION = "func.func private @{}(%x: tensor<4xf32>) -> tensor<4xf32> {{\n  {}\n}}\n"
CALLING = "%0 = func.call @{} (%x) : (tensor<4xf32>) -> tensor<4xf32>\n  return %0 : tensor<4xf32>"
IDENTITY = "return %x : tensor<4xf32>"
COMPOSITE = (
    '%0 = stablehlo.composite "my.own" %x {{decomposition = @{}}} : (tensor<4xf32>)'
    " -> tensor<4xf32>\n  return %0 : tensor<4xf32>"
)


@pytest.mark.parametrize(
    ("functions", "expected"),
    [
        (
            FUNCTION.format("b", CALLING.format("c")) + FUNCTION.format("c", CALLING.format("b")),
            "expected no recursion: '@b' calls '@c' calls '@b'",
        ),
        (
            FUNCTION.format("b", COMPOSITE.format("b")),
            "expected no recursion: '@b' calls '@b'",
        ),
        (
            "func.func private @b(tensor<4xf32>) -> tensor<4xf32>\n",
            "expected a function with a body",
        ),
        (
            FUNCTION.format("b", IDENTITY) + "module @m {\n" + FUNCTION.format("c", IDENTITY) + "}",
            "expected functions in the module",
        ),
    ],
)
def test_refused_before_iree(functions, expected):
    """IREE inlined recursion for ever, and crashed on functions without a body."""
    main = FUNCTION.format("main", CALLING.format("b")).replace("private ", "")
    with pytest.raises(attnorm.AttnormError, match=expected):
        attnorm.compile(attnorm.load(main + functions))


def test_ops_of_ours_are_refused_before_iree():
    """IREE crashes on them: where a pipeline expands none, and where a branch holds one."""
    text = """
      func.func @main(%x: tensor<4xf32>, %p: tensor<i1>) -> tensor<4xf32> {
        %0 = "stablehlo.if"(%p) ({
          %1 = "attnorm.softmax"(%x) {axis = 0 : i64}
            : (tensor<4xf32>) -> tensor<4xf32> loc("a":7:8)
          stablehlo.return %1 : tensor<4xf32>
        }, {
          stablehlo.return %x : tensor<4xf32>
        }) : (tensor<i1>) -> tensor<4xf32>
        return %0 : tensor<4xf32>
      }
    """
    module = attnorm.load(text)
    with pytest.raises(attnorm.AttnormError, match=r"^a:7:8: error: 'attnorm.softmax' op is none"):
        attnorm.compile(module, pipeline="canonicalize")
    attnorm.compile(module)


@pytest.mark.parametrize("attributes", ["", "composite_attributes = {a = 1 : i64}, "])
def test_composites_that_only_have_the_name_of_ours(attributes):
    """A kernel was written without looking whether the attributes were there."""
    composite = COMPOSITE.format("b").replace("my.own", "attnorm.sdpa")
    main = FUNCTION.format("main", composite.replace("{", "{" + attributes, 1))
    text = main.replace("private ", "") + FUNCTION.format("b", IDENTITY)
    for pipeline in ("canonicalize", "attnorm-to-iree"):
        program = attnorm.compile(attnorm.load(text), pipeline=pipeline)
        np.testing.assert_array_equal(program(np.arange(4, dtype=np.float32)), np.arange(4))


def test_what_only_looks_like_recursion():
    """A function that two others call is no cycle; nor is a chain of a thousand calls."""
    chain = "".join(FUNCTION.format(f"f{i}", CALLING.format(f"f{i + 1}")) for i in range(1000))
    chain += FUNCTION.format("f1000", CALLING.format("f1001").replace("%0", "%y"))
    chain += FUNCTION.format("f1001", IDENTITY)
    from attnorm.execution import refused

    refused.check(attnorm.load(chain))
