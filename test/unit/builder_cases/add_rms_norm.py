"""Builders of `add_rms_norm`: operands' types and options."""

from attnorm import dialect

X, W = "tensor<2x4xf32>", "tensor<4xf32>"
NORM = {"axes": (1,), "epsilon": 1e-6}
GEMMA = {**NORM, "weight_offset": 1.0, "cast": "before_weight"}

CASES = {
    "add_rms_norm": (dialect.add_rms_norm, (X, X), NORM),
    "add_rms_norm_weight": (dialect.add_rms_norm, (X, X, W), GEMMA),
}
