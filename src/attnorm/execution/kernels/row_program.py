"""What a row kernel computes: the StableHLO of a decomposition, read as a program over rows.

A program runs over an iteration space: the shape of what is reduced. The reduced dimensions, which
lie side by side, are the columns; those before them are the rows, and those behind them, if there
are any, the inner dimensions: a row of columns for each of their positions. Broadcasts and reshapes
vanish: a value is the same number wherever it is spread to, and an argument remembers along which
dimensions of the space it lies.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from iree.compiler import ir

from .refusal import Refused

ELEMENTWISE = frozenset(
    """
    abs add and ceil clamp compare convert divide exponential floor is_finite log logistic maximum
    minimum multiply negate not or power reduce_precision round_nearest_even rsqrt select sign sqrt
    subtract tanh xor
    """.split()  # noqa: SIM905
)
REDUCTIONS = frozenset(("add", "maximum", "minimum", "multiply"))
_MOVES = frozenset(("broadcast_in_dim", "dynamic_broadcast_in_dim", "reshape"))
_SPREAD = -1  # the dimension of the space that an axis of size 1 lies along
Sizes = tuple[int | None, ...]


@dataclass(eq=False)
class Node:
    """A value: an argument, a constant, or the result of an op on other values.

    `kind` is "argument", "constant", "reduce", "size" (how many columns there are, at run time) or
    the name of an elementwise op; a "move" only spreads its operand. `axes` says along
    which dimension of the space each of its own lies. `level` counts the reductions before it.
    """

    kind: str
    operands: list[Node]
    shape: Sizes
    element: ir.Type
    op: ir.Operation | None = None
    axes: tuple[int, ...] | None = None
    level: int = 0
    position: int = 0

    def __hash__(self) -> int:
        return id(self)


@dataclass
class RowProgram:
    """`space` is the iteration space: rows, columns from `row_rank` on, inner from `inner_rank`."""

    space: Sizes
    row_rank: int
    inner_rank: int
    arguments: list[Node]
    results: list[Node]
    reductions: list[Node] = field(default_factory=list)

    @property
    def columns(self) -> int | None:
        """The length of a row; None where it is known at run time only."""
        return product(self.space[self.row_rank : self.inner_rank])

    @property
    def rows(self) -> int | None:
        """The number of rows; None where it is known at run time only."""
        return product(self.space[: self.row_rank])

    @property
    def inner(self) -> int | None:
        """How many rows lie interleaved; None where it is known at run time only."""
        return product(self.space[self.inner_rank :])

    @property
    def wide(self) -> list[int]:
        """The dimensions of the space that are not of size 1."""
        return [axis for axis, size in enumerate(self.space) if size != 1]

    @property
    def wide_rows(self) -> list[int]:
        """Those of them that are rows."""
        return [axis for axis in self.wide if axis < self.row_rank]

    @property
    def wide_columns(self) -> list[int]:
        """Those of them that are columns."""
        return [axis for axis in self.wide if self.row_rank <= axis < self.inner_rank]

    @property
    def wide_inner(self) -> list[int]:
        """Those of them that are behind the columns."""
        return [axis for axis in self.wide if axis >= self.inner_rank]

    def along_columns(self, node: Node) -> bool:
        """Whether a value changes along a row."""
        return any(self.row_rank <= axis < self.inner_rank for axis in node.axes or ())

    def along_inner(self, node: Node) -> bool:
        """Whether a value changes along the inner dimensions."""
        return any(axis >= self.inner_rank for axis in node.axes or ())

    def along_rows(self, node: Node) -> bool:
        """Whether a value changes from row to row, interleaved or not."""
        return any(0 <= axis < self.row_rank for axis in node.axes or ()) or self.along_inner(node)

    def nodes(self) -> list[Node]:
        """Every value that the program has, each behind its operands."""
        found: dict[Node, None] = {}
        seen: set[Node] = set()

        def visit(node: Node) -> None:
            if node in seen:
                return
            seen.add(node)
            for operand in node.operands:
                visit(operand)
            found[node] = None

        for root in (*self.results, *self.reductions, *self.arguments):
            visit(root)
        return list(found)


def product(sizes: Iterable[int | None]) -> int | None:
    """The product of sizes, None where one of them is."""
    known = list(sizes)
    return None if None in known else math.prod(n for n in known if n is not None)


def read_program(function: ir.Operation) -> RowProgram:
    """Reads a function of StableHLO; raises `Refused` for what is no program over rows."""
    return _Reader(function).program()


class _Reader:
    def __init__(self, function: ir.Operation):
        self._block = function.regions[0].blocks[0]
        self._nodes: dict[ir.Value, Node] = {}
        self._moves: list[tuple[ir.Operation, Node, Node]] = []
        self._arguments: list[Node] = []
        self._reductions: list[Node] = []

    def program(self) -> RowProgram:
        for position, argument in enumerate(self._block.arguments):
            node = _node("argument", [], argument.type, position=position)
            self._arguments.append(node)
            self._nodes[argument] = node
        returned = list(self._block.operations)[-1].operation
        results = [self._node_of(value) for value in returned.operands]
        if not self._reductions:
            raise Refused("nothing is reduced")
        space, columns = self._space()
        self._place(space, columns)
        program = RowProgram(
            space, columns.start, columns.stop, self._arguments, results, self._reductions
        )
        _check(program)
        return program

    def _node_of(self, value: ir.Value) -> Node:
        """A value's node: what only computes shapes is never read."""
        if value not in self._nodes:
            self._nodes[value] = self._read(value.owner.operation)
        return self._nodes[value]

    def _read(self, op: ir.Operation) -> Node:
        kind, type_ = op.name.removeprefix("stablehlo."), op.results[0].type
        if kind == "constant":
            _splat(op)
            return _node(kind, [], type_, op)
        if kind in _MOVES:
            node = _node("move", [self._node_of(op.operands[0])], type_, op)
            self._moves.append((op, node.operands[0], node))
            return node
        size = _size_read(op)
        if size:
            return _node("size", [self._node_of(size.operands[0])], type_, size)
        if kind in ELEMENTWISE:
            return _node(kind, [self._node_of(value) for value in op.operands], type_, op)
        if kind == "reduce":
            node = _read_reduction(op, [self._node_of(value) for value in op.operands])
            self._reductions.append(node)
            return node
        raise Refused(f"{op.name} is no operation over rows")

    def _space(self) -> tuple[Sizes, range]:
        """The shape of what is reduced, and which of its dimensions are columns."""
        shapes = {(node.operands[0].shape, reduced_axes(node)) for node in self._reductions}
        if len(shapes) != 1:
            raise Refused("reductions over different dimensions")
        ((space, axes),) = shapes
        columns = range(axes[0], axes[-1] + 1) if axes else range(0)
        if not axes or axes != tuple(columns):
            raise Refused("expected the reduced dimensions side by side")
        if 0 in space:
            raise Refused("there are no elements")
        return space, columns

    def _place(self, space: Sizes, columns: range) -> None:
        """Finds where each value lies in the space, from the reductions outwards."""
        whole = tuple(range(len(space)))
        for node in self._reductions:
            _set_axes(node.operands[0], whole)
            _set_axes(node, tuple(axis for axis in whole if axis not in columns))
        nodes = list(self._nodes.values())
        settled = -1
        while settled != (settled := sum(node.axes is not None for node in nodes)):
            for node in nodes:
                if node.kind in ELEMENTWISE:
                    _share_axes(node)
            for op, source, result in self._moves:
                _move_axes(op, source, result, space)


