"""`to-composites`: attnorm ops become composites that carry their decomposition."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from attnorm import dialect
from attnorm.building.decompositions import Symbols, composite, define
from attnorm.errors import AttnormError
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns, operations

from ..base import Pass, Report, option
from ..expand import expansions


class _Decompositions:
    """Private functions with the expansion of an op; ops that are alike share one.

    They are made after the walk, which would otherwise come to the ops inside them.
    """

    def __init__(self, module: ir.Operation):
        self._symbols = Symbols(module)
        self._wanted: dict[str, _Signature] = {}

    def of(self, op: ir.Operation) -> str:
        """The name of the function that says what `op` means."""
        operands, results = ([x.type for x in values] for values in (op.operands, op.results))
        attributes = _attributes(op)
        key = " ".join(map(str, [op.name, *operands, "->", *results, ir.DictAttr.get(attributes)]))
        if key not in self._wanted:
            name = self._symbols.fresh(f"{op.name}.impl")
            self._wanted[key] = _Signature(
                name, op.name, operands, results, attributes, op.location
            )
        return self._wanted[key].name

    def make(self) -> None:
        """Adds the functions."""
        for signature in self._wanted.values():
            with signature.location:
                apply_patterns(signature.define(self._symbols.body), expansions())


def _attributes(op: ir.Operation) -> dict[str, ir.Attribute]:
    return {name: op.attributes[name] for name in op.attributes}


@dataclass(frozen=True)
class _Signature:
    """An op without its operands, and the name of the function that will hold it."""

    name: str
    op: str
    operands: list[ir.Type]
    results: list[ir.Type]
    attributes: dict[str, ir.Attribute]
    location: ir.Location

    def define(self, block: ir.Block) -> ir.Operation:
        """A private function whose body is the op."""
        function = define(self.name, self.operands, self.results, block)
        entry = function.regions[0].blocks[0]
        with ir.InsertionPoint(entry):
            op = ir.Operation.create(
                self.op,
                results=self.results,
                operands=list(entry.arguments),
                attributes=self.attributes,
            )
            ir.Operation.create("func.return", operands=list(op.results))
        return function


def to_composite(op: ir.Operation, rewriter: Rewriter, *, decompositions: _Decompositions) -> bool:
    """Pattern: attnorm.op(x) -> composite "attnorm.op"(x) with the op's expansion"""
    made = composite(
        op.name,
        decompositions.of(op),
        list(op.operands),
        [result.type for result in op.results],
        _attributes(op),
        location=op.location,
        ip=rewriter.ip,
    )
    rewriter.replace(op, list(made.results))
    return True


@dataclass(frozen=True)
class ToCompositesPass(Pass):
    """attnorm ops become composites that carry their decomposition.

    Fires on every attnorm op. The composite has the op's name and attributes; its decomposition is
    the op's expansion, so that a consumer who does not know the name loses nothing.
    `raise-composites` is the way back.

    ```mlir
    func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %0 = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```

    becomes, beside the function `@attnorm.softmax.impl`,

    ```mlir
    func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %0 = stablehlo.composite "attnorm.softmax" %x {
        composite_attributes = {axis = 1 : i64}, decomposition = @attnorm.softmax.impl,
        version = 1 : i32
      } : (tensor<2x4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```
    """

    name = "to-composites"
    anchor = "builtin.module"
    roots = tuple(dialect.OPS)

    only: str | None = option("the one op to make composites of: sdpa", None)

    def __post_init__(self) -> None:
        if not self._names():
            raise AttnormError(
                f"{self.name}: only: expected an op of the dialect, got '{self.only}'"
            )

    def _names(self) -> list[str]:
        return [name for name in self.roots if self.only in (None, name.partition(".")[2])]

    def run(self, module: ir.Operation, report: Report) -> None:
        """Makes every op below `module` a composite, or every one of a name."""
        # A module is a scope of symbols; inner ones first, which leaves the outer its own ops.
        for scope in (*reversed(operations(module, "builtin.module")), module):
            decompositions = _Decompositions(scope)
            pattern = partial(to_composite, decompositions=decompositions)
            apply_patterns(scope, [(name, pattern) for name in self._names()])
            decompositions.make()
