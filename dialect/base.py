"""What every op of the dialect is made of: attribute fields, constraints, the verifier.

An op class declares its operands and results as annotations (they become IRDL), its attributes as
fields, and its constraints as numbered rules. The verifier runs before IRDL's own checks and on
whatever a user wrote, so it takes nothing for granted: first the counts, then the attributes, then
the rules in order, until one of these steps finds something.
"""

# No postponed annotations here or in the op files: IRDL is generated from the real types.

import itertools
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from attnorm.ir.attributes import integers
from attnorm.ir.mlir import ext, ir

FLOAT_TYPES = (ir.F16Type, ir.BF16Type, ir.F32Type, ir.F64Type)

T = TypeVar("T")


# pyright sees no base class, and so no keyword.
class AttnormDialect(ext.Dialect, name="attnorm"):  # pyright: ignore
    """Transformer maths as single ops, to be raised into, fused inside and expanded out of."""


class Field(Generic[T]):
    """An attribute of an op: reads it as a Python value, writes it, says what it should be.

    A field with a default is left out of the IR where it has that value.
    """

    expected = "an attribute"

    def __init__(self, *, default: T | None = None, required: bool = True):
        self.default = default
        self.required = required and default is None
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, op: Any, owner: type | None = None) -> Any:
        if op is None:
            return self
        attributes = op.attributes
        return self.decode(attributes[self.name]) if self.name in attributes else self.default

    def decode(self, attribute: ir.Attribute) -> T:
        """The Python value; `ValueError` where the attribute is of another kind."""
        raise NotImplementedError

    def encode(self, value: T) -> ir.Attribute:
        """The attribute for a value."""
        raise NotImplementedError


class F64(Field[float]):
    """A float of any type; read, and written, as f64."""

    expected = "a float"

    def decode(self, attribute: ir.Attribute) -> float:
        if not isinstance(attribute, ir.FloatAttr):
            raise ValueError
        return attribute.value

    def encode(self, value: float) -> ir.Attribute:
        return ir.FloatAttr.get(ir.F64Type.get(), float(value))


class I64(Field[int]):
    """An integer of any type whose value fits in 64 bits; written as i64."""

    expected = "an integer"

    def decode(self, attribute: ir.Attribute) -> int:
        if not isinstance(attribute, ir.IntegerAttr):
            raise ValueError
        # The bindings lose the sign of wide integers.
        wide = isinstance(attribute.type, ir.IntegerType) and attribute.type.width > 64
        if wide or not -(2**63) <= attribute.value < 2**63:
            raise ValueError
        return attribute.value

    def encode(self, value: int) -> ir.Attribute:
        return ir.IntegerAttr.get(ir.IntegerType.get_signless(64), value)


class Flag(Field[bool]):
    """true or false."""

    expected = "a bool"

    def decode(self, attribute: ir.Attribute) -> bool:
        if not isinstance(attribute, ir.BoolAttr):
            raise ValueError
        return attribute.value

    def encode(self, value: bool) -> ir.Attribute:
        return ir.BoolAttr.get(value)


class I64Array(Field[tuple[int, ...]]):
    """Integers as `array<i64: ...>`."""

    expected = "array<i64>"

    def decode(self, attribute: ir.Attribute) -> tuple[int, ...]:
        if not isinstance(attribute, ir.DenseI64ArrayAttr):
            raise ValueError
        return tuple(integers(attribute))

    def encode(self, value: Iterable[int]) -> ir.Attribute:
        return ir.DenseI64ArrayAttr.get(list(value))


class Choice(Field[str]):
    """One of a few words."""

    def __init__(self, *choices: str, default: str | None = None):
        super().__init__(default=default)
        self.choices = choices
        self.expected = "one of " + ", ".join(f'"{choice}"' for choice in choices)

    def decode(self, attribute: ir.Attribute) -> str:
        if not isinstance(attribute, ir.StringAttr):
            raise ValueError
        # Not every string is UTF-8.
        value = attribute.value_bytes.decode(errors="replace")
        if value not in self.choices:
            raise ValueError
        return value

    def encode(self, value: str) -> ir.Attribute:
        return ir.StringAttr.get(value)


