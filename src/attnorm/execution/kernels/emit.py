"""Scalar and vector code of kernels, written at IREE's current insertion point.

Every function wants a context, a location and an insertion point that are entered (`with`). An
`Index` may be a Python int: arithmetic on ints folds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from iree.compiler import ir
from iree.compiler.dialects import arith, memref, scf, vector

Index = ir.Value | int
_ALIGNMENT = 64  # bytes: a cache line, and the widest vector


# -- types ---------------------------------------------------------------------------------------


def vector_of(lanes: int, element: ir.Type) -> ir.VectorType:
    """The type of `lanes` elements."""
    return ir.VectorType.get([lanes], element)


def element_of(value: ir.Value) -> ir.Type:
    """The element type of a vector or memref; a scalar's own type."""
    type_ = value.type
    return type_.element_type if isinstance(type_, ir.ShapedType) else type_


def like(value: ir.Value, element: ir.Type) -> ir.Type:
    """The type of `value` with another element: a vector stays one of as many lanes."""
    if isinstance(value.type, ir.VectorType):
        return ir.VectorType.get(value.type.shape, element, scalable=value.type.scalable_dims)
    return element


def f32() -> ir.Type:
    """The type that kernels compute in."""
    return ir.F32Type.get()


def i32() -> ir.Type:
    """The type of positions in vectors, and of the bits of f32."""
    return ir.IntegerType.get_signless(32)


# -- indices -------------------------------------------------------------------------------------


def index(value: Index) -> ir.Value:
    """An index as a value."""
    return arith.constant(ir.IndexType.get(), value) if isinstance(value, int) else value


def add(a: Index, b: Index) -> Index:
    """a + b."""
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    if isinstance(b, int) and b == 0:
        return a
    if isinstance(a, int) and a == 0:
        return b
    return arith.addi(index(a), index(b))


def subtract(a: Index, b: Index) -> Index:
    """a - b."""
    if isinstance(a, int) and isinstance(b, int):
        return a - b
    return arith.subi(index(a), index(b))


def multiply(a: Index, b: Index) -> Index:
    """a * b."""
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    if isinstance(b, int) and b == 1:
        return a
    return arith.muli(index(a), index(b))


def divide(a: Index, b: Index) -> Index:
    """a // b, of numbers that are not negative."""
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    if isinstance(b, int) and b == 1:
        return a
    return arith.divui(index(a), index(b))


def remainder(a: Index, b: Index) -> Index:
    """a % b, of numbers that are not negative."""
    if isinstance(a, int) and isinstance(b, int):
        return a % b
    return arith.remui(index(a), index(b))


def smaller(a: Index, b: Index) -> Index:
    """min(a, b)."""
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    return arith.minsi(index(a), index(b))


def larger(a: Index, b: Index) -> Index:
    """max(a, b)."""
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b)
    return arith.maxsi(index(a), index(b))


# -- constants -----------------------------------------------------------------------------------


def constant(type_: ir.Type, number: float) -> ir.Value:
    """A number as a scalar, or in every lane of a vector."""
    element = type_.element_type if isinstance(type_, ir.VectorType) else type_
    if isinstance(element, ir.IntegerType):
        attribute = ir.IntegerAttr.get(element, int(number))
    else:
        attribute = ir.FloatAttr.get(element, float(number))
    if isinstance(type_, ir.VectorType):
        attribute = ir.DenseElementsAttr.get_splat(type_, attribute)
    return arith.ConstantOp(type_, attribute).result


def constant_like(value: ir.Value, number: float) -> ir.Value:
    """A number of the type of `value`."""
    return constant(value.type, number)


def splat(scalar: ir.Value, lanes: int) -> ir.Value:
    """A scalar in every lane."""
    return vector.broadcast(vector_of(lanes, scalar.type), scalar)


# -- control -------------------------------------------------------------------------------------


def loop(
    lower: Index,
    upper: Index,
    step: Index,
    carried: Sequence[ir.Value],
    body: Callable[..., Sequence[ir.Value] | None],
) -> list[ir.Value]:
    """`for i in range(lower, upper, step): carried = body(i, *carried)`; what is carried out."""
    op = scf.ForOp(index(lower), index(upper), index(step), list(carried))
    with ir.InsertionPoint(op.body):
        scf.yield_(list(body(op.induction_variable, *op.inner_iter_args) or ()))
    return list(op.results)


def when(condition: ir.Value, body: Callable[[], None]) -> None:
    """Runs `body` where the condition, an i1, is true."""
    op = ir.Operation.create("scf.if", operands=[condition], regions=2)
    with ir.InsertionPoint(op.regions[0].blocks.append()):
        body()
        scf.yield_([])


