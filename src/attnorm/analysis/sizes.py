"""What is known about sizes before a program runs: polynomials over the sizes that are not.

Exporters compute the shapes of dynamic ops in many ways (StableHLO on small tensors, `shape.*`,
`tensor.dim` and `arith`). `Sizes` reads all of them into one form, in which equal sizes are equal,
and an `Emitter` writes that form as StableHLO or as index arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..ir.mlir import hlo, ir
from ..ir.values import producer

Size = tuple[tuple[tuple[int, ...], int], ...]
"""A polynomial: pairs of a monomial (atoms by number, ascending) and its coefficient, ascending."""

# No shape has more elements.
_LARGEST = 16


@dataclass(frozen=True)
class Atom:
    """What is not known.

    `kind` is "dim" (of a value, at an axis), "element" (of a value, by position), or a function of
    two sizes: "quotient" (towards zero), "floordiv", "ceildiv", "remainder", "maximum", "minimum",
    "broadcast" (the one that is not 1); or "ratio", a quotient of floats, which is no size yet.
    """

    kind: str
    arguments: tuple


DYNAMIC = {
    "stablehlo.dynamic_broadcast_in_dim": (1,),
    "stablehlo.dynamic_gather": (2,),
    "stablehlo.dynamic_iota": (0,),
    "stablehlo.dynamic_pad": (2, 3, 4),
    "stablehlo.dynamic_reshape": (1,),
    "stablehlo.real_dynamic_slice": (1, 2, 3),
}
"""Ops that take sizes, and the operands that are sizes."""


def constant(number: int) -> Size:
    """A size that is a number."""
    return (((), number),) if number else ()


def known(size: Size) -> int | None:
    """The number that a size is, if it is one."""
    if not size:
        return 0
    return size[0][1] if len(size) == 1 and not size[0][0] else None


def add(a: Size, b: Size, factor: int = 1) -> Size:
    """a + factor * b."""
    terms = dict(a)
    for atoms, coefficient in b:
        terms[atoms] = terms.get(atoms, 0) + factor * coefficient
    return _size(terms)


def multiply(a: Size, b: Size) -> Size:
    """a * b."""
    terms: dict[tuple[int, ...], int] = {}
    for left, m in a:
        for right, n in b:
            atoms = tuple(sorted(left + right))
            terms[atoms] = terms.get(atoms, 0) + m * n
    return _size(terms)


def product(sizes: Sequence[Size]) -> Size:
    """The product of sizes."""
    result = constant(1)
    for size in sizes:
        result = multiply(result, size)
    return result


def _size(terms: dict[tuple[int, ...], int]) -> Size:
    return tuple(sorted((atoms, n) for atoms, n in terms.items() if n))


def _divided(a: Size, b: Size) -> Size | None:
    """a / b where b is one term that divides every term of a."""
    if len(b) != 1:
        return None
    (divisor, number), terms = b[0], {}
    for atoms, coefficient in a:
        rest = list(atoms)
        for atom in divisor:
            if atom not in rest:
                return None
            rest.remove(atom)
        if coefficient % number:
            return None
        terms[tuple(rest)] = coefficient // number
    return _size(terms)


# -- reading ---------------------------------------------------------------------------------------

_ARITHMETIC = {
    "arith.addi": "add",
    "arith.ceildivsi": "ceildiv",
    "arith.divsi": "quotient",
    "arith.divui": "quotient",
    "arith.floordivsi": "floordiv",
    "arith.maxsi": "maximum",
    "arith.maxui": "maximum",
    "arith.minsi": "minimum",
    "arith.minui": "minimum",
    "arith.muli": "multiply",
    "arith.remsi": "remainder",
    "arith.remui": "remainder",
    "arith.subi": "subtract",
    "shape.add": "add",
    "shape.mul": "multiply",
    "stablehlo.add": "add",
    "stablehlo.divide": "quotient",
    "stablehlo.maximum": "maximum",
    "stablehlo.minimum": "minimum",
    "stablehlo.multiply": "multiply",
    "stablehlo.remainder": "remainder",
    "stablehlo.subtract": "subtract",
}

_SAME_ELEMENTS = frozenset(
    {
        "arith.extsi",
        "arith.extui",
        "arith.index_cast",
        "arith.sitofp",
        "arith.trunci",
        "builtin.unrealized_conversion_cast",
        "shape.index_to_size",
        "shape.size_to_index",
        "shape.to_extent_tensor",
        "stablehlo.convert",
        "stablehlo.reshape",
        "tensor.cast",
    }
)

_NUMBERS: dict[str, Callable[[int, int], int]] = {
    "ceildiv": lambda a, b: -(-a // b),
    "floordiv": lambda a, b: a // b,
    "maximum": max,
    "minimum": min,
    "quotient": lambda a, b: abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1),
    "remainder": lambda a, b: int(math.fmod(a, b)),
}


class Sizes:
    """Reads the sizes of one module. What it has read stays true while values keep their types."""

    def __init__(self) -> None:
        self.atoms: list[Atom] = []
        self._numbers: dict[Atom, int] = {}
        self._dims: dict[tuple[ir.Value, int], Size] = {}
        self._elements: dict[ir.Value, list[Size | None]] = {}

    def atom(self, kind: str, *arguments) -> Size:
        """A size that nothing more is known of."""
        atom = Atom(kind, arguments)
        if atom not in self._numbers:
            self._numbers[atom] = len(self.atoms)
            self.atoms.append(atom)
        return (((self._numbers[atom],), 1),)

    def shape(self, value: ir.Value) -> list[Size]:
        """The size of every dimension of a ranked tensor."""
        return [self.dim(value, axis) for axis in range(value.type.rank)]

    def record(self, value: ir.Value, shape: Sequence[Size]) -> None:
        """Says what the shape of a value is."""
        self._dims.update(((value, axis), size) for axis, size in enumerate(shape))

    def dim(self, value: ir.Value, axis: int) -> Size:
        """The size of a dimension."""
        passed = []
        while True:
            if not value.type.is_dynamic_dim(axis):
                size = constant(value.type.get_dim_size(axis))
                break
            key = (value, axis)
            if key in self._dims:
                size = self._dims[key]
                break
            passed.append(key)
            found = _source(value, axis)
            if found is None:
                size = self._made(value, axis)
                break
            value, axis = found
        for key in passed:
            self._dims[key] = size
        return size

    def elements(self, value: ir.Value) -> list[Size | None]:
        """The elements of an integer, or of a small tensor; None for floats that are unknown."""
        if value not in self._elements:
            self._elements[value] = self._read(value)
        return self._elements[value]

    # -- dimensions ------------------------------------------------------------------------------

    def _made(self, value: ir.Value, axis: int) -> Size:
        op = producer(value)
        name = op.name if op else ""
        if op and name in _SHAPED_BY:
            found = self.elements(op.operands[_SHAPED_BY[name]])[axis]
            return self.atom("dim", value, axis) if found is None else found
        if op and name == "stablehlo.concatenate":
            size = constant(0)
            for operand in op.operands:
                size = add(size, self.dim(operand, axis))
            return size
        if op and name == "stablehlo.pad" and not list(op.attributes["interior_padding"])[axis]:
            edges = ("edge_padding_low", "edge_padding_high")
            padding = sum(list(op.attributes[edge])[axis] for edge in edges)
            return add(self.dim(op.operands[0], axis), constant(padding))
        if op and name == "stablehlo.real_dynamic_slice":
            start, limit, stride = (self.elements(operand)[axis] for operand in op.operands[1:])
            if start is not None and limit is not None and stride is not None:
                return self.compute("ceildiv", add(limit, start, -1), stride)
        return self.atom("dim", value, axis)

    # -- elements --------------------------------------------------------------------------------

    def _read(self, value: ir.Value) -> list[Size | None]:
        count = _count(value.type)
        op = producer(value)
        found = self._evaluate(op, value) if op and count <= _LARGEST else None
        if found is None or len(found) != count:
            found = list[Size | None]([None] * count)
        if not _is_integer(value.type):
            return found
        return [
            self.atom("element", value, index) if size is None else size
            for index, size in enumerate(found)
        ]

    def _evaluate(self, op: ir.Operation, value: ir.Value) -> list[Size | None] | None:
        name = op.name
        if name in ("arith.constant", "stablehlo.constant", "shape.const_shape"):
            return _constants(op.attributes["shape" if name == "shape.const_shape" else "value"])
        if name in _SAME_ELEMENTS:
            return self._converted(self.elements(op.operands[0]), value.type)
        if name in ("tensor.from_elements", "shape.from_extents", "stablehlo.concatenate"):
            return [size for operand in op.operands for size in self.elements(operand)]
        if name == "stablehlo.get_dimension_size":
            return [self.dim(op.operands[0], op.attributes["dimension"].value)]
        if name == "shape.shape_of" and isinstance(op.operands[0].type, ir.RankedTensorType):
            return list(self.shape(op.operands[0]))
        if name == "tensor.dim":
            axis, type_ = self._known(op.operands[1]), op.operands[0].type
            if axis is None or not isinstance(type_, ir.RankedTensorType):
                return None
            return [self.dim(op.operands[0], axis)] if axis in range(type_.rank) else None
        if name in ("tensor.extract", "shape.get_extent") and len(op.operands) <= 2:
            at = self._known(op.operands[1]) if len(op.operands) == 2 else 0
            all_ = self.elements(op.operands[0])
            return [all_[at]] if at is not None and at in range(len(all_)) else None
        if name == "stablehlo.slice" and value.type.rank == 1:
            bounds = ("start_indices", "limit_indices", "strides")
            start, limit, stride = (next(iter(op.attributes[bound])) for bound in bounds)
            return self.elements(op.operands[0])[start:limit:stride]
        if name == "stablehlo.broadcast_in_dim" and _count(op.operands[0].type) == 1:
            return self.elements(op.operands[0]) * _count(value.type)
        if name == "shape.broadcast":
            return self._broadcast([self.elements(operand) for operand in op.operands])
        if name == "shape.num_elements":
            return [product([size for size in self.elements(op.operands[0]) if size is not None])]
        if name in ("stablehlo.ceil", "stablehlo.floor"):
            way = "ceildiv" if name == "stablehlo.ceil" else "floordiv"
            return [self._rounded(way, size) for size in self.elements(op.operands[0])]
        if name in _ARITHMETIC:
            whole = _is_integer(value.type)
            pairs = zip(*map(self.elements, op.operands), strict=True)
            return [self._combined(_ARITHMETIC[name], a, b, whole=whole) for a, b in pairs]
        return None

    def _known(self, value: ir.Value) -> int | None:
        size = self.elements(value)[0]
        return None if size is None else known(size)

    def _converted(self, sizes: list[Size | None], type_: ir.Type) -> list[Size | None] | None:
        element = getattr(type_, "element_type", type_)
        if not isinstance(element, (ir.IndexType, ir.IntegerType)):
            # Wide enough for every size.
            return sizes if isinstance(element, ir.F64Type) else None
        if isinstance(element, ir.IntegerType) and element.width < 32:
            return None
        return [self._rounded("quotient", size) for size in sizes]

    def _rounded(self, way: str, size: Size | None) -> Size | None:
        """An integer from what may be a ratio of floats."""
        ratio = self._ratio(size)
        return self.compute(way, *ratio.arguments) if ratio else size

    def _ratio(self, size: Size | None) -> Atom | None:
        for atoms, _ in size or ():
            for number in atoms:
                if self.atoms[number].kind == "ratio":
                    return self.atoms[number]
        return None

    def _combined(self, kind: str, a: Size | None, b: Size | None, *, whole: bool) -> Size | None:
        if a is None or b is None or self._ratio(a) or self._ratio(b):
            return None
        if whole or kind in ("add", "subtract", "multiply"):
            return self.compute(kind, a, b)
        if kind != "quotient" or not known(b):
            return None
        exact = _divided(a, b)
        return self.atom("ratio", a, b) if exact is None else exact

    def compute(self, kind: str, a: Size, b: Size) -> Size:
        """A function of two integers."""
        if kind in ("add", "subtract"):
            return add(a, b, 1 if kind == "add" else -1)
        if kind == "multiply":
            return multiply(a, b)
        m, n = known(a), known(b)
        division = kind in ("quotient", "floordiv", "ceildiv", "remainder")
        if m is not None and n is not None and kind in _NUMBERS and (n or not division):
            return constant(_NUMBERS[kind](m, n))
        if kind in ("quotient", "floordiv", "ceildiv") and b:
            exact = _divided(a, b)
            if exact is not None:
                return exact
        if kind in ("maximum", "minimum"):
            if a == b:
                return a
            for size, other in ((a, n), (b, m)):
                if other is not None and other <= 0 and self._is_size(size):
                    return size if kind == "maximum" else constant(other)
        return self.atom(kind, a, b)

    def _is_size(self, size: Size) -> bool:
        """Whether a polynomial is surely not negative."""
        kinds = (self.atoms[number].kind for atoms, _ in size for number in atoms)
        return all(n >= 0 for _, n in size) and all(k in ("dim", "broadcast") for k in kinds)

    def _broadcast(self, shapes: list[list[Size | None]]) -> list[Size | None]:
        result: list[Size | None] = []
        for axis in range(-max(map(len, shapes)), 0):
            size: Size | None = constant(1)
            for shape in shapes:
                if len(shape) >= -axis:
                    size = self._spread(size, shape[axis])
            result.append(size)
        return result

    def _spread(self, a: Size | None, b: Size | None) -> Size | None:
        one = constant(1)
        if a is None or b is None:
            return None
        if a == b or b == one:
            return a
        if a == one:
            return b
        # A number other than 1 is the size: the other is 1 or the same.
        if known(a) is not None or known(b) is not None:
            return a if known(a) is not None else b
        return self.atom("broadcast", a, b)


_SHAPED_BY = {
    "stablehlo.dynamic_broadcast_in_dim": 1,
    "stablehlo.dynamic_iota": 0,
    "stablehlo.dynamic_reshape": 1,
    "tensor.reshape": 1,
}
"""Ops that are given their shape, and the operand that gives it."""

_LIKE_FIRST = frozenset(
    f"stablehlo.{name}"
    for name in (
        *("abs", "add", "and", "atan2", "bitcast_convert", "cbrt", "ceil", "compare", "complex"),
        *("convert", "cosine", "count_leading_zeros", "divide", "exponential"),
        *("exponential_minus_one", "floor", "is_finite", "log", "log_plus_one", "logistic"),
        *("maximum", "minimum", "multiply", "negate", "not", "or", "popcnt", "power", "remainder"),
        *("round_nearest_afz", "round_nearest_even", "rsqrt", "shift_left", "sign", "sine"),
        *("shift_right_arithmetic", "shift_right_logical", "sqrt", "subtract", "tan", "tanh"),
        *("xor", "concatenate", "dynamic_update_slice", "reverse"),
    )
)


def _source(value: ir.Value, axis: int) -> tuple[ir.Value, int] | None:
    """Another dimension that is of the same size."""
    op = producer(value)
    if op is None or not len(op.operands):
        return None
    first = op.operands[0]
    if op.name == "stablehlo.concatenate" and op.attributes["dimension"].value == axis:
        return None
    if op.name in _LIKE_FIRST:
        for operand in op.operands:
            if operand.type.rank == value.type.rank and not operand.type.is_dynamic_dim(axis):
                return operand, axis
        return first, axis
    if op.name == "stablehlo.select":
        return op.operands[1], axis
    if op.name == "stablehlo.clamp":
        return op.operands[1], axis
    if op.name in ("tensor.cast", "builtin.unrealized_conversion_cast"):
        return (first, axis) if isinstance(first.type, ir.RankedTensorType) else None
    if op.name == "stablehlo.transpose":
        return first, list(op.attributes["permutation"])[axis]
    if op.name == "stablehlo.reduce":
        reduced = list(op.attributes["dimensions"])
        return first, [i for i in range(first.type.rank) if i not in reduced][axis]
    if op.name == "stablehlo.dot_general":
        return _dot_source(op, axis)
    if op.name == "stablehlo.gather":
        return _gather_source(op, axis)
    return None


def _dot_source(op: ir.Operation, axis: int) -> tuple[ir.Value, int]:
    numbers = hlo.DotDimensionNumbers(op.attributes["dot_dimension_numbers"])
    left, right = op.operands
    batch = list(numbers.lhs_batching_dimensions)
    dims = [(left, dim) for dim in batch]
    for side, used in (
        (left, [*batch, *numbers.lhs_contracting_dimensions]),
        (right, [*numbers.rhs_batching_dimensions, *numbers.rhs_contracting_dimensions]),
    ):
        dims += [(side, dim) for dim in range(side.type.rank) if dim not in used]
    return dims[axis]


def _gather_source(op: ir.Operation, axis: int) -> tuple[ir.Value, int] | None:
    numbers = hlo.GatherDimensionNumbers(op.attributes["dimension_numbers"])
    if axis in numbers.offset_dims:
        return None
    indices = op.operands[1]
    batch = [dim for dim in range(indices.type.rank) if dim != numbers.index_vector_dim]
    return indices, batch[axis - sum(dim < axis for dim in numbers.offset_dims)]


def _count(type_: ir.Type) -> int:
    if not isinstance(type_, ir.RankedTensorType):
        return 1
    return math.prod(type_.shape) if type_.has_static_shape else 0


def _is_integer(type_: ir.Type) -> bool:
    element = type_.element_type if isinstance(type_, ir.RankedTensorType) else type_
    return isinstance(element, (ir.IndexType, ir.IntegerType))


def _constants(attribute: ir.Attribute) -> list[Size | None] | None:
    if isinstance(attribute, (ir.IntegerAttr, ir.FloatAttr)):
        values = [attribute.value]
    elif isinstance(attribute, (ir.DenseIntElementsAttr, ir.DenseFPElementsAttr)):
        values = list(attribute)
    else:
        return None
    return [constant(int(v)) if math.isfinite(v) and int(v) == v else None for v in values]