@dataclass(frozen=True)
class Constraint:
    """A numbered rule: `text` for the documents, `check` for the verifier.

    `check` returns what is wrong ("operand: expected X, got Y"), or None.
    """

    number: int
    text: str
    check: Callable[[Any], str | None]


def constraint(number: int, text: str) -> Callable[[Callable[[Any], str | None]], Constraint]:
    """Makes a method of an op class the check of its constraint `number`."""
    return lambda check: Constraint(number, text, check)


WELL_FORMED = "operands and attributes are those listed, each of the kind listed"
"""Constraint 1 of every op."""


class Op(AttnormDialect.Operation):
    """Base of the ops: fields, constraint table, verifier, robust operand access."""

    # Annotations here would become operands: set in __init_subclass__ are `fields` (Field by name),
    # `constraints`, `operand_defs`, `segmentations` (how many values each operand may have),
    # `result_defs` and `result_counts`.

    @classmethod
    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(traits=[ext.Pure], **kwargs)
        members = list(vars(cls).items())
        cls.fields = {name: field for name, field in members if isinstance(field, Field)}
        rules = [rule for _, rule in members if isinstance(rule, Constraint)]
        cls.constraints = (Constraint(1, WELL_FORMED, _well_formed), *rules)
        cls.operand_defs = [field for field in cls._fields if isinstance(field, ext.OperandDef)]
        for index, definition in enumerate(cls.operand_defs):
            setattr(cls, definition.name, property(_operand_getter(index, cls.operand_defs)))
        counts = [(1,) if is_single(definition) else (0, 1) for definition in cls.operand_defs]
        cls.segmentations = frozenset(itertools.product(*counts))
        cls.result_defs = [field for field in cls._fields if isinstance(field, ext.ResultDef)]
        required = sum(map(is_single, cls.result_defs))
        cls.result_counts = range(required, len(cls.result_defs) + 1)
        for index, definition in enumerate(cls.result_defs):
            setattr(cls, definition.name, property(_result_getter(index)))

    @classmethod
    def verify_invariants(cls, op) -> bool:
        """Called by MLIR; emits the first violated constraint at the op's location."""
        problem = cls.problem(op)
        if problem:
            # A message ends at a null character, which a name may hold.
            shown = problem.replace("\0", r"\00")
            op.location.emit_error(f"'{cls.OPERATION_NAME}' op {shown}")
        return problem is None

    @classmethod
    def problem(cls, op) -> str | None:
        """The first violated constraint, with its ID: "weight: expected 4, got 3 [rms_norm_c6]"."""
        for rule in cls.constraints:
            problem = rule.check(op)
            if problem is not None:
                return f"{problem} [{cls._op_name}_c{rule.number}]"
        return None

    @classmethod
    def build(
        cls,
        operands: Mapping[str, ir.Value | None],
        results: Iterable[ir.Type],
        attributes: Mapping[str, Any],
        *,
        loc: ir.Location | None = None,
        ip: ir.InsertionPoint | None = None,
    ) -> ir.Operation:
        """Creates the op from operands by name and attributes as Python values."""
        present = [operands.get(definition.name) for definition in cls.operand_defs]
        # Attributes and types want a location around them.
        with loc or nullcontext():
            encoded = {
                name: cls.fields[name].encode(value)
                for name, value in attributes.items()
                if value is not None and value != cls.fields[name].default
            }
            if cls._ODS_OPERAND_SEGMENTS:
                sizes = [int(value is not None) for value in present]
                encoded[SEGMENTS] = ir.DenseI32ArrayAttr.get(sizes)
            return ir.Operation.create(
                cls.OPERATION_NAME,
                results=list(results),
                operands=[value for value in present if value is not None],
                attributes=encoded,
                ip=ip,
            )

    @classmethod
    def values(cls, op) -> dict[str, Any]:
        """The attributes of `op` as Python values, defaults included."""
        return {name: field.__get__(op) for name, field in cls.fields.items()}


