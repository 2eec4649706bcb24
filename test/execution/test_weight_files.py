"""Where weights come from: checkpoints, shards, and files that do not fit or are no files."""

import json

import ml_dtypes
import numpy as np
import pytest
from iree import runtime
from modules import CHOLESKY, normal
from weight_modules import (
    WEIGHTS,
    N,
    P,
    adding,
    archive,
    close,
    constant,
    layer,
    layer_text,
    layer_value,
    save,
    with_resources,
)

import attnorm
from attnorm.errors import AttnormError
from attnorm.execution.program import Program
from attnorm.tools.cli import main

X = normal(4, 32)
OTHER = {"norm.weight": normal(32, seed=7), "proj.weight": normal(24, 32, seed=8)}
HALVES = {name: array.astype(ml_dtypes.bfloat16) for name, array in OTHER.items()}
WANT = layer_value(X, *OTHER.values())
ROUNDED = layer_value(X, *HALVES.values())


@pytest.fixture(scope="module")
def vmfb(tmp_path_factory):
    """A program compiled apart from its weights."""
    folder = tmp_path_factory.mktemp("built")
    program = attnorm.compile(layer(), weights=folder / "m.irpa", weights_min_bytes=1)
    program.save(folder / "m.vmfb")
    return folder / "m.vmfb"


# -- checkpoints ---------------------------------------------------------------------------------


def test_checkpoint_instead_of_the_modules_own(tmp_path):
    """A program reads .safetensors itself, whatever it has besides; small weights are bound too."""
    checkpoint = save(tmp_path / "c.safetensors", {**OTHER, "lm_head.weight": normal(3, 5)})
    program = attnorm.compile(layer(), weights_from=checkpoint)
    assert program.weights.keys() == OTHER.keys()
    close(program(X), WANT)


def test_module_without_values(tmp_path):
    """A module that has the names of its weights alone takes their values from a checkpoint."""
    text = layer_text().partition("{-#")[0]
    checkpoint = save(tmp_path / "c.safetensors", OTHER)
    program = attnorm.compile(attnorm.load(text), weights_from=checkpoint)
    close(program(X), WANT)
    program = attnorm.compile(
        attnorm.load(text), weights=tmp_path / "w.irpa", weights_from=checkpoint
    )
    close(program(X), WANT)
    with pytest.raises(AttnormError, match=r"names alone, .*: 'norm.weight', 'proj.weight'"):
        attnorm.compile(attnorm.load(text), weights=tmp_path / "w.irpa")


def test_small_halves_are_bound(tmp_path):
    """A bf16 weight that a pass would make an inline constant is the checkpoint's all the same."""
    own, other = (normal(64, seed=seed).astype(ml_dtypes.bfloat16) for seed in (1, 2))
    checkpoint = save(tmp_path / "c.safetensors", {"w": other})
    x = normal(64, seed=3).astype(ml_dtypes.bfloat16)
    program = attnorm.compile(adding("w", own), weights_from=checkpoint)
    np.testing.assert_array_equal(program(x), x + other)


def test_shards(tmp_path):
    """Several files, or the index that names them, are one checkpoint."""
    parts = [
        save(tmp_path / f"part-{index}.safetensors", {name: array})
        for index, (name, array) in enumerate(OTHER.items())
    ]
    index = tmp_path / "model.safetensors.index.json"
    names = dict(zip(OTHER, [part.name for part in parts], strict=True))
    index.write_text(json.dumps({"metadata": {}, "weight_map": names}))
    close(attnorm.compile(layer(), weights_from=parts)(X), WANT)
    close(attnorm.compile(layer(), weights_from=index)(X), WANT)
    program = attnorm.compile(layer(), weights=tmp_path / "w.irpa", weights_from=index)
    close(program(X), WANT)


