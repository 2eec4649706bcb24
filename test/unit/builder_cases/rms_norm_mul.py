"""Builders of `rms_norm_mul`: operands' types and options."""

from attnorm import dialect

X, W = "tensor<2x4xf32>", "tensor<4xf32>"
NORM = {"axes": (1,), "epsilon": 1e-6}
GEMMA = {**NORM, "weight_offset": 1.0, "cast": "before_weight"}

CASES = {
    "rms_norm_mul": (dialect.rms_norm_mul, (X, X), NORM),
    "rms_norm_mul_weight": (dialect.rms_norm_mul, (X, X, W), GEMMA),
}
