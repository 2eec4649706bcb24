"""Ops that move, contract and fold: the bits of StableHLO's own interpreter."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from both import check, function, hard, parse, plain

from attnorm import reference
from attnorm.ir.tensor_type import ELEMENTS, TensorType

REDUCTIONS = ("add", "and", "maximum", "minimum", "multiply", "or", "xor")
INTEGER_ONLY = ("and", "or", "xor")


def region(op: str, element: str, count: int = 2) -> str:
    """A body of one op on scalars."""
    scalar = f"tensor<{element}>"
    arguments = ", ".join(f"%a{i}: {scalar}" for i in range(count))
    return (
        f"({{ ^bb0({arguments}): %s = stablehlo.{op} %a0, %a1 : {scalar}\n"
        f'"stablehlo.return"(%s) : ({scalar}) -> () }})'
    )


# -- moves ---------------------------------------------------------------------------------------

MOVES = {
    "broadcast_in_dim": (
        "3x1xE",
        "2x3x4xE",
        "%r = stablehlo.broadcast_in_dim %0, dims = [1, 2] : (tensor<3x1xE>) -> tensor<2x3x4xE>",
    ),
    "broadcast_in_dim, turned": (
        "3x4xE",
        "4x2x3xE",
        "%r = stablehlo.broadcast_in_dim %0, dims = [2, 0] : (tensor<3x4xE>) -> tensor<4x2x3xE>",
    ),
    "reshape": ("2x6xE", "3x4xE", "%r = stablehlo.reshape %0 : (tensor<2x6xE>) -> tensor<3x4xE>"),
    "transpose": (
        "2x3x4xE",
        "4x2x3xE",
        "%r = stablehlo.transpose %0, dims = [2, 0, 1] : (tensor<2x3x4xE>) -> tensor<4x2x3xE>",
    ),
    "slice": (
        "5x7xE",
        "2x3xE",
        "%r = stablehlo.slice %0 [1:5:2, 0:7:3] : (tensor<5x7xE>) -> tensor<2x3xE>",
    ),
    "concatenate": (
        "2x3xE, 2x1xE, 2x0xE",
        "2x4xE",
        "%r = stablehlo.concatenate %0, %1, %2, dim = 1 : "
        "(tensor<2x3xE>, tensor<2x1xE>, tensor<2x0xE>) -> tensor<2x4xE>",
    ),
    "reverse": ("3x4xE", "3x4xE", "%r = stablehlo.reverse %0, dims = [0, 1] : tensor<3x4xE>"),
    "pad": (
        "3x2xE, E",
        "8x5xE",
        "%r = stablehlo.pad %0, %1, low = [1, 2], high = [2, 1], interior = [1, 0] : "
        "(tensor<3x2xE>, tensor<E>) -> tensor<8x5xE>",
    ),
    "pad, negative": (
        "5x4xE, E",
        "6x2xE",
        "%r = stablehlo.pad %0, %1, low = [-2, -1], high = [-1, -1], interior = [1, 0] : "
        "(tensor<5x4xE>, tensor<E>) -> tensor<6x2xE>",
    ),
    "pad, all cut off": (
        "2xE, E",
        "1xE",
        "%r = stablehlo.pad %0, %1, low = [-3], high = [2], interior = [0] : "
        "(tensor<2xE>, tensor<E>) -> tensor<1xE>",
    ),
    "pad, nothing": (
        "0xE, E",
        "3xE",
        "%r = stablehlo.pad %0, %1, low = [1], high = [2], interior = [3] : "
        "(tensor<0xE>, tensor<E>) -> tensor<3xE>",
    ),
}


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("name", MOVES)
def test_moves(name: str, element: str) -> None:
    """Every element type goes where it should."""
    arguments, results, body = (part.replace("E", element) for part in MOVES[name])
    check(function(arguments, results, body))


@pytest.mark.parametrize("element", [e for e in ELEMENTS if e != "i1"])
def test_iota(element: str) -> None:
    """Along one of two dimensions, and of a shape that is an operand."""
    check(function("", f"3x4x{element}", f"%r = stablehlo.iota dim = 1 : tensor<3x4x{element}>"))
    check_dynamic("2xi32", f"3x2x{element}", "dynamic_iota", "iota_dimension = 0 : i64", [3, 2])


def check_dynamic(arguments: str, result: str, op: str, attributes: str, *sizes: list[int]) -> None:
    """An op whose last operands are sizes, under a static result type and a dynamic one.

    Its own interpreter takes only static ones.
    """
    kinds = [TensorType.parse(kind) for kind in arguments.split(", ")]
    arrays = [hard(kind, seed) for seed, kind in enumerate(kinds)]
    arrays[len(kinds) - len(sizes) :] = [np.array(size, np.int32) for size in sizes]
    types = ", ".join(f"tensor<{kind}>" for kind in kinds)
    values = ", ".join(f"%{index}" for index in range(len(kinds)))
    call = f'%r = "stablehlo.{op}"({values}) {{{attributes}}} : ({types}) -> '
    text = function(arguments, result, f"{call}tensor<{result}>")
    check(text, *arrays)
    *shape, element = result.split("x")
    unknown = "x".join(["?" for _ in shape] + [element])
    (want,) = reference.evaluate(parse(text), *arrays)
    text = function(arguments, unknown, f"{call}tensor<{unknown}>")
    (got,) = reference.evaluate(parse(text), *arrays)
    np.testing.assert_array_equal(got, want)


def test_sizes_that_are_operands() -> None:
    """Broadcasts, reshapes and pads by shapes known at run time."""
    spread = "broadcast_dimensions = array<i64: 1, 2>"
    check_dynamic("3x1xf32, 3xi32", "2x3x4xf32", "dynamic_broadcast_in_dim", spread, [2, 3, 4])
    check_dynamic("3x6xf32, 2xi32", "9x2xf32", "dynamic_reshape", "", [9, 2])
    edges = ", ".join(["1xi32"] * 3)
    check_dynamic(f"3xf32, f32, {edges}", "8xf32", "dynamic_pad", "", [1], [2], [1])


def test_real_dynamic_slice() -> None:
    """Bounds that are operands: its own interpreter does not know the op."""
    types = "tensor<?x7xf32>, tensor<2xi32>, tensor<2xi32>, tensor<2xi32>"
    body = f"%r = stablehlo.real_dynamic_slice %0, %1, %2, %3 : ({types}) -> tensor<?x?xf32>"
    x = hard(TensorType.parse("5x7xf32"), 0)
    bounds = [np.array(bound, np.int32) for bound in ([1, 0], [3, 7], [1, 3])]
    text = function("?x7xf32, 2xi32, 2xi32, 2xi32", "?x?xf32", body)
    (got,) = reference.evaluate(parse(text), x, *bounds)
    np.testing.assert_array_equal(got, x[1:3, 0:7:3])


def test_get_dimension_size() -> None:
    """Of a static and of a dynamic dimension."""
    for argument in ("3x7xf32", "?x7xf32"):
        body = (
            f"%r = stablehlo.get_dimension_size %0, dim = 0 : (tensor<{argument}>) -> tensor<i32>"
        )
        check(function(argument, "i32", body))


@pytest.mark.parametrize("index", ["i32", "ui8", "i64"])
@pytest.mark.parametrize("starts", [(0, 0), (1, 2), (3, 9), (100, 0)])
def test_dynamic_slices_are_moved_to_where_they_fit(index: str, starts: tuple[int, int]) -> None:
    """Past the end, and before the beginning.

    Its own interpreter takes 200, a ui8, for a negative number.
    """
    scalars = f"tensor<{index}>, tensor<{index}>"
    x = hard(TensorType.parse("4x5xf32"), 0)
    y = hard(TensorType.parse("2x3xf32"), 1)
    dtype = TensorType.parse(index).dtype
    for sign in (1, -1) if index != "ui8" else (1,):
        at = [np.array(sign * start, dtype) for start in starts]
        body = (
            "%r = stablehlo.dynamic_slice %0, %1, %2, sizes = [2, 3] : "
            f"(tensor<4x5xf32>, {scalars}) -> tensor<2x3xf32>"
        )
        check(function(f"4x5xf32, {index}, {index}", "2x3xf32", body), x, *at)
        body = (
            "%r = stablehlo.dynamic_update_slice %0, %1, %2, %3 : "
            f"(tensor<4x5xf32>, tensor<2x3xf32>, {scalars}) -> tensor<4x5xf32>"
        )
        check(function(f"4x5xf32, 2x3xf32, {index}, {index}", "4x5xf32", body), x, y, *at)
    body = (
        "%r = stablehlo.dynamic_slice %0, %1, sizes = [2] : "
        "(tensor<4xf32>, tensor<ui8>) -> tensor<2xf32>"
    )
    text = function("4xf32, ui8", "2xf32", body)
    (got,) = reference.evaluate(parse(text), x[:, 0].copy(), np.array(200, np.uint8))
    np.testing.assert_array_equal(got, x[2:, 0])


# -- gathers and scatters ------------------------------------------------------------------------

GATHERS = {
    "rows": (
        "5x4xf32, 3x2xi32",
        "3x2x4xf32",
        "offset_dims = [2], collapsed_slice_dims = [0], start_index_map = [0], "
        "index_vector_dim = 2",
        "1, 4",
    ),
    "windows": (
        "5x4xf32, 3x2xi64",
        "2x3x3xf32",
        "offset_dims = [0, 2], start_index_map = [1, 0], index_vector_dim = 1",
        "2, 3",
    ),
    "vector first": (
        "5x4xf32, 2x3xi32",
        "3xf32",
        "collapsed_slice_dims = [0, 1], start_index_map = [0, 1], index_vector_dim = 0",
        "1, 1",
    ),
    "batched": (
        "3x2x4x5xf32, 2x6x3x1xi32",
        "2x6x3x2xf32",
        "offset_dims = [3], collapsed_slice_dims = [3], operand_batching_dims = [0, 1], "
        "start_indices_batching_dims = [2, 0], start_index_map = [3], index_vector_dim = 3",
        "1, 1, 2, 1",
    ),
    "batched, vector first": (
        "3x4x5xf32, 2x6x3xi32",
        "6x3xf32",
        "collapsed_slice_dims = [1, 2], operand_batching_dims = [0], "
        "start_indices_batching_dims = [2], start_index_map = [2, 1], index_vector_dim = 0",
        "1, 1, 1",
    ),
}


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("name", GATHERS)
def test_gather(name: str, dynamic: bool) -> None:
    """Windows in any order of dimensions, moved to where they fit."""
    arguments, result, numbers, sizes = GATHERS[name]
    kinds = [TensorType.parse(kind) for kind in arguments.split(", ")]
    x = hard(kinds[0], 0)
    indices = (
        np.random.default_rng(1).integers(-2, 7, hard(kinds[1], 0).shape).astype(kinds[1].dtype)
    )
    types = [f"tensor<{kind}>" for kind in arguments.split(", ")]
    attributes = f"dimension_numbers = #stablehlo.gather<{numbers}>"
    if dynamic:
        count = sizes.count(",") + 1
        body = (
            f'%r = "stablehlo.dynamic_gather"(%0, %1, %2) {{{attributes}}} : '
            f"({', '.join(types)}, tensor<{count}xi32>) -> tensor<{result}>"
        )
        amounts = np.array([int(size) for size in sizes.split(",")], np.int32)
        check(function(f"{arguments}, {count}xi32", result, body), x, indices, amounts)
        return
    body = (
        f'%r = "stablehlo.gather"(%0, %1) {{{attributes}, slice_sizes = array<i64: {sizes}>}} : '
        f"({', '.join(types)}) -> tensor<{result}>"
    )
    check(function(arguments, result, body), x, indices)


SCATTERS = {
    "rows": (
        ("5x4", "3x2", "3x2x4"),
        "update_window_dims = [2], inserted_window_dims = [0], "
        "scatter_dims_to_operand_dims = [0], index_vector_dim = 2",
    ),
    "windows": (
        ("5x4", "3x2", "2x3x3"),
        "update_window_dims = [0, 2], scatter_dims_to_operand_dims = [1, 0], index_vector_dim = 1",
    ),
    "batched": (
        ("3x2x4x5", "2x6x3x1", "2x6x3x2"),
        "update_window_dims = [3], inserted_window_dims = [3], input_batching_dims = [0, 1], "
        "scatter_indices_batching_dims = [2, 0], scatter_dims_to_operand_dims = [3], "
        "index_vector_dim = 3",
    ),
}


@pytest.mark.parametrize("op", ["add", "maximum", "subtract", "second"])
@pytest.mark.parametrize("name", SCATTERS)
def test_scatter(name: str, op: str) -> None:
    """In the order of the updates; several to one element; what lies outside is left out."""
    shapes, numbers = SCATTERS[name]
    kinds = [
        TensorType.parse(f"{s}x{e}") for s, e in zip(shapes, ("f32", "i32", "f32"), strict=True)
    ]
    x, updates = hard(kinds[0], 0), hard(kinds[2], 1)
    indices = np.random.default_rng(1).integers(-1, 6, hard(kinds[1], 0).shape).astype(np.int32)
    types = ", ".join(f"tensor<{kind}>" for kind in kinds)
    scalar = "tensor<f32>"
    body = (
        region(op, "f32")
        if op != "second"
        else (
            f'({{ ^bb0(%a: {scalar}, %b: {scalar}): "stablehlo.return"(%b) : ({scalar}) -> () }})'
        )
    )
    text = (
        f'%r = "stablehlo.scatter"(%0, %1, %2) {body} '
        f"{{scatter_dimension_numbers = #stablehlo.scatter<{numbers}>}} : "
        f"({types}) -> tensor<{kinds[0]}>"
    )
    check(function(", ".join(map(str, kinds)), str(kinds[0]), text), x, indices, updates)


# -- contractions --------------------------------------------------------------------------------

DOTS = {
    "matrices": ("3x4", "4x2", "3x2", "contracting_dims = [1] x [0]"),
    "batched": (
        "2x3x4x5",
        "5x2x6x4",
        "2x4x3x6",
        "batching_dims = [0, 2] x [1, 3], contracting_dims = [3] x [0]",
    ),
    "two contracted": ("3x4x5", "5x4x2", "3x2", "contracting_dims = [2, 1] x [0, 1]"),
    "nothing contracted": ("3", "2", "3x2", "contracting_dims = [] x []"),
    "scalars": ("", "", "", "contracting_dims = [] x []"),
}


@pytest.mark.parametrize("element", ["f32", "bf16", "f16", "f64", "i8", "i32", "ui16", "i64"])
@pytest.mark.parametrize("name", DOTS)
def test_dot_general(name: str, element: str) -> None:
    """Whole numbers, whose sums need no rounding; integers wrap."""
    *shapes, numbers = DOTS[name]
    a, b, c = (f"{shape}x{element}" if shape else element for shape in shapes)
    body = (
        f"%r = stablehlo.dot_general %0, %1, {numbers} : (tensor<{a}>, tensor<{b}>) -> tensor<{c}>"
    )
    check(function(f"{a}, {b}", c, body), draw=plain if "f" in element else hard)


def test_dot_general_over_nothing() -> None:
    """Zeros: its own interpreter ends the process."""
    types = "(tensor<3x0xf32>, tensor<0x2xf32>) -> tensor<3x2xf32>"
    body = f"%r = stablehlo.dot_general %0, %1, contracting_dims = [1] x [0] : {types}"
    text = function("3x0xf32, 0x2xf32", "3x2xf32", body)
    arrays = np.zeros((3, 0), np.float32), np.zeros((0, 2), np.float32)
    (got,) = reference.evaluate(parse(text), *arrays)
    np.testing.assert_array_equal(got, np.zeros((3, 2)))


def test_dot_general_of_another_type() -> None:
    """bf16 operands, an f32 result: rounded once; i8 operands, an i32 result: they do not wrap."""
    body = "%r = stablehlo.dot_general %0, %1, contracting_dims = [1] x [0] : "
    types = "(tensor<3x4xbf16>, tensor<4x2xbf16>) -> tensor<3x2xf32>"
    check(function("3x4xbf16, 4x2xbf16", "3x2xf32", body + types), draw=plain)
    text = function(
        "1x4xi8, 4x1xi8", "1x1xi32", body + "(tensor<1x4xi8>, tensor<4x1xi8>) -> tensor<1x1xi32>"
    )
    x = np.full((1, 4), 127, np.int8)
    check(text, x, x.reshape(4, 1))


def test_dot_algorithm() -> None:
    """Operands are rounded to the precision that one product has, sums to the accumulation's."""
    algorithm = (
        "algorithm = <lhs_precision_type = bf16, rhs_precision_type = bf16, accumulation_type = "
        "{}, lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = {}, "
        "allow_imprecise_accumulation = false>"
    )
    head = "%r = stablehlo.dot_general %0, %1, contracting_dims = [0] x [0], "
    tail = " : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>"
    x = np.array([1 + 2.0**-10, 2.0**-10], np.float32)
    ones = np.ones(2, np.float32)
    for accumulation, operations, want in (
        ("f32", 1, 1 + 2.0**-10),
        ("bf16", 1, 1.0),
        ("f32", 3, 1 + 2.0**-9),
    ):
        text = function(
            "2xf32, 2xf32", "f32", head + algorithm.format(accumulation, operations) + tail
        )
        (got,) = reference.evaluate(parse(text), x, ones)
        assert got == want


