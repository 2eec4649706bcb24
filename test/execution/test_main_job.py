"""The main job as a user does it: `attnorm run --check` on opaque modules, against NumPy."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from attnorm.execution.arrays import load_npy, save_npy
from attnorm.tools.cli import main

ROOT = Path(__file__).parents[2]
DTYPES = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16}


def _examples():
    spec = importlib.util.spec_from_file_location("examples_run", ROOT / "examples" / "run.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module.EXAMPLES


def run(path: Path, arrays: list[np.ndarray], folder: Path, *flags: str) -> np.ndarray:
    """The result of `attnorm run --check`."""
    arguments = ["run", str(path), "--check", "--output", f"@{folder / 'result.npy'}", *flags]
    for index, array in enumerate(arrays):
        save_npy(folder / f"{index}.npy", array)
        arguments += ["--input", f"@{folder / f'{index}.npy'}"]
    assert main(arguments) == 0
    return load_npy(folder / "result.npy")


def normal(shape: tuple[int, ...], dtype: type, seed: int) -> np.ndarray:
    """Standard normal values of a type."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("example", _examples(), ids=lambda example: example.file)
def test_examples(example, tmp_path):
    """SKaiNET's text and the other examples agree with NumPy to 2e-6 of the largest value."""
    inputs = [normal(shape, np.float32, seed) for seed, shape in enumerate(example.shapes)]
    flags = ["--pass-pipeline", example.pipeline]
    if example.file.startswith("skainet"):
        flags += ["--input-format=skainet"]
    result = run(ROOT / "examples" / example.file, inputs, tmp_path, *flags)
    expected = example.definition(*(array.astype(np.float64) for array in inputs))
    assert np.abs(result - expected).max() <= 2e-6 * np.abs(expected).max()


@pytest.mark.parametrize("element", DTYPES)
@pytest.mark.parametrize("shape", [(5, 64), (2, 3, 48), (2, 3, 4, 33)], ids=str)
def test_ai_edge_torch_rms_norm(shape, element, tmp_path):
    """LiteRT's call on 2-D, 3-D and 4-D shapes: f32 to 2e-6, half types to one rounding."""
    dims = "x".join(map(str, shape))
    x, w = f"tensor<{dims}x{element}>", f"tensor<{shape[-1]}x{element}>"
    path = tmp_path / "norm.mlir"
    path.write_text(
        f"func.func @main(%x: {x}, %w: {w}) -> {x} {{\n"
        f'  %0 = stablehlo.custom_call @ai_edge_torch.rms_norm(%x, %w) {{backend_config = ""}}'
        f" : ({x}, {w}) -> {x}\n  return %0 : {x}\n}}\n"
    )
    arrays = [normal(shape, DTYPES[element], 0), normal(shape[-1:], DTYPES[element], 1)]
    pipeline = "raise-custom-calls{rms-norm-epsilon=1e-6},attnorm-to-stablehlo"
    result = run(path, arrays, tmp_path, "--pass-pipeline", pipeline).astype(np.float64)
    wide, weight = (array.astype(np.float64) for array in arrays)
    expected = wide / np.sqrt(np.mean(wide**2, -1, keepdims=True) + 1e-6) * weight
    ulp = float(ml_dtypes.finfo(DTYPES[element]).eps)
    # One rounding is half an ulp of the value; the f32 answer below it is not exact either.
    error = 2e-6 if element == "f32" else 0.5 * ulp + 2e-6
    assert (np.abs(result - expected) <= error * np.abs(expected) + 1e-12).all()


Q, K, V = (2, 4, 5, 8), (2, 2, 7, 8), (2, 2, 7, 6)
CASES = {
    "no_mask": {},
    "causal_top_left": {"causal": 0},
    "causal_bottom_right": {"causal": 2},
    "causal_offset": {"causal": 4},
    "causal_first_rows_masked_zero": {"causal": -2, "fully_masked": "zero"},
    "causal_first_rows_masked_uniform": {"causal": -2, "fully_masked": "uniform"},
    "causal_first_rows_masked_nan": {"causal": -2, "fully_masked": "nan"},
    "window": {"window": (2, 1)},
    "causal_window": {"causal": 2, "window": (3, 0)},
    "softcap": {"softcap": 2.0},
    "softcap_mask": {"softcap": 2.0, "mask": (5, 7), "causal": 2},
    "one_query": {"q": (2, 4, 1, 8)},
    "one_head_group": {"q": (2, 2, 5, 8)},
    "all_heads_one_key": {"k": (2, 1, 7, 8), "v": (2, 1, 7, 6)},
    "rank_3": {"q": (4, 5, 8), "k": (2, 7, 8), "v": (2, 7, 6), "mask": (4, 1, 7)},
    "rank_5": {"q": (1, 2, 4, 5, 8), "k": (1, 2, 2, 7, 8), "v": (1, 2, 2, 7, 6)},
    **{
        f"{kind}_mask_{'x'.join(map(str, shape)) or 'scalar'}": {
            "mask": shape,
            "bool": kind == "bool",
        }
        for kind in ("bool", "additive")
        for shape in [
            *[(), (7,), (5, 7), (5, 1), (1, 7), (4, 5, 7), (1, 5, 7), (4, 1, 1)],
            *[(2, 4, 5, 7), (2, 1, 5, 7), (2, 1, 1, 7), (1, 4, 5, 7), (1, 1, 5, 7), (2, 4, 5, 1)],
        ]
    },
    **{
        f"rows_masked_{mode}": {"rows": True, "mask": (5, 7), "bool": True, "fully_masked": mode}
        for mode in ("nan", "zero", "uniform")
    },
    "additive_rows_masked_zero": {"rows": True, "mask": (5, 7), "fully_masked": "zero"},
}


