"""`expand-matvec`: a product of few vectors with a matrix becomes multiplications and sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from attnorm.ir.mlir import hlo, ir
from attnorm.ir.rewriting import Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder, element_type, is_float, is_static, shape_of

from ..base import Pass, Report

MOST_VECTORS = 4
"""With more of them a product tiles better than a sum for each does."""
FEWEST_ELEMENTS = 1 << 8
"""Of a matrix. With fewer, both ways take the same time."""


@dataclass(frozen=True)
class _Side:
    """An operand of a product: the dimensions that are contracted, in order, and the others."""

    value: ir.Value
    contracted: tuple[int, ...]

    @property
    def free(self) -> list[int]:
        return [axis for axis in range(len(self.shape)) if axis not in self.contracted]

    @property
    def shape(self) -> list[int]:
        return list(self.value.type.shape)

    @property
    def count(self) -> int:
        """How many vectors there are."""
        return math.prod(self.shape[axis] for axis in self.free)

    def behind_transpose(self) -> _Side:
        """The same of what is transposed, where nothing but the contracted dimensions move."""
        owner = self.value.owner
        if isinstance(owner, ir.Block) or owner.operation.name != "stablehlo.transpose":
            return self
        moves = list(ir.DenseI64ArrayAttr(owner.operation.attributes["permutation"]))
        source = _Side(owner.operation.operands[0], tuple(moves[axis] for axis in self.contracted))
        return source if [moves[axis] for axis in self.free] == source.free else self


def expand_product(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: dot_general(x : KxM, w : KxN), M <= 4 -> M times reduce(multiply(x, w))"""
    numbers = hlo.DotDimensionNumbers(op.attributes["dot_dimension_numbers"])
    if numbers.lhs_batching_dimensions or not all(map(_fits, (*op.operands, op.results[0]))):
        return False
    left = _Side(op.operands[0], tuple(numbers.lhs_contracting_dimensions))
    right = _Side(op.operands[1], tuple(numbers.rhs_contracting_dimensions))
    vectors_first = left.count <= right.count
    vectors, matrix = (left, right) if vectors_first else (right, left)
    matrix = matrix.behind_transpose()
    if vectors.count > MOST_VECTORS or math.prod(matrix.shape) < FEWEST_ELEMENTS:
        return False
    if not (_adjacent(matrix.contracted) and _in_order(vectors)):
        return False
    b = Builder(rewriter.ip, op.location)
    sums = [_sums(b, vector, matrix) for vector in _rows(b, vectors)]
    rewriter.replace(op, [_joined(b, sums, op.results[0], 0 if vectors_first else 1)])
    return True


def _fits(value: ir.Value) -> bool:
    element = element_type(value)
    return is_static(shape_of(value)) and is_float(element) and element.width <= 32


def _adjacent(axes: Sequence[int]) -> bool:
    return bool(axes) and list(axes) == list(range(axes[0], axes[0] + len(axes)))


def _in_order(vectors: _Side) -> bool:
    """Whether a vector lies as the matrix has it, in one piece where there are several."""
    contracted = list(vectors.contracted)
    together = vectors.count == 1 or contracted == list(
        range(len(vectors.shape) - len(contracted), len(vectors.shape))
    )
    return contracted == sorted(contracted) and together


def _rows(b: Builder, vectors: _Side) -> list[ir.Value]:
    """Each vector, in the shape of the contracted dimensions."""
    shape = [vectors.shape[axis] for axis in vectors.contracted]
    if vectors.count == 1:
        return [b.reshape(vectors.value, tuple(shape))]
    flat = b.reshape(vectors.value, (vectors.count, *shape))
    zeros = [0] * len(shape)
    return [
        b.reshape(b.slice(flat, [row, *zeros], [1, *shape]), tuple(shape))
        for row in range(vectors.count)
    ]


def _sums(b: Builder, vector: ir.Value, matrix: _Side) -> ir.Value:
    """What a vector makes of a matrix, in f32."""
    f32 = ir.F32Type.get(matrix.value.context)
    wide = b.convert(matrix.value, f32)
    spread = b.broadcast(b.convert(vector, f32), matrix.contracted, shape_of(wide))
    return b.reduce("add", b.multiply(wide, spread), matrix.contracted)


def _joined(b: Builder, sums: Sequence[ir.Value], result: ir.Value, axis: int) -> ir.Value:
    """The sums side by side along an axis of [vectors, rows] or [rows, vectors], as `result`."""
    size = math.prod(sums[0].type.shape)
    shape = (1, size) if axis == 0 else (size, 1)
    parts = [b.convert(b.reshape(part, shape), element_type(result)) for part in sums]
    whole = parts[0] if len(parts) == 1 else b.concatenate(parts, axis)
    return b.reshape(whole, shape_of(result))


@dataclass(frozen=True)
class ExpandMatvecPass(Pass):
    """A product of few vectors with a matrix becomes multiplications and sums.

    Decoding a token multiplies one vector with every weight of a model: its time is that of reading
    them. IREE 3.13 reads f32 at two thirds of the memory's speed there, and half types at a fifth;
    the kernels for rows read them all at full speed, and sum more accurately.

    Fires on every `dot_general` of up to four vectors with a matrix of 256 elements or more, of
    static sizes and float types of up to 32 bits, without batches; the contracted dimensions of the
    matrix lie side by side. A transposition of the matrix is seen through. Sums are in f32.

    ```mlir
    func.func @project(%x: tensor<1x256xf32>, %w: tensor<512x256xbf16>) -> tensor<1x512xf32> {
      %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [1]
          : (tensor<1x256xf32>, tensor<512x256xbf16>) -> tensor<1x512xf32>
      return %0 : tensor<1x512xf32>
    }
    ```

    becomes

    ```mlir
    func.func @project(%x: tensor<1x256xf32>, %w: tensor<512x256xbf16>) -> tensor<1x512xf32> {
      %0 = stablehlo.reshape %x : (tensor<1x256xf32>) -> tensor<256xf32>
      %1 = stablehlo.convert %w : (tensor<512x256xbf16>) -> tensor<512x256xf32>
      %2 = stablehlo.broadcast_in_dim %0, dims = [1] : (tensor<256xf32>) -> tensor<512x256xf32>
      %3 = stablehlo.multiply %1, %2 : tensor<512x256xf32>
      %cst = stablehlo.constant dense<0.0> : tensor<f32>
      %4 = stablehlo.reduce(%3 init: %cst) applies stablehlo.add across dimensions = [1]
          : (tensor<512x256xf32>, tensor<f32>) -> tensor<512xf32>
      %5 = stablehlo.reshape %4 : (tensor<512xf32>) -> tensor<1x512xf32>
      return %5 : tensor<1x512xf32>
    }
    ```
    """

    name = "expand-matvec"
    roots = ("stablehlo.dot_general",)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites every such product below `module`."""
        apply_patterns(module, [(root, expand_product) for root in self.roots])