CONVOLUTIONS = {
    "plain": ("1x5x5x2", "3x2x2x4", "1x3x4x4", "stride = [1, 1]", ""),
    "strided": (
        "2x7x6x2",
        "3x2x2x4",
        "2x4x7x4",
        "stride = [2, 1], pad = [[1, 1], [0, 2]]",
        "",
    ),
    "dilated": (
        "1x4x5x2",
        "2x2x2x3",
        "1x6x3x3",
        "stride = [1, 1], lhs_dilate = [2, 1], rhs_dilate = [1, 2]",
        "",
    ),
    "reversed": ("1x4x5x2", "2x2x2x3", "1x3x4x3", "reverse = [false, true]", ""),
    "features in groups": ("1x4x4x4", "2x2x2x6", "1x3x3x6", "stride = [1, 1]", "feature"),
    "batches in groups": ("4x4x4x2", "2x2x2x6", "2x3x3x6", "stride = [1, 1]", "batch"),
}


@pytest.mark.parametrize("element", ["f32", "i32"])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(name: str, element: str) -> None:
    """Whole numbers, whose sums need no rounding."""
    *shapes, window, grouped = CONVOLUTIONS[name]
    x, kernel, result = (f"{shape}x{element}" for shape in shapes)
    counts = {"feature": 1, "batch": 1} | ({grouped: 2} if grouped else {})
    body = (
        "%r = stablehlo.convolution(%0, %1) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], "
        f"window = {{{window}}} {{batch_group_count = {counts['batch']} : i64, "
        f"feature_group_count = {counts['feature']} : i64}} : "
        f"(tensor<{x}>, tensor<{kernel}>) -> tensor<{result}>"
    )
    check(function(f"{x}, {kernel}", result, body), draw=plain)


