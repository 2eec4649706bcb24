"""`legalize-dynamic-dots`: the products of dynamic sizes that IREE does not take, in linalg."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from attnorm.ir.mlir import hlo, ir
from attnorm.ir.rewriting import Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder, is_float

from ..base import Pass, Report

_ARITHMETIC = {True: ("arith.mulf", "arith.addf"), False: ("arith.muli", "arith.addi")}
"""Multiplication and addition: of floats, of integers."""
_PARALLEL = "#linalg.iterator_type<parallel>"
_REDUCTION = "#linalg.iterator_type<reduction>"


@dataclass(frozen=True)
class _Loops:
    """The loops of a product, numbered [batch, left free, right free, contracted].

    `left` and `right` are the loop of every dimension of an operand; the result has the first
    `parallel` loops, in order.
    """

    left: list[int]
    right: list[int]
    parallel: int
    count: int

    @classmethod
    def of(cls, op: ir.Operation) -> _Loops:
        numbers = hlo.DotDimensionNumbers(op.attributes["dot_dimension_numbers"])
        batch = len(numbers.lhs_batching_dimensions)
        parallel, contracted = op.results[0].type.rank, len(numbers.lhs_contracting_dimensions)
        free = iter(range(batch, parallel))

        def loops(x: ir.Value, batching: Sequence[int], contracting: Sequence[int]) -> list[int]:
            found = {axis: loop for loop, axis in enumerate(batching)}
            found |= {axis: parallel + index for index, axis in enumerate(contracting)}
            return [found[axis] if axis in found else next(free) for axis in range(x.type.rank)]

        left, right = op.operands
        return cls(
            loops(left, numbers.lhs_batching_dimensions, numbers.lhs_contracting_dimensions),
            loops(right, numbers.rhs_batching_dimensions, numbers.rhs_contracting_dimensions),
            parallel,
            parallel + contracted,
        )

    def maps(self) -> ir.ArrayAttr:
        """The indexing maps of both operands and the result."""
        found = [
            ir.AffineMap.get(self.count, 0, [ir.AffineExpr.get_dim(loop) for loop in loops])
            for loops in (self.left, self.right, range(self.parallel))
        ]
        return ir.ArrayAttr.get([ir.AffineMapAttr.get(each) for each in found])

    def kinds(self) -> ir.ArrayAttr:
        """The iterator types."""
        reduced = self.count - self.parallel
        kinds = [_PARALLEL] * self.parallel + [_REDUCTION] * reduced
        return ir.ArrayAttr.get([ir.Attribute.parse(kind) for kind in kinds])


def legalize_dot(op: ir.Operation, rewriter: Rewriter) -> bool:
    """Pattern: dot_general(a, b) that IREE refuses -> linalg.generic(a, b, linalg.fill(0))"""
    if not _is_refused(op):
        return False
    b = Builder(rewriter.ip, op.location)
    result = op.results[0].type
    summed = _accumulated(result.element_type)
    operands = [b.convert(x, summed) for x in op.operands]
    loops = _Loops.of(op)
    type_ = b.tensor(result.shape, summed)
    empty = _create(b, "tensor.empty", _dynamic_sizes(b, operands, loops), type_)
    zero = _create(b, "arith.constant", [], summed, value=_zero(summed))
    filled = _structured(b, "linalg.fill", [zero], empty, {}, lambda value, _: value)
    attributes = {"indexing_maps": loops.maps(), "iterator_types": loops.kinds()}
    total = _structured(b, "linalg.generic", operands, filled, attributes, _multiply_add)
    rewriter.replace(op, [b.convert(total, result.element_type)])
    return True


def _is_refused(op: ir.Operation) -> bool:
    """Whether IREE refuses a product: it reshapes what is no matrix, and drops dimensions of 1."""
    result = op.results[0].type
    types = [x.type for x in op.operands]
    if all(type_.has_static_shape for type_ in types) or not _is_number(result.element_type):
        return False
    numbers = hlo.DotDimensionNumbers(op.attributes["dot_dimension_numbers"])
    if not numbers.lhs_batching_dimensions:
        matrices = all(type_.rank == 2 for type_ in types)
        if not matrices or len(numbers.lhs_contracting_dimensions) != 1:
            return True
    return any(1 in _parallel_sizes(op, side) for side in range(2))


def _parallel_sizes(op: ir.Operation, side: int) -> list[int]:
    """The sizes of an operand's dimensions that are not contracted."""
    numbers = hlo.DotDimensionNumbers(op.attributes["dot_dimension_numbers"])
    contracted = (numbers.lhs_contracting_dimensions, numbers.rhs_contracting_dimensions)[side]
    sizes = op.operands[side].type.shape
    return [size for axis, size in enumerate(sizes) if axis not in list(contracted)]


def _is_number(element: ir.Type) -> bool:
    """Whether linalg's arithmetic is StableHLO's: there is none on complex and boolean types."""
    return is_float(element) or (isinstance(element, ir.IntegerType) and element.width > 1)


def _accumulated(element: ir.Type) -> ir.Type:
    """The type that a product is summed in: at least f32, and no sign where arith knows none."""
    if is_float(element):
        return element if element.width >= 32 else ir.F32Type.get()
    return ir.IntegerType.get_signless(element.width)