SEGMENTS = "operandSegmentSizes"


def _segments(op) -> list[int] | None:
    """How many values each operand has, or None where that cannot be told."""
    attributes = op.attributes
    if SEGMENTS in attributes:
        attribute = _read(attributes, SEGMENTS)
        sizes = integers(attribute) if isinstance(attribute, ir.DenseI32ArrayAttr) else []
        fit = tuple(sizes) in type(op).segmentations and sum(sizes) == len(op.operands)
        return sizes if fit else None
    definitions = type(op).operand_defs
    optional = sum(not is_single(definition) for definition in definitions)
    missing = len(definitions) - len(op.operands)
    if optional > 1 or missing not in (0, optional):
        return None
    return [int(is_single(definition) or not missing) for definition in definitions]


def is_single(definition) -> bool:
    """Whether an operand or result has to be there."""
    return definition.variadicity == ext.Variadicity.single


def _read(attributes: ir.OpAttributeMap, name: str) -> ir.Attribute | None:
    """An attribute; None where the bindings cannot represent it (a location is one)."""
    try:
        return attributes[name]
    except TypeError:
        return None


def _operand_getter(index: int, definitions: list):
    optional = [at for at, definition in enumerate(definitions) if not is_single(definition)]
    if not optional or index < optional[0]:
        return lambda op: op.operands[index]
    if [index] == optional == [len(definitions) - 1]:

        def get_last(op):
            operands = op.operands
            return operands[index] if len(operands) > index else None

        return get_last

    def get(op):
        sizes = _segments(op)
        assert sizes is not None, "verified"
        return op.operands[sum(sizes[:index])] if sizes[index] else None

    return get


def _result_getter(index: int):
    def get(op):
        results = op.results
        return results[index] if index < len(results) else None

    return get


def _well_formed(op) -> str | None:
    if _segments(op) is None:
        definitions = type(op).operand_defs
        names = ", ".join(item.name + ("" if is_single(item) else "?") for item in definitions)
        names += f" (and {SEGMENTS})" if type(op)._ODS_OPERAND_SEGMENTS else ""
        return f"operands: expected {names}, got {len(op.operands)} operands"
    counts = type(op).result_counts
    if len(op.results) not in counts:
        return f"results: expected {' or '.join(map(str, counts))}, got {len(op.results)}"
    if len(op.regions):
        return f"regions: expected none, got {len(op.regions)}"
    return _attributes_well_formed(op)


def _attributes_well_formed(op) -> str | None:
    fields, attributes = type(op).fields, op.attributes
    segmented = bool(type(op)._ODS_OPERAND_SEGMENTS)
    known = int(segmented and SEGMENTS in attributes)
    for name, field in fields.items():
        if name not in attributes:
            if field.required:
                return f"{name}: expected {field.expected}, got none"
            continue
        known += 1
        attribute = _read(attributes, name)
        try:
            field.decode(attribute)
        except ValueError:
            return f"{name}: expected {field.expected}, got {_show(attribute)}"
    if known == len(attributes):
        return None
    try:
        names = list(attributes)
    except RuntimeError:
        return "attributes: expected names in UTF-8, got other bytes"
    own = {*fields, SEGMENTS} if segmented else set(fields)
    for name in names:
        # A name with a dialect's prefix is discardable: it is not ours to judge.
        if name not in own and "." not in name:
            return f"{name}: expected no such attribute; known are {', '.join(fields)}"
    return None


def _show(attribute: ir.Attribute | None) -> str:
    """An attribute in a message, shortened where it is long."""
    text = "a location" if attribute is None else str(attribute)
    return text if len(text) <= 80 else f"{text[:77]}..."


# -- checks that several ops share ---------------------------------------------------------------


def is_plain_tensor(type_: ir.Type) -> bool:
    """A ranked tensor without an encoding: no lowering would keep one."""
    return isinstance(type_, ir.RankedTensorType) and type_.encoding is None