def _attention_text(case: dict, shapes: list[tuple[int, ...]], element: str) -> str:
    q, k, v = shapes[:3]
    types = [f"tensor<{'x'.join(map(str, (*shape, '')))}{element}>" for shape in (q, k, v)]
    result = f"tensor<{'x'.join(map(str, (*q[:-1], v[-1], '')))}{element}>"
    names = ["%q", "%k", "%v"]
    if "mask" in case:
        names.append("%m")
        kind = "i1" if case.get("bool") else element
        types.append(f"tensor<{'x'.join(map(str, (*case['mask'], '')))}{kind}>")
    attributes = [f"scale = {case.get('scale', 0.35)} : f64"]
    if "causal" in case:
        attributes += ["causal = true", f"offset = {case['causal']} : i64"]
    if "window" in case:
        attributes.append(f"window = array<i64: {case['window'][0]}, {case['window'][1]}>")
    if "softcap" in case:
        attributes.append(f"softcap = {case['softcap']} : f64")
    attributes.append(f'fully_masked = "{case.get("fully_masked", "nan")}"')
    attributes.append(f"operandSegmentSizes = array<i32: 1, 1, 1, {len(names) - 3}, 0, 0>")
    parameters = ", ".join(f"{name}: {type_}" for name, type_ in zip(names, types, strict=True))
    return (
        f"func.func @main({parameters}) -> {result} {{\n"
        f'  %0 = "attnorm.sdpa"({", ".join(names)}) {{{", ".join(attributes)}}}'
        f" : ({', '.join(types)}) -> {result}\n  return %0 : {result}\n}}\n"
    )


def _attention(case: dict, q, k, v, mask=None) -> np.ndarray:
    """Attention in float64, by the definition."""
    groups = q.shape[-3] // k.shape[-3]
    k, v = np.repeat(k, groups, axis=-3), np.repeat(v, groups, axis=-3)
    scores = q @ k.swapaxes(-1, -2) * case.get("scale", 0.35)
    if "softcap" in case:
        scores = case["softcap"] * np.tanh(scores / case["softcap"])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    at, key = np.indices(scores.shape[-2:])
    at = at + case.get("causal", 0)
    keep = np.ones(at.shape, bool)
    if "causal" in case:
        keep &= key <= at
    if "window" in case:
        left, right = case["window"]
        keep &= (key >= at - left) & (key <= at + right)
    scores = np.where(keep, scores, -np.inf)
    lost = np.isneginf(scores).all(-1, keepdims=True)
    power = np.exp(scores - np.where(lost, 0, scores.max(-1, keepdims=True)))
    with np.errstate(invalid="ignore"):
        weights = power / power.sum(-1, keepdims=True)
    filled = {"nan": np.nan, "zero": 0.0, "uniform": 1 / scores.shape[-1]}
    return np.where(lost, filled[case.get("fully_masked", "nan")], weights) @ v


@pytest.mark.parametrize("name", CASES)
def test_attention(name, tmp_path):
    """Attention in every form agrees with NumPy to 1e-5 of its scale, NaN for NaN."""
    case = CASES[name]
    shapes = [case.get("q", Q), case.get("k", K), case.get("v", V)]
    arrays = [normal(shape, np.float32, seed) for seed, shape in enumerate(shapes)]
    if "mask" in case:
        mask = normal(case["mask"], np.float32, 9)
        if case.get("bool"):
            # The first key is kept, so that no row is lost by chance.
            mask = np.asarray(mask > 0) | (np.arange(mask.shape[-1]) == 0 if mask.ndim else True)
        if case.get("rows"):
            mask[1] = False if case.get("bool") else -np.inf
        arrays.append(np.asarray(mask))
    path = tmp_path / "attention.mlir"
    path.write_text(_attention_text(case, shapes, "f32"))
    result = run(path, arrays, tmp_path)
    wide = [array if array.dtype == bool else array.astype(np.float64) for array in arrays]
    expected = _attention(case, *wide)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5 * np.nanmax(np.abs(expected)))


@pytest.mark.parametrize("element", ["f16", "bf16"])
@pytest.mark.parametrize("name", ["no_mask", "causal_bottom_right", "softcap_mask"])
def test_attention_in_half_types(name, element, tmp_path):
    """Half types hold the operands; scores, softmax and sum are f32 and rounded once."""
    case = CASES[name]
    arrays = [normal(shape, DTYPES[element], seed) for seed, shape in enumerate((Q, K, V))]
    if "mask" in case:
        arrays.append(normal(case["mask"], DTYPES[element], 9))
    path = tmp_path / "attention.mlir"
    path.write_text(_attention_text(case, [Q, K, V], element))
    result = run(path, arrays, tmp_path)
    expected = _attention(case, *(array.astype(np.float64) for array in arrays))
    ulp = float(ml_dtypes.finfo(DTYPES[element]).eps)
    error = np.abs(result.astype(np.float64) - expected)
    assert (error <= 0.5 * ulp * np.abs(expected) + 1e-5 * np.abs(expected).max()).all()
