"""`attnorm.from_hugging_face`: the steps give torch's logits, over windows, chunks and shards."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needs import needs

import attnorm
from attnorm.errors import AttnormError
from attnorm.ir.mlir import ir
from attnorm.tools.cli import main

torch = needs("torch")
transformers = needs("transformers")

from attnorm.frontends import hugging_face_models  # noqa: E402 (it imports both)

SIZES = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 128,
}
WINDOW, CAPACITY, CHUNK = 8, 96, 16
LENGTH = 73
"""Two chunks, the second not full, then 46 tokens one by one: the window rolls four times."""
FAMILIES: dict[str, dict[str, Any]] = {
    "gemma3_text": {
        "num_hidden_layers": 6,
        "sliding_window": WINDOW,
        "layer_types": ["sliding_attention", "sliding_attention", "full_attention"] * 2,
        "query_pre_attn_scalar": 20,
        "final_logit_softcapping": 5.0,
    },
    "llama": {
        "num_hidden_layers": 2,
        "tie_word_embeddings": True,
        "rope_parameters": {
            "rope_type": "llama3",
            "rope_theta": 10000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32,
        },
    },
    "mistral": {"num_hidden_layers": 2, "sliding_window": WINDOW},
    "qwen3": {"num_hidden_layers": 2},
}


def model_of(family: str, **options: Any) -> Any:
    """A model with random weights, the norms' too."""
    config = transformers.AutoConfig.for_model(family, **{**SIZES, **FAMILIES[family], **options})
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_(torch.randn_like(parameter) * (0.3 if "norm" in name else 0.1))
    return model.eval()


@dataclasses.dataclass
class Session:
    """A compiled model that is fed tokens, as `from_hugging_face` says that it has to be."""

    program: attnorm.Program
    model: dict[str, Any]
    caches: list[np.ndarray]
    position: int = 0
    slot: int = 0

    @staticmethod
    def of(module: ir.Operation) -> Session:
        """The program of a module, with caches of zeros."""
        program = attnorm.compile(module)
        kinds = program.functions["decode"].arguments[4:]
        caches = [np.zeros(kind.shape, kind.dtype) for kind in kinds]
        return Session(program, description(module), caches)

    def feed(self, ids: np.ndarray, function: str, count: int) -> list[np.ndarray]:
        """The logits behind each of some tokens, of which `function` takes `count`."""
        if self.model["rolling"] and self.slot + count > self.model["slots"]:
            self.roll()
        padded = np.full((len(ids), count), 127, np.int32)
        padded[:, : ids.shape[1]] = ids
        logits = []
        results: tuple[np.ndarray, ...] = ()
        for last in range(ids.shape[1]):
            scalars = [np.int32(n) for n in (self.position, self.slot, last)]
            returned = self.program(padded, *scalars, *self.caches, function=function)
            assert isinstance(returned, tuple)
            results = returned
            logits.append(results[0])
        self.caches = list(results[1:])
        self.position += ids.shape[1]
        self.slot += ids.shape[1]
        return logits

    def roll(self) -> None:
        """Makes room in the layers with a window."""
        places = [2 * layer + part for layer in self.model["rolling"] for part in (0, 1)]
        rolled = self.program(
            np.int32(self.slot), *[self.caches[place] for place in places], function="roll"
        )
        for place, cache in zip(places, rolled, strict=True):
            self.caches[place] = cache
        self.slot = self.model["window"]


def description(module: ir.Operation) -> dict[str, Any]:
    """What @decode says about the model."""
    return json.loads(
        functions(module)["decode"].attributes["iree.reflection"]["attnorm.model"].value
    )


def functions(module: ir.Operation) -> dict[str, Any]:
    """The functions of a module by name."""
    return {op.attributes["sym_name"].value: op for op in module.regions[0].blocks[0]}


