"""`fold-positions`: gathers that read in order, and what positions alone decide."""

from __future__ import annotations

from dataclasses import dataclass

from attnorm.analysis.known_integers import KnownIntegers
from attnorm.analysis.views import made_by, trace
from attnorm.ir.mlir import hlo, ir
from attnorm.ir.rewriting import Rewriter, apply_patterns, operations, simplify
from attnorm.ir.stablehlo import Builder, element_type, is_static, shape_of

from ..base import Pass, Report


def read_in_order(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: gather(x, positions) -> broadcast_in_dim(slice(x))"""
    x, shape = op.operands[0], shape_of(op.results[0])
    if not all(is_static(shape_of(value)) for value in (*op.operands, op.results[0])):
        return False
    places = _places(op)
    if places is None:
        return False
    b = Builder(rewriter.ip, op.location)
    static = op.results[0].type.shape
    taken = [static[places[axis]] if axis in places else 1 for axis in range(x.type.rank)]
    kept = sorted(places)
    x = b.slice(x, [0] * len(taken), taken)
    x = b.reshape(x, tuple(taken[axis] for axis in kept))
    rewriter.replace(op, [b.broadcast(x, [places[axis] for axis in kept], shape)])
    return True


def _places(op: ir.Operation) -> dict[int, int] | None:
    """The result's dimension that each of the operand's is read along, from its start on.

    Without those that are read at one place, the first; None where any is read otherwise.
    """
    numbers = hlo.GatherDimensionNumbers(op.attributes["dimension_numbers"])
    source, shape = shape_of(op.operands[0]), shape_of(op.results[0])
    offsets, collapsed = list(numbers.offset_dims), list(numbers.collapsed_slice_dims)
    indexed, vector = list(numbers.start_index_map), numbers.index_vector_dim
    parts = _parts(op.operands[1], vector)
    whole = [axis for axis in range(len(source)) if axis not in collapsed]
    if numbers.operand_batching_dims or parts is None or set(indexed) != set(collapsed):
        return None
    places = dict(zip(whole, offsets, strict=True))
    if any(source[axis] != shape[dim] for axis, dim in places.items()):
        return None
    batch = [dim for dim in range(len(shape)) if dim not in offsets]
    for part, axis in zip(parts, indexed, strict=True):
        if source[axis] == 1:  # an index beyond is clamped
            continue
        counted = _counted(part, vector)
        if counted is None or shape[batch[counted]] > source[axis]:
            return None
        places[axis] = batch[counted]
    return places if len(set(places.values())) == len(places) else None


def _parts(indices: ir.Value, axis: int) -> list[ir.Value] | None:
    """The indices of each dimension; one alone need not have a dimension of its own."""
    if axis == indices.type.rank or shape_of(indices)[axis] == 1:
        return [indices]
    op = made_by(indices, "concatenate")
    if op is None or op.attributes["dimension"].value != axis:
        return None
    return list(op.operands) if all(shape_of(part)[axis] == 1 for part in op.operands) else None


def _counted(indices: ir.Value, vector: int) -> int | None:
    """The dimension, of those beside the index vector's, that indices count up along from 0."""
    view = trace(indices)
    op = made_by(view.source, "iota")
    if op is None or not isinstance(view.source.type.element_type, ir.IntegerType):
        return None
    along = op.attributes["iota_dimension"].value
    found = [
        dim for dim, atoms in enumerate(view.dims) if any(atom.axis == along for atom in atoms)
    ]
    if len(found) != 1:
        return None
    (atom, *rest) = view.dims[found[0]]
    if rest or atom.stride != 1 or atom.size != shape_of(view.source)[along]:
        return None
    return found[0] - (found[0] > vector)


def decide(op: ir.Operation, known: KnownIntegers) -> bool:
    """Pattern: compare(positions, positions) -> true | false"""
    truth = known.array(op.results[0])
    if truth is None or not truth.size or truth.all() != truth.any():
        return False
    b = Builder(ir.InsertionPoint(op), op.location)
    decided = b.full(bool(truth.all()), element_type(op.results[0]), truth.shape)
    op.results[0].replace_all_uses_with(decided)
    return True


@dataclass(frozen=True)
class FoldPositionsPass(Pass):
    """Gathers that read in order are moves; what positions alone decide is decided.

    Fires on a gather whose indices are iotas, each along a dimension of its own: transformers reads
    its padding masks so. And on a comparison of integers made of iotas and constants, at most
    65,536 of them, that is true everywhere or false: transformers asks of the positions that it has
    made itself whether they are one sequence.

    Refuses indices that count from elsewhere, or two of them along one dimension, and sizes that
    are not known.

    ```mlir
    func.func @padding(%pad: tensor<2x4xi1>) -> tensor<2x1x4xi1> {
      %0 = stablehlo.iota dim = 0 : tensor<2x1x4x1xi64>
      %1 = stablehlo.iota dim = 2 : tensor<2x1x4x1xi64>
      %2 = stablehlo.concatenate %0, %1, dim = 3
          : (tensor<2x1x4x1xi64>, tensor<2x1x4x1xi64>) -> tensor<2x1x4x2xi64>
      %3 = "stablehlo.gather"(%pad, %2) <{
        dimension_numbers = #stablehlo.gather<
          collapsed_slice_dims = [0, 1], start_index_map = [0, 1], index_vector_dim = 3>,
        slice_sizes = array<i64: 1, 1>
      }> : (tensor<2x4xi1>, tensor<2x1x4x2xi64>) -> tensor<2x1x4xi1>
      return %3 : tensor<2x1x4xi1>
    }
    ```

    becomes

    ```mlir
    func.func @padding(%pad: tensor<2x4xi1>) -> tensor<2x1x4xi1> {
      %0 = stablehlo.reshape %pad : (tensor<2x4xi1>) -> tensor<2x1x4xi1>
      return %0 : tensor<2x1x4xi1>
    }
    ```
    """

    name = "fold-positions"
    roots = ("stablehlo.compare", "stablehlo.gather")

    def run(self, module: ir.Operation, report: Report) -> None:
        """Folds below `module`."""
        known = KnownIntegers()
        # What is decided chooses indices: torch's may count from the end.
        if [op for op in operations(module, "stablehlo.compare") if decide(op, known)]:
            simplify(module)
        if apply_patterns(module, [("stablehlo.gather", read_in_order)]):
            simplify(module)
