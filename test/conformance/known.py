"""What IREE is known to get wrong or to refuse, and what stands in front of it.

Each row is a module that plain IREE gets wrong. `test_known.py` fails as soon as one comes out
right: the pass has then nothing left to do, and goes. `docs/known_issues.md` is this list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ml_dtypes
import numpy as np

BF16 = ml_dtypes.bfloat16


@dataclass(frozen=True)
class Known:
    """A form that IREE `versions` get wrong on `targets`, and the pass that goes round it.

    `wrong` says what comes out, or the message of a refusal. `body` makes %r of `arguments`.
    """

    form: str
    wrong: str
    by: str
    arguments: tuple[tuple[str, np.ndarray], ...]
    result: str
    body: str
    right: Callable[..., np.ndarray]
    versions: str = "3.13"
    targets: str = "all"
    target: str = "host"
    """Where the test runs it."""
    upstream: str = "none known"

    def text(self) -> str:
        """The module."""
        taken = ", ".join(f"%{n}: tensor<{kind}>" for n, (kind, _) in enumerate(self.arguments))
        kind = f"tensor<{self.result}>"
        return f"func.func @main({taken}) -> {kind} {{\n{self.body}\nreturn %r : {kind}\n}}"


def _normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


_FLAGS = np.random.default_rng(0).integers(0, 2, (4, 8)).astype(bool)
_BYTES = np.random.default_rng(0).integers(128, 256, (4, 8)).astype(np.uint8)
_MATRIX = _normal(8, 5)
_DOT = (
    "%c = stablehlo.convert %0 : (tensor<4x8xT>) -> tensor<4x8xf32>\n"
    "%r = stablehlo.dot_general %c, %1, contracting_dims = [1] x [0] : "
    "(tensor<4x8xf32>, tensor<8x5xf32>) -> tensor<4x5xf32>"
)
_ONES = np.ones((1, 65536), BF16)
_ANGLES = np.linspace(1e5, 131072, 64).astype(np.float32)
_BASES = np.array([-2.0, -1.5, 3.0, -0.5], np.float32)

KNOWN = (
    Known(
        "`dot_general` of a `convert`ed i1",
        "true counts as -1",
        "legalize-unsigned-operands",
        (("4x8xi1", _FLAGS), ("8x5xf32", _MATRIX)),
        "4x5xf32",
        _DOT.replace("T>", "i1>"),
        lambda m, w: m.astype(np.float64) @ w,
    ),
    Known(
        "`dot_general` or `convolution` of a `convert`ed unsigned integer",
        "widened with its sign: 200 in ui8 counts as -56",
        "legalize-unsigned-operands",
        (("4x8xui8", _BYTES), ("8x5xf32", _MATRIX)),
        "4x5xf32",
        _DOT.replace("T>", "ui8>"),
        lambda m, w: m.astype(np.float64) @ w,
    ),
    Known(
        "sums, products and convolutions of f16, bf16 and f8",
        "accumulated in that type: 65,536 ones in bf16 sum to less than 65,536",
        "legalize-half-sums",
        (("1x65536xbf16", _ONES),),
        "1xbf16",
        "%z = stablehlo.constant dense<0.0> : tensor<bf16>\n"
        "%r = stablehlo.reduce(%0 init: %z) applies stablehlo.add across dimensions = [1] : "
        "(tensor<1x65536xbf16>, tensor<bf16>) -> tensor<1xbf16>",
        lambda x: x.astype(np.float64).sum(1),
    ),
    Known(
        "`gather` of indices out of bounds",
        "reads beside the buffer, where StableHLO clamps",
        "legalize-gather-indices",
        (("3x2xf32", _normal(3, 2)), ("2x1xi32", np.array([[-1], [7]], np.int32))),
        "2x2xf32",
        '%r = "stablehlo.gather"(%0, %1) <{dimension_numbers = #stablehlo.gather<'
        "offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], "
        "index_vector_dim = 1>, slice_sizes = array<i64: 1, 2>}> : "
        "(tensor<3x2xf32>, tensor<2x1xi32>) -> tensor<2x2xf32>",
        lambda x, i: x[np.clip(i[:, 0], 0, 2)],
    ),
    Known(
        "`sine`, `cosine` and `tan` of large angles",
        "off by 3e-8 of the angle: 4e-3 at 131,072",
        "legalize-trigonometry",
        (("64xf32", _ANGLES),),
        "64xf32",
        "%r = stablehlo.sine %0 : tensor<64xf32>",
        lambda x: np.sin(x.astype(np.float64)),
    ),
    Known(
        "`sine`, `cosine` and `tan` in f64",
        "failed to link executable",
        "legalize-trigonometry",
        (("64xf64", _ANGLES.astype(np.float64)),),
        "64xf64",
        "%r = stablehlo.sine %0 : tensor<64xf64>",
        np.sin,
    ),
    Known(
        "`power` of a negative base",
        "NaN, unless the exponent is a constant 2 or 3",
        "legalize-edge-cases",
        (("4xf32", _BASES),),
        "4xf32",
        "%c = stablehlo.constant dense<4.0> : tensor<4xf32>\n"
        "%r = stablehlo.power %0, %c : tensor<4xf32>",
        lambda x: x.astype(np.float64) ** 4,
    ),
    Known(
        "`tanh` in f64",
        "failed to link executable",
        "legalize-edge-cases",
        (("4xf64", _BASES.astype(np.float64)),),
        "4xf64",
        "%r = stablehlo.tanh %0 : tensor<4xf64>",
        np.tanh,
    ),
    Known(
        "`cbrt` of an infinity",
        "NaN",
        "legalize-edge-cases",
        (("2xf32", np.array([np.inf, -np.inf], np.float32)),),
        "2xf32",
        "%r = stablehlo.cbrt %0 : tensor<2xf32>",
        np.cbrt,
    ),
    Known(
        "`atan2` of -0",
        "has the sign of 0",
        "legalize-edge-cases",
        (("1xf32", np.array([-0.0], np.float32)), ("1xf32", np.array([-1.0], np.float32))),
        "1xf32",
        "%r = stablehlo.atan2 %0, %1 : tensor<1xf32>",
        np.arctan2,
    ),
    Known(
        "`convert` of integers to bf16",
        "failed to link executable (`__truncsfbf2`)",
        "legalize-bf16-converts",
        (("64xi32", np.arange(64, dtype=np.int32)),),
        "64xbf16",
        "%r = stablehlo.convert %0 : (tensor<64xi32>) -> tensor<64xbf16>",
        lambda x: x.astype(np.float64),
        targets="without bf16 instructions",
        target="x86-64-v3",
    ),
    Known(
        "`dot_general` of a dynamic size, no matrix product as it stands",
        "failed to legalize operation 'stablehlo.dynamic_reshape'",
        "legalize-dynamic-dots",
        (("?x3x8xf32", _normal(2, 3, 8)), ("8x5xf32", _MATRIX)),
        "?x3x5xf32",
        "%r = stablehlo.dot_general %0, %1, contracting_dims = [2] x [0] : "
        "(tensor<?x3x8xf32>, tensor<8x5xf32>) -> tensor<?x3x5xf32>",
        lambda x, w: x.astype(np.float64) @ w,
    ),
)
