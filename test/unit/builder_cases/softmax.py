"""Builders of `softmax`: operands' types and options."""

from attnorm import dialect

CASES = {"softmax": (dialect.softmax, ("tensor<2x4xf32>",), {"axis": 1})}
