"""Which ops of a block make up one kernel over rows: reductions and what stands beside them."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..ir.attributes import constant_value, integers
from ..ir.mlir import ir
from ..ir.stablehlo import element_type, is_bool
from .views import sizes

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


@dataclass(eq=False, slots=True)
class Item:
    """An op of a block: its position, what it reads and who reads it (positions; -1 is outside).

    What is asked of it again and again is asked of MLIR once.
    """

    op: ir.Operation
    name: str
    operands: tuple[ir.Value, ...]
    position: int
    reads: tuple[int, ...]
    misfits: tuple[ir.Value, ...]
    """The operands that no kernel can read."""
    reduces_rows: bool
    """Whether a kernel can be made of it."""
    is_cheap: bool
    """Whether a kernel repeats the op rather than reads what it makes."""
    readers: list[int] = field(default_factory=list)


class Graph:
    """The ops of a block and how they depend on each other.

    `place` is where an op stands: at its position, or where the kernel stands that it has become a
    part of.
    """

    def __init__(self, block: ir.Block):
        self.items: list[Item] = []
        self.definition: dict[ir.Value, int] = {}
        self._fitting: dict[ir.Type, bool] = {}
        for position, view in enumerate(block.operations):
            op = view.operation
            name = op.name
            if name in _SIZE_READERS:
                op.operands[0] = _of_same_shape(op.operands[0])
            item = self._item(op, name, position)
            self.items.append(item)
            for read in item.reads:
                if read >= 0:
                    self.items[read].readers.append(position)
            for result in op.results:
                self.definition[result] = position
        self.place = [float(item.position) for item in self.items]
        self.taken: set[int] = set()

    def _item(self, op: ir.Operation, name: str, position: int) -> Item:
        operands = tuple(op.operands)
        values = (*operands, *_values_read_inside(op)) if len(op.regions) else operands
        return Item(
            op,
            name,
            operands,
            position,
            reads=tuple(sorted({self.definition.get(value, -1) for value in values})),
            misfits=tuple([value for value in operands if not self.fits(value)]),
            reduces_rows=is_row_reduction(op),
            is_cheap=name in _SHAPES
            or (name in _CHEAP and self.fits(op.results[0]) and _is_copied(op)),
        )

    def fits(self, value: ir.Value) -> bool:
        """Whether a kernel can read a value, or make it."""
        type_ = value.type
        known = self._fitting.get(type_)
        if known is None:
            known = self._fitting[type_] = _fits(value)
        return known

    def seeds(self) -> Iterator[Item]:
        """The reductions that a kernel can be made of, in order."""
        return (item for item in self.items if item.reduces_rows)

    @functools.cached_property
    def branches(self) -> dict[ir.Value, list[set[int]]]:
        """By what they read: reductions, each with the ops that only it needs."""
        found: dict[ir.Value, list[set[int]]] = {}
        for seed in self.seeds():
            branch, sources = self._branch(seed)
            for source in sources:
                found.setdefault(source, []).append(branch)
        return found

    @functools.cached_property
    def branching(self) -> dict[int, list[ir.Value]]:
        """By the position of their readers: the values that several branches may read."""
        branches = self.branches
        read = [[value for value in item.operands if value in branches] for item in self.items]
        return {position: values for position, values in enumerate(read) if values}

    def _branch(self, seed: Item) -> tuple[set[int], dict[ir.Value, None]]:
        """A reduction and the elementwise ops that only it needs; what they read of its shape."""
        space = sizes(seed.operands[0])
        branch, sources = {seed.position}, {}
        pending = [*seed.operands[:1]]
        while pending:
            value = pending.pop()
            if sizes(value) != space:
                continue
            position = self.definition.get(value, -1)
            if position >= 0:
                item = self.items[position]
                own = item.name in _ELEMENTWISE and branch.issuperset(item.readers)
                if own:
                    branch.add(position)
                if own or item.name in _CHEAP:
                    pending += item.operands
                    continue
            sources[value] = None
        return branch, sources


def _of_same_shape(value: ir.Value) -> ir.Value:
    """A value further up that has the same shape: a size must not tie a kernel to its results."""
    while not isinstance(value.owner, ir.Block) and value.owner.operation.name in _ELEMENTWISE:
        same = [x for x in value.owner.operation.operands if sizes(x) == sizes(value)]
        if not same:
            return value
        value = same[0]
    return value


def _values_read_inside(op: ir.Operation) -> list[ir.Value]:
    """The operands of what is inside of an op."""
    values = []
    for region in op.regions:
        for block in region.blocks:
            for inner in block.operations:
                values += [*inner.operation.operands, *_values_read_inside(inner.operation)]
    return values


def is_row_reduction(op: ir.Operation) -> bool:
    """Whether an op reduces adjacent dimensions of one value, of a float type of up to 32 bits."""
    if op.name != "stablehlo.reduce" or len(op.results) != 1 or not _fits(op.results[0]):
        return False
    axes = sorted(integers(op.attributes["dimensions"]))
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


@dataclass(slots=True)
class _Reach:
    """Some ops of a block, and what lies around them: kept up to date as ops join.

    `copied` are the cheap ops that feed them, `before` what they read across those (-1 is outside),
    `after` who reads them; `depths` how many reductions wait for each other up to an op.
    """

    graph: Graph
    members: set[int] = field(default_factory=set)
    copied: set[int] = field(default_factory=set)
    before: set[int] = field(default_factory=set)
    after: set[int] = field(default_factory=set)
    misfits: set[ir.Value] = field(default_factory=set)
    depths: dict[int, int] = field(default_factory=dict)

    @staticmethod
    def of(graph: Graph, members: Iterable[int]) -> _Reach:
        """That of some ops, but for how they wait for each other."""
        found = _Reach(graph)
        for position in members:
            found._add(position)
        return found

    def joined_by(self, positions: Iterable[int]) -> _Reach | None:
        """What becomes of it when others join; None where that would be no kernel."""
        joined = _Reach(
            self.graph,
            self.members.copy(),
            self.copied.copy(),
            self.before.copy(),
            self.after.copy(),
            self.misfits.copy(),
            self.depths.copy(),
        )
        for position in positions:
            joined._add(position)
            if not joined._deepen(position):
                return None
        return joined if joined.can_stand() else None

    def _add(self, position: int) -> None:
        graph, members, copied, before = self.graph, self.members, self.copied, self.before
        items = graph.items
        members.add(position)
        copied.discard(position)
        before.discard(position)
        self.after.discard(position)
        for reader in items[position].readers:
            if reader not in members:
                self.after.add(reader)
        pending = [position]
        while pending:
            item = items[pending.pop()]
            self.misfits.update(item.misfits)
            for read in item.reads:
                if read in members or read in copied:
                    continue
                if read >= 0 and items[read].is_cheap and read not in graph.taken:
                    copied.add(read)
                    pending.append(read)
                else:
                    before.add(read)

    def _deepen(self, position: int) -> bool:
        """Counts what an op that is new waits for; False where that is too much for any."""
        items, depths, pending = self.graph.items, self.depths, [position]
        while pending:
            position = pending.pop()
            item = items[position]
            depth = 0
            for read in item.reads:
                depth = max(depth, depths.get(read, 0))
            depth += item.name == "stablehlo.reduce"
            if depth > _DEPTH:
                return False
            if depths.get(position) != depth:
                depths[position] = depth
                for reader in item.readers:
                    if reader in self.members:
                        pending.append(reader)
        return True

    def fits(self) -> bool:
        """Whether everything that is read can be."""
        if not self.misfits:
            return True
        defined = (self.graph.definition.get(value, -1) for value in self.misfits)
        return all(position in self.members or position in self.copied for position in defined)

    def place(self) -> float:
        """Right behind the last value that is read."""
        place = self.graph.place
        last = max([place[read] for read in self.before if read >= 0], default=-1.0)
        return (last + math.floor(last) + 1) / 2

    def can_stand(self) -> bool:
        """Whether there is a place behind what is read and before what reads."""
        place = self.graph.place
        first = min([place[reader] for reader in self.after], default=math.inf)
        return self.place() < first and self.fits()


@dataclass(frozen=True)
class Kernel:
    """What a cluster becomes: the ops to compute, in order, what they read and what others read."""

    ops: list[ir.Operation]
    inputs: list[ir.Value]
    outputs: list[ir.Value]


class Cluster:
    """The ops around a reduction that read and write the same rows.

    `members` are computed by the kernel; cheap ops that feed them are not members: the kernel has
    copies of them. It can stand where every value that it reads is there and none that it makes has
    been read.
    """

    def __init__(self, graph: Graph, seed: Item):
        self._graph = graph
        self.location = seed.op.location
        self.space = sizes(seed.operands[0])
        self._axes = integers(seed.op.attributes["dimensions"])
        self._row = [size for axis, size in enumerate(self.space) if axis not in self._axes]
        self._belonging: dict[int, bool] = {}
        self._reach = _Reach.of(graph, [seed.position])
        self._reach.depths[seed.position] = 1
        self._grow()
        self.members = self._kept()
        if len(self.members) < len(self._reach.members):
            self._reach = _Reach.of(graph, self.members)
        self.place = self._reach.place()
        self._settle()

    def _settle(self) -> None:
        """Tells the graph: what is left of the block sees one op."""
        graph = self._graph
        graph.taken |= self.members
        for position in self.members:
            graph.place[position] = self.place
        for position in sorted(self._reach.copied):
            for read in graph.items[position].reads:
                if read >= 0:
                    graph.items[read].readers.append(min(self.members))

    def _grow(self) -> None:
        settled = 0
        while settled != len(self._reach.members) < _LIMIT:
            settled = len(self._reach.members)
            for position in sorted(self._reach.before | self._reach.after):
                if position >= 0 and self._belongs(position):
                    self._try({position})
            for branch in self._siblings():
                self._try(branch)

    def _kept(self) -> set[int]:
        """The members, without what is left to other reductions: of values that are results anyway.

        A norm that follows takes the squares with it: written out they would be one result more.
        """
        items, members = self._graph.items, set(self._reach.members)
        for position in sorted(members, reverse=True):
            readers = items[position].readers
            for_others = readers and all(
                reader not in members and items[reader].reduces_rows for reader in readers
            )
            if items[position].name in _ELEMENTWISE and for_others:
                sources = [read for read in items[position].reads if read in members]
                if all(set(items[read].readers) - members for read in sources):
                    members.remove(position)
        return members

    def _siblings(self) -> Iterator[set[int]]:
        """Other reductions of what the cluster reads, with what leads to them."""
        graph, inside = self._graph, self._inside
        read = [
            value
            for position in sorted(inside & graph.branching.keys())
            for value in graph.branching[position]
            if graph.definition.get(value, -1) not in inside
        ]
        for value in dict.fromkeys(read):
            for branch in graph.branches[value]:
                if self._belongs(max(branch)):
                    yield branch

    def _try(self, positions: set[int]) -> None:
        new = positions - self._reach.members
        if not new or new & self._graph.taken:
            return
        self._reach = self._reach.joined_by(new) or self._reach

    def _belongs(self, position: int) -> bool:
        """Whether an op works on the rows of this cluster."""
        if position not in self._belonging:
            self._belonging[position] = self._is_of_cluster(self._graph.items[position])
        return self._belonging[position]

    def _is_of_cluster(self, item: Item) -> bool:
        shaped = item.name == "stablehlo.dynamic_broadcast_in_dim"
        misfit = item.operands[0] in item.misfits if shaped else item.misfits
        if misfit or not all(map(self._graph.fits, item.op.results)):
            return False
        if item.name == "stablehlo.reduce":
            same = integers(item.op.attributes["dimensions"]) == self._axes
            return item.reduces_rows and same and sizes(item.operands[0]) == self.space
        if item.name in _ELEMENTWISE:
            return self._is_of_rows(item.op.result)
        if item.name in _SPREADS:
            return self._is_of_rows(item.op.result) and _is_copied(item.op)
        return False

    def _is_of_rows(self, value: ir.Value) -> bool:
        """Whether a value has the space's shape, or that of its rows."""
        shape = sizes(value)
        return shape == self.space or _wide(shape) == _wide(self._row)

    @property
    def _inside(self) -> set[int]:
        """What the kernel computes: the members, and copies."""
        return self._reach.members | self._reach.copied

    def kernel(self) -> Kernel:
        """What becomes of it, when every cluster has its members."""
        if self._reach.copied & self._graph.taken:
            # What it was to copy is in another cluster since.
            self._reach = _Reach.of(self._graph, self.members)
        items, inside = self._graph.items, self._inside
        computed = [items[position] for position in sorted(inside)]
        read = [
            value
            for item in computed
            for value in item.operands
            if self._graph.definition.get(value, -1) not in inside
        ]
        outputs = [
            result
            for position in sorted(self.members)
            if set(items[position].readers) - self.members
            for result in items[position].op.results
        ]
        return Kernel([item.op for item in computed], list(dict.fromkeys(read)), outputs)


def _wide(shape: Sequence[int | None]) -> list[int | None]:
    return [size for size in shape if size != 1]


def _is_copied(op: ir.Operation) -> bool:
    """Whether a cheap op says no more than its operand: a splat, a spread, a unit dimension."""
    if op.name == "stablehlo.constant":
        value = constant_value(op)
        return isinstance(value, ir.DenseElementsAttr) and value.is_splat
    if op.name == "stablehlo.reshape":
        return _wide(sizes(op.operands[0])) == _wide(sizes(op.results[0]))
    return True
