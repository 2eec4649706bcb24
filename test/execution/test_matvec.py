"""Products of few vectors with a matrix, through the kernels for rows, against float64 NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from row_modules import BF16, F16, F32, close, function, normal, run


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("dtype", [F32, F16, BF16], ids=str)
@pytest.mark.parametrize("turned", [False, True], ids=["kn", "nk"])
def test_matvec(count, dtype, turned):
    x = normal((count, 257))
    w = normal((300, 257) if turned else (257, 300), 1, dtype)
    out = np.zeros((count, 300), np.float32)
    wide = f"tensor<{w.shape[0]}x{w.shape[1]}xf32>"
    contracted = f"contracting_dims = [1] x [{int(turned)}]"
    text = function(
        [x, w],
        [out],
        f"""  %c = stablehlo.convert %a1 : ({{1}}) -> {wide}
  %r0 = stablehlo.dot_general %a0, %c, {contracted} : ({{0}}, {wide}) -> {{2}}""",
    )
    matrix = w.astype(float)
    got = run(text, x, w)
    close(got, x.astype(float) @ (matrix.T if turned else matrix), F32)


def test_half_results():
    x, w = normal((1, 1, 256), dtype=BF16), normal((512, 256), 1, BF16)
    out = np.zeros((1, 1, 512), BF16)
    contracted = "contracting_dims = [2] x [1]"
    text = function(
        [x, w],
        [out],
        f"  %r0 = stablehlo.dot_general %a0, %a1, {contracted} : ({{0}}, {{1}}) -> {{2}}",
    )
    close(run(text, x, w), x.astype(float) @ w.astype(float).T, BF16)
