"""The kinds of files: whole ones to start from, how one is broken, what is done with a broken one.

What is done is what a user does: the file is loaded, and where it loads, lowered, reported on,
written again. Nothing but `AttnormError` may come out of it.
"""

from __future__ import annotations

import io
import json
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import ml_dtypes
import numpy as np
from iree import runtime
from mutate import mutate_bytes, mutate_json, mutate_text
from safetensors import TensorSpec, serialize

import attnorm
from attnorm import dialect
from attnorm.checking.contents import report
from attnorm.errors import AttnormError
from attnorm.execution.archive import _pieces
from attnorm.execution.arrays import load_npy
from attnorm.execution.program import Program
from attnorm.execution.weight_files import WeightFiles
from attnorm.io.load import read
from attnorm.ir.mlir import ir
from attnorm.ir.serialization import bytecode, serialize_portable_artifact
from attnorm.pipeline import pipelines
from attnorm.pipeline.driver import Step, resolve, run

ROOT = Path(__file__).parents[2]
_LARGEST = 20_000
"""Bytes of a file to start from: what breaks does not take more, and a run does more files."""

Mutator = Callable[[random.Random, bytes, bytes], bytes]


@dataclass(frozen=True)
class Kind:
    """`run` gets a broken file's path, in a folder of its own, and a number that is its own."""

    seeds: Callable[[], list[bytes]]
    mutate: Mutator
    run: Callable[[Path, int], None]
    suffix: str
    name: str = "broken"

    @property
    def file(self) -> str:
        """What a broken file is called."""
        return self.name + self.suffix

    def broken(self, seed: int, index: int) -> bytes:
        """The file number `index` of the run `seed`, whatever came before it."""
        rng = random.Random(f"{seed}:{index}")
        seeds = self.seeds()
        return self.mutate(rng, rng.choice(seeds), rng.choice(seeds))


def _textual(mutate: Callable[[random.Random, str, str], str]) -> Mutator:
    def mutator(rng: random.Random, data: bytes, other: bytes) -> bytes:
        return mutate(rng, data.decode(), other.decode()).encode(errors="surrogateescape")

    return mutator


# -- modules -------------------------------------------------------------------------------------


@cache
def texts() -> list[bytes]:
    """Modules of the tests, the examples and of real exporters, those that load."""
    found: list[bytes] = []
    for path in sorted(ROOT.glob("test/**/*.mlir")):
        if "_invalid" not in path.stem and "Output" not in path.parts:
            found += re.split(rb"(?m)^// -----.*$", path.read_bytes())
    for folder in ("examples", "test/models/Inputs", "../shared/inputs"):
        found += [path.read_bytes() for path in sorted((ROOT / folder).glob("**/*.mlir"))]
    found += _TEXTS
    return [text for text in dict.fromkeys(found) if _loads(text)]


