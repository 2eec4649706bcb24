"""Which ops of a block make up one kernel over rows: reductions and what stands beside them."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..ir.attributes import constant_value
from ..ir.mlir import ir
from ..ir.stablehlo import element_type, is_bool

# What a row kernel computes element by element; `execution.kernels.row_values` is the other end.
_ELEMENTWISE = frozenset(
    f"stablehlo.{name}"
    for name in """
    abs add and ceil clamp compare convert divide exponential floor is_finite log logistic maximum
    minimum multiply negate not or power reduce_precision round_nearest_even rsqrt select sign sqrt
    subtract tanh xor
    """.split()  # noqa: SIM905
)
_SPREADS = frozenset(
    f"stablehlo.{name}" for name in ("broadcast_in_dim", "dynamic_broadcast_in_dim", "reshape")
)
_SHAPES = frozenset(
    ("arith.constant", "stablehlo.get_dimension_size", "tensor.dim", "tensor.from_elements")
)
"""What computes sizes, from those of values."""
_SIZE_READERS = frozenset(("stablehlo.get_dimension_size", "tensor.dim"))
_COMBINERS = frozenset(f"stablehlo.{name}" for name in ("add", "maximum", "minimum", "multiply"))
_CHEAP = _SPREADS | {"stablehlo.constant", "stablehlo.convert"}
"""What is computed again rather than read from memory."""
_LIMIT = 200
"""Ops in a kernel."""
_DEPTH = 4
"""Reductions that wait for each other in a kernel: two norms, one of them a LayerNorm."""


@dataclass(eq=False)
class Item:
    """An op of a block: its position, what it reads and who reads it (positions; -1 is outside)."""

    op: ir.Operation
    position: int
    reads: list[int]
    readers: list[int] = field(default_factory=list)


class Graph:
    """The ops of a block and how they depend on each other.

    `place` is where an op stands: at its position, or where the kernel stands that it has become a
    part of.
    """

    def __init__(self, block: ir.Block):
        self.items: list[Item] = []
        self.definition: dict[ir.Value, int] = {}
        for position, view in enumerate(block.operations):
            op = view.operation
            if op.name in _SIZE_READERS:
                op.operands[0] = _of_same_shape(op.operands[0])
            reads = sorted({self.definition.get(value, -1) for value in _values_read(op)})
            self.items.append(Item(op, position, reads))
            for read in reads:
                if read >= 0:
                    self.items[read].readers.append(position)
            for result in op.results:
                self.definition[result] = position
        self.place = [float(item.position) for item in self.items]
        self.taken: set[int] = set()

    def seeds(self) -> Iterator[Item]:
        """The reductions that a kernel can be made of, in order."""
        return (item for item in self.items if is_row_reduction(item.op))

    @functools.cached_property
    def branches(self) -> dict[ir.Value, list[set[int]]]:
        """By what they read: reductions, each with the ops that only it needs."""
        found: dict[ir.Value, list[set[int]]] = {}
        for seed in self.seeds():
            branch, sources = self._branch(seed)
            for source in sources:
                found.setdefault(source, []).append(branch)
        return found

    def _branch(self, seed: Item) -> tuple[set[int], dict[ir.Value, None]]:
        """A reduction and the elementwise ops that only it needs; what they read of its shape."""
        space = _sizes(seed.op.operands[0])
        branch, sources = {seed.position}, {}
        pending = [seed.op.operands[0]]
        while pending:
            value = pending.pop()
            position = self.definition.get(value, -1)
            if position >= 0 and _sizes(value) == space:
                item = self.items[position]
                own = item.op.name in _ELEMENTWISE and branch.issuperset(item.readers)
                if own:
                    branch.add(position)
                if own or item.op.name in _CHEAP:
                    pending += item.op.operands
                    continue
            if _sizes(value) == space:
                sources[value] = None
        return branch, sources


def _of_same_shape(value: ir.Value) -> ir.Value:
    """A value further up that has the same shape: a size must not tie a kernel to its results."""
    while not isinstance(value.owner, ir.Block) and value.owner.operation.name in _ELEMENTWISE:
        same = [x for x in value.owner.operation.operands if _sizes(x) == _sizes(value)]
        if not same:
            return value
        value = same[0]
    return value


def _values_read(op: ir.Operation) -> list[ir.Value]:
    """The operands of an op and of what is inside of it."""
    values = list(op.operands)
    for region in op.regions:
        for block in region.blocks:
            for inner in block.operations:
                values += _values_read(inner.operation)
    return values


def is_row_reduction(op: ir.Operation) -> bool:
    """Whether an op reduces adjacent dimensions of one value, of a float type of up to 32 bits."""
    if op.name != "stablehlo.reduce" or len(op.results) != 1 or not _fits(op.results[0]):
        return False
    axes = sorted(ir.DenseI64ArrayAttr(op.attributes["dimensions"]))
    adjacent = axes and axes == list(range(axes[0], axes[-1] + 1))
    if not adjacent or is_bool(element_type(op.result)):
        return False
    body = [inner.operation for inner in op.regions[0].blocks[0].operations]
    arguments = list(op.regions[0].blocks[0].arguments)
    return len(body) == 2 and body[0].name in _COMBINERS and list(body[0].operands) == arguments


def _fits(value: ir.Value) -> bool:
    if not isinstance(value.type, ir.RankedTensorType):
        return False
    element = element_type(value)
    return is_bool(element) or isinstance(element, (ir.F16Type, ir.BF16Type, ir.F32Type))


class Cluster:
    """The ops around a reduction that read and write the same rows.

    `members` are computed by the kernel; cheap ops that feed them are not members: the kernel has
    copies of them. It can stand where every value that it reads is there and none that it makes has
    been read.
    """

    def __init__(self, graph: Graph, seed: Item):
        self._graph = graph
        self.location = seed.op.location
        self.space = _sizes(seed.op.operands[0])
        self._axes = list(seed.op.attributes["dimensions"])
        self.members: set[int] = {seed.position}
        self._grow()
        self._give_back()
        self.place = self._place()
        self._settle()

    def _settle(self) -> None:
        """Tells the graph: what is left of the block sees one op."""
        graph = self._graph
        graph.taken |= self.members
        for position in self.members:
            graph.place[position] = self.place
        for position in self.copied():
            for read in graph.items[position].reads:
                if read >= 0:
                    graph.items[read].readers.append(min(self.members))

    def _grow(self) -> None:
        settled = 0
        while settled != len(self.members) < _LIMIT:
            settled = len(self.members)
            for position in sorted(self._neighbours()):
                if self._belongs(self._graph.items[position].op):
                    self._try({position})
            for branch in self._siblings():
                self._try(branch)

    def _give_back(self) -> None:
        """Leaves to other reductions what they read of values that are results anyway.

        A norm that follows takes the squares with it: written out they would be one result more.
        """
        items = self._graph.items
        for position in sorted(self.members, reverse=True):
            readers = items[position].readers
            for_others = readers and all(
                reader not in self.members and is_row_reduction(items[reader].op)
                for reader in readers
            )
            sources = [read for read in items[position].reads if read in self.members]
            if (
                items[position].op.name in _ELEMENTWISE
                and for_others
                and all(set(items[read].readers) - self.members for read in sources)
            ):
                self.members.remove(position)

    def _neighbours(self) -> set[int]:
        """The ops next to the cluster: across cheap ones too, where those are read."""
        found: set[int] = set()
        for position in self.members:
            found.update(self._graph.items[position].readers)
        found.update(self._feeding(cheap=False))
        return {n for n in found if n >= 0 and n not in self.members | self._graph.taken}

    def _feeding(self, *, cheap: bool) -> set[int]:
        """The outer ops that the members read: those that are copied, or those before them."""
        found: set[int] = set()
        pending = [read for member in self.members for read in self._graph.items[member].reads]
        seen = set(self.members)
        while pending:
            position = pending.pop()
            if position in seen:
                continue
            seen.add(position)
            if position >= 0 and self._is_cheap(position):
                if cheap:
                    found.add(position)
                pending += self._graph.items[position].reads
            elif not cheap:
                found.add(position)
        return found

    def _is_cheap(self, position: int) -> bool:
        op = self._graph.items[position].op
        if position in self._graph.taken:
            return False
        if op.name in _SHAPES:
            return True
        return op.name in _CHEAP and _fits(op.results[0]) and _is_copied(op)

    def _siblings(self) -> Iterator[set[int]]:
        """Other reductions of what the cluster reads, with what leads to them."""
        for value in self.inputs():
            for branch in self._graph.branches.get(value, ()):
                if self._belongs(self._graph.items[max(branch)].op):
                    yield branch

    def _try(self, positions: set[int]) -> None:
        new = positions - self.members
        if new & self._graph.taken:
            return
        self.members |= new
        if self._depth() > _DEPTH or not self._can_stand():
            self.members -= new

    def _depth(self) -> int:
        """How many reductions wait for each other."""
        depths: dict[int, int] = {}
        for position in sorted(self.members):
            item = self._graph.items[position]
            before = max((depths.get(read, 0) for read in item.reads), default=0)
            depths[position] = before + (item.op.name == "stablehlo.reduce")
        return max(depths.values())

    def _can_stand(self) -> bool:
        readers = {r for member in self.members for r in self._graph.items[member].readers}
        first = min((self._graph.place[r] for r in readers - self.members), default=math.inf)
        return self._place() < first and all(_fits(value) for value in self.inputs())

    def _place(self) -> float:
        """Right behind the last value that the cluster reads."""
        reads = self._feeding(cheap=False)
        last = max((self._graph.place[r] for r in reads if r >= 0), default=-1.0)
        return (last + math.floor(last) + 1) / 2

    def _belongs(self, op: ir.Operation) -> bool:
        """Whether an op works on the rows of this cluster."""
        shaped = op.name == "stablehlo.dynamic_broadcast_in_dim"
        read = list(op.operands)[:1] if shaped else op.operands
        if not all(_fits(value) for value in (*read, *op.results)):
            return False
        if op.name == "stablehlo.reduce":
            same = list(op.attributes["dimensions"]) == self._axes
            return is_row_reduction(op) and same and _sizes(op.operands[0]) == self.space
        if op.name in _ELEMENTWISE:
            return self._is_of_rows(op.result)
        if op.name in _SPREADS:
            return self._is_of_rows(op.result) and _is_copied(op)
        return False

    def _is_of_rows(self, value: ir.Value) -> bool:
        """Whether a value has the space's shape, or that of its rows."""
        shape = _sizes(value)
        rows = [size for axis, size in enumerate(self.space) if axis not in self._axes]
        return shape == self.space or _wide(shape) == _wide(rows)

    # -- what becomes of it ------------------------------------------------------------------------

    def copied(self) -> list[int]:
        """The cheap ops that the kernel repeats, in order."""
        return sorted(self._feeding(cheap=True))

    def inputs(self) -> list[ir.Value]:
        """What the kernel reads, in the order in which it does."""
        inside = {*self.members, *self.copied()}
        found: dict[ir.Value, None] = {}
        for position in sorted(inside):
            for value in self._graph.items[position].op.operands:
                if self._graph.definition.get(value, -1) not in inside:
                    found[value] = None
        return list(found)

    def outputs(self) -> list[ir.Value]:
        """What the kernel makes that others read."""
        return [
            result
            for position in sorted(self.members)
            for result in self._graph.items[position].op.results
            if set(self._graph.items[position].readers) - self.members
        ]


def _sizes(value: ir.Value) -> list[int | None]:
    """A shape, with None for what is known at run time."""
    type_ = value.type
    return [
        None if type_.is_dynamic_dim(axis) else type_.get_dim_size(axis)
        for axis in range(type_.rank)
    ]


def _wide(shape: Sequence[int | None]) -> list[int | None]:
    return [size for size in shape if size != 1]


def _is_copied(op: ir.Operation) -> bool:
    """Whether a cheap op says no more than its operand: a splat, a spread, a unit dimension."""
    if op.name == "stablehlo.constant":
        value = constant_value(op)
        return isinstance(value, ir.DenseElementsAttr) and value.is_splat
    if op.name == "stablehlo.reshape":
        return _wide(_sizes(op.operands[0])) == _wide(_sizes(op.results[0]))
    return True
