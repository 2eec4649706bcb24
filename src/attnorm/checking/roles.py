"""What a function does with its arguments: which values a graph can be given."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..analysis.views import splat
from ..ir.mlir import hlo, ir
from ..ir.stablehlo import is_float


@dataclass
class Role:
    """What an argument is used as, as far as its uses tell.

    `limit`: the least number that an index has to be below; None where it is none. `positions`: it
    is compared with a count or turned into angles. `flags`: integers of which only being zero
    counts. `mask`: added to the scores of an attention. `fan_in`: the length of the dot products
    that it is a factor of, 1 where it is none. `table`: a factor or looked up: a weight, not data.
    `epsilon`: added under a root. `scores`: the scores of an attention are products of it. `fill`:
    the least finite number, without its sign, that these are masked with; the op that attention
    becomes has none, and no score is to come near it. `layers`: how many of its dimensions are read
    one place at a time, as a loop over layers does.
    """

    limit: int | None = None
    positions: bool = False
    flags: bool = False
    mask: bool = False
    fan_in: int = 1
    table: bool = False
    epsilon: bool = False
    scores: bool = False
    layers: int = 0
    fill: float = math.inf

    def below(self, size: int) -> None:
        """An index that has to be below `size`; where that is not known, 0 is below it."""
        self.limit = min(max(size, 1), self.limit or size)


def roles(function: ir.Operation) -> list[Role]:
    """The roles of a function's arguments, in their order.

    Calls are not entered: they are to be inlined first.
    """
    return [_role(argument) for argument in function.regions[0].blocks[0].arguments]


def _role(argument: ir.Value) -> Role:
    role = Role()
    for op, number in _uses(argument, _carries):
        note = _NOTES.get(op.name)
        if note:
            note(role, op, number)
    if not is_float(_tensor(argument).element_type):
        angles = _uses(argument, _carries_angles)
        role.positions |= any(op.name in _ANGLES for op, _ in angles)
        role.flags &= role.limit is None and not role.positions
    return role


# -- walking ---------------------------------------------------------------------------------------

_MOVES = frozenset(
    f"stablehlo.{name}"
    for name in (
        *("bitcast_convert", "broadcast_in_dim", "concatenate", "convert", "dynamic_reshape"),
        *("dynamic_broadcast_in_dim", "dynamic_slice", "gather", "optimization_barrier", "pad"),
        *("real_dynamic_slice", "reshape", "reverse", "slice", "transpose"),
    )
)
"""What hands on the values of its first operand."""
_ALL_OPERANDS = frozenset(("stablehlo.concatenate", "stablehlo.optimization_barrier"))
_SHIFTS = frozenset(f"stablehlo.{name}" for name in ("add", "maximum", "minimum", "subtract"))
"""What integers go through and stay indices."""
_ANGLES = frozenset(("stablehlo.cosine", "stablehlo.sine"))
_SCALES = frozenset(
    f"stablehlo.{name}" for name in ("add", "divide", "dot_general", "multiply", "subtract")
)
_COUNTS = frozenset(("stablehlo.iota", "stablehlo.dynamic_iota"))


def _uses(
    start: ir.Value, carries: Callable[[ir.Operation, int], bool]
) -> Iterator[tuple[ir.Operation, int]]:
    """Every op that reads a value or what carries it on, and as which operand."""
    seen, rest = {start}, [start]
    while rest:
        for use in rest.pop().uses:
            op, number = use.owner.operation, use.operand_number
            yield op, number
            for value in _handed_on(op, number, carries):
                if value not in seen:
                    seen.add(value)
                    rest.append(value)


def _handed_on(
    op: ir.Operation, number: int, carries: Callable[[ir.Operation, int], bool]
) -> list[ir.Value]:
    if op.name == "shape.assuming_yield":
        return [op.parent.operation.results[number]]
    if op.name == "stablehlo.while":
        blocks = [region.blocks[0] for region in op.regions]
        return [op.results[number], *(block.arguments[number] for block in blocks)]
    return list(op.results) if carries(op, number) else []


def _carries(op: ir.Operation, number: int) -> bool:
    if op.name in _MOVES:
        return number == 0 or op.name in _ALL_OPERANDS
    if op.name in _SHIFTS:
        return not is_float(_tensor(op.results[0]).element_type)
    return (op.name, number) in (
        ("stablehlo.clamp", 1),
        ("stablehlo.dynamic_update_slice", 0),
        ("stablehlo.dynamic_update_slice", 1),
        ("stablehlo.select", 1),
        ("stablehlo.select", 2),
    )


def _carries_angles(op: ir.Operation, number: int) -> bool:
    return op.name in _SCALES or _carries(op, number)


def _sources(value: ir.Value, through: frozenset[str]) -> Iterator[ir.Operation]:
    """The ops that a value comes from, by way of some."""
    seen, rest = set(), [value]
    while rest:
        value = rest.pop()
        if value in seen or isinstance(value.owner, ir.Block):
            continue
        seen.add(value)
        op = value.owner.operation
        yield op
        if op.name in through:
            rest += op.operands


# -- what a use says -------------------------------------------------------------------------------


def _tensor(value: ir.Value) -> ir.ShapedType:
    return ir.ShapedType(value.type)


def _size(value: ir.Value, axis: int) -> int:
    """A dimension's size; 1 where it is dynamic, which every larger one includes."""
    type_ = _tensor(value)
    return 1 if type_.is_dynamic_dim(axis) else type_.get_dim_size(axis)