_TEXTS = [
    b"""func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %w = stablehlo.constant dense_resource<"a.weight"> : tensor<8xf32>
  %y = stablehlo.add %x, %w : tensor<8xf32> loc("a"("f.py":1:2))
  return %y : tensor<8xf32> loc(callsite("b"("g.py":3:4) at fused["h.py":5:6, unknown]))
}
{-#
  dialect_resources: { builtin: {
    "a.weight": "0x040000000000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F"
  } }
#-}""",
    b"""func.func @main(%x: tensor<2x?xf32>) -> (tensor<2x4xf32>, tensor<4xi32>) {
  %i = stablehlo.iota dim = 0 : tensor<4xi32>
  %c = stablehlo.constant dense<[1, -2, 3, 4]> : tensor<4xi32>
  %d = stablehlo.divide %c, %i : tensor<4xi32>
  %s = stablehlo.shift_left %d, %c : tensor<4xi32>
  %z = stablehlo.constant dense<2.5> : tensor<2x4xf32>
  %p = stablehlo.constant dense<0> : tensor<i32>
  %t = stablehlo.dynamic_slice %z, %p, %p, sizes = [1, 2] :
      (tensor<2x4xf32>, tensor<i32>, tensor<i32>) -> tensor<1x2xf32>
  %u = stablehlo.dynamic_update_slice %z, %t, %p, %p :
      (tensor<2x4xf32>, tensor<1x2xf32>, tensor<i32>, tensor<i32>) -> tensor<2x4xf32>
  return %u, %s : tensor<2x4xf32>, tensor<4xi32>
}""",
    b"""func.func @main(%x: tensor<3xi64>, %y: tensor<1x4x4x2xf32>)
    -> (tensor<3xi64>, tensor<1x2x2x2xf32>) {
  %r:2 = stablehlo.while(%i = %x, %j = %x) : tensor<3xi64>, tensor<3xi64>
    cond {
      %t = stablehlo.constant dense<true> : tensor<i1>
      stablehlo.return %t : tensor<i1>
    } do {
      %k = stablehlo.add %i, %j : tensor<3xi64>
      stablehlo.return %k, %j : tensor<3xi64>, tensor<3xi64>
    }
  %z = stablehlo.constant dense<0.0> : tensor<f32>
  %w = "stablehlo.reduce_window"(%y, %z) ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %m = stablehlo.maximum %a, %b : tensor<f32>
      stablehlo.return %m : tensor<f32>
    }) {window_dimensions = array<i64: 1, 2, 2, 1>,
        window_strides = array<i64: 1, 2, 2, 1>} :
        (tensor<1x4x4x2xf32>, tensor<f32>) -> tensor<1x2x2x2xf32>
  %g = stablehlo.slice %y [0:1, 0:4:2, 0:2, 0:2] : (tensor<1x4x4x2xf32>) -> tensor<1x2x2x2xf32>
  %v = stablehlo.pad %g, %z, low = [0, 0, 0, 0], high = [0, 0, 0, 0], interior = [0, 0, 0, 0] :
      (tensor<1x2x2x2xf32>, tensor<f32>) -> tensor<1x2x2x2xf32>
  %h = stablehlo.add %v, %w : tensor<1x2x2x2xf32>
  return %r#0, %h : tensor<3xi64>, tensor<1x2x2x2xf32>
}""",
]


@cache
def _context() -> ir.Context:
    return dialect.new_context()


def _loads(data: bytes) -> bool:
    if len(data) > _LARGEST:
        return False
    try:
        read(data, "seed", "auto", _context())
        return True
    except AttnormError:
        return False


def _skainet() -> list[bytes]:
    return [p.read_bytes() for p in sorted((ROOT / "examples/skainet").glob("*.mlir"))]


@cache
def _modules() -> list[ir.Operation]:
    return [read(text, "seed", "auto", _context()) for text in texts()]


@cache
def _bytecodes() -> list[bytes]:
    return [bytecode(module) for module in _modules()]


@cache
def _portable() -> list[bytes]:
    found = []
    for module in _modules():
        try:
            found.append(serialize_portable_artifact(module))
        except AttnormError:
            continue
    return found


_CALL = """func.func @main(%x: tensor<2x3x4xf32>, %w: tensor<4xf32>) -> tensor<2x3x4xf32> {{
  %0 = stablehlo.custom_call @{name}(%x{more}) {{{key} = {value}}}
      : (tensor<2x3x4xf32>{types}) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}}"""
_CONFIGS = {
    "rms_norm": {"epsilon": 1e-6, "axes": [-1], "weight_offset": 0.0},
    "softmax": {"axis": -1},
    "layer_norm": {"epsilon": "1e-5", "normalized_shape": [4]},
    "reduce_mean": {"dimensions": [1], "keepdim": True},
    "reduce_variance": {"dim": "[1, 2]", "keepdim": "false", "correction": 1, "unbiased": False},
}


def _configs() -> list[bytes]:
    return [json.dumps([name, config]).encode() for name, config in _CONFIGS.items()]


def _run_config(path: Path, index: int) -> None:
    """The JSON stands in a custom call's `backend_config`, or as text in an attribute."""
    text = path.read_text(errors="surrogateescape")
    name = next((name for name in _CONFIGS if f'"{name}"' in text), "rms_norm")
    start = text.find("{")
    config = json.dumps(text[start : text.rfind("}") + 1] if start >= 0 else text)
    scaled = name in ("rms_norm", "layer_norm")
    key = ("backend_config", "mhlo.backend_config", "mhlo.frontend_attributes")[index % 3]
    if key == "mhlo.frontend_attributes":
        config = "{" + f"axes = {config}, epsilon = {config}" + "}"
    call = _CALL.format(
        name=name,
        more=", %w" if scaled else "",
        types=", tensor<4xf32>" if scaled else "",
        key=key,
        value=config,
    )
    _lower(read(call.encode(errors="surrogateescape"), "config", "auto", _context()), index)