def is_float_tensor(type_: ir.Type) -> bool:
    """A plain ranked tensor of f16, bf16, f32 or f64."""
    return is_plain_tensor(type_) and isinstance(type_.element_type, FLOAT_TYPES)


def float_tensor(name: str, value: ir.Value) -> str | None:
    """Checks that an operand or result is a ranked tensor of a float type we compute in."""
    type_ = value.type
    if is_float_tensor(type_):
        return None
    if isinstance(type_, ir.RankedTensorType) and type_.encoding is not None:
        return f"{name}: expected a tensor without an encoding, got {type_}"
    return f"{name}: expected a ranked tensor of f16, bf16, f32 or f64, got {type_}"


def shape_of(value: ir.Value) -> list[int | None]:
    """Sizes, None where dynamic."""
    sizes = value.type.shape
    if _DYNAMIC not in sizes:
        return sizes
    return [None if size == _DYNAMIC else size for size in sizes]


_DYNAMIC = ir.ShapedType.get_dynamic_size()


def show(shape: Iterable[int | None]) -> str:
    """A shape as MLIR spells it: "2x?x4", "scalar" for rank 0."""
    return "x".join("?" if size is None else str(size) for size in shape) or "scalar"


def same_size(a: int | None, b: int | None) -> bool:
    """Whether two sizes can be equal at run time."""
    return a is None or b is None or a == b


def same_shape(a: list[int | None], b: list[int | None]) -> bool:
    """Whether two shapes can be equal at run time."""
    return len(a) == len(b) and all(map(same_size, a, b))


def axes_of(name: str, axes: tuple[int, ...], rank: int) -> str | None:
    """Checks a set of axes: not empty, ascending, in range."""
    if not axes:
        return f"{name}: expected at least one axis, got none"
    if axes[0] < 0 or axes[-1] >= rank or not all(map(operator.lt, axes, axes[1:])):
        return f"{name}: expected ascending axes in [0, {rank}), got {list(axes)}"
    return None


def not_empty(name: str, value: ir.Value) -> str | None:
    """Checks that no size is 0."""
    if 0 in shape_of(value):
        return f"{name}: expected rows and normalised sizes above 0, got {show(shape_of(value))}"
    return None


def epsilon_of(epsilon: float) -> str | None:
    """Checks an epsilon: finite, not negative."""
    if math.isfinite(epsilon) and epsilon >= 0:
        return None
    return f"epsilon: expected a finite number of at least 0, got {epsilon}"


def affine_operand(
    name: str, value: ir.Value | None, x: ir.Value, axes: tuple[int, ...]
) -> str | None:
    """Checks a weight or bias: one dimension an axis, each of the axis's size or 1."""
    if value is None:
        return None
    problem = float_tensor(name, value)
    if problem:
        return problem
    shape = shape_of(x)
    want = [shape[axis] for axis in axes]
    got = shape_of(value)
    fits = got == want or (
        len(got) == len(want)
        and all(size == 1 or same_size(size, full) for size, full in zip(got, want, strict=True))
    )
    return None if fits else f"{name}: expected shape {show(want)} (or 1s), got {show(got)}"


def like_operand(name: str, value: ir.Value, x: ir.Value, of: str = "x") -> str | None:
    """Checks that a value is a float tensor of x's shape, dynamic where x is."""
    problem = float_tensor(name, value)
    if problem or value.type.shape == x.type.shape:
        return problem
    return f"{name}: expected the shape of {of}, {show(shape_of(x))}, got {show(shape_of(value))}"


def broadcasts_to(shape: list[int | None], target: list[int | None]) -> bool:
    """Whether a shape broadcasts to another, aligned at the last axis."""
    if len(shape) > len(target):
        return False
    tail = target[len(target) - len(shape) :]
    return all(size == 1 or same_size(size, full) for size, full in zip(shape, tail, strict=True))


def first(problems: Iterable[str | None]) -> str | None:
    """The first problem found."""
    return next((problem for problem in problems if problem), None)