# -- reductions ----------------------------------------------------------------------------------


def signs(kind: TensorType, seed: int) -> np.ndarray:
    """-1, 0 and 1."""
    return np.sign(plain(kind, seed).astype(np.float64)).astype(kind.dtype)


@pytest.mark.parametrize(
    ("op", "element"),
    [
        (op, element)
        for op in REDUCTIONS
        for element in ELEMENTS
        if "f" not in element or op not in INTEGER_ONLY
    ],
)
def test_reduce(op: str, element: str) -> None:
    """Bodies of one op, over any dimensions, over nothing, over no dimension."""
    draw = hard
    if "f" in element and op in ("add", "multiply"):
        # The order matters to roundings alone: values without any.
        draw = plain if op == "add" else signs
    for shape, axes, kept in (
        ("3x4x5", "1", "3x5"),
        ("3x4x5", "0, 2", "4"),
        ("3x4", "0, 1", ""),
        ("3x0", "1", "3"),
        ("0x3", "1", "0"),
        ("3x2", "", "3x2"),
    ):
        kind, result = f"{shape}x{element}", f"{kept}x{element}" if kept else element
        body = (
            f'%r = "stablehlo.reduce"(%0, %1) {region(op, element)} '
            f"{{dimensions = array<i64{': ' if axes else ''}{axes}>}} : "
            f"(tensor<{kind}>, tensor<{element}>) -> tensor<{result}>"
        )
        check(function(f"{kind}, {element}", result, body), draw=draw)