def warm() -> None:
    """Does once what every process would do."""
    _context()
    _steps(pipelines.TO_IREE)
    _steps(pipelines.DEFAULT)


@cache
def _steps(pipeline: str) -> list[Step]:
    return resolve(pipeline)


def _run_module(path: Path, index: int) -> None:
    _lower(attnorm.load(path, context=_context()), index)


def _run_skainet(path: Path, index: int) -> None:
    how = "skainet" if index % 2 else "auto"
    _lower(attnorm.load(path, input_format=how, context=_context()), index)


def _lower(module: ir.Operation, index: int) -> None:
    """Plain StableHLO, of every eighth what IREE takes; now and then a report."""
    if index % 64 == 0:
        report(module).to_json()
    iree = index % 8 == 1
    run(module, _steps(pipelines.TO_IREE if iree else pipelines.DEFAULT))
    bytecode(module)
    str(module)


# -- arrays and weights --------------------------------------------------------------------------


def _arrays() -> list[np.ndarray]:
    base = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    bf16 = base.astype(ml_dtypes.bfloat16).view("V2")
    return [base, base.astype("f8").T, base.astype(">i2"), base > 3, base[0, 0, 0], bf16]


def _npy() -> list[bytes]:
    found = []
    for array in _arrays():
        for version in ((1, 0), (2, 0), (3, 0)):
            file = io.BytesIO()
            np.lib.format.write_array(file, array, version=version)
            found.append(file.getvalue())
    return found


_TENSORS = {
    "norm.weight": np.arange(8, dtype=np.float32),
    "proj.weight": np.ones((4, 8), np.float16),
    "scalar": np.array(3, np.int64),
}


def _safetensors() -> list[bytes]:
    found = []
    for count in (1, 2, 3):
        specs = {
            name: TensorSpec(
                dtype=array.dtype.name,
                shape=array.shape,
                data_ptr=array.ctypes.data,
                data_len=array.nbytes,
            )
            for name, array in list(_TENSORS.items())[:count]
        }
        found.append(bytes(serialize(specs, {"format": "pt"})))
    return found


@cache
def _archives() -> list[bytes]:
    import tempfile

    found = []
    for splat in (False, True):
        index = runtime.ParameterIndex()
        for name, array in _TENSORS.items():
            runtime.parameter_index_add_numpy_ndarray(index, name, array)
        if splat:
            index.add_splat("splat", b"\0\0\x80\x3f", 32)
        with tempfile.TemporaryDirectory() as folder:
            index.create_archive_file(f"{folder}/a.irpa")
            found.append(Path(folder, "a.irpa").read_bytes())
    return found


def _run_npy(path: Path, index: int) -> None:
    load_npy(path)


def _run_weights(path: Path, index: int) -> None:
    files = WeightFiles([path])
    for entry in files.entries.values():
        if entry.type:
            for piece in _pieces(entry):
                piece.sum()
    if index % 16 == 0:
        program = Program(programs()[1], device="local-sync", weights=path)
        program(np.ones(8, np.float32))


def _indexes() -> list[bytes]:
    maps = [dict.fromkeys(_TENSORS, "model.safetensors"), {"norm.weight": "a.safetensors"}]
    return [json.dumps({"metadata": {"total_size": 96}, "weight_map": m}).encode() for m in maps]


def _run_index(path: Path, index: int) -> None:
    for name in ("model.safetensors", "a.safetensors"):
        whole = path.parent / name
        if not whole.exists():
            whole.write_bytes(_safetensors()[0])
    files = WeightFiles([path])
    outside = [e.path for e in files.entries.values() if e.path.parent != path.parent]
    assert not outside, f"an index led to {outside}"


# -- programs ------------------------------------------------------------------------------------

_MODEL = {
    "family": "llama",
    "capacity": 8,
    "batch": 1,
    "chunks": [4],
    "window": None,
    "slots": None,
    "rolling": [],
    "vocabulary": 16,
    "bos": 1,
    "eos": [2],
}
_PROGRAMS = (
    "func.func @main(%x: tensor<2x?xf32>) -> tensor<2x?xf32> { return %x : tensor<2x?xf32> }\n",
    """func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
      %w = stablehlo.constant dense_resource<"norm.weight"> : tensor<8xf32>
      %y = stablehlo.add %x, %w : tensor<8xf32>
      return %y : tensor<8xf32>
    }
    {-# dialect_resources: { builtin: {
      "norm.weight": "0x040000000000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F"
    } } #-}""",
    f"""func.func @decode(%x: tensor<1xf32>) -> tensor<1xf32>
        attributes {{iree.reflection = {{attnorm.model = {json.dumps(json.dumps(_MODEL))}}}}} {{
      return %x : tensor<1xf32>
    }}""",
)


