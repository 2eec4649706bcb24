"""`raise-sdpa`: attention written out becomes `attnorm.sdpa`.

The softmax is an op already (`raise-softmax`). From it the scores are followed up to the first
product, the probabilities down to the second. Dimensions are described over the first product's
result (`views`): the batch, the heads, the queries and the keys are sets of atoms there, whatever
was merged, split or transposed on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from attnorm import dialect
from attnorm.analysis.attention_scores import Scores
from attnorm.analysis.attention_values import Values
from attnorm.analysis.views import Atom, Dim, hand_over_sizes
from attnorm.building.arrange import arrange
from attnorm.building.attention_masks import masking_of, sinks_of
from attnorm.building.attention_operands import (
    common_repeats,
    key_operand,
    query_operand,
    value_operand,
    without_repeats,
)
from attnorm.ir.mlir import hlo, ir
from attnorm.ir.rewriting import Refusal, Rewriter, apply_patterns, erase_dead
from attnorm.ir.stablehlo import Builder, element_type, shape_of

from ..base import Pass, Report


def raise_sdpa(op: ir.Operation, rewriter: Rewriter, *, report: Report) -> bool:
    """Pattern: dot(softmax(mask(cap(dot(q, k) * scale))), v) -> sdpa(q, k, v, mask)"""
    try:
        scores = Scores.above(op.opview)
        if scores is None:
            return False
        values = Values.below(op, scores)
        if values is None:
            return False
        _build(scores, values)
        hand_over_sizes(op.results[0], op.operands[0])
    except Refusal as refusal:
        report.refuse(op, str(refusal))
        return False
    return True


def _build(scores: Scores, values: Values) -> None:
    q_scale, q = query_operand(scores)
    k_scale, k = key_operand(scores)
    v, head_dims = value_operand(scores, values)
    repeats = common_repeats(k, v, scores)
    k, v = (without_repeats(operand, len(scores.batches), repeats) for operand in (k, v))
    product = values.product
    b = Builder(ir.InsertionPoint(product), product.location)
    masks = masking_of(scores, values, b)
    rank = len(q.dims)
    if rank < 3:
        raise Refusal(f"q: expected heads, queries and depth, got {rank} dimensions")
    built = {"q": q.build(b), "k": k.build(b), "v": v.build(b)}
    built |= {"mask": masks.value, "sinks": sinks_of(scores, b), "start": masks.start}
    rows = built["q"].type.shape[:-1]
    element = element_type(product.results[0])
    types = [ir.RankedTensorType.get([*rows, built["v"].type.shape[-1]], element, loc=b.loc)]
    if values.empties_nan:
        types.append(ir.RankedTensorType.get(rows, _summed_in(element), loc=b.loc))
    op = dialect.Sdpa.build(
        built,
        types,
        {
            "scale": scores.scale * q_scale * k_scale,
            "softcap": scores.softcap,
            "fully_masked": masks.fully_masked,
            **masks.placement,
        },
        loc=b.loc,
        ip=b.ip,
    )
    problem = dialect.Sdpa.problem(op.opview)
    if problem:
        op.erase()
        raise Refusal(problem)
    result = op.results[0]
    if values.empties_nan:
        result = _without_nan_rows(b, *op.results)
    result = _result_in_place(b, result, scores, values, head_dims)
    product.results[0].replace_all_uses_with(result)


def _summed_in(element: ir.Type) -> ir.Type:
    """The type of `log_sum_exp`: that of the softmax."""
    return element if isinstance(element, ir.F64Type) else ir.F32Type.get(element.context)


def _without_nan_rows(b: Builder, result: ir.Value, log_sum_exp: ir.Value) -> ir.Value:
    """0 in the rows whose probabilities are NaN, as `log_sum_exp` is there and nowhere else."""
    lost = b.compare("NE", log_sum_exp, log_sum_exp)
    spread = b.broadcast(lost, range(lost.type.rank), shape_of(result))
    return b.select(spread, b.like(0.0, result), result)


def _result_in_place(
    b: Builder, result: ir.Value, scores: Scores, values: Values, depth: list[Dim]
) -> ir.Value:
    """The op's result in the arrangement of the second product."""
    rows = [*scores.canonical()[:-1]]
    where = {
        atom: Atom(atom.size, axis, _stride(dim, index))
        for axis, dim in enumerate(rows)
        for index, atom in enumerate(dim)
    }
    last = result.type.rank - 1
    product = values.product
    numbers = hlo.DotDimensionNumbers(product.attributes["dot_dimension_numbers"])
    batching = (list(numbers.lhs_batching_dimensions), list(numbers.rhs_batching_dimensions))
    contracting = (
        list(numbers.lhs_contracting_dimensions),
        list(numbers.rhs_contracting_dimensions),
    )
    mine = values.side
    dims: list[Dim] = [
        tuple(where[atom] for atom in scores.tiles(values.probabilities[axis]))
        for axis in batching[mine]
    ]
    rows = [
        tuple(where[atom] for atom in scores.tiles(dim))
        for axis, dim in enumerate(values.probabilities)
        if axis not in batching[mine] and axis not in contracting[mine]
    ]
    columns = _columns(depth, last)
    free = [rows, columns] if mine == 0 else [columns, rows]
    return arrange(b, result, [*dims, *free[0], *free[1]])


