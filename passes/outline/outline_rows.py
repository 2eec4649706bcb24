"""`outline-rows`: reductions over rows, and what stands beside them, become composites."""

from __future__ import annotations

import math
from dataclasses import dataclass

from attnorm.analysis.row_clusters import Cluster, Graph, Kernel
from attnorm.building.decompositions import Symbols, composite, define
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import erase_dead, operations

from ..base import Pass, Report

NAME = "attnorm.rows"
"""The composites' name."""


class _Functions:
    """The decompositions in a module; kernels that are alike share one."""

    def __init__(self, module: ir.Operation):
        self._symbols = Symbols(module)
        self._known: dict[str, str] = {}

    @property
    def scope(self) -> list[ir.Operation]:
        """The ops of the module's body."""
        return [op.operation for op in self._symbols.body.operations]

    def of(self, kernel: Kernel, location: ir.Location) -> str:
        """The name of a function that computes a kernel's outputs from its inputs."""
        values = (kernel.inputs, kernel.outputs)
        with location:
            taken, given = ([value.type for value in side] for side in values)
            function = define(f"{NAME}.impl", taken, given, self._symbols.body)
        entry = function.regions[0].blocks[0]
        inside = dict(zip(kernel.inputs, entry.arguments, strict=True))
        with ir.InsertionPoint(entry), location:
            for op in kernel.ops:
                clone = op.clone()
                for index, value in enumerate(op.operands):
                    clone.operands[index] = inside[value]
                inside.update(zip(op.results, clone.results, strict=True))
            results = [inside[value] for value in kernel.outputs]
            ir.Operation.create("func.return", operands=results)
            return self._shared(function)

    def _shared(self, function: ir.Operation) -> str:
        """The name of a function of the same text, if there is one; else a new one, given to it."""
        # In a scope of its own, or MLIR numbers the values of the whole module first.
        text = function.get_asm(use_local_scope=True, assume_verified=True)
        if text in self._known:
            function.erase()
        else:
            self._known[text] = self._symbols.fresh(f"{NAME}.impl")
            function.attributes["sym_name"] = ir.StringAttr.get(self._known[text])
        return self._known[text]


def outline(block: ir.Block, functions: _Functions) -> None:
    """Pattern: reduce(x) over rows, and elementwise neighbours -> composite "attnorm.rows"(x)"""
    graph = Graph(block)
    clusters = [Cluster(graph, seed) for seed in graph.seeds() if seed.position not in graph.taken]
    # All functions first: they are copies of ops that go then.
    made = []
    for cluster in clusters:
        kernel = cluster.kernel()
        made.append((cluster, kernel, functions.of(kernel, cluster.location)))
    new: dict[ir.Value, ir.Value] = {}
    for cluster, kernel, name in sorted(made, key=lambda item: item[0].place):
        op = composite(
            NAME,
            name,
            [new.get(value, value) for value in kernel.inputs],
            [value.type for value in kernel.outputs],
            {},
            location=cluster.location,
            ip=ir.InsertionPoint(graph.items[math.floor(cluster.place) + 1].op),
        )
        new.update(zip(kernel.outputs, op.results, strict=True))
    for old, value in new.items():
        old.replace_all_uses_with(value)
    for position in sorted(graph.taken, reverse=True):
        graph.items[position].op.erase()


@dataclass(frozen=True)
class OutlineRowsPass(Pass):
    """Reductions over rows, and what stands beside them, become composites.

    Fires on every `stablehlo.reduce` of dimensions side by side of a float value of up to 32 bits:
    its rows run along them. With it go the elementwise ops before and after it over the same rows,
    and other reductions of them:
    all that one pass over memory can compute, as a composite "attnorm.rows" that carries it as its
    decomposition. Spreads, constants and conversions are copied, so that a bf16 value is read as
    bf16. A value that others read too is one more result.

    `attnorm compile` makes a kernel of it; any other consumer loses nothing.

    ```mlir
    func.func @mean(%x: tensor<2x4xf32>) -> tensor<2xf32> {
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %sum = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1]
          : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
      %count = stablehlo.constant dense<4.0> : tensor<2xf32>
      %mean = stablehlo.divide %sum, %count : tensor<2xf32>
      return %mean : tensor<2xf32>
    }
    ```

    becomes, beside the function `@attnorm.rows.impl`,

    ```mlir
    func.func @mean(%x: tensor<2x4xf32>) -> tensor<2xf32> {
      %0 = stablehlo.composite "attnorm.rows" %x {decomposition = @attnorm.rows.impl,
          version = 1 : i32} : (tensor<2x4xf32>) -> tensor<2xf32>
      return %0 : tensor<2xf32>
    }
    ```
    """

    name = "outline-rows"
    anchor = "builtin.module"

    def run(self, module: ir.Operation, report: Report) -> None:
        """Outlines the rows of every function below `module`."""
        made = {
            op.attributes["decomposition"].value
            for op in operations(module, "stablehlo.composite")
            if op.attributes["name"].value == NAME
        }
        for scope in (*operations(module, "builtin.module"), module):
            functions = _Functions(scope)
            for op in functions.scope:
                if op.name == "func.func" and op.attributes["sym_name"].value not in made:
                    for block in op.regions[0].blocks:
                        outline(block, functions)
        erase_dead(module)