@pytest.mark.parametrize(
    ("family", "batch", "shard_size"),
    [
        ("gemma3_text", 1, "1MB"),
        ("llama", 1, "100KB"),
        ("mistral", 2, "1MB"),
        ("qwen3", 2, "1MB"),
    ],
)
def test_logits_at_every_position(family: str, batch: int, shard_size: str, tmp_path: Path) -> None:
    """Prefill in two chunks, the second padded, and decode far beyond the window give torch's."""
    model = model_of(family)
    model.save_pretrained(tmp_path, max_shard_size=shard_size)
    assert (len(list(tmp_path.glob("*.safetensors"))) > 1) == (shard_size == "100KB")
    ids = torch.randint(0, 127, (batch, LENGTH), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = model(ids).logits.numpy()
    module = attnorm.from_hugging_face(tmp_path, capacity=CAPACITY, batch=batch, chunks=[CHUNK])
    session, array = Session.of(module), ids.numpy().astype(np.int32)
    logits = session.feed(array[:, :CHUNK], f"prefill_{CHUNK}", CHUNK)
    logits += session.feed(array[:, CHUNK:27], f"prefill_{CHUNK}", CHUNK)
    for position in range(27, LENGTH):
        logits += session.feed(array[:, position : position + 1], "decode", 1)
    error = np.abs(np.stack(logits, 1) - expected).max() / np.abs(expected).max()
    assert error < 1e-5
    layers = model.config.num_hidden_layers
    assert attnorm.report(module).counts["sdpa"] == 2 * layers
    assert bool(session.model["rolling"]) == (family in ("gemma3_text", "mistral"))


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ir.Operation]:
    """A model of two layers, and its module with caches that roll and one that does not."""
    directory = tmp_path_factory.mktemp("gemma")
    kinds = ["sliding_attention", "full_attention"]
    model = model_of("gemma3_text", num_hidden_layers=2, layer_types=kinds)
    model.save_pretrained(directory)
    return model, attnorm.from_hugging_face(directory, capacity=CAPACITY, chunks=[CHUNK])


def test_what_the_module_contains(gemma: tuple[Any, ir.Operation]) -> None:
    """Every norm and attention is an op; where the queries stand is `start`, not a mask."""
    report = attnorm.report(gemma[1])
    assert (report.counts["rms_norm"], report.counts["sdpa"]) == (2 * 13, 2 * 2)
    assert not report.left
    for found in report.ops:
        if found.op == "sdpa":
            assert "start" in found.operands and "mask" not in found.operands
            window = 7 if found.operands["k"].shape[2] == WINDOW + CHUNK else -1
            assert found.attributes["causal"]
            assert tuple(found.attributes.get("window", (-1, -1))) == (window, -1)


def test_each_weight_once_and_named(gemma: tuple[Any, ir.Operation]) -> None:
    """The key of a weight is its name in the model's state; all functions have the same one."""
    model, module = gemma
    keys: dict[str, list[str]] = {"decode": [], f"prefill_{CHUNK}": []}
    for name, found in keys.items():
        for op in functions(module)[name].regions[0].blocks[0]:
            key = (
                re.match(r'dense_resource<"?([\w.]+)"?>', str(op.operation.attributes["value"]))
                if (op.operation.name == "stablehlo.constant")
                else None
            )
            if key:
                found.append(key[1])
    decode, prefill = keys.values()
    names = set(model.state_dict()) - {"lm_head.weight"}
    # Cosines and sines for both kinds of layers: no checkpoint has them.
    tables = {"constant", "constant_1", "constant_2", "constant_3"}
    assert len(decode) == len(set(decode)) and set(decode) == names | tables
    assert set(prefill) == set(decode)


def test_another_checkpoint_by_its_names(tmp_path: Path) -> None:
    """A module compiled apart from its weights runs with those of a checkpoint."""
    model_of("gemma3_text").save_pretrained(tmp_path / "one")
    module = attnorm.from_hugging_face(tmp_path / "one", capacity=CAPACITY, chunks=[CHUNK])
    other = model_of("gemma3_text")
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(1.1).add_(0.01)
    other.save_pretrained(tmp_path / "other", max_shard_size="100KB")
    index = tmp_path / "other" / "model.safetensors.index.json"
    program = attnorm.compile(module, weights=tmp_path / "w.irpa", weights_from=index)
    ids = torch.arange(3, 40)[None]
    with torch.no_grad():
        expected = other(ids).logits[:, -1].numpy()
    got = program.session().prefill(ids.numpy())
    assert np.abs(got - expected).max() < 1e-5 * np.abs(expected).max()