def argmax(shape: str, kept: str) -> str:
    """JAX's argmax: pairs, NaN first, then the larger, then the earlier."""
    return function(
        f"{shape}xf32",
        f"{kept}f32, {kept}i32",
        f"""
        %i = stablehlo.iota dim = 1 : tensor<{shape}xi32>
        %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
        %zero = stablehlo.constant dense<0> : tensor<i32>
        %r:2 = stablehlo.reduce(%0 init: %low), (%i init: %zero) across dimensions = [1] :
          (tensor<{shape}xf32>, tensor<{shape}xi32>, tensor<f32>, tensor<i32>)
          -> (tensor<{kept}f32>, tensor<{kept}i32>)
          reducer(%a: tensor<f32>, %b: tensor<f32>) (%c: tensor<i32>, %d: tensor<i32>) {{
            %gt = stablehlo.compare GT, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
            %ne = stablehlo.compare NE, %a, %a, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
            %or = stablehlo.or %gt, %ne : tensor<i1>
            %eq = stablehlo.compare EQ, %a, %b, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
            %lt = stablehlo.compare LT, %c, %d, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
            %and = stablehlo.and %eq, %lt : tensor<i1>
            %left = stablehlo.or %or, %and : tensor<i1>
            %v = stablehlo.select %or, %a, %b : tensor<i1>, tensor<f32>
            %p = stablehlo.select %left, %c, %d : tensor<i1>, tensor<i32>
            stablehlo.return %v, %p : tensor<f32>, tensor<i32>
          }}
        """,
    )


