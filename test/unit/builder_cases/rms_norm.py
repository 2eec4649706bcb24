"""Builders of `rms_norm`: operands' types and options."""

from attnorm import dialect

X, W = "tensor<2x4xf32>", "tensor<4xf32>"
NORM = {"axes": (1,), "epsilon": 1e-6}
GEMMA = {**NORM, "weight_offset": 1.0, "cast": "before_weight"}

CASES = {
    "rms_norm": (dialect.rms_norm, (X,), NORM),
    "rms_norm_weight": (dialect.rms_norm, (X, W), GEMMA),
}