def _node(
    kind: str,
    operands: list[Node],
    type_: ir.Type,
    op: ir.Operation | None = None,
    position: int = 0,
) -> Node:
    if not isinstance(type_, ir.RankedTensorType):
        raise Refused(f"expected a ranked tensor, got {type_}")
    element = type_.element_type
    if not (_is_float(element) or element == ir.IntegerType.get_signless(1)):
        raise Refused(f"there are no kernels for {element}")
    level = max((node.level for node in operands), default=0)
    return Node(kind, operands, _shape(type_), element, op, level=level, position=position)


def _size_read(op: ir.Operation) -> ir.Operation | None:
    """The op whose size a conversion makes a float of."""
    if op.name != "stablehlo.convert" or isinstance(op.operands[0].owner, ir.Block):
        return None
    source = op.operands[0].owner.operation
    return source if source.name == "stablehlo.get_dimension_size" else None


def _is_float(element: ir.Type) -> bool:
    return isinstance(element, (ir.F16Type, ir.BF16Type, ir.F32Type))


def _shape(type_: ir.RankedTensorType) -> Sizes:
    return tuple(
        None if type_.is_dynamic_dim(axis) else type_.get_dim_size(axis)
        for axis in range(type_.rank)
    )


def _splat(op: ir.Operation) -> float:
    """The number in every element of a constant."""
    value = ir.DenseElementsAttr(op.attributes["value"])
    if not value.is_splat:
        raise Refused("a constant of different numbers")
    return float(value.get_splat_value().value)


def constant_value(node: Node) -> float:
    """The number that a constant holds."""
    assert node.op is not None
    return _splat(node.op)


def reduced_axes(node: Node) -> tuple[int, ...]:
    """The dimensions that a reduction reduces, in order."""
    assert node.op is not None
    return tuple(sorted(ir.DenseI64ArrayAttr(node.op.attributes["dimensions"])))


def combiner(node: Node) -> str:
    """What a reduction combines with: one of `REDUCTIONS`."""
    assert node.op is not None
    return next(iter(node.op.regions[0].blocks[0])).operation.name.removeprefix("stablehlo.")