@pytest.mark.parametrize("length", [0, 1, 2, 7, 64, 65])
def test_reduce_of_pairs(length: int) -> None:
    """A body of many ops, all lanes at once: the first largest, wherever the pairs are split."""
    x = plain(TensorType.parse(f"6x{length}xf32"), length)
    check(argmax(f"6x{length}", "6x"), x)


@pytest.mark.parametrize("op", ["maximum", "minimum"])
def test_reduce_of_zeros(op: str) -> None:
    """+0 is above -0, wherever they stand."""
    rows = np.array(list(itertools.product([0.0, -0.0], repeat=4)), np.float32)
    body = (
        f'%r = "stablehlo.reduce"(%0, %1) {region(op, "f32")} {{dimensions = array<i64: 1>}} : '
        "(tensor<16x3xf32>, tensor<f32>) -> tensor<16xf32>"
    )
    for init in (0.0, -0.0, -np.inf, np.inf):
        arrays = rows[:, :3].copy(), np.array(init, np.float32)
        check(function("16x3xf32, f32", "16xf32", body), *arrays)


def test_reduce_keeps_the_order() -> None:
    """A body that takes the second of two: the last of all."""
    body = """%r = "stablehlo.reduce"(%0, %1) ({
        ^bb0(%a: tensor<f32>, %b: tensor<f32>): "stablehlo.return"(%b) : (tensor<f32>) -> ()
      }) {dimensions = array<i64: 1>} : (tensor<3x7xf32>, tensor<f32>) -> tensor<3xf32>"""
    check(function("3x7xf32, f32", "3xf32", body))


