"""Generated arguments: what the graph can take, and the hard values."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import attnorm
from attnorm.checking.inputs import LARGEST, SIZE, generate
from attnorm.errors import AttnormError


def generated(body: str, arguments: str, result: str, **options) -> dict[str, tuple]:
    """The arguments of a function, by kind."""
    text = f"func.func @f({arguments}) -> {result} {{\n{body}\n}}"
    return generate(attnorm.load(text), "f", **options)


def test_indices_of_a_gather() -> None:
    """Rows of a table, by way of a conversion and a reshape: both ends are among them."""
    body = """
      %0 = stablehlo.convert %i : (tensor<2x20xi64>) -> tensor<2x20xi32>
      %1 = stablehlo.reshape %0 : (tensor<2x20xi32>) -> tensor<40x1xi32>
      %2 = "stablehlo.gather"(%t, %1) <{dimension_numbers = #stablehlo.gather<offset_dims = [1],
        collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>,
        slice_sizes = array<i64: 1, 3>}>
        : (tensor<1111x3xf32>, tensor<40x1xi32>) -> tensor<40x3xf32>
      return %2 : tensor<40x3xf32>"""
    sets = generated(body, "%i: tensor<2x20xi64>, %t: tensor<1111x3xf32>", "tensor<40x3xf32>")
    (ids, table) = sets["ordinary"]
    assert (ids.min(), ids.max()) == (0, 1110)
    assert ids.dtype == np.int64 and table.shape == (1111, 3)


def test_starts_of_slices() -> None:
    """A start leaves room for the slice, and for the update."""
    body = """
      %c = stablehlo.constant dense<0> : tensor<i32>
      %0 = stablehlo.dynamic_slice %x, %i, %c, sizes = [3, 4]
        : (tensor<8x4xf32>, tensor<i32>, tensor<i32>) -> tensor<3x4xf32>
      %1 = stablehlo.dynamic_update_slice %x, %0, %j, %c
        : (tensor<8x4xf32>, tensor<3x4xf32>, tensor<i32>, tensor<i32>) -> tensor<8x4xf32>
      return %1 : tensor<8x4xf32>"""
    arguments = "%x: tensor<8x4xf32>, %i: tensor<i32>, %j: tensor<i32>"
    found = [generated(body, arguments, "tensor<8x4xf32>", seed=s)["ordinary"] for s in range(20)]
    for index in (1, 2):
        starts = {int(arrays[index]) for arrays in found}
        assert max(starts) == 5 and min(starts) >= 0


@pytest.mark.parametrize("angles", [False, True])
def test_positions_increase(angles: bool) -> None:
    """What is compared with a count stays below it; what becomes an angle increases too."""
    compared = """
      %n = stablehlo.iota dim = 1 : tensor<4x9xi64>
      %0 = stablehlo.broadcast_in_dim %p, dims = [0] : (tensor<4xi64>) -> tensor<4x9xi64>
      %1 = stablehlo.compare LE, %n, %0 : (tensor<4x9xi64>, tensor<4x9xi64>) -> tensor<4x9xi1>
      return %1 : tensor<4x9xi1>"""
    turned = """
      %c = stablehlo.constant dense<0.5> : tensor<4xf32>
      %0 = stablehlo.convert %p : (tensor<4xi64>) -> tensor<4xf32>
      %1 = stablehlo.multiply %0, %c : tensor<4xf32>
      %2 = stablehlo.cosine %1 : tensor<4xf32>
      return %2 : tensor<4xf32>"""
    result = "tensor<4xf32>" if angles else "tensor<4x9xi1>"
    (positions,) = generated(turned if angles else compared, "%p: tensor<4xi64>", result)[
        "ordinary"
    ]
    assert (np.diff(positions) == 1).all() and positions.max() < 9 + 4 * angles


ATTENTION = """
  %0 = stablehlo.dot_general %q, %k, batching_dims = [0] x [0], contracting_dims = [2] x [2]
    : (tensor<2x5x4xf32>, tensor<2x5x4xf32>) -> tensor<2x5x5xf32>
  {masked}
  %2 = "attnorm.softmax"(%1) {{axis = 2 : i64}} : (tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %3 = stablehlo.dot_general %2, %k, batching_dims = [0] x [0], contracting_dims = [2] x [1]
    : (tensor<2x5x5xf32>, tensor<2x5x4xf32>) -> tensor<2x5x4xf32>
  return %3 : tensor<2x5x4xf32>"""
QK = "%q: tensor<2x5x4xf32>, %k: tensor<2x5x4xf32>"
MASKS = {
    "f32": """%m1 = stablehlo.reshape %m : (tensor<1x5x5xf32>) -> tensor<5x5xf32>
      %m2 = stablehlo.broadcast_in_dim %m1, dims = [1, 2] : (tensor<5x5xf32>) -> tensor<2x5x5xf32>
      %1 = stablehlo.add %0, %m2 : tensor<2x5x5xf32>""",
    "i1": """%m1 = stablehlo.reshape %m : (tensor<1x5x5xi1>) -> tensor<5x5xi1>
      %m2 = stablehlo.broadcast_in_dim %m1, dims = [1, 2] : (tensor<5x5xi1>) -> tensor<2x5x5xi1>
      %c = stablehlo.constant dense<0xFF800000> : tensor<2x5x5xf32>
      %1 = stablehlo.select %m2, %0, %c : tensor<2x5x5xi1>, tensor<2x5x5xf32>""",
}


@pytest.mark.parametrize("element", MASKS)
def test_masks(element: str) -> None:
    """Every row keeps its first key; one that is `masked` keeps none. Scores are never infinite."""
    body = ATTENTION.format(masked=MASKS[element])
    sets = generated(body, f"{QK}, %m: tensor<1x5x5x{element}>", "tensor<2x5x4xf32>")
    mask, masked = sets["ordinary"][2], sets["masked"][2]
    kept = mask if element == "i1" else mask > -np.inf
    assert kept[..., 0].all() and not kept.all()
    none = masked if element == "i1" else masked > -np.inf
    assert not none[:, 0].any() and none[:, 1:, 0].all()
    q, k, _ = sets["nonfinite"]
    assert np.isnan(q).any() and np.isnan(k).any()
    assert not np.isinf(q).any() and not np.isinf(k).any()


def test_the_op() -> None:
    """Operands of `attnorm.sdpa` have the roles that those of its formula have."""
    body = """
      %0 = "attnorm.sdpa"(%q, %k, %k, %m, %s) {scale = 0.5 : f64, causal = true,
        operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 1>}
        : (tensor<2x5x4xf32>, tensor<2x7x4xf32>, tensor<2x7x4xf32>, tensor<5x7xf32>, tensor<i32>)
        -> tensor<2x5x4xf32>
      return %0 : tensor<2x5x4xf32>"""
    arguments = "%q: tensor<2x5x4xf32>, %k: tensor<2x7x4xf32>, %m: tensor<5x7xf32>, %s: tensor<i32>"
    sets = generated(body, arguments, "tensor<2x5x4xf32>")
    assert (sets["masked"][2][0] == -np.inf).all() and (sets["ordinary"][2][:, 0] > -np.inf).all()
    assert np.isnan(sets["nonfinite"][0]).any() and not np.isinf(sets["nonfinite"][0]).any()
    starts = [
        int(generated(body, arguments, "tensor<2x5x4xf32>", seed=seed)["ordinary"][3])
        for seed in range(9)
    ]
    assert min(starts) >= 0 and max(starts) < 7


def test_what_is_added_to_a_product_is_no_mask() -> None:
    """A residual stream meets a product too, but that one is no attention's."""
    body = """
      %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0]
        : (tensor<5x64xf32>, tensor<64x64xf32>) -> tensor<5x64xf32>
      %1 = stablehlo.add %x, %0 : tensor<5x64xf32>
      return %1 : tensor<5x64xf32>"""
    sets = generated(body, "%x: tensor<5x64xf32>, %w: tensor<64x64xf32>", "tensor<5x64xf32>")
    assert "masked" not in sets
    assert np.isfinite(sets["ordinary"][0]).all()
    # Weights are scaled so that products stay as large as what they are of.
    assert 0.1 < sets["ordinary"][1].std() < 0.15


def test_flags_are_padding_on_the_left() -> None:
    """Integers that are only asked whether they are 0."""
    body = """
      %0 = stablehlo.convert %m : (tensor<3x8xi64>) -> tensor<3x8xi1>
      return %0 : tensor<3x8xi1>"""
    sets = generated(body, "%m: tensor<3x8xi64>", "tensor<3x8xi1>")
    (flags,) = sets["ordinary"]
    assert set(np.unique(flags)) == {0, 1} and (np.diff(flags) >= 0).all() and flags[:, -1].all()
    assert not sets["masked"][0][0].any() and sets["masked"][0][1].any()


IDENTITY = "return %x : tensor<8x4x{0}>", "%x: tensor<8x4x{0}>", "tensor<8x4x{0}>"


@pytest.mark.parametrize("element", ["f32", "f64", "f16", "bf16"])
def test_hard_values(element: str) -> None:
    """Each kind holds what it is named for; the ordinary one none of it."""
    sets = generated(*(part.format(element) for part in IDENTITY))
    arrays = {name: arguments[0] for name, arguments in sets.items()}
    assert list(arrays) == ["ordinary", "large", "tiny", "zeros", "nonfinite"]
    info = ml_dtypes.finfo(arrays["ordinary"].dtype)
    wide = {name: array.astype(np.float64) for name, array in arrays.items()}
    assert np.abs(wide["ordinary"]).max() < 5 and np.isfinite(wide["ordinary"]).all()
    largest = np.abs(wide["large"]).max()
    assert float(info.max) ** 0.4 < largest < float(info.max) ** 0.55
    tiny = np.abs(wide["tiny"])
    assert (tiny < float(info.smallest_normal)).mean() > 0.9 and (tiny > 0).mean() > 0.9
    zeros = wide["zeros"]
    assert ((zeros == 0) & np.signbit(zeros)).any() and ((zeros == 0) & ~np.signbit(zeros)).any()
    assert (zeros != 0).any(axis=1).any()
    hard = wide["nonfinite"]
    assert np.isnan(hard).any() and np.isposinf(hard).any() and np.isneginf(hard).any()
    assert np.isfinite(hard).all(axis=1).any()


def test_weights_of_layers_are_weights() -> None:
    """The gains of a norm that a loop reads layer by layer: hard values go into the data alone."""
    body = """
      %zero = stablehlo.constant dense<0> : tensor<i32>
      %0 = stablehlo.dynamic_slice %g, %i, %zero, sizes = [1, 4]
        : (tensor<3x4xf32>, tensor<i32>, tensor<i32>) -> tensor<1x4xf32>
      %1 = stablehlo.reshape %0 : (tensor<1x4xf32>) -> tensor<4xf32>
      %2 = stablehlo.broadcast_in_dim %1, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
      %3 = stablehlo.multiply %x, %2 : tensor<2x4xf32>
      return %3 : tensor<2x4xf32>"""
    arguments = "%g: tensor<3x4xf32>, %i: tensor<i32>, %x: tensor<2x4xf32>"
    sets = generated(body, arguments, "tensor<2x4xf32>")
    assert np.abs(sets["large"][0]).max() < 10 < np.abs(sets["large"][2]).max()


@pytest.mark.parametrize("how", ["selected", "added"])
def test_scores_stay_above_their_fill(how: str) -> None:
    """Queries and keys are large as far as a finite fill allows; values, which it does not see."""
    mask = {
        "selected": "stablehlo.select %p, %0, %low : tensor<2x4x4xi1>, tensor<2x4x4xf32>",
        "added": "stablehlo.add %0, %added : tensor<2x4x4xf32>",
    }
    body = f"""
      %zero = stablehlo.constant dense<0.0> : tensor<2x4x4xf32>
      %low = stablehlo.constant dense<-1.0e9> : tensor<2x4x4xf32>
      %added = stablehlo.select %p, %zero, %low : tensor<2x4x4xi1>, tensor<2x4x4xf32>
      %0 = stablehlo.dot_general %q, %k, batching_dims = [0] x [0], contracting_dims = [2] x [2]
        : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x4xf32>
      %1 = {mask[how]}
      %2 = "attnorm.softmax"(%1) {{axis = 2 : i64}} : (tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
      %3 = stablehlo.dot_general %2, %v, batching_dims = [0] x [0], contracting_dims = [2] x [1]
        : (tensor<2x4x4xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
      return %3 : tensor<2x4x8xf32>"""
    tensor = "tensor<2x4x8xf32>"
    arguments = f"%p: tensor<2x4x4xi1>, %q: {tensor}, %k: {tensor}, %v: {tensor}"
    _, q, k, v = generated(body, arguments, tensor)["large"]
    assert 1e6 < np.abs(np.einsum("bqd,bkd->bqk", q, k)).max() < 1e9
    assert np.abs(v).max() > 1e15


def test_the_same_seed_gives_the_same() -> None:
    """And another seed others."""
    parts = [part.format("f32") for part in IDENTITY]
    first, again, other = (generated(*parts, seed=seed)["ordinary"][0] for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).all()


def test_dynamic_sizes() -> None:
    """One size for all of them; `dims` says another."""
    text = "%x: tensor<?x4xf32>, %y: tensor<?x4xf32>"
    body = "%0 = stablehlo.add %x, %y : tensor<?x4xf32>\n return %0 : tensor<?x4xf32>"
    shapes = {array.shape for array in generated(body, text, "tensor<?x4xf32>")["ordinary"]}
    assert shapes == {(SIZE, 4)}
    given = generated(body, text, "tensor<?x4xf32>", dims=["0.0=3", "1.0=3"])["ordinary"]
    assert {array.shape for array in given} == {(3, 4)}


def test_no_elements() -> None:
    """Sizes of 0 and scalars are arrays like others."""
    arguments = "%a: tensor<0x4xf32>, %b: tensor<4x0xbf16>, %c: tensor<i1>, %d: tensor<f32>"
    sets = generated("return %d : tensor<f32>", arguments, "tensor<f32>")
    assert [array.shape for array in sets["ordinary"]] == [(0, 4), (4, 0), (), ()]


def test_too_many_elements() -> None:
    """An error at the function, and no memory taken."""
    with pytest.raises(AttnormError, match=rf"-:1:9: error: function 'f': .* {LARGEST} elements"):
        kind = "tensor<1000000x1000000xf32>"
        generated(f"return %x : {kind}", f"%x: {kind}", kind)