# -- memory --------------------------------------------------------------------------------------


def scratch(*shape: int, element: ir.Type | None = None) -> ir.Value:
    """Uninitialised memory of a workgroup, on the stack; IREE allows a kernel 32 KiB of it."""
    type_ = ir.MemRefType.get(shape, element or f32())
    return memref.AllocaOp(type_, [], [], alignment=_ALIGNMENT).result


def load(source: ir.Value, indices: Sequence[Index], lanes: int) -> ir.Value:
    """`lanes` elements that lie side by side, from `indices` on, in their own type."""
    type_ = vector_of(lanes, element_of(source))
    return vector.load(type_, source, [index(i) for i in indices])


def store(
    value: ir.Value, target: ir.Value, indices: Sequence[Index], *, streaming: bool = False
) -> None:
    """Stores a vector; `streaming` past the caches, for what is not read again soon."""
    vector.StoreOp(value, target, [index(i) for i in indices], nontemporal=streaming or None)


def load_scalar(source: ir.Value, indices: Sequence[Index]) -> ir.Value:
    """One element."""
    return memref.load(source, [index(i) for i in indices])


def store_scalar(value: ir.Value, target: ir.Value, indices: Sequence[Index]) -> None:
    """Stores one element."""
    memref.StoreOp(value, target, [index(i) for i in indices])


def prefetch(source: ir.Value, indices: Sequence[Index]) -> None:
    """Has the cache line of an element read into the second level; it need not exist."""
    memref.prefetch(source, [index(i) for i in indices], False, 2, True)


# -- arithmetic ----------------------------------------------------------------------------------


def convert(value: ir.Value, element: ir.Type) -> ir.Value:
    """A float value in another float type, rounded to nearest even."""
    source = element_of(value)
    if source == element:
        return value
    type_ = like(value, element)
    if element.width > source.width:
        return arith.extf(type_, value)
    return arith.truncf(type_, value)


def compare(predicate: arith.CmpFPredicate, a: ir.Value, b: ir.Value) -> ir.Value:
    """a float comparison, as i1."""
    return arith.cmpf(predicate, a, b)


def multiply_add(a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    """a b + c, rounded once where the processor can; elsewhere `fma` is a slow call."""
    contract = arith.FastMathFlags.contract
    return arith.addf(arith.mulf(a, b, fastmath=contract), c, fastmath=contract)


def maximum(a: ir.Value, b: ir.Value) -> ir.Value:
    """The larger one, NaN where one is: in three instructions where `maximumf` takes six.

    Of zeros of both signs, either.
    """
    return _select_by(arith.CmpFPredicate.OGT, a, b)


def minimum(a: ir.Value, b: ir.Value) -> ir.Value:
    """The smaller one, as `maximum`."""
    return _select_by(arith.CmpFPredicate.OLT, a, b)


def _select_by(predicate: arith.CmpFPredicate, a: ir.Value, b: ir.Value) -> ir.Value:
    chosen = arith.select(arith.cmpf(predicate, a, b), a, b)
    return arith.select(arith.cmpf(arith.CmpFPredicate.UNO, a, a), a, chosen)


def inverse(x: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Two f32 factors whose product with a value is the value divided by x, within 1.5 ulp.

    The first is a power of two that brings x close to 1, so that the second, the inverse of that,
    neither overflows nor loses digits.
    """
    bits = arith.bitcast(like(x, i32()), x)
    mantissa = constant_like(bits, 23)
    exponent = arith.andi(arith.shrui(bits, mantissa), constant_like(bits, 255))
    scaled = arith.maxsi(arith.subi(constant_like(bits, 254), exponent), constant_like(bits, 1))
    power = arith.bitcast(x.type, arith.shli(scaled, mantissa))
    return power, arith.divf(constant_like(x, 1.0), arith.mulf(x, power))


def bf16(value: ir.Value) -> ir.Value:
    """16 f32 as bf16, by the one instruction that AVX512-BF16 has for it.

    LLVM writes out the rounding of `truncf` in eight. Subnormal numbers become 0.
    """
    return ir.Operation.create(
        "llvm.call_intrinsic",
        results=[like(value, ir.BF16Type.get())],
        operands=[value],
        attributes={
            "intrin": ir.StringAttr.get("llvm.x86.avx512bf16.cvtneps2bf16.512"),
            "op_bundle_sizes": ir.DenseI32ArrayAttr.get([]),
            "operandSegmentSizes": ir.DenseI32ArrayAttr.get([1, 0]),
        },
    ).result