def test_caches_are_donated(gemma: tuple[Any, ir.Operation]) -> None:
    """Each cache that a function takes is the memory of the one that it gives."""
    found = functions(gemma[1])
    for name, (first, shift) in {"decode": (4, 3), "roll": (1, 1)}.items():
        attributes = found[name].attributes["arg_attrs"]
        aliases = [
            a["tf.aliasing_output"].value if "tf.aliasing_output" in a else None for a in attributes
        ]
        assert aliases == [n - shift if n >= first else None for n in range(len(aliases))]


@pytest.fixture(scope="module")
def program(gemma: tuple[Any, ir.Operation]) -> attnorm.Program:
    """The model's program."""
    return attnorm.compile(gemma[1])


@pytest.mark.parametrize("function", ["decode", f"prefill_{CHUNK}", "roll"])
def test_caches_stay_where_they_are(function: str, program: attnorm.Program) -> None:
    """A cache that comes out of a call is in the memory of the one that went in."""
    kinds = program.functions[function].arguments
    arguments = [program.upload(np.zeros(kind.shape, kind.dtype)) for kind in kinds]
    results = program.call_on_device(function, arguments)
    count = sum(len(kind.shape) == 4 for kind in kinds)
    before, after = (
        [program.download(view).ctypes.data for view in views[-count:]]
        for views in (arguments, results)
    )
    assert before == after


def test_no_step_copies_a_cache(tmp_path: Path) -> None:
    """Steps take as long with caches of 8 MB as with caches of a 32nd of that."""
    model_of("llama", num_hidden_layers=1, head_dim=64).save_pretrained(tmp_path)
    shortest = []
    for capacity in (512, 16384):
        module = attnorm.from_hugging_face(tmp_path, capacity=capacity, chunks=[])
        program = attnorm.compile(module, device="local-sync")
        kinds = program.functions["decode"].arguments
        views = [program.upload(np.zeros(kind.shape, kind.dtype)) for kind in kinds]
        times = []
        for _ in range(50):
            begun = time.perf_counter()
            views[4:] = program.call_on_device("decode", views)[1:]
            times.append(time.perf_counter() - begun)
        shortest.append(min(times))
    # A copy of 16 MB takes some milliseconds, a step a tenth of one.
    assert shortest[1] < shortest[0] + 1e-3


def test_the_description_survives_compilation(program: attnorm.Program, tmp_path: Path) -> None:
    """A .vmfb alone says what a session has to know."""
    from iree import runtime

    program.save(tmp_path / "model.vmfb")
    vmfb = (tmp_path / "model.vmfb").read_bytes()
    module = runtime.VmModule.copy_buffer(runtime.VmInstance(), vmfb)
    reflection = module.lookup_function("decode").reflection
    assert json.loads(reflection["attnorm.model"]) == {
        "family": "gemma3_text",
        "capacity": CAPACITY,
        "batch": 1,
        "chunks": [CHUNK],
        "window": WINDOW,
        "slots": WINDOW + CHUNK,
        "rolling": [0],
        "vocabulary": 128,
        "bos": 2,
        "eos": [1],
    }


@pytest.mark.parametrize(
    ("capacity", "chunks", "slots"), [(20, [CHUNK], 20), (96, [], 16), (96, [4], 16)]
)
def test_slots(capacity: int, chunks: list[int], slots: int, tmp_path: Path) -> None:
    """Room for a window of new keys at least; no @roll where the slots hold the capacity."""
    model_of("mistral").save_pretrained(tmp_path)
    module = attnorm.from_hugging_face(tmp_path, capacity=capacity, chunks=chunks)
    assert ("roll" in functions(module)) == (slots < capacity)
    type_ = str(functions(module)["decode"].attributes["function_type"])
    assert f"tensor<1x2x{slots}x16xf32>" in type_


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("gemma3-270m", 268_098_176),
        ("llama3.2-1b", 1_235_814_400),
        ("qwen3-0.6b", 596_049_920),
    ],
)
def test_configurations_have_the_published_sizes(name: str, parameters: int) -> None:
    """As many parameters as the models have that are published under these names."""
    config = transformers.AutoConfig.for_model(**hugging_face_models.CONFIGURATIONS[name])
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


