"""`legalize-dynamic-shapes`: what IREE does not take of dynamic shapes, in other words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attnorm.analysis.sizes import DYNAMIC, Size, Sizes, constant, known, product
from attnorm.building.write_sizes import IndexWriter
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import erase_unused, operations
from attnorm.ir.values import producer

from ..base import Pass, Report

_EQUAL = 0
_NOT_EXPANDING = "a dimension that is not known to expand has to have its final size"


def compute_on_host(op: ir.Operation, sizes: Sizes) -> list[ir.Value]:
    """Pattern: dynamic op, sizes by StableHLO -> sizes by tensor.dim and arith"""
    writer = IndexWriter(sizes, ir.InsertionPoint(op), op.location)
    replaced = []
    for position in DYNAMIC[op.name]:
        found = _all(sizes.elements(op.operands[position]))
        if found:
            replaced.append(op.operands[position])
            op.operands[position] = writer.tensor(found)
    return replaced


def say_what_expands(op: ir.Operation, sizes: Sizes, report: Report) -> None:
    """Pattern: dynamic_broadcast_in_dim x, s -> the same after cf.assert, not expanding x"""
    x = op.operands[0]
    dims = list(op.attributes["broadcast_dimensions"])
    expanding = _known_dims(op, "known_expanding_dimensions")
    staying = _known_dims(op, "known_nonexpanding_dimensions")
    before, after = sizes.shape(x), sizes.shape(op.results[0])
    writer = IndexWriter(sizes, ir.InsertionPoint(op), op.location)
    for axis, dim in enumerate(dims):
        if known(before[axis]) == 1 or axis in expanding or axis in staying:
            continue
        if before[axis] != after[dim] and known(before[axis]) is None:
            report.refuse(op, f"operand: dimension {axis}: expected its final size, not known here")
            _assert_equal(writer, before[axis], after[dim])
        staying.add(axis)
    op.attributes["known_nonexpanding_dimensions"] = ir.DenseI64ArrayAttr.get(sorted(staying))


def _known_dims(op: ir.Operation, name: str) -> set[int]:
    return set(op.attributes[name]) if name in op.attributes else set()


def _assert_equal(writer: IndexWriter, a: Size, b: Size) -> None:
    condition = writer.compare(_EQUAL, writer.size(a), writer.size(b))
    message = ir.StringAttr.get(_NOT_EXPANDING)
    ir.Operation.create(
        "cf.assert",
        operands=[condition],
        attributes={"msg": message},
        loc=writer.loc,
        ip=writer.ip,
    )


def legalize_reshape(op: ir.Operation, sizes: Sizes) -> None:
    """Pattern: dynamic_reshape [B, H*D] -> [B, H, D] -> tensor.expand_shape
    Pattern: dynamic_reshape [B, H, D] -> [B, H*D] -> tensor.collapse_shape
    Pattern: dynamic_reshape of any other kind -> tensor.reshape
    """
    x, result = op.operands[0], op.results[0]
    after = sizes.shape(result)
    writer = IndexWriter(sizes, ir.InsertionPoint(op), op.location)
    value = _reshaped(writer, x, result.type, sizes.shape(x), after)
    sizes.record(value, after)
    result.replace_all_uses_with(value)


def _reshaped(
    writer: IndexWriter,
    x: ir.Value,
    type_: ir.RankedTensorType,
    before: list[Size],
    after: list[Size],
) -> ir.Value:
    if before == after:
        return x if x.type == type_ else writer.create("tensor.cast", [x], type_)
    groups = regroup(before, after)
    if groups and _agree(x.type, type_, groups):
        return writer.create(
            "tensor.expand_shape",
            [x, *(writer.size(s) for axis, s in enumerate(after) if type_.is_dynamic_dim(axis))],
            type_,
            reassociation=_reassociation(groups),
            static_output_shape=ir.DenseI64ArrayAttr.get(list(type_.shape)),
        )
    groups = regroup(after, before)
    if groups and _agree(type_, x.type, groups):
        reassociation = _reassociation(groups)
        return writer.create("tensor.collapse_shape", [x], type_, reassociation=reassociation)
    return writer.create("tensor.reshape", [x, writer.tensor(after)], type_)


def keep_apart(op: ir.Operation, sizes: Sizes) -> None:
    """Pattern: reduce(select(p, x, y)) over an unknown size -> reduce(tensor.reshape(select))"""
    x = op.operands[0]
    masked = producer(x)
    if masked is None or masked.name != "stablehlo.select":
        return
    shape = sizes.shape(x)
    if all(known(shape[axis]) is not None for axis in op.attributes["dimensions"]):
        return
    writer = IndexWriter(sizes, ir.InsertionPoint.after(masked), op.location)
    apart = writer.create("tensor.reshape", [x, writer.tensor(shape)], x.type)
    sizes.record(apart, shape)
    x.replace_all_uses_except(apart, [apart.owner.operation])


def regroup(few: Sequence[Size], many: Sequence[Size]) -> list[list[int]] | None:
    """Which dimensions of `many` make each one of `few`; None where they do not, in order."""
    groups: list[list[int]] = []
    at = 0
    for size in few:
        group, total = [], None
        while total != size:
            if at == len(many):
                return None
            group.append(at)
            total = product([many[axis] for axis in group])
            at += 1
        groups.append(group)
    rest = list(range(at, len(many)))
    if not groups or any(many[axis] != constant(1) for axis in rest):
        return None
    groups[-1] += rest
    return groups


def _agree(few: ir.RankedTensorType, many: ir.RankedTensorType, groups: list[list[int]]) -> bool:
    """Whether a dimension is dynamic exactly where one of those that make it is."""
    return all(
        few.is_dynamic_dim(axis) == any(many.is_dynamic_dim(other) for other in group)
        for axis, group in enumerate(groups)
    )


def _reassociation(groups: list[list[int]]) -> ir.ArrayAttr:
    i64 = ir.IntegerType.get_signless(64)
    return ir.ArrayAttr.get(
        [ir.ArrayAttr.get([ir.IntegerAttr.get(i64, axis) for axis in group]) for group in groups]
    )


def _all(sizes: list[Size | None]) -> list[Size] | None:
    found = [size for size in sizes if size is not None]
    return found if found and len(found) == len(sizes) else None


@dataclass(frozen=True)
class LegalizeDynamicShapesPass(Pass):
    """What IREE does not take of dynamic shapes, in other words.

    IREE 3.13 takes no `stablehlo.dynamic_reshape`, and no `dynamic_broadcast_in_dim` of which it
    does not know what expands: "failed to legalize operation 'stablehlo.dynamic_reshape' that was
    explicitly marked illegal". It runs sizes that StableHLO computes on the device, and waits for
    them.

    Fires on `stablehlo.dynamic_reshape`: dimensions that are split become a `tensor.expand_shape`,
    joined ones a `tensor.collapse_shape`, everything else a `tensor.reshape`. Broadcasts say which
    dimensions stay as they are. Sizes of these and the other dynamic ops are computed by
    `tensor.dim` and `arith`, on the host.

    Where IREE fuses causal masks of unknown sizes into the softmax of what they mask, the code
    that it makes does not compile: "'func.func' op exceeded stack allocation limit". A `select`
    that is reduced over an unknown size goes through a `tensor.reshape` to its own shape: IREE does
    not fuse through it.

    A dimension that may be 1 and may be the final size is taken to have the final size, and a
    `cf.assert` says so: such a program has to be specialized where it is 1. It is reported.

    ```mlir
    func.func @heads(%x: tensor<?x8xf32>) -> tensor<?x2x4xf32> {
      %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?x8xf32>) -> tensor<i32>
      %n1 = stablehlo.reshape %n : (tensor<i32>) -> tensor<1xi32>
      %c = stablehlo.constant dense<[2, 4]> : tensor<2xi32>
      %s = stablehlo.concatenate %n1, %c, dim = 0 : (tensor<1xi32>, tensor<2xi32>) -> tensor<3xi32>
      %0 = stablehlo.dynamic_reshape %x, %s
          : (tensor<?x8xf32>, tensor<3xi32>) -> tensor<?x2x4xf32>
      return %0 : tensor<?x2x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @heads(%x: tensor<?x8xf32>) -> tensor<?x2x4xf32> {
      %zero = arith.constant 0 : index
      %n = tensor.dim %x, %zero : tensor<?x8xf32>
      %0 = tensor.expand_shape %x [[0], [1, 2]] output_shape [%n, 2, 4]
          : tensor<?x8xf32> into tensor<?x2x4xf32>
      return %0 : tensor<?x2x4xf32>
    }
    ```
    """

    name = "legalize-dynamic-shapes"
    roots = (*DYNAMIC, "stablehlo.reduce")

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites every dynamic op below `module`."""
        # Erased at the end: what is known of sizes is known by value.
        unused: list[ir.Value] = []
        sizes = Sizes()
        for op in operations(module, "stablehlo.dynamic_broadcast_in_dim"):
            with op.location:
                say_what_expands(op, sizes, report)
        for op in operations(module, "stablehlo.dynamic_reshape"):
            with op.location:
                legalize_reshape(op, sizes)
            unused.append(op.results[0])
        for op in operations(module, "stablehlo.reduce"):
            with op.location:
                keep_apart(op, sizes)
        for name in DYNAMIC.keys() - {"stablehlo.dynamic_reshape"}:
            for op in operations(module, name):
                with op.location:
                    unused += compute_on_host(op, sizes)
        erase_unused(unused)