def test_own_constants_beside_a_checkpoint(tmp_path):
    """What has no name in a model's state goes into the archive as the module has it."""
    table = normal(24, 32, seed=5)
    text = layer_text(values={"norm.weight": N, "constant": table})
    text = text.replace('dense_resource<"proj.weight">', "dense_resource<constant>")
    checkpoint = save(tmp_path / "c.safetensors", OTHER)
    want = layer_value(X, OTHER["norm.weight"], table)
    program = attnorm.compile(
        attnorm.load(text), weights=tmp_path / "w.irpa", weights_from=checkpoint
    )
    assert program.weights.keys() == {"norm.weight", "constant"}
    close(program(X), want)
    program = attnorm.compile(
        attnorm.load(text), weights=tmp_path / "w.irpa", weights_min_bytes=1, weights_dtype="bf16"
    )
    types = {name: type_.element for name, type_ in program.weights.items()}
    assert types == {"norm.weight": "bf16", "constant": "f32"}
    program = attnorm.compile(attnorm.load(text), weights_from=checkpoint)
    assert program.weights.keys() == {"norm.weight"}
    close(program(X), want)


@pytest.mark.parametrize(
    ("tensors", "dtype", "stored", "want"),
    [
        (OTHER, "bf16", "bf16", ROUNDED),
        (HALVES, "f32", "f32", ROUNDED),
        (HALVES, "bf16", "bf16", ROUNDED),
        ({k: v.astype(np.float64) for k, v in OTHER.items()}, "f32", "f32", WANT),
    ],
)
def test_cast(tensors, dtype, stored, want, tmp_path):
    """Values are converted on the way into the archive, rounded once."""
    checkpoint = save(tmp_path / "c.safetensors", tensors)
    path = tmp_path / "w.irpa"
    program = attnorm.compile(layer(), weights=path, weights_from=checkpoint, weights_dtype=dtype)
    assert {type_.element for type_ in program.weights.values()} == {stored}
    close(program(X), want)
    for name, entry in program._files.entries.items():
        found = np.fromfile(path, entry.type.dtype, tensors[name].size, offset=entry.offset)
        np.testing.assert_array_equal(found, tensors[name].astype(entry.type.dtype).ravel())


def test_long_casts(tmp_path):
    """A weight of more than one piece is converted whole; splats of IREE's archives too."""
    w = normal(3, 700_001)
    index = runtime.ParameterIndex()
    index.add_splat(
        "w",
        np.float32(1.25),
        w.nbytes,
        metadata='TENSORv0:{"type": "Tensor", "dtype": "float32", "shape": [3, 700001]}',
    )
    index.create_archive_file(str(tmp_path / "splat.irpa"))
    x = np.zeros_like(w)
    own = attnorm.compile(adding("w", w), weights=tmp_path / "a.irpa", weights_dtype="f16")
    np.testing.assert_array_equal(own(x), w.astype(np.float16).astype(np.float32))
    for options in (
        {},
        {"weights": tmp_path / "copied.irpa"},
        {"weights": tmp_path / "cast.irpa", "weights_dtype": "f16"},
    ):
        splat = attnorm.compile(adding("w", w), weights_from=tmp_path / "splat.irpa", **options)
        np.testing.assert_array_equal(splat(x), np.full_like(w, 1.25))


