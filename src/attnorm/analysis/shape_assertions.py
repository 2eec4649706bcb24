"""JAX's checks of sizes: calls that hold a comparison."""

from __future__ import annotations

from ..ir.mlir import ir
from .sizes import Size, Sizes

TARGET = "shape_assertion"


def comparison(value: ir.Value, sizes: Sizes) -> tuple[str, Size, Size] | None:
    """The direction and the sides where a value compares two sizes."""
    owner = value.owner
    if isinstance(owner, ir.Block) or owner.operation.name != "stablehlo.compare":
        return None
    if value.type.rank:
        return None
    a, b = (sizes.elements(operand)[0] for operand in owner.operation.operands)
    direction = str(owner.operation.attributes["comparison_direction"]).split()[-1].rstrip(">")
    return None if a is None or b is None else (direction, a, b)