def _stride(dim: Dim, index: int) -> int:
    """How far apart the elements of one atom of a dimension stand in it."""
    stride = 1
    for atom in dim[index + 1 :]:
        stride *= atom.size or 1
    return stride


def _columns(depth: list[Dim], last: int) -> list[Dim]:
    """The values' free dimensions as parts of the result's last one."""
    found: list[Dim] = []
    stride = 1
    for dim in reversed(depth):
        atoms: list[Atom] = []
        for atom in reversed(dim):
            atoms.insert(0, Atom(atom.size, last, stride))
            stride *= atom.size or 1
        found.insert(0, tuple(atoms))
    return found


@dataclass(frozen=True)
class RaiseSdpaPass(Pass):
    """Attention written out becomes `attnorm.sdpa`.

    Fires on `attnorm.softmax` between two products. Above it: a scale (on the scores, on queries or
    keys, split over both), a softcap, masks that are added, subtracted or selected, in any
    arrangement of batch, heads, queries and keys, keys or values on either side. Repeated heads
    become grouped heads. A predicate that compares positions, known by their iotas, becomes
    `causal`, `offset` and `window`, with a scalar known at run time as `start`; what else it
    demands stays the mask. A fill of -1e4 or less is a mask. One more score behind those of each
    row, whose probability is cut off again, is a sink. Below: torch's and ONNX's tails that make 0
    of rows without keys, and a rounding of the probabilities, which the op does not do.

    Refuses probabilities with another reader, a mask before the cap or a scale beyond 1, fills that
    differ, a softmax over another axis, and dimensions that are cut unevenly.

    ```mlir
    func.func @attention(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>)
        -> tensor<2x4x8xf32> {
      %scale = stablehlo.constant dense<0.5> : tensor<2x4x4xf32>
      %0 = stablehlo.dot_general %q, %k, batching_dims = [0] x [0], contracting_dims = [2] x [2]
          : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x4xf32>
      %1 = stablehlo.multiply %0, %scale : tensor<2x4x4xf32>
      %2 = "attnorm.softmax"(%1) {axis = 2 : i64} : (tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
      %3 = stablehlo.dot_general %2, %v, batching_dims = [0] x [0], contracting_dims = [2] x [1]
          : (tensor<2x4x4xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
      return %3 : tensor<2x4x8xf32>
    }
    ```

    becomes

    ```mlir
    func.func @attention(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>)
        -> tensor<2x4x8xf32> {
      %0 = "attnorm.sdpa"(%q, %k, %v) {
        operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, scale = 0.5 : f64
      } : (tensor<2x4x8xf32>, tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
      return %0 : tensor<2x4x8xf32>
    }
    ```
    """

    name = "raise-sdpa"
    roots = ("attnorm.softmax",)
    rounds = (
        "scores and probabilities of half types stay in f32, which holds them exactly, and a scale "
        "that is split over both factors becomes one number"
    )

    def run(self, module: ir.Operation, report: Report) -> None:
        """Raises every attention below `module`."""
        pattern = partial(raise_sdpa, report=report)
        if apply_patterns(module, [(root, pattern) for root in self.roots]):
            erase_dead(module)
