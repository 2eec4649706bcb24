"""Builders of `group_norm`: operands' types and options."""

from attnorm import dialect

X, W = "tensor<2x6x5xf32>", "tensor<6xf32>"
NORM = {"groups": 2, "epsilon": 1e-6}

CASES = {
    "group_norm": (dialect.group_norm, (X,), NORM),
    "group_norm_affine": (dialect.group_norm, (X, W, W), NORM),
    "group_norm_bias": (dialect.group_norm, (X, None, W), {**NORM, "activation": "silu"}),
    "group_norm_last": (
        dialect.group_norm,
        ("tensor<2x5x6xf32>", W),
        {**NORM, "channel_axis": 2},
    ),
}
