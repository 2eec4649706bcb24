"""A thin builder of StableHLO ops, for static and dynamic shapes alike.

A shape is a tuple of sizes; a size is an int, or a `Size` that names the dimension of a value whose
size is known at run time. Ops that need a full shape choose their dynamic form by it, so that an
expansion is written once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .mlir import hlo, ir


@dataclass(frozen=True)
class Size:
    """The size of dimension `axis` of `value`, known at run time."""

    value: ir.Value
    axis: int


Dim = int | Size
Shape = tuple[Dim, ...]


def element_type(value: ir.Value) -> ir.Type:
    """The element type of a tensor value."""
    return value.type.element_type


def shape_of(value: ir.Value) -> Shape:
    """The shape of a ranked tensor value."""
    sizes = value.type.shape
    if _DYNAMIC not in sizes:
        return tuple(sizes)
    return tuple(Size(value, axis) if size == _DYNAMIC else size for axis, size in enumerate(sizes))


_DYNAMIC = ir.ShapedType.get_dynamic_size()


def is_static(shape: Shape) -> bool:
    """Whether every size is known now."""
    return Size not in map(type, shape)


def is_float(type_: ir.Type) -> bool:
    """Whether an element type is a float."""
    return isinstance(type_, ir.FloatType)


def is_half(type_: ir.Type) -> bool:
    """Whether an element type is f16 or bf16, which hold values but do not accumulate them."""
    return isinstance(type_, (ir.F16Type, ir.BF16Type))


def is_bool(type_: ir.Type) -> bool:
    """Whether an element type is i1."""
    return isinstance(type_, ir.IntegerType) and type_.width == 1


def is_unsigned(type_: ir.Type) -> bool:
    """Whether an element type is an unsigned integer (i1 included)."""
    return isinstance(type_, ir.IntegerType) and (type_.is_unsigned or type_.width == 1)


@dataclass(frozen=True)
class Builder:
    """Builds StableHLO ops at one insertion point and one location."""

    ip: ir.InsertionPoint
    loc: ir.Location

    # -- types -----------------------------------------------------------------------------------

    def tensor(self, shape: Sequence[Dim], element: ir.Type) -> ir.RankedTensorType:
        """The tensor type of a shape."""
        if Size in map(type, shape):
            shape = [_DYNAMIC if isinstance(size, Size) else size for size in shape]
        return ir.RankedTensorType.get(shape, element, loc=self.loc)

    def op(
        self,
        name: str,
        operands: Sequence[ir.Value],
        type_: ir.Type,
        **attributes: ir.Attribute,
    ) -> ir.Value:
        """Any op of one result."""
        return ir.Operation.create(
            f"stablehlo.{name}",
            results=[type_],
            operands=list(operands),
            attributes=attributes,
            loc=self.loc,
            ip=self.ip,
        ).result

    # -- constants -------------------------------------------------------------------------------

    def full(self, value: float | int, element: ir.Type, shape: Shape = ()) -> ir.Value:
        """A tensor with one value everywhere."""
        if not is_static(shape):
            return self.broadcast(self.full(value, element), (), shape)
        type_ = self.tensor(shape, element)
        dense = ir.DenseElementsAttr.get_splat(type_, _scalar(element, value))
        return self.op("constant", [], type_, value=dense)

    def like(self, value: float | int, x: ir.Value) -> ir.Value:
        """A tensor of x's type with one value everywhere."""
        return self.full(value, element_type(x), shape_of(x))

    # -- elementwise -----------------------------------------------------------------------------

    def unary(self, name: str, x: ir.Value) -> ir.Value:
        """An elementwise op of x's type: "exponential", "rsqrt", "tanh", ..."""
        return self.op(name, [x], x.type)

    def binary(self, name: str, a: ir.Value, b: ir.Value | float | int) -> ir.Value:
        """An elementwise op of two operands of one type; a number stands for a splat."""
        if not isinstance(b, ir.Value):
            b = self.like(b, a)
        return self.op(name, [a, b], a.type)

    def add(self, a: ir.Value, b: ir.Value | float | int) -> ir.Value:
        """a + b."""
        return self.binary("add", a, b)

    def subtract(self, a: ir.Value, b: ir.Value | float | int) -> ir.Value:
        """a - b."""
        return self.binary("subtract", a, b)

    def multiply(self, a: ir.Value, b: ir.Value | float | int) -> ir.Value:
        """a * b."""
        return self.binary("multiply", a, b)

    def divide(self, a: ir.Value, b: ir.Value | float | int) -> ir.Value:
        """a / b."""
        return self.binary("divide", a, b)

    def compare(self, direction: str, a: ir.Value, b: ir.Value | float | int) -> ir.Value:
        """An i1 tensor; direction is one of EQ, NE, GE, GT, LE, LT."""
        if not isinstance(b, ir.Value):
            b = self.like(b, a)
        element = element_type(a)
        kind = "FLOAT" if is_float(element) else "UNSIGNED" if is_unsigned(element) else "SIGNED"
        return self.op(
            "compare",
            [a, b],
            self.tensor(shape_of(a), ir.IntegerType.get_signless(1)),
            comparison_direction=hlo.ComparisonDirectionAttr.get(direction),
            compare_type=hlo.ComparisonTypeAttr.get(kind),
        )

    def select(
        self, predicate: ir.Value, on_true: ir.Value | float, on_false: ir.Value | float
    ) -> ir.Value:
        """Elementwise choice; a number stands for a splat of the other branch's type."""
        typed: ir.Value = on_true if isinstance(on_true, ir.Value) else on_false
        on_true, on_false = (
            branch if isinstance(branch, ir.Value) else self.like(branch, typed)
            for branch in (on_true, on_false)
        )
        return self.op("select", [predicate, on_true, on_false], typed.type)

    def convert(self, x: ir.Value, element: ir.Type) -> ir.Value:
        """x with another element type; x itself where it has it already."""
        type_ = x.type
        if type_.element_type == element:
            return x
        return self.op("convert", [x], ir.RankedTensorType.get(type_.shape, element, loc=self.loc))

    def round(self, x: ir.Value, element: ir.Type) -> ir.Value:
        """x converted to a type whose rounding is part of what is meant.

        IREE drops a conversion to bf16 and back to f32. It does not drop a reduce_precision, but it
        aborts on one of dynamic shape.
        """
        pinned = isinstance(element, ir.BF16Type) and element_type(x) != element
        if pinned and is_static(shape_of(x)):
            i32 = ir.IntegerType.get_signless(32)
            x = self.convert(x, compute_type(element_type(x)))
            exponent, mantissa = (ir.IntegerAttr.get(i32, bits) for bits in (8, 7))
            x = self.op(
                "reduce_precision", [x], x.type, exponent_bits=exponent, mantissa_bits=mantissa
            )
        return self.convert(x, element)

    # -- shapes ----------------------------------------------------------------------------------

    def size(self, dim: Dim, element: ir.Type | None = None) -> ir.Value:
        """A size as a scalar tensor, i32 unless said otherwise."""
        i32 = ir.IntegerType.get_signless(32)
        if isinstance(dim, int):
            return self.full(dim, element or i32)
        axis = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), dim.axis)
        found = self.op("get_dimension_size", [dim.value], self.tensor((), i32), dimension=axis)
        return self.convert(found, element or i32)

    def shape_tensor(self, shape: Shape) -> ir.Value:
        """A shape as a tensor<rank x i32>."""
        i32 = ir.IntegerType.get_signless(32)
        parts = [self.reshape(self.size(size), (1,)) for size in shape]
        axis = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), 0)
        return self.op("concatenate", parts, self.tensor((len(parts),), i32), dimension=axis)

    def broadcast(self, x: ir.Value, dims: Sequence[int], shape: Shape) -> ir.Value:
        """x spread over `shape`; dimension i of x becomes dimension `dims[i]`."""
        type_ = self.tensor(shape, element_type(x))
        if x.type == type_ and list(dims) == list(range(len(shape))):
            return x
        dimensions = ir.DenseI64ArrayAttr.get(list(dims))
        if is_static(shape):
            return self.op("broadcast_in_dim", [x], type_, broadcast_dimensions=dimensions)
        ones = [axis for axis, size in enumerate(shape_of(x)) if size == 1]
        others = [axis for axis in range(len(dims)) if axis not in ones]
        # Without these two consumers cannot tell which dimensions are spread, and refuse.
        return self.op(
            "dynamic_broadcast_in_dim",
            [x, self.shape_tensor(shape)],
            type_,
            broadcast_dimensions=dimensions,
            known_expanding_dimensions=ir.DenseI64ArrayAttr.get(ones),
            known_nonexpanding_dimensions=ir.DenseI64ArrayAttr.get(others),
        )

    def broadcast_trailing(self, x: ir.Value, shape: Shape) -> ir.Value:
        """x spread over `shape`, aligned at the last dimension."""
        rank = x.type.rank
        return self.broadcast(x, range(len(shape) - rank, len(shape)), shape)

    def reshape(self, x: ir.Value, shape: Shape) -> ir.Value:
        """x in another shape of as many elements."""
        type_ = self.tensor(shape, element_type(x))
        if x.type == type_:
            return x
        if is_static(shape):
            return self.op("reshape", [x], type_)
        return self.op("dynamic_reshape", [x, self.shape_tensor(shape)], type_)

    def cast_shape(self, x: ir.Value, type_: ir.RankedTensorType) -> ir.Value:
        """x under a type that agrees with its own but knows other sizes."""
        name = "reshape" if type_.has_static_shape else "convert"
        return self.op(name, [x], type_)

    def expand_dims(self, x: ir.Value, axes: Sequence[int]) -> ir.Value:
        """x with dimensions of size 1 put in, at `axes` of the result."""
        sizes = iter(shape_of(x))
        rank = x.type.rank + len(axes)
        shape = tuple(1 if axis in axes else next(sizes) for axis in range(rank))
        if is_static(shape):
            return self.reshape(x, shape)
        # A broadcast, because IREE takes no dynamic reshape to a higher rank.
        return self.broadcast(x, [axis for axis in range(rank) if axis not in axes], shape)

    def transpose(self, x: ir.Value, permutation: Sequence[int]) -> ir.Value:
        """Dimension i of the result is dimension `permutation[i]` of x."""
        shape = shape_of(x)
        type_ = self.tensor([shape[axis] for axis in permutation], element_type(x))
        return self.op(
            "transpose", [x], type_, permutation=ir.DenseI64ArrayAttr.get(list(permutation))
        )

    def iota(self, element: ir.Type, shape: Shape, axis: int) -> ir.Value:
        """Counts along `axis`: along one dimension, then spread over the others."""
        dimension = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), 0)
        line = shape[axis : axis + 1]
        type_ = self.tensor(line, element)
        if is_static(line):
            counts = self.op("iota", [], type_, iota_dimension=dimension)
        else:
            counts = self.op(
                "dynamic_iota", [self.shape_tensor(line)], type_, iota_dimension=dimension
            )
        return self.broadcast(counts, [axis], shape)

    # -- parts -----------------------------------------------------------------------------------

    def slice(self, x: ir.Value, starts: Sequence[int], sizes: Sequence[int]) -> ir.Value:
        """The part of `sizes` that begins at `starts`."""
        type_ = self.tensor(sizes, element_type(x))
        if x.type == type_:
            return x
        limits = [start + size for start, size in zip(starts, sizes, strict=True)]
        named = {"start_indices": starts, "limit_indices": limits, "strides": [1] * len(sizes)}
        attributes = {key: ir.DenseI64ArrayAttr.get(list(value)) for key, value in named.items()}
        return self.op("slice", [x], type_, **attributes)

    def dynamic_slice(
        self, x: ir.Value, starts: Sequence[ir.Value], sizes: Sequence[int]
    ) -> ir.Value:
        """The part of `sizes` that begins at `starts`, scalars known at run time."""
        type_ = self.tensor(sizes, element_type(x))
        slice_sizes = ir.DenseI64ArrayAttr.get(list(sizes))
        return self.op("dynamic_slice", [x, *starts], type_, slice_sizes=slice_sizes)

    def dynamic_update_slice(
        self, x: ir.Value, part: ir.Value, starts: Sequence[ir.Value]
    ) -> ir.Value:
        """x with the part that begins at `starts` replaced."""
        return self.op("dynamic_update_slice", [x, part, *starts], x.type)

    def concatenate(self, parts: Sequence[ir.Value], axis: int) -> ir.Value:
        """Static tensors one after the other along `axis`."""
        if len(parts) == 1:
            return parts[0]
        shape = list(parts[0].type.shape)
        shape[axis] = sum(part.type.shape[axis] for part in parts)
        dimension = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), axis)
        type_ = self.tensor(shape, element_type(parts[0]))
        return self.op("concatenate", parts, type_, dimension=dimension)

    # -- loops -----------------------------------------------------------------------------------

    def loop(
        self,
        low: ir.Value,
        high: ir.Value,
        state: Sequence[ir.Value],
        body: Callable[[Builder, ir.Value, list[ir.Value]], list[ir.Value]],
    ) -> list[ir.Value]:
        """The state after `body` for every counter from `low` up to but not `high`, in order."""
        carried = [low, *state]
        types = [value.type for value in carried]
        op = ir.Operation.create(
            "stablehlo.while", results=types, operands=carried, regions=2, loc=self.loc, ip=self.ip
        )
        test, step = (
            region.blocks.append(*types, arg_locs=[self.loc] * len(types)) for region in op.regions
        )
        inner = Builder(ir.InsertionPoint(test), self.loc)
        inner.yield_([inner.compare("LT", test.arguments[0], high)])
        inner = Builder(ir.InsertionPoint(step), self.loc)
        counter, *values = step.arguments
        values = body(inner, counter, values)
        inner.yield_([inner.add(counter, 1), *values])
        return list(op.results)[1:]

    # -- contractions ----------------------------------------------------------------------------

    def reduce(
        self, kind: str, x: ir.Value, axes: Sequence[int], init: float | int | None = None
    ) -> ir.Value:
        """Reduces `axes` by "add", "multiply", "maximum", "minimum", "and" or "or".

        It begins with `init`, or with what changes nothing.
        """
        element = element_type(x)
        init = self.full(neutral(kind, element) if init is None else init, element)
        shape = shape_of(x)
        kept = tuple([size for axis, size in enumerate(shape) if axis not in axes])
        if 0 in shape:
            # StableHLO's canonicalizer makes ops of arith and tensor of such a reduction.
            return self.broadcast(init, (), kept)
        op = self.reduce_op([x], [init], axes, kept)
        scalar = self.tensor((), element)
        block = op.regions[0].blocks.append(scalar, scalar, arg_locs=[self.loc, self.loc])
        body = Builder(ir.InsertionPoint(block), self.loc)
        body.yield_([body.binary(kind, block.arguments[0], block.arguments[1])])
        return op.results[0]

    def reduce_op(
        self, xs: Sequence[ir.Value], inits: Sequence[ir.Value], axes: Sequence[int], kept: Shape
    ) -> ir.Operation:
        """A `stablehlo.reduce` whose body is still to be written."""
        return ir.Operation.create(
            "stablehlo.reduce",
            results=[self.tensor(kept, element_type(x)) for x in xs],
            operands=[*xs, *inits],
            attributes={"dimensions": ir.DenseI64ArrayAttr.get(list(axes))},
            regions=1,
            loc=self.loc,
            ip=self.ip,
        )

    def yield_(self, values: Sequence[ir.Value]) -> None:
        """Ends a region."""
        ir.Operation.create("stablehlo.return", operands=list(values), loc=self.loc, ip=self.ip)

    def reduce_keep(self, kind: str, x: ir.Value, axes: Sequence[int]) -> ir.Value:
        """Reduces `axes` and spreads the result over x's shape again."""
        return self.spread(self.reduce(kind, x, axes), x, axes)

    def spread(self, reduced: ir.Value, x: ir.Value, axes: Sequence[int]) -> ir.Value:
        """A value without `axes`, spread over x's shape."""
        kept = [axis for axis in range(x.type.rank) if axis not in axes]
        return self.broadcast(reduced, kept, shape_of(x))

    def count(self, x: ir.Value, axes: Sequence[int], element: ir.Type) -> ir.Value | int:
        """How many elements `axes` of x hold: an int, or a scalar tensor of `element`."""
        sizes = [shape_of(x)[axis] for axis in axes]
        known = [size for size in sizes if isinstance(size, int)]
        if len(known) == len(sizes):
            return math.prod(known)
        product = self.size(sizes[0], element)
        for size in sizes[1:]:
            product = self.multiply(product, self.size(size, element))
        return product

    def mean(self, x: ir.Value, axes: Sequence[int]) -> ir.Value:
        """The mean over `axes`, in x's element type."""
        total = self.reduce("add", x, axes)
        return self.divide_by_count(total, self.count(x, axes, element_type(x)))

    def divide_by_count(self, total: ir.Value, count: ir.Value | int) -> ir.Value:
        """total / count."""
        if isinstance(count, ir.Value):
            count = self.broadcast(count, (), shape_of(total))
        return self.divide(total, count)

    def dot_general(
        self,
        a: ir.Value,
        b: ir.Value,
        *,
        batch: int,
        contract: tuple[int, int],
        element: ir.Type,
    ) -> ir.Value:
        """A product batched over the first `batch` dimensions and contracted over one pair.

        The result is [batch.., free dimensions of a.., free dimensions of b..] of `element`.
        """
        leading = list(range(batch))
        free = [
            [size for axis, size in enumerate(shape_of(x)) if axis >= batch and axis != contracted]
            for x, contracted in zip((a, b), contract, strict=True)
        ]
        numbers = hlo.DotDimensionNumbers.get(leading, leading, [contract[0]], [contract[1]])
        type_ = self.tensor((*shape_of(a)[:batch], *free[0], *free[1]), element)
        return self.op("dot_general", [a, b], type_, dot_dimension_numbers=numbers)


def neutral(kind: str, element: ir.Type) -> float | int:
    """The neutral element of a reduction by `kind`."""
    if kind in ("add", "or"):
        return 0
    if kind in ("multiply", "and"):
        return 1
    low = kind == "maximum"
    if is_float(element):
        return -math.inf if low else math.inf
    if is_unsigned(element):
        return 0 if low else 2**element.width - 1
    return -(2 ** (element.width - 1)) if low else 2 ** (element.width - 1) - 1


def _scalar(element: ir.Type, value: float | int) -> ir.Attribute:
    if is_float(element):
        return ir.FloatAttr.get(element, float(value))
    if is_bool(element):
        return ir.BoolAttr.get(bool(value))
    value = int(value)
    # The bindings take a signed 64-bit number, whatever the type.
    signed = not element.is_unsigned or element.width == 64
    if signed and value >= 2 ** (element.width - 1):
        value -= 2**element.width
    return ir.IntegerAttr.get(element, value)


def compute_type(*types: ir.Type) -> ir.Type:
    """What a computation over float types runs in: f64 where one of them is, else f32."""
    for type_ in types:
        if isinstance(type_, ir.F64Type):
            return type_
    return ir.F32Type.get(types[0].context)
