"""Input specs, .npy files, printing and comparison."""

import ml_dtypes
import numpy as np
import pytest

from attnorm.errors import AttnormError
from attnorm.execution.arrays import format_array, load_npy, parse_array, save_npy
from attnorm.execution.compare import compare
from attnorm.ir.tensor_type import TensorType

BF16 = ml_dtypes.bfloat16
DTYPES = [np.float16, BF16, np.float32, np.float64, np.bool_, np.int8, np.uint16, np.int64]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("2x3xf32=1,2,3,4,5,6", np.array([[1, 2, 3], [4, 5, 6]], np.float32)),
        ("2x3xf32=[1 2 3][4 5 6]", np.array([[1, 2, 3], [4, 5, 6]], np.float32)),
        ("2x2xbf16=1.5", np.full((2, 2), 1.5, BF16)),
        ("f32=3", np.array(3, np.float32)),
        ("3xf16=nan,-inf,-0.5", np.array([np.nan, -np.inf, -0.5], np.float16)),
        ("3xi1=1,0,true", np.array([True, False, True])),
        ("2xsi8=-128,0x7f", np.array([-128, 127], np.int8)),
        ("ui64=18446744073709551615", np.array(2**64 - 1, np.uint64)),
        ("2xi64=9007199254740993,0", np.array([2**53 + 1, 0], np.int64)),
        ("0x3xf64=", np.zeros((0, 3))),
    ],
)
def test_literals(spec, expected):
    """A spec's elements are row-major, exact, of the type that it names; one fills the shape."""
    array = parse_array(spec)
    assert array.dtype == expected.dtype
    np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("2x4xf32=1,2,3", r"input '2x4xf32=1,2,3': expected 8 values \(or 1 to fill\), got 3"),
        ("2xf32=", "expected 2 values"),
        ("2xf32=1,x", "expected f32 values, got 'x'"),
        ("2xi8=1,300", "expected i8 values, got 300: out of range"),
        ("ui8=-1", "expected ui8 values, got -1: out of range"),
        ("f16=1e5", "expected f16 values, got 1e5: out of range"),
        ("i1=2", "expected i1 values, got '2'"),
        ("2xf33=1", "expected a type such as 2x4xf32 .* got '2xf33'"),
        ("?xf32=1", "expected a static shape"),
        ("2xf32", "expected TYPE=VALUES"),
        ("2xf32=random:x", "expected random:SEED"),
        ("@missing.npy", "cannot read 'missing.npy'"),
    ],
)
def test_bad_specs_say_what_was_expected(spec, message):
    """A malformed spec is an error with the spec in it, never a guess."""
    with pytest.raises(AttnormError, match=message):
        parse_array(spec)


@pytest.mark.parametrize("element", ["f16", "bf16", "f32", "f64", "i1", "i8", "ui8", "i64"])
def test_random_is_seeded(element):
    """The same seed gives the same array of the right type, another seed another one."""
    first, again, other = (parse_array(f"40x5x{element}=random:{seed}") for seed in (3, 3, 4))
    assert str(TensorType.of(first)) == f"40x5x{element}"
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    if "f" in element:
        assert abs(first.astype(np.float64).std() - 1) < 0.2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 4)])
def test_npy_round_trip(tmp_path, dtype, shape):
    """Every type reads back from .npy as it was, bfloat16 (two opaque bytes there) too."""
    array = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    save_npy(tmp_path / "a.npy", array)
    read = load_npy(tmp_path / "a.npy", TensorType.of(array))
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)
    assert [file.name for file in tmp_path.iterdir()] == ["a.npy"]


def test_npy_of_others(tmp_path):
    """Column-major and big-endian files are read as the values that they hold."""
    array = np.arange(6, dtype=">f4").reshape(2, 3, order="F")
    np.save(tmp_path / "a.npy", array)
    read = load_npy(tmp_path / "a.npy")
    assert read.dtype == np.float32 and read.flags.c_contiguous
    np.testing.assert_array_equal(read, array)


def test_bad_npy(tmp_path):
    """No .npy file, an object array, an unknown dtype and another type are errors with the path."""
    path = tmp_path / "a.npy"
    path.write_bytes(b"not numpy")
    with pytest.raises(AttnormError, match=r"a\.npy: expected a \.npy file"):
        load_npy(path)
    np.save(path, np.array([object()]), allow_pickle=True)
    with pytest.raises(AttnormError, match=r"a\.npy: expected a \.npy file"):
        load_npy(path)
    np.save(path, np.zeros(2, np.complex64))
    with pytest.raises(AttnormError, match=r"a\.npy: expected a dtype of .* got complex64"):
        load_npy(path)
    np.save(path, np.zeros((2, 5), np.float32))
    with pytest.raises(AttnormError, match="expected 2x4xf32, got 2x5xf32"):
        parse_array(f"2x4xf32=@{path}")
    with pytest.raises(AttnormError, match="cannot write"):
        save_npy(tmp_path / "none" / "a.npy", np.zeros(2))


@pytest.mark.parametrize("dtype", DTYPES)
def test_print_reads_back(dtype):
    """What is printed is a spec of the same array, to the last bit."""
    array = (np.random.default_rng(1).standard_normal((2, 3, 4)) * 100).astype(dtype)
    np.testing.assert_array_equal(parse_array(format_array(array)), array)


def test_print():
    """The form is that of iree-run-module, cut off after the limit."""
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert format_array(array) == "2x3xf32=[0 1 2][3 4 5]"
    assert format_array(array, limit=4) == "2x3xf32=[0 1 2][3 ...]"
    assert format_array(np.array(-1.5, BF16)) == "bf16=-1.5"
    assert format_array(np.array([True, False])) == "2xi1=1 0"
    assert format_array(array.reshape(1, 2, 3)) == "1x2x3xf32=[[0 1 2][3 4 5]]"


def test_compare():
    """NaN agrees with NaN and an infinity with itself only; the worst element is named."""
    actual = np.array([[1, np.nan], [np.inf, -np.inf]], np.float32)
    assert compare(actual, actual.copy()).agrees
    assert compare(actual, actual.astype(np.float64)).agrees
    for wrong in (np.inf, np.nan, 1.1):
        expected = actual.copy()
        expected[0, 0] = wrong
        verdict = compare(actual, expected)
        assert not verdict.agrees and "worst [0, 0]" in verdict.report
    assert not compare(np.array([np.inf]), np.array([-np.inf])).agrees
    assert not compare(np.array([np.inf]), np.array([1e300]), rtol=1e300).agrees
    assert "1 of 3 elements differ" in compare(np.arange(3), np.array([0, 1, 3])).report


def test_compare_tolerances():
    """The tolerance is atol + rtol * |expected|; integers agree exactly, beyond 2**53 too."""
    assert compare(np.array([100.1]), np.array([100.0]), rtol=1.1e-3, atol=0).agrees
    assert not compare(np.array([100.1]), np.array([100.0]), rtol=0.9e-3, atol=0).agrees
    assert compare(np.array([0.1]), np.array([0.0]), rtol=0, atol=0.11).agrees
    assert not compare(np.array([2**53 + 1]), np.array([2**53])).agrees
    assert compare(np.array([], np.float32), np.array([], np.float32)).agrees


def test_compare_types():
    """Another shape, or an integer for a float, is a disagreement that says so."""
    assert compare(np.zeros((2, 1)), np.zeros(2)).report == "expected 2xf64, got 2x1xf64"
    assert not compare(np.zeros(2, np.int32), np.zeros(2)).agrees
    assert not compare(np.zeros(2, np.int32), np.zeros(2, np.int64)).agrees
