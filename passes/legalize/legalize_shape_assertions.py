"""`legalize-shape-assertions`: JAX's checks of sizes are decided now or at run time."""

from __future__ import annotations

from dataclasses import dataclass

from attnorm.analysis.shape_assertions import TARGET, comparison
from attnorm.analysis.sizes import Sizes, constant, known
from attnorm.building.write_sizes import IndexWriter
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import erase_unused, operations

from ..base import Pass, Report

_PREDICATES = {"EQ": 0, "NE": 1, "LT": 2, "LE": 3, "GT": 4, "GE": 5}
_HOLDS = {
    "EQ": lambda a, b: a == b,
    "NE": lambda a, b: a != b,
    "LT": lambda a, b: a < b,
    "LE": lambda a, b: a <= b,
    "GT": lambda a, b: a > b,
    "GE": lambda a, b: a >= b,
}


def legalize_assertion(op: ir.Operation, sizes: Sizes, report: Report) -> None:
    """Pattern: custom_call @shape_assertion(true) -> nothing
    Pattern: custom_call @shape_assertion(a == b) -> cf.assert a == b
    """
    holds = _decide(op.operands[0], sizes)
    if holds is False:
        report.error(op, _message(op, sizes))
        return
    if holds is None:
        writer = IndexWriter(sizes, ir.InsertionPoint(op), op.location)
        ir.Operation.create(
            "cf.assert",
            operands=[_condition(op.operands[0], writer)],
            attributes={"msg": ir.StringAttr.get(_message(op, sizes))},
            loc=op.location,
            ip=writer.ip,
        )
    op.erase()


def _decide(value: ir.Value, sizes: Sizes) -> bool | None:
    if _is_constant(value):
        return sizes.elements(value)[0] != constant(0)
    found = comparison(value, sizes)
    if found is None:
        return None
    direction, a, b = found
    if a == b:
        return direction in ("EQ", "LE", "GE")
    m, n = known(a), known(b)
    return None if m is None or n is None else _HOLDS[direction](m, n)


def _is_constant(value: ir.Value) -> bool:
    owner = value.owner
    return not isinstance(owner, ir.Block) and owner.operation.name == "stablehlo.constant"


def _condition(value: ir.Value, writer: IndexWriter) -> ir.Value:
    """The truth value, computed from sizes where it can be."""
    found = comparison(value, writer.sizes)
    if found is None:
        return writer.extract(value)
    direction, a, b = found
    return writer.compare(_PREDICATES[direction], writer.size(a), writer.size(b))


def _message(op: ir.Operation, sizes: Sizes) -> str:
    """What JAX says, with the sizes that are known in their places."""
    name = "error_message"
    text = op.attributes[name].value if name in op.attributes else "a shape assertion failed"
    for index, operand in enumerate(op.operands[1:]):
        size = sizes.elements(operand)[0]
        number = None if size is None else known(size)
        text = text.replace(f"{{{index}}}", "?" if number is None else str(number))
    return text


@dataclass(frozen=True)
class LegalizeShapeAssertionsPass(Pass):
    """JAX's checks of sizes are decided now or at run time.

    `jax.export` checks the sizes of arguments by `custom_call @shape_assertion`. IREE 3.13 takes no
    custom call: "failed to legalize operation 'stablehlo.custom_call' that was explicitly marked
    illegal".

    Fires on each of them. What holds for the sizes that are known disappears, and what depends on
    sizes that are not becomes a `cf.assert`, which fails the call of the program.

    Fails, with JAX's message, where an assertion does not hold for the sizes that are known.

    ```mlir
    func.func @at_least_two(%x: tensor<?xf32>) -> tensor<?xf32> {
      %two = stablehlo.constant dense<2> : tensor<i32>
      %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?xf32>) -> tensor<i32>
      %0 = stablehlo.compare GE, %n, %two, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.custom_call @shape_assertion(%0, %n) {
        error_message = "n >= 2", has_side_effect = true
      } : (tensor<i1>, tensor<i32>) -> ()
      return %x : tensor<?xf32>
    }
    ```

    becomes

    ```mlir
    func.func @at_least_two(%x: tensor<?xf32>) -> tensor<?xf32> {
      %zero = arith.constant 0 : index
      %n = tensor.dim %x, %zero : tensor<?xf32>
      %two = arith.constant 2 : index
      %0 = arith.cmpi sge, %n, %two : index
      cf.assert %0, "n >= 2"
      return %x : tensor<?xf32>
    }
    ```
    """

    name = "legalize-shape-assertions"
    roots = ("stablehlo.custom_call",)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites every shape assertion below `module`."""
        unused: list[ir.Value] = []
        sizes = Sizes()
        for op in operations(module, "stablehlo.custom_call"):
            if op.attributes["call_target_name"].value == TARGET:
                unused += op.operands
                with op.location:
                    legalize_assertion(op, sizes, report)
        erase_unused(unused)
