"""Gives NaN a place in what torch-mlir compares: its comparisons pass over NaN."""

from __future__ import annotations

from ..ir.mlir import hlo, ir
from ..ir.rewriting import Rewriter, apply_patterns
from ..ir.stablehlo import Builder, element_type, is_float

# By the op around a comparison of a and b, and its direction: which of them NaN makes true, and
# the other one must not be.
_TRUE_OF_NAN = {
    ("stablehlo.sort", "GT"): (True, False),
    ("stablehlo.sort", "LT"): (False, True),
    ("stablehlo.reduce", "GE"): (True, False),
    ("stablehlo.reduce", "LE"): (True, False),
    ("stablehlo.reduce", "EQ"): (True, True),
}


def order_nan(module: ir.Operation) -> None:
    """Makes NaN the largest in sorts, and what wins in reductions to a value and its position.

    So it is in torch (sort, topk; argmax, argmin, max and min of a dimension) and ONNX. torch-mlir
    keeps of two pairs the one whose value compares GE or LE, and the first position where they
    compare EQ.
    """
    apply_patterns(module, [("stablehlo.compare", _order_nan)])


def _order_nan(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: compare(a, b) -> compare(a, b) or what NaN makes true"""
    direction = hlo.ComparisonDirectionAttr(op.attributes["comparison_direction"]).value
    around = op.parent.name if op.parent else ""
    if (around, direction) not in _TRUE_OF_NAN or not is_float(element_type(op.operands[0])):
        return False
    b = Builder(rewriter.ip, op.location)
    left, right = (
        b.compare("NE" if missing else "EQ", x, x)
        for x, missing in zip(op.operands, _TRUE_OF_NAN[around, direction], strict=True)
    )
    compared = b.compare(direction, *op.operands)
    rewriter.replace(op, [b.binary("or", compared, b.binary("and", left, right))])
    return True