def _gather(role: Role, op: ir.Operation, number: int) -> None:
    role.table |= number == 0
    if number == 1:
        numbers = hlo.GatherDimensionNumbers(op.attributes["dimension_numbers"])
        sizes = list(op.attributes["slice_sizes"])
        for axis in numbers.start_index_map:
            role.below(_size(op.operands[0], axis) - sizes[axis] + 1)


def _scatter(role: Role, op: ir.Operation, number: int) -> None:
    if number == len(op.operands) // 2:
        numbers = hlo.ScatterDimensionNumbers(op.attributes["scatter_dimension_numbers"])
        for axis in numbers.scattered_dims_to_operand_dims:
            role.below(_size(op.operands[0], axis))


def _select_rows(role: Role, op: ir.Operation, number: int) -> None:
    role.table |= number == 0
    if number == 1:
        role.below(_size(op.operands[0], ir.IntegerAttr(op.attributes["dim"]).value))


def _slice(role: Role, op: ir.Operation, number: int) -> None:
    sizes = list(op.attributes["slice_sizes"])
    if number == 0:
        single = [axis for axis, size in enumerate(sizes) if size == 1]
        role.layers = max(role.layers, sum(_size(op.operands[0], axis) > 1 for axis in single))
    else:
        role.below(_size(op.operands[0], number - 1) - sizes[number - 1] + 1)


def _update(role: Role, op: ir.Operation, number: int) -> None:
    if number >= 2:
        sizes = [_size(op.operands[index], number - 2) for index in (0, 1)]
        role.below(sizes[0] - sizes[1] + 1)


def _compare(role: Role, op: ir.Operation, number: int) -> None:
    for source in _sources(op.operands[1 - number], _MOVES | _SHIFTS | _SCALES):
        if source.name in _COUNTS:
            role.positions = True
            axis = ir.IntegerAttr(source.attributes["iota_dimension"]).value
            size = _size(source.results[0], axis)
            if size > 1:
                role.below(size)
    role.flags = True


def _convert(role: Role, op: ir.Operation, number: int) -> None:
    role.flags |= str(_tensor(op.results[0]).element_type) == "i1"


def _add(role: Role, op: ir.Operation, number: int) -> None:
    for source in _sources(op.operands[1 - number], _MOVES | _SCALES - {"stablehlo.dot_general"}):
        if source.name == "stablehlo.dot_general":
            role.mask |= bool(_dimensions(source).lhs_batching_dimensions)
    results = _uses(op.results[0], _carries)
    role.epsilon |= any(user.name in _ROOTS for user, _ in results)


_ROOTS = frozenset(f"stablehlo.{name}" for name in ("power", "rsqrt", "sqrt"))


def _dimensions(op: ir.Operation) -> hlo.DotDimensionNumbers:
    return hlo.DotDimensionNumbers(op.attributes["dot_dimension_numbers"])


def contraction(op: ir.Operation) -> int:
    """The length of the dot products of a `dot_general`; an unknown size counts as 1."""
    axes = _dimensions(op).lhs_contracting_dimensions
    return math.prod(_size(op.operands[0], axis) for axis in axes)


def _dot(role: Role, op: ir.Operation, number: int) -> None:
    numbers = _dimensions(op)
    if numbers.lhs_batching_dimensions:
        role.scores = True
        role.fill = min([role.fill, *_fills(op.results[0])])
        return
    role.fan_in, role.table = max(role.fan_in, contraction(op)), True


def _fills(scores: ir.Value) -> Iterator[float]:
    """The finite numbers that scores are masked with, on the way to a softmax."""
    for op, number in _uses(scores, _carries_scores):
        if op.name not in _MASKS:
            continue
        for index, operand in enumerate(op.operands):
            for source in () if index == number else _sources(operand, _MASK_PARTS):
                fill = splat(source.results[0])
                if fill is not None and LEAST_FILL <= abs(fill) < math.inf:
                    yield abs(float(fill))


def _carries_scores(op: ir.Operation, number: int) -> bool:
    return op.name in _SCALES - {"stablehlo.dot_general"} or _carries(op, number)


LEAST_FILL = 1e4
_MASKS = frozenset(f"stablehlo.{name}" for name in ("add", "select", "subtract"))
_MASK_PARTS = _MOVES | {f"stablehlo.{name}" for name in ("multiply", "select", "subtract")}


def _attention(role: Role, op: ir.Operation, number: int) -> None:
    value, sdpa = op.operands[number], op.opview
    # The bindings compare a value with nothing but a value.
    role.mask |= sdpa.mask is not None and value == sdpa.mask
    role.scores |= number < 3
    if sdpa.start is not None and value == sdpa.start:
        role.positions = True
        role.below(_size(op.operands[1], _tensor(op.operands[1]).rank - 2))


_NOTES: dict[str, Callable[[Role, ir.Operation, int], None]] = {
    "attnorm.sdpa": _attention,
    "stablehlo.add": _add,
    "stablehlo.compare": _compare,
    "stablehlo.convert": _convert,
    "stablehlo.dot_general": _dot,
    "stablehlo.dynamic_slice": _slice,
    "stablehlo.dynamic_update_slice": _update,
    "stablehlo.gather": _gather,
    "stablehlo.scatter": _scatter,
    "stablehlo.torch_index_select": _select_rows,
}