def _zero(element: ir.Type) -> ir.Attribute:
    return ir.FloatAttr.get(element, 0) if is_float(element) else ir.IntegerAttr.get(element, 0)


def _dynamic_sizes(b: Builder, operands: Sequence[ir.Value], loops: _Loops) -> list[ir.Value]:
    """The sizes of the result's dynamic dimensions, each from the operand that has it."""
    sizes: dict[int, ir.Value] = {}
    for x, axes in zip(operands, (loops.left, loops.right), strict=True):
        for axis, loop in enumerate(axes):
            if loop < loops.parallel and x.type.is_dynamic_dim(axis) and loop not in sizes:
                index = ir.IntegerAttr.get(ir.IndexType.get(), axis)
                at = _create(b, "arith.constant", [], ir.IndexType.get(), value=index)
                sizes[loop] = _create(b, "tensor.dim", [x, at], ir.IndexType.get())
    return [sizes[loop] for loop in sorted(sizes)]


def _structured(
    b: Builder,
    name: str,
    inputs: Sequence[ir.Value],
    output: ir.Value,
    attributes: Mapping[str, ir.Attribute],
    body: Callable[..., ir.Value],
) -> ir.Value:
    """An op of linalg of one result; `body` makes an element of it in the op's block."""
    sizes = ir.DenseI32ArrayAttr.get([len(inputs), 1])
    op = ir.Operation.create(
        name,
        results=[output.type],
        operands=[*inputs, output],
        attributes={**attributes, "operandSegmentSizes": sizes},
        regions=1,
        loc=b.loc,
        ip=b.ip,
    )
    elements = [output.type.element_type] * (len(inputs) + 1)
    block = op.regions[0].blocks.append(*elements, arg_locs=[b.loc] * len(elements))
    with ir.InsertionPoint(block), b.loc:
        ir.Operation.create("linalg.yield", operands=[body(*block.arguments)])
    return op.results[0]


def _multiply_add(x: ir.Value, y: ir.Value, total: ir.Value) -> ir.Value:
    """total + x * y, at the insertion point and location of the context."""
    multiply, add = _ARITHMETIC[is_float(total.type)]
    product = ir.Operation.create(multiply, results=[x.type], operands=[x, y]).results[0]
    return ir.Operation.create(add, results=[x.type], operands=[total, product]).results[0]


def _create(
    b: Builder, name: str, operands: Sequence[ir.Value], type_: ir.Type, **attributes: ir.Attribute
) -> ir.Value:
    return ir.Operation.create(
        name, results=[type_], operands=list(operands), attributes=attributes, loc=b.loc, ip=b.ip
    ).results[0]


@dataclass(frozen=True)
class LegalizeDynamicDotsPass(Pass):
    """The products of dynamic sizes that IREE does not take, in linalg.

    IREE 3.13 makes matrices of a product's operands by `stablehlo.dynamic_reshape`, which it then
    refuses ("failed to legalize operation 'stablehlo.dynamic_reshape'"), and drops dimensions of 1
    by a `stablehlo.reshape` to a dynamic size ("must be statically shaped").

    Fires on a `stablehlo.dot_general` with a dynamic dimension: without batch dimensions, where an
    operand is no matrix; and where the result has a dimension of 1. The product
    becomes a `linalg.generic`, which IREE compiles to the same code. Sums of types narrower than
    f32 are in f32. Complex and boolean products stay as they are.

    ```mlir
    func.func @linear(%x: tensor<2x?x8xf32>, %w: tensor<8x4xf32>) -> tensor<2x?x4xf32> {
      %0 = stablehlo.dot_general %x, %w, contracting_dims = [2] x [0]
          : (tensor<2x?x8xf32>, tensor<8x4xf32>) -> tensor<2x?x4xf32>
      return %0 : tensor<2x?x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @linear(%x: tensor<2x?x8xf32>, %w: tensor<8x4xf32>) -> tensor<2x?x4xf32> {
      %one = arith.constant 1 : index
      %n = tensor.dim %x, %one : tensor<2x?x8xf32>
      %empty = tensor.empty(%n) : tensor<2x?x4xf32>
      %zero = arith.constant 0.0 : f32
      %sum = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
      %0 = linalg.generic {
        indexing_maps = [
          affine_map<(a, b, c, k) -> (a, b, k)>,
          affine_map<(a, b, c, k) -> (k, c)>,
          affine_map<(a, b, c, k) -> (a, b, c)>
        ],
        iterator_types = ["parallel", "parallel", "parallel", "reduction"]
      } ins(%x, %w : tensor<2x?x8xf32>, tensor<8x4xf32>) outs(%sum : tensor<2x?x4xf32>) {
      ^bb0(%l: f32, %r: f32, %s: f32):
        %p = arith.mulf %l, %r : f32
        %t = arith.addf %s, %p : f32
        linalg.yield %t : f32
      } -> tensor<2x?x4xf32>
      return %0 : tensor<2x?x4xf32>
    }
    ```
    """

    name = "legalize-dynamic-dots"
    roots = ("stablehlo.dot_general",)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites every such product below `module`."""
        apply_patterns(module, [(root, legalize_dot) for root in self.roots])
