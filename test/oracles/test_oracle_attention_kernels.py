"""Attention as MLX and IREE have it: docs/semantics/sdpa.md."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreement import Array, assert_means, normal
from attention_rows import INF, ROW_OF_NONE, Attention, additive
from cases import F16, F32
from needs import needs
from systems import from_mlx, to_mlx

from attnorm.execution.targets import find_target

SINKS = np.array([0.5, -1.0, 2.0, 1.0], F32)
CAUSAL = {"mask": "causal"}
ROWS = {
    "plain": Attention(depths=(8, 6)),
    "causal, Sq < Sk": Attention(
        heads=(4, 2),
        asked=CAUSAL,
        means={"causal": True, "offset": 2},
        unlike={"offset": [0]},
    ),
    "causal, Sq > Sk": Attention(
        lengths=(6, 5),
        asked=CAUSAL,
        means={"causal": True, "offset": -1, "fully_masked": "uniform"},
        unlike={"offset": [0], "fully_masked": ["nan", "zero"]},
    ),
    "bool mask": Attention(
        mask=ROW_OF_NONE,
        means={"fully_masked": "uniform"},
        unlike={"fully_masked": ["nan", "zero"]},
    ),
    "mask of -inf": Attention(
        mask=additive(ROW_OF_NONE), unlike={"fully_masked": ["zero", "uniform"]}
    ),
    "sinks": Attention(heads=(4, 2), sinks=SINKS),
    "sinks, row of nothing": Attention(heads=(4, 2), sinks=SINKS, mask=ROW_OF_NONE),
}


def in_mlx(row: Attention, dtype: Any = F32) -> Array:
    """mlx.core.fast.scaled_dot_product_attention."""
    core = needs("mlx.core")
    operands = row.operands(dtype)
    q, k, v = (to_mlx(np.asarray(operands[name])) for name in "qkv")
    asked = dict(row.asked)
    if row.mask is not None:
        asked["mask"] = to_mlx(row.mask)
    if row.sinks is not None:
        asked["sinks"] = to_mlx(row.sinks.astype(dtype))
    scale = row.attributes()["scale"]
    return from_mlx(core.fast.scaled_dot_product_attention(q, k, v, scale=scale, **asked), dtype)


@pytest.mark.parametrize("name", ROWS)
def test_mlx(name: str) -> None:
    """Causal is bottom-right; a bool mask and causality fill with a finite number: uniform."""
    row = ROWS[name]
    assert_means(in_mlx(row), "sdpa", row.operands(), row.attributes(), unlike=row.unlike)


def test_mlx_in_f16() -> None:
    """To the rounding of the scores and of the probabilities."""
    row = ROWS["causal, Sq < Sk"]
    assert_means(in_mlx(row, F16), "sdpa", row.operands(F16), row.attributes(), error=2.0**-8)


LINALG_EXT = """
func.func @main(%q: tensor<2x3x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>,
                %mask: tensor<2x3x5xf32>) -> tensor<2x3x8xf32> {
  %empty = tensor.empty() : tensor<2x3x8xf32>
  %scale = arith.constant 0.5 : f32
  %0 = "iree_linalg_ext.attention"(%q, %k, %v, %scale, %mask, %empty) <{
    operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1>,
    indexing_maps = [
      affine_map<(b, m, n, k1, k2) -> (b, m, k1)>, affine_map<(b, m, n, k1, k2) -> (b, k2, k1)>,
      affine_map<(b, m, n, k1, k2) -> (b, k2, n)>, affine_map<(b, m, n, k1, k2) -> ()>,
      affine_map<(b, m, n, k1, k2) -> (b, m, k2)>, affine_map<(b, m, n, k1, k2) -> (b, m, n)>
    ]}> ({
  ^bb0(%score: f32):
    iree_linalg_ext.yield %score : f32
  }) : (tensor<2x3x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, f32, tensor<2x3x5xf32>,
        tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %0 : tensor<2x3x8xf32>
}
"""


def test_iree_attention() -> None:
    """IREE's own attention is the formula: a mask is added, a row of nothing NaN."""
    import iree.compiler
    import iree.runtime

    compiled = iree.compiler.compile_str(
        LINALG_EXT, target_backends=["llvm-cpu"], extra_args=find_target("host").flags()
    )
    context: Any = iree.runtime.SystemContext(config=iree.runtime.Config("local-sync"))
    context.add_vm_module(iree.runtime.VmModule.copy_buffer(context.instance, compiled))
    q, k, v = (normal(2, n, 8, seed=n + i) for i, n in enumerate((3, 5, 5)))
    mask = np.broadcast_to(np.where(ROW_OF_NONE, normal(3, 5), -INF), (2, 3, 5)).astype(F32)
    got = context.modules.module.main(q, k, v, mask).to_host()
    operands = {"q": q, "k": k, "v": v, "mask": mask}
    unlike = {"fully_masked": ["zero", "uniform"]}
    assert_means(got, "sdpa", operands, {"scale": 0.5}, unlike=unlike)