def _read_reduction(op: ir.Operation, operands: Sequence[Node]) -> Node:
    if len(op.results) != 1:
        raise Refused("a reduction of several values at once")
    body = [inner.operation for inner in op.regions[0].blocks[0]]
    if len(body) != 2 or body[0].name.removeprefix("stablehlo.") not in REDUCTIONS:
        raise Refused("a reduction by something else than one operation")
    if not _is_float(operands[0].element):
        raise Refused(f"there are no reductions of {operands[0].element}")
    node = _node("reduce", list(operands), op.result.type, op)
    node.level += 1
    return node


# -- places --------------------------------------------------------------------------------------


def _set_axes(node: Node, axes: tuple[int, ...]) -> None:
    axes = tuple(
        _SPREAD if size == 1 else axis for size, axis in zip(node.shape, axes, strict=True)
    )
    if node.axes is None:
        node.axes = axes
    elif node.axes != axes:
        raise Refused("a value lies along different dimensions of the space")


def _share_axes(node: Node) -> None:
    """The operands and the result of an elementwise op lie alike; scalars may be spread."""
    group = [node, *(operand for operand in node.operands if operand.shape == node.shape)]
    known = next((member.axes for member in group if member.axes is not None), None)
    if known is not None:
        for member in group:
            _set_axes(member, known)
    for operand in node.operands:
        if operand.shape == ():
            _set_axes(operand, ())


def _move_axes(op: ir.Operation, source: Node, result: Node, space: Sizes) -> None:
    if op.name == "stablehlo.reshape":
        _reshape_axes(source, result)
        _reshape_axes(result, source)
        return
    dimensions = list(ir.DenseI64ArrayAttr(op.attributes["broadcast_dimensions"]))
    if result.axes is None and result.shape == space and _lies_at(source, dimensions):
        # What is spread over all of the space may lie along it, where its source does.
        _set_axes(result, tuple(range(len(space))))
    if result.axes is not None:
        _check_sizes(op, source)
        places = [
            result.axes[axis] if size == result.shape[axis] else _SPREAD
            for size, axis in zip(source.shape, dimensions, strict=True)
        ]
        _set_axes(source, tuple(places))
    elif source.shape == ():
        _set_axes(source, ())


def _lies_at(node: Node, axes: Sequence[int]) -> bool:
    """Whether a value is known to lie along some dimensions of the space."""
    return node.axes is not None and all(
        place in (axis, _SPREAD) for place, axis in zip(node.axes, axes, strict=True)
    )


def _check_sizes(op: ir.Operation, source: Node) -> None:
    """Every dynamic dimension is known to stay as long as it is."""
    name = "known_nonexpanding_dimensions"
    same = list(ir.DenseI64ArrayAttr(op.attributes[name])) if name in op.attributes else []
    if any(size is None and axis not in same for axis, size in enumerate(source.shape)):
        raise Refused("a dynamic dimension that may be spread")


def _reshape_axes(source: Node, result: Node) -> None:
    """What differs by dimensions of size 1 only lies alike."""
    if source.axes is None:
        return
    places = [place for size, place in zip(source.shape, source.axes, strict=True) if size != 1]
    if [n for n in source.shape if n != 1] != [n for n in result.shape if n != 1]:
        raise Refused("a reshape that does more than to add dimensions of size 1")
    remaining = iter(places)
    _set_axes(result, tuple(_SPREAD if n == 1 else next(remaining) for n in result.shape))


def _check(program: RowProgram) -> None:
    """Every argument and result is one that a kernel can address."""
    if program.columns == 1:
        raise Refused("rows of one element")
    wide, columns, inner = program.wide, program.wide_columns, program.wide_inner
    for node in (*program.arguments, *program.results):
        if node.axes is None:
            raise Refused("a value whose place does not follow from its neighbours")
        places = places_of(node)
        along = [place for place in places if place in columns]
        behind = [place for place in places if place in inner]
        if places != sorted(places) or along not in ([], columns) or behind not in ([], inner):
            raise Refused("a value that lies across the rows")
    for node in program.nodes():
        if node.kind == "size" and _counted(node) != columns:
            raise Refused("the size of a dimension that is not the columns")
    for node in program.results:
        if places_of(node) not in ([place for place in wide if place not in columns], wide):
            raise Refused("a result that is neither of the rows nor of their elements")


def _counted(node: Node) -> list[int]:
    """The dimension of the space that a "size" is the length of."""
    assert node.op is not None
    axes, dimension = node.operands[0].axes, node.op.attributes["dimension"].value
    return [axes[dimension]] if axes else []


def places_of(node: Node) -> list[int]:
    """The dimensions of the space along which a value changes, in the order of its own."""
    return [place for place in node.axes or () if place != _SPREAD]