def test_reduce_with_any_body() -> None:
    """A body that is not elementwise is applied to every pair."""
    body = """
      %r = "stablehlo.reduce"(%0, %1) ({
        ^bb0(%a: tensor<f32>, %b: tensor<f32>):
          %t = stablehlo.compare LT, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
          %s = "stablehlo.if"(%t) ({ "stablehlo.return"(%b) : (tensor<f32>) -> () },
                                   { "stablehlo.return"(%a) : (tensor<f32>) -> () })
            : (tensor<i1>) -> tensor<f32>
          "stablehlo.return"(%s) : (tensor<f32>) -> ()
      }) {dimensions = array<i64: 1>} : (tensor<3x5xf32>, tensor<f32>) -> tensor<3xf32>
    """
    check(function("3x5xf32, f32", "3xf32", body), draw=plain)
    check(function("3x5xf32, f32", "3xf32", body).replace("3x5x", "0x5x").replace("3xf32", "0xf32"))


WINDOWS = {
    "sums so far": (
        "6",
        "6",
        "window_dimensions = array<i64: 6>, padding = dense<[[5, 0]]> : tensor<1x2xi64>",
    ),
    "strided": (
        "5x6",
        "2x3",
        "window_dimensions = array<i64: 2, 3>, window_strides = array<i64: 3, 2>, "
        "padding = dense<[[0, 0], [1, 1]]> : tensor<2x2xi64>",
    ),
    "dilated": (
        "4x5",
        "5x7",
        "window_dimensions = array<i64: 2, 2>, base_dilations = array<i64: 2, 1>, "
        "window_dilations = array<i64: 3, 1>, padding = dense<[[1, 0], [1, 2]]> : tensor<2x2xi64>",
    ),
    "nowhere": ("2x4", "0x4", "window_dimensions = array<i64: 3, 1>"),
}


