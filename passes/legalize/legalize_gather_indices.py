"""`legalize-gather-indices`: a gather's start indices are clamped where it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attnorm.analysis.known_integers import KnownIntegers
from attnorm.ir.mlir import hlo, ir
from attnorm.ir.rewriting import Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder, Size, element_type, is_unsigned, shape_of

from ..base import Pass, Report


def legalize_gather(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: gather(x, i) -> gather(x, clamp(0, i, sizes of x - slice_sizes))"""
    indices = op.operands[1]
    limits = _limits(op)
    if not limits or _are_within(indices, limits):
        return False
    b = Builder(rewriter.ip, op.location)
    clamped = b.op("clamp", [b.like(0, indices), indices, _spread(b, op, limits)], indices.type)
    attributes = {name: op.attributes[name] for name in op.attributes}
    operands = [op.operands[0], clamped, *list(op.operands)[2:]]
    gathered = b.op(op.name.removeprefix("stablehlo."), operands, op.results[0].type, **attributes)
    rewriter.replace(op, [gathered])
    return True


def _are_within(indices: ir.Value, limits: Sequence[tuple[int | Size, int]]) -> bool:
    """Whether indices are known, and point into the smallest dimension of those indexed."""
    known = KnownIntegers().array(indices)
    starts = [size - taken for size, taken in limits if isinstance(size, int)]
    if known is None or len(starts) < len(limits):
        return False
    return not known.size or (int(known.min()) >= 0 and int(known.max()) <= min(starts))


def _limits(op: ir.Operation) -> list[tuple[int | Size, int]]:
    """For each component of an index, the size of what it points into and the slice's size."""
    numbers = hlo.GatherDimensionNumbers(op.attributes["dimension_numbers"])
    sizes = shape_of(op.operands[0])
    slices = list(op.attributes["slice_sizes"])
    return [(sizes[axis], slices[axis]) for axis in numbers.start_index_map]


def _spread(b: Builder, op: ir.Operation, limits: Sequence[tuple[int | Size, int]]) -> ir.Value:
    """The greatest start of every component, in the shape of the indices."""
    numbers = hlo.GatherDimensionNumbers(op.attributes["dimension_numbers"])
    indices = op.operands[1]
    element = element_type(indices)
    greatest = 2 ** (element.width - (not is_unsigned(element))) - 1
    parts = []
    for size, taken in limits:
        if isinstance(size, int):
            parts.append(b.full(min(size - taken, greatest), element, (1,)))
        else:
            parts.append(b.reshape(b.subtract(b.size(size, element), taken), (1,)))
    axis, shape = numbers.index_vector_dim, shape_of(indices)
    if axis == len(shape):
        return b.broadcast(b.reshape(parts[0], ()), (), shape)
    return b.broadcast(b.concatenate(parts, 0), (axis,), shape)


@dataclass(frozen=True)
class LegalizeGatherIndicesPass(Pass):
    """A gather's start indices are clamped where it reads.

    StableHLO clamps the start indices of a `gather` so that the slice lies in the operand
    (specification of `gather`). IREE 3.13 does not: it reads what lies beside the buffer.

    Fires on every `gather` whose indices are not known to lie in the operand.

    ```mlir
    func.func @rows(%x: tensor<8x4xf32>, %i: tensor<3x1xi32>) -> tensor<3x4xf32> {
      %0 = "stablehlo.gather"(%x, %i) <{
        dimension_numbers = #stablehlo.gather<
          offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1
        >, slice_sizes = array<i64: 1, 4>
      }> : (tensor<8x4xf32>, tensor<3x1xi32>) -> tensor<3x4xf32>
      return %0 : tensor<3x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @rows(%x: tensor<8x4xf32>, %i: tensor<3x1xi32>) -> tensor<3x4xf32> {
      %low = stablehlo.constant dense<0> : tensor<3x1xi32>
      %limit = stablehlo.constant dense<7> : tensor<1xi32>
      %high = stablehlo.broadcast_in_dim %limit, dims = [1] : (tensor<1xi32>) -> tensor<3x1xi32>
      %j = stablehlo.clamp %low, %i, %high : tensor<3x1xi32>
      %0 = "stablehlo.gather"(%x, %j) <{
        dimension_numbers = #stablehlo.gather<
          offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1
        >, slice_sizes = array<i64: 1, 4>
      }> : (tensor<8x4xf32>, tensor<3x1xi32>) -> tensor<3x4xf32>
      return %0 : tensor<3x4xf32>
    }
    ```
    """

    name = "legalize-gather-indices"
    roots = ("stablehlo.gather",)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites every such gather below `module`."""
        apply_patterns(module, [(root, legalize_gather) for root in self.roots])
