"""Converted operands of products and convolutions: every type keeps its sign and its values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import ml_dtypes
import numpy as np
import pytest

import attnorm

NARROW = {
    "i1": np.bool_,
    "i4": ml_dtypes.int4,
    "ui4": ml_dtypes.uint4,
    "i8": np.int8,
    "ui8": np.uint8,
    "i16": np.int16,
    "ui16": np.uint16,
    "i32": np.int32,
    "ui32": np.uint32,
    "i64": np.int64,
    "ui64": np.uint64,
}
WIDE = {
    "f64": np.float64,
    "f32": np.float32,
    "f16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "i32": np.int32,
    "ui32": np.uint32,
    "i64": np.int64,
}
HELD = {"i4": "i8", "ui4": "ui8"}
"""The type of an argument: programs take none of 4 bits."""
STEPS = {
    "left": "%y = stablehlo.dot_general %c, %w, contracting_dims = [1] x [0] : (tensor<4x8xT>, "
    "tensor<8x5xT>) -> tensor<4x5xT>",
    "right": "%y = stablehlo.dot_general %w, %c, contracting_dims = [0] x [1] : (tensor<8x5xT>, "
    "tensor<4x8xT>) -> tensor<5x4xT>",
    "transposed": "%t = stablehlo.transpose %c, dims = [1, 0] : (tensor<4x8xT>) -> tensor<8x4xT>\n"
    "%y = stablehlo.dot_general %t, %w, contracting_dims = [0] x [0] : (tensor<8x4xT>, "
    "tensor<8x5xT>) -> tensor<4x5xT>",
    "batched": "%t = stablehlo.broadcast_in_dim %c, dims = [1, 2] : (tensor<4x8xT>) -> "
    "tensor<3x4x8xT>\n%u = stablehlo.broadcast_in_dim %w, dims = [1, 2] : (tensor<8x5xT>) -> "
    "tensor<3x8x5xT>\n%y = stablehlo.dot_general %t, %u, batching_dims = [0] x [0], "
    "contracting_dims = [2] x [1] : (tensor<3x4x8xT>, tensor<3x8x5xT>) -> tensor<3x4x5xT>",
    "sliced": "%s = stablehlo.slice %c [0:1, 0:8] : (tensor<4x8xT>) -> tensor<1x8xT>\n"
    "%t = stablehlo.reshape %s : (tensor<1x8xT>) -> tensor<8xT>\n"
    "%y = stablehlo.dot_general %t, %w, contracting_dims = [0] x [0] : (tensor<8xT>, "
    "tensor<8x5xT>) -> tensor<5xT>",
    "convolved": "%t = stablehlo.reshape %c : (tensor<4x8xT>) -> tensor<1x4x8xT>\n"
    "%u = stablehlo.reshape %w : (tensor<8x5xT>) -> tensor<1x8x5xT>\n"
    "%y = stablehlo.convolution(%t, %u) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = "
    "{stride = [1], pad = [[0, 0]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : "
    "(tensor<1x4x8xT>, tensor<1x8x5xT>) -> tensor<1x4x5xT>",
}
SHAPES = {
    "left": "4x5",
    "right": "5x4",
    "transposed": "4x5",
    "batched": "3x4x5",
    "sliced": "5",
    "convolved": "1x4x5",
}


@dataclass(frozen=True)
class Widened:
    """A product of an operand that is converted from `narrow` to `wide`."""

    form: str
    narrow: str
    wide: str

    def function(self, name: str) -> str:
        """The function in MLIR: %a and %w, the same matrix product of both however it is put."""
        held = HELD.get(self.narrow, self.narrow)
        result = f"tensor<{SHAPES[self.form]}x{self.wide}>"
        converts = [f"%c = stablehlo.convert %n : (tensor<4x8x{self.narrow}>) -> tensor<4x8xT>"]
        source = "%n"
        if held != self.narrow:
            source = "%h"
            types = f"(tensor<4x8x{held}>) -> tensor<4x8x{self.narrow}>"
            converts.insert(0, f"%n = stablehlo.convert %h : {types}")
        body = "\n".join([*converts, STEPS[self.form]]).replace("T>", f"{self.wide}>")
        arguments = f"{source}: tensor<4x8x{held}>, %w: tensor<8x5x{self.wide}>"
        return f"func.func @{name}({arguments}) -> {result} {{\n{body}\nreturn %y : {result}\n}}\n"

    def arguments(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Values that fill the narrow type as far as 16 bits, and small weights."""
        rng = np.random.default_rng(seed)
        low, high = RANGES[self.narrow]
        values = rng.integers(low, high, (4, 8), endpoint=True)
        held = NARROW[HELD.get(self.narrow, self.narrow)]
        return values.astype(held), rng.integers(0, 4, (8, 5)).astype(WIDE[self.wide])

    def answer(self, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """What the form makes of the product."""
        converted = values.astype(WIDE[self.wide])
        exact = np.float64 if self.wide in ("f64", "f32", "f16", "bf16") else np.int64
        result = converted.astype(exact) @ weights.astype(exact)
        if self.form == "right":
            result = result.T
        if self.form == "sliced":
            result = result[0]
        shape = [int(size) for size in SHAPES[self.form].split("x")]
        return np.broadcast_to(result, shape).astype(WIDE[self.wide])


RANGES = {"i1": (0, 1), "i4": (-8, 7), "ui4": (0, 15), "i8": (-128, 127), "ui8": (0, 255)}
RANGES |= dict.fromkeys(("i16", "i32", "i64"), (-(2**15), 2**15 - 1))
RANGES |= dict.fromkeys(("ui16", "ui32", "ui64"), (0, 2**16 - 1))


@pytest.mark.parametrize("form", STEPS)
def test_every_type(form: str) -> None:
    """Booleans, signed and unsigned integers of 4 to 64 bits, as floats and as wider integers."""
    asked = [
        Widened(form, narrow, wide)
        for narrow, wide in product(NARROW, WIDE)
        if narrow != wide
        and not ("64" in narrow and "64" not in wide)
        # f16 ends at 65504.
        and not (wide == "f16" and RANGES[narrow][1] > 255)
    ]
    text = "".join(each.function(f"f{i}") for i, each in enumerate(asked))
    program = attnorm.compile(attnorm.load(f"module {{\n{text}}}"))
    for index, each in enumerate(asked):
        arguments = each.arguments(index)
        got, want = program(*arguments, function=f"f{index}"), each.answer(*arguments)
        np.testing.assert_array_equal(got, want, err_msg=str(each))