# -- what does not fit ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tensors", "lines"),
    [
        ({"norm.weight": N}, ["'proj.weight': expected 24x32xf32, missing"]),
        ({**WEIGHTS, "proj.weight": P.reshape(32, 24)}, ["expected 24x32xf32, got 32x24xf32"]),
        ({**WEIGHTS, "proj.weight": P[:23]}, ["expected 24x32xf32, got 23x32xf32"]),
        ({**WEIGHTS, "norm.weight": N.view(np.int32)}, ["expected 32xf32, got 32xi32"]),
        (
            {"norm.weight": N.astype(np.float16)},
            [
                "'norm.weight': expected 32xf32, got 32xf16",
                "'proj.weight': expected 24x32xf32, missing",
            ],
        ),
    ],
)
@pytest.mark.parametrize("write", [save, archive])
def test_mismatches(write, tensors, lines, vmfb, tmp_path, capsys):
    """Each mismatch is listed, by the program, at compilation and by `weights check`."""
    path = write(tmp_path / "bad", tensors)
    for attempt in (
        lambda: Program.load(vmfb, weights=path),
        lambda: attnorm.compile(layer(), weights_from=path),
        lambda: attnorm.compile(layer(), weights=tmp_path / "w.irpa", weights_from=path),
    ):
        with pytest.raises(AttnormError) as caught:
            attempt()
        first, *others = str(caught.value).splitlines()
        assert first == f"{path}: error: {len(lines)} of 2 weights do not fit"
        assert len(others) == len(lines)
        assert all(any(line in other for other in others) for line in lines)
    assert main(["weights", "check", str(vmfb), str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == "" and all(line in err for line in lines)
    assert not (tmp_path / "w.irpa").exists()


def test_type_that_is_not_recorded(vmfb, tmp_path):
    """Bytes alone do not fit: an archive has to say what they are."""
    runtime.save_archive_file(WEIGHTS, tmp_path / "w.irpa")
    with pytest.raises(AttnormError, match="expected 32xf32, got 128 bytes of no known type"):
        Program.load(vmfb, weights=tmp_path / "w.irpa")


def test_further_names_fit(vmfb, tmp_path, capsys):
    """A file may hold more than the program takes."""
    path = save(tmp_path / "c.safetensors", {**WEIGHTS, "more": N})
    assert main(["weights", "check", str(vmfb), str(path)]) == 0
    assert capsys.readouterr() == (f"{vmfb}: 2 weights fit\n", "")
    close(Program.load(vmfb, weights=path)(X), layer_value(X))


def test_without_weights(vmfb):
    """A program that takes weights says which; one that takes none refuses them."""
    program = Program.load(vmfb)
    assert str(program.functions["main"]) == "main(4x32xf32) -> (4x24xf32)"
    with pytest.raises(
        AttnormError, match=r"'norm.weight' \(32xf32\), 'proj.weight' \(24x32xf32\)"
    ):
        program(X)
    whole = attnorm.compile(layer())
    with pytest.raises(AttnormError, match=r"no files of weights .* got m\.irpa"):
        Program(whole._vmfb, weights="m.irpa")


def truncated(path, keep):
    path.write_bytes(path.read_bytes()[:keep])


@pytest.mark.parametrize("write", [save, archive])
@pytest.mark.parametrize("keep", [0, 3, 7, 60, 90, 200, -3000])
def test_truncated(write, keep, vmfb, tmp_path):
    """A file that ends early is an error, wherever it ends."""
    path = write(tmp_path / "w", WEIGHTS)
    truncated(path, keep)
    with pytest.raises(AttnormError, match=f"^{path}: error: "):
        Program.load(vmfb, weights=path)


@pytest.mark.parametrize("write", [save, archive])
def test_corrupt(write, vmfb, tmp_path):
    """Whatever a byte of the header becomes: a file is refused by name, or fits all the same."""
    path = write(tmp_path / "w", WEIGHTS)
    whole = bytearray(path.read_bytes())
    refused = 0
    for at in range(0, 600, 7):
        broken = bytearray(whole)
        broken[at] ^= 0x91
        path.write_bytes(broken)
        try:
            Program.load(vmfb, weights=path)
        except AttnormError as error:
            assert str(path) in str(error)
            refused += 1
    assert refused > 15


def test_no_files(vmfb, tmp_path):
    """A directory, nothing, something else, and an index that is none."""
    (tmp_path / "else").write_bytes(b"IREE" * 100)
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "lost.json").write_text(json.dumps({"weight_map": {"w": "nowhere.safetensors"}}))
    (tmp_path / "odd.json").write_text(json.dumps({"weight_map": {"w": 3}}))
    for name, message in {
        "": "expected an .irpa or .safetensors file",
        "none": "cannot read .*none': No such file",
        "else": "expected an .irpa or .safetensors file",
        "list.json": "expected an index of .safetensors files",
        "lost.json": "cannot read .*nowhere.safetensors",
        "odd.json": "expected an index of .safetensors files",
    }.items():
        with pytest.raises(AttnormError, match=message):
            Program.load(vmfb, weights=tmp_path / name)


def test_a_name_in_two_files(vmfb, tmp_path):
    """Which of two would be read is not left to chance."""
    one, two = (save(tmp_path / f"{i}.safetensors", WEIGHTS) for i in range(2))
    with pytest.raises(AttnormError, match=r"1.safetensors: error: '.*': expected once"):
        Program.load(vmfb, weights=[one, two])


# -- whole or not at all -------------------------------------------------------------------------


def test_nothing_half_written(tmp_path):
    """Where a number does not fit, IREE refuses or a folder is missing, files are as they were."""
    (tmp_path / "m.irpa").write_text("old")
    big = np.full(300, 1e6, np.float32)
    with pytest.raises(AttnormError, match=r"weight 'w': 1000000.0 does not fit in f16"):
        attnorm.compile(adding("w", big), weights=tmp_path / "m.irpa", weights_dtype="f16")
    square = normal(2, 2)
    text = CHOLESKY.partition("{")[2].rpartition("}")[0]
    text = text.replace("stablehlo.cholesky %x", "stablehlo.cholesky %w").replace(
        "%0 =", constant("w", "w", square).strip() + "\n%0 ="
    )
    with pytest.raises(AttnormError, match="iree failed in its phase"):
        attnorm.compile(
            attnorm.load(with_resources(text, {"w": square})),
            weights=tmp_path / "m.irpa",
            weights_min_bytes=1,
        )
    with pytest.raises(AttnormError, match="cannot write"):
        attnorm.compile(layer(), weights=tmp_path / "no" / "m.irpa", weights_min_bytes=1)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("m.irpa", "old")]


