"""Products in the form that IREE can compile for scalable vectors (SVE, RVV)."""

from __future__ import annotations

from ..ir.mlir import hlo, ir
from ..ir.rewriting import Rewriter, apply_patterns
from ..ir.stablehlo import Builder

_TRANSPOSE = "stablehlo.transpose"


def transpose_products(module: ir.Operation) -> ir.Operation:
    """A copy of `module` in which no product contracts the last dimension of its right operand.

    IREE 3.13 fails on such a product for scalable vectors, at any optimisation level ("LLVM
    Translation failed for operation: builtin.unrealized_conversion_cast"), or on what it fuses with
    one ("failed to legalize operation 'arith.constant'"). It also folds a plain transpose back into
    the product, so a barrier stands between the two.
    """
    with module.context:
        copy = module.clone()
    apply_patterns(copy, [("stablehlo.dot_general", _transpose_right)])
    return copy


def _transpose_right(op: ir.Operation, rewriter: Rewriter) -> bool:
    # Pattern: dot_general(a, b[batch, free, contracted])
    #   -> dot_general(a, barrier(transpose(b))[batch, contracted, free])
    # and dot_general(a, transpose(b)) -> dot_general(a, barrier(transpose(b)))
    numbers = hlo.DotDimensionNumbers(op.attributes["dot_dimension_numbers"])
    batch, contracted = numbers.rhs_batching_dimensions, numbers.rhs_contracting_dimensions
    left, right = op.operands
    build = Builder(rewriter.ip, op.location)
    attributes = {name: op.attributes[name] for name in op.attributes}
    result = op.results[0].type
    if not isinstance(right.owner, ir.Block) and right.owner.operation.name == _TRANSPOSE:
        held = build.op("optimization_barrier", [right], right.type)
        rewriter.replace(op, [build.op("dot_general", [left, held], result, **attributes)])
        return True
    rank = ir.RankedTensorType(right.type).rank
    free = [axis for axis in range(rank) if axis not in (*batch, *contracted)]
    if rank - 1 not in contracted or not free:
        return False
    turned = build.transpose(right, [*batch, *contracted, *free])
    held = build.op("optimization_barrier", [turned], turned.type)
    attributes["dot_dimension_numbers"] = hlo.DotDimensionNumbers.get(
        numbers.lhs_batching_dimensions,
        list(range(len(batch))),
        numbers.lhs_contracting_dimensions,
        list(range(len(batch), len(batch) + len(contracted))),
    )
    rewriter.replace(op, [build.op("dot_general", [left, held], result, **attributes)])
    return True
