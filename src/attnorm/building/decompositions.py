"""Composites that carry what they mean: the op, and the private function it decomposes into."""

from __future__ import annotations

from collections.abc import Sequence

from ..dialect.composites import COMPOSITE_VERSION
from ..ir.mlir import ir


class Symbols:
    """The names of a module's functions, and new ones that are not among them."""

    def __init__(self, module: ir.Operation):
        self.body = module.regions[0].blocks[0]
        self._names = {
            op.attributes["sym_name"].value
            for op in self.body.operations
            if isinstance(op.attributes.get("sym_name"), ir.StringAttr)
        }

    def fresh(self, wanted: str) -> str:
        """`wanted`, or that with a number."""
        name, count = wanted, 0
        while name in self._names:
            count += 1
            name = f"{wanted}_{count}"
        self._names.add(name)
        return name


def define(
    name: str, operands: Sequence[ir.Type], results: Sequence[ir.Type], block: ir.Block
) -> ir.Operation:
    """A private function at the end of `block`, with an entry block that has no ops yet.

    Wants a location that is entered.
    """
    function = ir.Operation.create(
        "func.func",
        attributes={
            "sym_name": ir.StringAttr.get(name),
            "sym_visibility": ir.StringAttr.get("private"),
            "function_type": ir.TypeAttr.get(ir.FunctionType.get(list(operands), list(results))),
        },
        regions=1,
        ip=ir.InsertionPoint(block),
    )
    locations = [ir.Location.current] * len(operands)
    function.regions[0].blocks.append(*operands, arg_locs=locations)
    return function


def composite(
    name: str,
    function: str,
    operands: Sequence[ir.Value],
    results: Sequence[ir.Type],
    attributes: dict[str, ir.Attribute],
    *,
    location: ir.Location,
    ip: ir.InsertionPoint,
) -> ir.Operation:
    """A `stablehlo.composite` of the version that `raise-composites` reads."""
    with location:
        described = {
            "name": ir.StringAttr.get(name),
            "decomposition": ir.FlatSymbolRefAttr.get(function),
            "version": ir.IntegerAttr.get(ir.IntegerType.get_signless(32), COMPOSITE_VERSION),
        }
        if attributes:
            described["composite_attributes"] = ir.DictAttr.get(attributes)
        return ir.Operation.create(
            "stablehlo.composite",
            results=list(results),
            operands=list(operands),
            attributes=described,
            ip=ip,
        )