# -- the command ---------------------------------------------------------------------------------


def export(*arguments: str | Path) -> int:
    """The exit status of `attnorm export hf`."""
    return main(["export", "hf", *map(str, arguments)])


def test_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that attnorm reads, the same one for one seed; progress on stderr alone."""
    tiny = {"model_type": "llama", **SIZES, **FAMILIES["llama"]}
    monkeypatch.setitem(hugging_face_models.CONFIGURATIONS, "tiny", tiny)
    options = ["--capacity", "32", "--chunks", "4,8", "--batch", "2", "--dtype", "bf16"]
    contents = []
    for seed in ("1", "1", "2"):
        path = tmp_path / "tiny.mlirbc"
        assert export("tiny", "-o", path, "--seed", seed, *options) == 0
        contents.append(path.read_bytes())
    assert contents[0] == contents[1] != contents[2]
    told = capsys.readouterr()
    assert told.out == "" and "@prefill_8" in told.err and "writing" in told.err
    found = functions(attnorm.load(tmp_path / "tiny.mlirbc"))
    assert {"decode", "prefill_4", "prefill_8"} <= set(found)
    assert "tensor<2x2x32x16xbf16>" in str(found["decode"].attributes["function_type"])


def without_config(directory: Path) -> None:
    """A checkpoint without a config.json."""
    (directory / "config.json").unlink()


def of_another_family(directory: Path) -> None:
    """A checkpoint of a model that is not supported."""
    (directory / "config.json").write_text('{"model_type": "t5"}')


def without_a_tensor(directory: Path) -> None:
    """A checkpoint that lacks a tensor."""
    from safetensors.torch import load_file, save_file

    path = directory / "model.safetensors"
    tensors = load_file(path)
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, path, {"format": "pt"})


def without_weights(directory: Path) -> None:
    """A checkpoint of a configuration alone."""
    (directory / "model.safetensors").unlink()


def cut(directory: Path) -> None:
    """A checkpoint that was not copied whole."""
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def with_growing_angles(directory: Path) -> None:
    """A checkpoint whose rotary positions depend on the length of the text."""
    path = directory / "config.json"
    config = json.loads(path.read_text())
    config["rope_parameters"] = {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}
    path.write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (without_config, "expected a config.json, got none"),
        (of_another_family, "model_type: expected one of gemma3_text, .* got 't5'"),
        (without_a_tensor, r"expected a tensor 'model\.layers\.1\.mlp\.up_proj\.weight' in the"),
        (without_weights, "cannot load the weights: "),
        (cut, "cannot load the weights: "),
        (with_growing_angles, "rope_type: expected one of default, .* got 'dynamic'"),
    ],
)
def test_bad_checkpoints(
    spoil: Callable[[Path], None],
    reason: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line that says what is wrong, exit status 1, and no file."""
    model_of("llama").save_pretrained(tmp_path)
    spoil(tmp_path)
    assert export(tmp_path, "-o", tmp_path / "out.mlirbc") == 1
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(rf"error: .*{tmp_path.name}.*{reason}", message), message
    assert not (tmp_path / "out.mlirbc").exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["gpt-9"], "expected a directory, or one of gemma3-270m, .*, got 'gpt-9'"),
        (["qwen3-0.6b", "--chunks", "1"], "chunks: expected sizes from 2 to the capacity, got 1"),
        (["qwen3-0.6b", "--capacity", "64"], "chunks: expected .* the capacity, got 512"),
        (["qwen3-0.6b", "--batch", "0"], "batch: expected 1 or more, got 0"),
    ],
)
def test_bad_arguments(
    options: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Told before any weight is made."""
    assert export(*options, "-o", tmp_path / "out.mlirbc") == 1
    assert re.search(f"error: {reason}", capsys.readouterr().err)


def test_dtype_that_is_none() -> None:
    """The function says which there are."""
    with pytest.raises(AttnormError, match="dtype: expected one of f32, bf16, f16, got 'i8'"):
        attnorm.from_hugging_face("qwen3-0.6b", dtype="i8")