def test_options(tmp_path):
    """A dtype that is none, and a module without weights, are errors."""
    path = tmp_path / "m.irpa"
    with pytest.raises(AttnormError, match="expected a dtype of f32, f16, bf16, got 'f8'"):
        attnorm.compile(layer(), weights=path, weights_dtype="f8")
    with pytest.raises(AttnormError, match="no constant has 100000 bytes"):
        attnorm.compile(layer(), weights=path, weights_min_bytes=100_000)
    assert not path.exists()


# -- the command line ----------------------------------------------------------------------------


def test_command_line(tmp_path, capsys):
    """Compiled, checked and run from files; a mistake is one line, and exit status 1."""
    (tmp_path / "m.mlir").write_text(layer_text())
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", WANT.astype(np.float32))
    save(tmp_path / "c.safetensors", OTHER)
    compiling = ["compile", f"{tmp_path}/m.mlir", "-o", f"{tmp_path}/m.vmfb"]
    compiling += ["--weights-min-bytes", "1"]
    assert main(compiling) == 1
    assert "expected --weights or --weights-from" in capsys.readouterr().err
    options = ["--weights", f"{tmp_path}/w.irpa", "--weights-from", f"{tmp_path}/c.safetensors"]
    assert main([*compiling, *options]) == 0
    running = ["run", f"{tmp_path}/m.vmfb", "--input", f"@{tmp_path}/x.npy"]
    running += ["--expected", f"@{tmp_path}/y.npy", "--rtol=1e-5", "--atol=1e-5"]
    for name in ("w.irpa", "c.safetensors"):
        assert main([*running, "--weights", f"{tmp_path}/{name}"]) == 0
        assert main(["weights", "check", f"{tmp_path}/m.vmfb", f"{tmp_path}/{name}"]) == 0
    capsys.readouterr()
    assert main(running) == 1
    assert "the program takes weights from files" in capsys.readouterr().err
    assert main(["run", f"{tmp_path}/m.mlir", "--weights", f"{tmp_path}/w.irpa"]) == 1
    assert "expected a .vmfb that takes weights, got a module" in capsys.readouterr().err