@pytest.mark.parametrize("op", ["add", "maximum", "minimum"])
@pytest.mark.parametrize("name", WINDOWS)
def test_reduce_window(name: str, op: str) -> None:
    """Padded with the initial value, which every window begins with too."""
    shape, result, attributes = WINDOWS[name]
    x, y = f"{shape}xf32", f"{result}xf32"
    body = (
        f'%r = "stablehlo.reduce_window"(%0, %1) {region(op, "f32")} {{{attributes}}} : '
        f"(tensor<{x}>, tensor<f32>) -> tensor<{y}>"
    )
    check(function(f"{x}, f32", y, body), draw=plain)


@pytest.mark.parametrize(
    ("source", "padding"), [("2x3", "[0, 0], [0, 0]"), ("3x4", "[1, 1], [0, 1]")]
)
def test_select_and_scatter(source: str, padding: str) -> None:
    """To the first largest of every window.

    From 0: its own interpreter adds the initial value once an update.
    """
    greater = """^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %s = stablehlo.compare GE, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
      "stablehlo.return"(%s) : (tensor<i1>) -> () """
    regions = f"({{ {greater} }}, {region('add', 'f32')[1:]}"
    body = f"""%r = "stablehlo.select_and_scatter"(%0, %1, %2) {regions} {{
      window_dimensions = array<i64: 2, 2>, window_strides = array<i64: 2, 1>,
      padding = dense<[{padding}]> : tensor<2x2xi64>
    }} : (tensor<4x4xf32>, tensor<{source}xf32>, tensor<f32>) -> tensor<4x4xf32>"""
    kinds = [TensorType.parse(kind) for kind in ("4x4xf32", f"{source}xf32")]
    arrays = [*(plain(kind, seed) for seed, kind in enumerate(kinds)), np.zeros((), np.float32)]
    check(function(f"4x4xf32, {source}xf32, f32", "4x4xf32", body), *arrays)


# -- sorts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["LT", "GT"])
@pytest.mark.parametrize("length", [0, 1, 2, 5, 16, 33])
def test_sort(length: int, direction: str) -> None:
    """By keys with many equals: they stay in order; every column for itself."""
    keys, values = f"{length}x3xi32", f"{length}x3xf32"
    body = f"""
      %r:2 = "stablehlo.sort"(%0, %1) ({{
        ^bb0(%a: tensor<i32>, %b: tensor<i32>, %c: tensor<f32>, %d: tensor<f32>):
          %t = stablehlo.compare {direction}, %a, %b : (tensor<i32>, tensor<i32>) -> tensor<i1>
          "stablehlo.return"(%t) : (tensor<i1>) -> ()
      }}) {{dimension = 0 : i64, is_stable = true}} : (tensor<{keys}>, tensor<{values}>)
        -> (tensor<{keys}>, tensor<{values}>)
    """
    text = function(f"{keys}, {values}", f"{keys}, {values}", body)
    check(text, plain(TensorType.parse(keys), 0), hard(TensorType.parse(values), 1))
