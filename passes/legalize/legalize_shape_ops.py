"""`legalize-shape-ops`: computations of shapes become StableHLO, in one form."""

from __future__ import annotations

from dataclasses import dataclass

from attnorm.analysis.sizes import DYNAMIC, Sizes
from attnorm.building.write_sizes import StablehloWriter
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import erase_unused, operations
from attnorm.ir.stablehlo import Builder

from ..base import Pass, Report

_ASSUMPTIONS = ("assuming_all", "cstr_broadcastable", "cstr_eq", "cstr_require", "const_witness")


def inline_assumption(op: ir.Operation) -> None:
    """Pattern: shape.assuming(w) { ops; yield v } -> ops; v"""
    *ops, last = list(op.regions[0].blocks[0])
    for inner in ops:
        inner.operation.move_before(op)
    for result, value in zip(op.results, last.operation.operands, strict=True):
        result.replace_all_uses_with(value)
    op.erase()


def rebuild_sizes(op: ir.Operation, sizes: Sizes) -> list[ir.Value]:
    """Pattern: dynamic op, sizes by shape.* | tensor.* | arith.* -> sizes by StableHLO"""
    b = Builder(ir.InsertionPoint(op), op.location)
    writer = StablehloWriter(sizes, b, ir.IntegerType.get_signless(32))
    replaced = []
    for position in DYNAMIC[op.name]:
        found = [size for size in sizes.elements(op.operands[position]) if size is not None]
        if len(found) == op.operands[position].type.shape[0] > 0:
            replaced.append(op.operands[position])
            op.operands[position] = writer.tensor(found)
    return replaced


def relate_dimensions(op: ir.Operation, sizes: Sizes) -> None:
    """Pattern: dynamic_broadcast_in_dim x, shape of x -> x
    Pattern: dynamic_broadcast_in_dim x, s -> with the dimensions that are known not to expand
    """
    x, result = op.operands[0], op.results[0]
    dims = list(op.attributes["broadcast_dimensions"])
    before, after = sizes.shape(x), sizes.shape(result)
    if before == after and dims == list(range(len(after))):
        b = Builder(ir.InsertionPoint(op), op.location)
        value = x if x.type == result.type else b.cast_shape(x, result.type)
        result.replace_all_uses_with(value)
        return
    same = {axis for axis, dim in enumerate(dims) if before[axis] == after[dim]}
    name, other = "known_nonexpanding_dimensions", "known_expanding_dimensions"
    same |= set(op.attributes[name]) if name in op.attributes else set()
    # A 1 that is spread to 1 may be said to expand.
    same -= set(op.attributes[other]) if other in op.attributes else set()
    if same:
        op.attributes[name] = ir.DenseI64ArrayAttr.get(sorted(same))


def rebuild_elements(op: ir.Operation, sizes: Sizes) -> None:
    """Pattern: tensor.from_elements of integers -> concatenate of what they are made of"""
    type_ = op.results[0].type
    element = type_.element_type
    found = [size for size in sizes.elements(op.results[0]) if size is not None]
    if not isinstance(element, ir.IntegerType) or element.width < 32 or not found:
        return
    writer = StablehloWriter(sizes, Builder(ir.InsertionPoint(op), op.location), element)
    op.results[0].replace_all_uses_with(writer.tensor(found, tuple(type_.shape)))


@dataclass(frozen=True)
class LegalizeShapeOpsPass(Pass):
    """Computations of shapes become StableHLO, in one form.

    torch-mlir computes the sizes of dynamic ops with `shape.*`, `tensor.*` and `arith.*`, and
    broadcasts values to shapes that they have: other consumers do not take the ops, and no matcher
    sees through them. IREE 3.13 wants to know which dimensions a broadcast does not expand:
    "failed to legalize operation 'stablehlo.dynamic_broadcast_in_dim' that was explicitly marked
    illegal".

    Fires on the operands of `stablehlo.dynamic_*` and `real_dynamic_slice` that are sizes: they are
    computed again from `get_dimension_size` of the values where the sizes come from, so that
    equal sizes are equal values. A broadcast to the operand's own shape disappears; any other one
    says which dimensions provably stay. `tensor.from_elements` of integers becomes a
    `concatenate`. `shape.assuming` is taken for granted, and `shape.cstr_*` with it: a program that
    breaks such an assumption has no meaning.

    What is computed from data stays a value that is read.

    ```mlir
    func.func @add(%x: tensor<?x4xf32>, %w: tensor<4xf32>) -> tensor<?x4xf32> {
      %s = shape.shape_of %x : tensor<?x4xf32> -> tensor<2xindex>
      %a = stablehlo.dynamic_broadcast_in_dim %x, %s, dims = [0, 1]
          : (tensor<?x4xf32>, tensor<2xindex>) -> tensor<?x4xf32>
      %b = stablehlo.dynamic_broadcast_in_dim %w, %s, dims = [1]
          : (tensor<4xf32>, tensor<2xindex>) -> tensor<?x4xf32>
      %0 = stablehlo.add %a, %b : tensor<?x4xf32>
      return %0 : tensor<?x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @add(%x: tensor<?x4xf32>, %w: tensor<4xf32>) -> tensor<?x4xf32> {
      %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?x4xf32>) -> tensor<i32>
      %n1 = stablehlo.reshape %n : (tensor<i32>) -> tensor<1xi32>
      %four = stablehlo.constant dense<4> : tensor<1xi32>
      %s = stablehlo.concatenate %n1, %four, dim = 0
          : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
      %b = "stablehlo.dynamic_broadcast_in_dim"(%w, %s) {
        broadcast_dimensions = array<i64: 1>, known_nonexpanding_dimensions = array<i64: 0>
      } : (tensor<4xf32>, tensor<2xi32>) -> tensor<?x4xf32>
      %0 = stablehlo.add %x, %b : tensor<?x4xf32>
      return %0 : tensor<?x4xf32>
    }
    ```
    """

    name = "legalize-shape-ops"
    roots = (
        "shape.assuming",
        *(f"shape.{name}" for name in _ASSUMPTIONS),
        *DYNAMIC,
        "tensor.from_elements",
    )

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites every computation of a shape below `module`."""
        for op in operations(module, "shape.assuming"):
            inline_assumption(op)
        for name in _ASSUMPTIONS:
            for op in reversed(operations(module, f"shape.{name}")):
                if not list(op.results[0].uses):
                    op.erase()
        # Erased at the end: what is known of sizes is known by value.
        unused: list[ir.Value] = []
        sizes = Sizes()
        for name in DYNAMIC:
            for op in operations(module, name):
                with op.location:
                    unused += rebuild_sizes(op, sizes)
        for op in operations(module, "stablehlo.dynamic_broadcast_in_dim"):
            with op.location:
                relate_dimensions(op, sizes)
            unused.append(op.results[0])
        for op in operations(module, "tensor.from_elements"):
            with op.location:
                rebuild_elements(op, sizes)
            unused.append(op.results[0])
        erase_unused(unused)
