"""Writes sizes as arithmetic: on scalar tensors for any consumer, on indices for IREE's host."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..analysis.sizes import Atom, Size, Sizes, known
from ..ir.mlir import ir
from ..ir.stablehlo import Builder
from ..ir.stablehlo import Size as Dimension


class Writer:
    """Writes polynomials; how numbers, atoms and arithmetic look is its subclasses' matter."""

    sizes: Sizes

    def size(self, size: Size) -> ir.Value:
        """A size."""
        total = None
        for atoms, coefficient in size or (((), 0),):
            term = None if coefficient == 1 and atoms else self.number(coefficient)
            for number in atoms:
                factor = self.atom(self.sizes.atoms[number])
                term = factor if term is None else self.binary("multiply", factor, term)
            assert term is not None
            total = term if total is None else self.binary("add", total, term)
        assert total is not None
        return total

    def atom(self, atom: Atom) -> ir.Value:
        """What is known at run time only."""
        if atom.kind == "dim":
            return self.dim(*atom.arguments)
        if atom.kind == "element":
            return self.element(*atom.arguments)
        a, b = (self.size(argument) for argument in atom.arguments)
        if atom.kind == "broadcast":
            return self.other_than_one(a, b)
        return self.binary(atom.kind, a, b)

    def number(self, value: int) -> ir.Value:
        """A number."""
        raise NotImplementedError

    def dim(self, value: ir.Value, axis: int) -> ir.Value:
        """The size of a dimension."""
        raise NotImplementedError

    def element(self, value: ir.Value, position: int) -> ir.Value:
        """An element of an integer tensor, or an integer."""
        raise NotImplementedError

    def binary(self, kind: str, a: ir.Value, b: ir.Value) -> ir.Value:
        """A function of two integers."""
        raise NotImplementedError

    def other_than_one(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """a, or b where a is 1."""
        raise NotImplementedError


@dataclass(frozen=True)
class StablehloWriter(Writer):
    """Scalar tensors of an integer type."""

    sizes: Sizes
    b: Builder
    integer: ir.IntegerType

    def tensor(self, sizes: Sequence[Size], shape: Sequence[int] | None = None) -> ir.Value:
        """A tensor of sizes, of one dimension unless said otherwise."""
        numbers = [known(size) for size in sizes]
        type_ = self.b.tensor((len(sizes),) if shape is None else shape, self.integer)
        if None not in numbers:
            elements = [ir.IntegerAttr.get(self.integer, number) for number in numbers]
            dense = ir.DenseElementsAttr.get(elements, type_)
            return self.b.op("constant", [], type_, value=dense)
        parts = [
            self.b.reshape(self.size(size), (1,))
            if number is None
            else self.b.full(number, self.integer, (1,))
            for size, number in zip(sizes, numbers, strict=True)
        ]
        if len(parts) > 1:
            axis = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), 0)
            flat = self.b.tensor((len(parts),), self.integer)
            parts = [self.b.op("concatenate", parts, flat, dimension=axis)]
        return self.b.reshape(parts[0], tuple(type_.shape))

    def number(self, value: int) -> ir.Value:
        """A number."""
        return self.b.full(value, self.integer)

    def dim(self, value: ir.Value, axis: int) -> ir.Value:
        """The size of a dimension."""
        return self.b.size(Dimension(value, axis), self.integer)

    def element(self, value: ir.Value, position: int) -> ir.Value:
        """An element of an integer tensor, or an integer."""
        if not isinstance(value.type, ir.RankedTensorType):
            scalar = ir.RankedTensorType.get([], value.type, loc=self.b.loc)
            value = self._create("tensor.from_elements", value, scalar)
        if isinstance(value.type.element_type, ir.IndexType):
            value = self._create(
                "arith.index_cast", value, self.b.tensor(value.type.shape, self.integer)
            )
        value = self.b.convert(value, self.integer)
        if value.type.rank:
            value = self.b.reshape(value, (math.prod(value.type.shape),))
            bounds = {"start_indices": position, "limit_indices": position + 1, "strides": 1}
            given = {name: ir.DenseI64ArrayAttr.get([at]) for name, at in bounds.items()}
            value = self.b.op("slice", [value], self.b.tensor((1,), self.integer), **given)
        return self.b.reshape(value, ())

    def _create(self, name: str, value: ir.Value, type_: ir.Type) -> ir.Value:
        return ir.Operation.create(
            name, results=[type_], operands=[value], loc=self.b.loc, ip=self.b.ip
        ).results[0]

    def binary(self, kind: str, a: ir.Value, b: ir.Value) -> ir.Value:
        """A function of two integers; a divisor is taken to be positive."""
        write = self.b.binary
        if kind == "ceildiv":
            # Minus the floor of -a / b.
            return self.b.unary("negate", self.binary("floordiv", self.b.unary("negate", a), b))
        if kind == "floordiv":
            # Exact, after a's distance to the multiple of b below it.
            rest = write("remainder", write("add", write("remainder", a, b), b), b)
            return write("divide", write("subtract", a, rest), b)
        return write("divide" if kind == "quotient" else kind, a, b)

    def other_than_one(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """a, or b where a is 1."""
        return self.b.select(self.b.compare("EQ", a, 1), b, a)


_INDEX_OPS = {
    "add": "arith.addi",
    "ceildiv": "arith.ceildivsi",
    "floordiv": "arith.floordivsi",
    "maximum": "arith.maxsi",
    "minimum": "arith.minsi",
    "multiply": "arith.muli",
    "quotient": "arith.divsi",
    "remainder": "arith.remsi",
}


@dataclass(frozen=True)
class IndexWriter(Writer):
    """Values of the index type."""

    sizes: Sizes
    ip: ir.InsertionPoint
    loc: ir.Location

    def tensor(self, sizes: Sequence[Size]) -> ir.Value:
        """A tensor of one dimension."""
        parts = [self.size(size) for size in sizes]
        type_ = ir.RankedTensorType.get([len(parts)], self._index, loc=self.loc)
        return self.create("tensor.from_elements", parts, type_)

    def number(self, value: int) -> ir.Value:
        """A number."""
        return self.create("arith.constant", [], value=ir.IntegerAttr.get(self._index, value))

    def dim(self, value: ir.Value, axis: int) -> ir.Value:
        """The size of a dimension."""
        return self.create("tensor.dim", [value, self.number(axis)])

    def element(self, value: ir.Value, position: int) -> ir.Value:
        """An element of an integer tensor, or an integer."""
        if isinstance(value.type, ir.RankedTensorType):
            value = self.extract(value, position)
        if isinstance(value.type, ir.IndexType):
            return value
        return self.create("arith.index_cast", [value])

    def binary(self, kind: str, a: ir.Value, b: ir.Value) -> ir.Value:
        """A function of two integers."""
        return self.create(_INDEX_OPS[kind], [a, b])

    def other_than_one(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """a, or b where a is 1."""
        return self.create("arith.select", [self.compare(0, a, self.number(1)), b, a])

    def compare(self, predicate: int, a: ir.Value, b: ir.Value) -> ir.Value:
        """An i1; the predicate is one of arith.cmpi, where 0 is equality."""
        i1, i64 = ir.IntegerType.get_signless(1), ir.IntegerType.get_signless(64)
        return self.create("arith.cmpi", [a, b], i1, predicate=ir.IntegerAttr.get(i64, predicate))

    def extract(self, value: ir.Value, position: int = 0) -> ir.Value:
        """An element of a tensor, of the tensor's element type."""
        at = [self.number(index) for index in _unravel(position, value.type.shape)]
        return self.create("tensor.extract", [value, *at], value.type.element_type)

    @property
    def _index(self) -> ir.Type:
        return ir.IndexType.get(self.loc.context)

    def create(
        self, name: str, operands: list[ir.Value], type_: ir.Type | None = None, **attributes
    ) -> ir.Value:
        """Any op of one result, an index unless said otherwise."""
        return ir.Operation.create(
            name,
            results=[type_ or self._index],
            operands=operands,
            attributes=attributes,
            loc=self.loc,
            ip=self.ip,
        ).results[0]


def _unravel(position: int, shape: Sequence[int]) -> list[int]:
    found = []
    for size in reversed(shape):
        position, index = divmod(position, size)
        found.append(index)
    return found[::-1]
