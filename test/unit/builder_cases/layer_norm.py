"""Builders of `layer_norm`: operands' types and options."""

from attnorm import dialect

X, W = "tensor<2x4xf32>", "tensor<4xf32>"
NORM = {"axes": (1,), "epsilon": 1e-6}

CASES = {
    "layer_norm": (dialect.layer_norm, (X,), NORM),
    "layer_norm_weight": (dialect.layer_norm, (X, W), NORM),
    "layer_norm_bias": (dialect.layer_norm, (X, None, W), NORM),
}