@cache
def programs() -> list[bytes]:
    """One of a dynamic shape, one with weights apart, one that says it is a language model."""
    import tempfile

    found = []
    for text in _PROGRAMS:
        with tempfile.TemporaryDirectory() as folder:
            apart = {"weights": f"{folder}/w.irpa", "weights_min_bytes": 1}
            more = apart if "norm.weight" in text else {}
            attnorm.compile(attnorm.load(text), **more).save(f"{folder}/a.vmfb")
            found.append(Path(folder, "a.vmfb").read_bytes())
    return found


def _run_program(path: Path, index: int) -> None:
    """What is called runs: so nothing is called."""
    program = Program.load(path, device="local-sync")
    str([*program.functions.values(), *program.weights.values()])
    _ = program.language_model


def _run_metadata(path: Path, index: int) -> None:
    """A program's own JSON, put in place of that of another."""
    text = path.read_bytes()
    whole = programs()[2]
    start, end = whole.index(b'{"family"'), whole.rindex(b"}", 0, whole.index(b'"eos": [2]') + 12)
    broken = text[: end + 1 - start].ljust(end + 1 - start)
    path.write_bytes(_with_sums(whole, whole[:start] + broken + whole[end + 1 :]))
    _run_program(path, index)


def _with_sums(whole: bytes, changed: bytes) -> bytes:
    """A changed program whose checksums are right."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        for item in archive.infolist():
            start = item.header_offset + 30
            start += sum(struct.unpack_from("<2H", whole, item.header_offset + 26))
            found = zlib.crc32(changed[start : start + item.file_size])
            changed = changed.replace(struct.pack("<I", item.CRC), struct.pack("<I", found))
    return changed


_MODEL_CONFIG = {
    "model_type": "llama",
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "vocab_size": 128,
    "rope_parameters": {"rope_type": "linear", "rope_theta": 5e5, "factor": 8.0},
    "architectures": ["LlamaForCausalLM"],
    "auto_map": {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"},
    "eos_token_id": [1, 2],
}


def _model_configs() -> list[bytes]:
    from attnorm.frontends import hugging_face_models  # noqa: F401 - loads transformers

    families = ("llama", "gemma3_text", "mistral", "qwen3")
    return [json.dumps({**_MODEL_CONFIG, "model_type": name}).encode() for name in families]


def _run_model_config(path: Path, index: int) -> None:
    from attnorm.frontends.hugging_face_models import _read_config

    marker = path.with_name("ran")
    path.with_name("evil.py").write_text(f"open({str(marker)!r}, 'w')")
    _read_config(path.parent)
    assert not marker.exists(), "code of the model ran"


KINDS = {
    "text": Kind(texts, _textual(mutate_text), _run_module, ".mlir"),
    "skainet": Kind(_skainet, _textual(mutate_text), _run_skainet, ".mlir"),
    "bytecode": Kind(_bytecodes, mutate_bytes, _run_module, ".mlirbc"),
    "portable": Kind(_portable, mutate_bytes, _run_module, ".mlirbc"),
    "npy": Kind(_npy, mutate_bytes, _run_npy, ".npy"),
    "irpa": Kind(_archives, mutate_bytes, _run_weights, ".irpa"),
    "safetensors": Kind(_safetensors, mutate_bytes, _run_weights, ".safetensors"),
    "index": Kind(_indexes, _textual(mutate_json), _run_index, ".json"),
    "program": Kind(programs, mutate_bytes, _run_program, ".vmfb"),
    "metadata": Kind(
        lambda: [json.dumps(_MODEL).encode()], _textual(mutate_json), _run_metadata, ".vmfb"
    ),
    "config": Kind(_configs, _textual(mutate_json), _run_config, ".json"),
}
if find_spec("transformers"):
    KINDS["model"] = Kind(
        _model_configs, _textual(mutate_json), _run_model_config, ".json", "config"
    )
