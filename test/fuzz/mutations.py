"""Small changes to a module after which it is still valid: near misses of whatever it holds."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

from attnorm.ir.mlir import ir

NUMBERS = (0.0, 1.0, -1.0, 2.0, 0.5, -0.5, 3.0, 1e-5, 1e-6, 4.0, 64.0, -1e4, float("-inf"))
OTHERS = (
    ("add", "subtract", "multiply", "maximum", "minimum", "divide"),
    ("rsqrt", "sqrt", "exponential", "tanh", "logistic", "negate", "abs", "cosine"),
    ("and", "or", "xor"),
)
ARITHMETIC = frozenset(f"stablehlo.{name}" for name in ("add", "subtract", "multiply", "divide"))
TRIES = 8
"""For each change: most ops do not take most of them."""
DIRECTIONS = ("EQ", "NE", "GE", "GT", "LE", "LT")


def mutate(module: ir.Operation, generator: random.Random, count: int) -> ir.Operation:
    """A copy of a module with some changes; those after which it is not valid are left out."""
    for _ in range(count * TRIES):
        with module.context, ir.Location.unknown():
            changed = module.clone().operation
            targets = _targets(changed)
            if not targets:
                return module
            try:
                generator.choice(MUTATIONS)(generator.choice(targets), generator)
                changed.verify()
            except (ir.MLIRError, ValueError, LookupError, AttributeError):
                continue
            module, count = changed, count - 1
            if not count:
                break
    return module


def _targets(module: ir.Operation) -> list[ir.Operation]:
    """The ops of public functions: a composite known by name is what its name says.

    None of loops, which might not end.
    """
    found: list[ir.Operation] = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        if op.name == "func.func" and "sym_visibility" in op.attributes:
            return ir.WalkResult.SKIP
        if op.name == "stablehlo.while":
            return ir.WalkResult.SKIP
        if op.name.startswith("stablehlo."):
            found.append(op.operation)
        return ir.WalkResult.ADVANCE

    module.walk(visit, ir.WalkOrder.PRE_ORDER)
    return found


def _swapped(op: ir.Operation, generator: random.Random) -> None:
    """Two operands in each other's place."""
    first, second = generator.sample(range(len(op.operands)), 2)
    a, b = op.operands[first], op.operands[second]
    op.operands[first], op.operands[second] = b, a


def _other_operand(op: ir.Operation, generator: random.Random) -> None:
    """Another value of the same type that is there before."""
    index = generator.randrange(len(op.operands))
    block = op.block
    values = list(block.arguments)
    for other in block.operations:
        if other.operation == op:
            break
        values += other.operation.results
    fitting = [value for value in values if value.type == op.operands[index].type]
    op.operands[index] = generator.choice(fitting)


def _skipped(op: ir.Operation, generator: random.Random) -> None:
    """An op left out: one of its operands stands for its result."""
    (result,) = op.results
    fitting = [value for value in op.operands if value.type == result.type]
    result.replace_all_uses_with(generator.choice(fitting))


def _other_op(op: ir.Operation, generator: random.Random) -> None:
    """Another elementwise op of the same operands."""
    name = op.name.removeprefix("stablehlo.")
    names = next((group for group in OTHERS if name in group), ())
    with ir.InsertionPoint(op):
        made = ir.Operation.create(
            f"stablehlo.{generator.choice(names)}",
            [result.type for result in op.results],
            list(op.operands),
        )
    op.results[0].replace_all_uses_with(made.results[0])


def _other_number(op: ir.Operation, generator: random.Random) -> None:
    """Another number in a constant of one number."""
    value = op.attributes["value"]
    if not isinstance(value, ir.DenseFPElementsAttr) or not value.is_splat:
        raise ValueError("no number")
    element, chosen = value.type.element_type, generator.choice(NUMBERS)
    if math.isinf(chosen) and any(user.name in ARITHMETIC for user in _users(op.results[0])):
        # Scores would be infinite, and a finite fill no longer below them.
        raise ValueError("infinite")
    number = ir.FloatAttr.get(element, chosen)
    op.attributes["value"] = ir.DenseElementsAttr.get_splat(value.type, number)


def _users(value: ir.Value) -> Iterator[ir.OpView]:
    """The ops that read a value, or a broadcast of it."""
    for use in value.uses:
        yield use.owner
        if use.owner.name == "stablehlo.broadcast_in_dim":
            yield from _users(use.owner.results[0])


def _other_axes(op: ir.Operation, generator: random.Random) -> None:
    """Other numbers in an attribute of axes, or the same in another order."""
    names = [
        name
        for name in op.attributes
        if isinstance(op.attributes[name], ir.DenseI64ArrayAttr) and len(op.attributes[name])
    ]
    name = generator.choice(names)
    axes = list(op.attributes[name])
    if generator.random() < 0.5:
        generator.shuffle(axes)
    else:
        axes[generator.randrange(len(axes))] = generator.randrange(4)
    op.attributes[name] = ir.DenseI64ArrayAttr.get(axes)


def _other_direction(op: ir.Operation, generator: random.Random) -> None:
    """Another comparison."""
    if op.name != "stablehlo.compare":
        # There it would be a stray attribute, which may end up on a comparison, and in its place.
        raise ValueError("no comparison")
    direction = generator.choice(DIRECTIONS)
    op.attributes["comparison_direction"] = ir.Attribute.parse(
        f"#stablehlo<comparison_direction {direction}>"
    )


def _rounded(op: ir.Operation, generator: random.Random) -> None:
    """An operand rounded to another type and back."""
    index = generator.randrange(len(op.operands))
    value = op.operands[index]
    if not isinstance(value.type.element_type, (ir.F32Type, ir.F64Type)):
        raise ValueError("no float")
    element = generator.choice((ir.BF16Type.get(), ir.F16Type.get(), ir.F64Type.get()))
    with ir.InsertionPoint(op):
        narrow = ir.RankedTensorType.get(value.type.shape, element)
        made = ir.Operation.create("stablehlo.convert", [narrow], [value])
        back = ir.Operation.create("stablehlo.convert", [value.type], [made.results[0]])
    op.operands[index] = back.results[0]


def _turned(op: ir.Operation, generator: random.Random) -> None:
    """An operand with two dimensions of one size in each other's place, or back to front."""
    index = generator.randrange(len(op.operands))
    value = op.operands[index]
    axes = list(range(value.type.rank))
    first, second = generator.choice(axes), generator.choice(axes)
    with ir.InsertionPoint(op):
        if first == second:
            attributes = {"dimensions": ir.DenseI64ArrayAttr.get([first])}
            made = ir.Operation.create("stablehlo.reverse", [value.type], [value], attributes)
        else:
            axes[first], axes[second] = second, first
            attributes = {"permutation": ir.DenseI64ArrayAttr.get(axes)}
            made = ir.Operation.create("stablehlo.transpose", [value.type], [value], attributes)
    op.operands[index] = made.results[0]


MUTATIONS: tuple[Callable[[ir.Operation, random.Random], None], ...] = (
    *(_swapped, _other_operand, _other_operand, _skipped, _other_op, _other_number, _other_number),
    *(_other_axes, _other_axes, _other_direction, _rounded, _turned),
)
