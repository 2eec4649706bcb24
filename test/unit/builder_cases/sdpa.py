"""Builders of `sdpa`: operands' types and options."""

from attnorm import dialect

Q, K, V = "tensor<1x4x5x8xf32>", "tensor<1x2x7x8xf32>", "tensor<1x2x7x3xf32>"
HEADS = "tensor<4xf32>"
BAND = {"scale": 0.5, "causal": True, "offset": 2, "window": (3, 0)}

CASES = {
    "sdpa": (dialect.sdpa, (Q, K, V), {"scale": 0.5}),
    "sdpa_mask": (dialect.sdpa, (Q, K, V, "tensor<5x7xi1>"), {"scale": 0.5}),
    "sdpa_sinks": (dialect.sdpa, (Q, K, V, None, HEADS), {"scale": 0.5}),
    "sdpa_start": (dialect.sdpa, (Q, K, V, None, None, "tensor<i32>"), BAND),
    "sdpa_zero": (dialect.sdpa, (Q, K, V), {"scale": 0.5, "fully_masked": "zero"}),
    "sdpa_softcap": (dialect.sdpa, (Q, K, V), {"scale": 0.5, "softcap": 50.0}),
}
