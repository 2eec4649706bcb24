"""The weights of a module: large constants, taken out of it and known by their names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

from ..errors import AttnormError
from ..ir.attributes import constant_value
from ..ir.elements import raw_bytes, resource_key
from ..ir.mlir import ir
from ..ir.rewriting import Rewriter, apply_patterns
from ..ir.stablehlo import Builder
from ..ir.tensor_type import TensorType

MIN_BYTES = 1024
"""Constants with fewer bytes stay in the program."""
DTYPES = ("f32", "f16", "bf16")
"""What floating-point weights can be stored as."""
FLOATS = frozenset({*DTYPES, "f64"})
"""The element types of weights that can be stored as another."""
_INTEGERS = frozenset({"i8", "i16", "i32", "i64"})
# What exporters call a tensor that has no name in the model's state; MLIR counts clashing keys.
_NAMELESS = re.compile(r"constant([._]\d+)?")


@dataclass(frozen=True)
class Weight:
    """A named tensor that a program reads from a file.

    `type` is its type in files. `own_type` is the type of the module's constant, and `elements` are
    its bytes, row-major, where the module keeps them: None where it has the name alone.
    """

    name: str
    type: TensorType
    own_type: TensorType
    elements: memoryview | None

    @property
    def is_float(self) -> bool:
        """Whether it can be stored as another float."""
        return self.own_type.element in FLOATS

    @property
    def is_named(self) -> bool:
        """Whether the name is the framework's own, so that a checkpoint has it."""
        return _NAMELESS.fullmatch(self.name) is None


class Weights:
    """Takes the weights out of a module.

    The constant of a weight becomes a `dense_resource` without bytes, whose key is that of the
    weight in `taken`. A constant with a name (the key of its `dense_resource`) is a weight from
    `min_bytes` bytes on, or whatever its size with `every_name`; one without from `min_bytes` on,
    with `nameless`. Whatever has no bytes is one. Constants with one value everywhere, of booleans
    and of unsigned integers are none. `dtype` is what named weights of a floating-point
    type are stored as; the module converts them to its own.
    """

    def __init__(
        self,
        *,
        min_bytes: int = MIN_BYTES,
        dtype: str | None = None,
        every_name: bool = False,
        nameless: bool = True,
    ):
        """Raises `AttnormError` for a dtype that is not among `DTYPES`."""
        if dtype not in (None, *DTYPES):
            raise AttnormError(f"weights: expected a dtype of {', '.join(DTYPES)}, got '{dtype}'")
        self.taken: dict[str, Weight] = {}
        self._min_bytes = min_bytes
        self._dtype = dtype
        self._every_name = every_name
        self._nameless = nameless
        self._references: dict[str | ir.Attribute, ir.Attribute] = {}

    def take_named(self, module: ir.Operation) -> ir.Operation:
        """A copy of `module` without its named weights: before a pass makes others of them."""
        return _rewritten(module, self._take_named)

    def take_rest(self, module: ir.Operation) -> ir.Operation:
        """A copy of what a pipeline has made of the module, without the weights that are left.

        `taken` are then those that it uses.
        """
        if self._nameless:
            module = _rewritten(module, self._take_nameless)
        used: set[str | None] = set()

        def note(op: ir.Operation, _: Rewriter) -> bool:
            value = constant_value(op)
            used.add(resource_key(value) if value else None)
            return False

        apply_patterns(module, [("stablehlo.constant", note)])
        self.taken = {key: weight for key, weight in self.taken.items() if key in used}
        return module

    def _take_named(self, op: ir.Operation, rewriter: Rewriter) -> bool:
        value = constant_value(op)
        name, type_ = (resource_key(value), _type(value)) if value else (None, None)
        if value is None or name is None or type_ is None or type_.size == 0:
            return False
        weight = self._weight(name, type_, value)
        return self._wants(weight) and self._take(op, rewriter, name, weight)

    def _wants(self, weight: Weight) -> bool:
        if weight.elements is None or (weight.is_named and self._every_name):
            return True
        return weight.own_type.size >= self._min_bytes and (weight.is_named or self._nameless)

    def _take_nameless(self, op: ir.Operation, rewriter: Rewriter) -> bool:
        value = constant_value(op)
        if not isinstance(value, ir.DenseElementsAttr) or value.is_splat:
            return False
        type_ = _type(value)
        if type_ is None:
            return False
        if type_.size < self._min_bytes:
            return False
        names = {weight.name for weight in self.taken.values()}
        name = next(name for i in count() if (name := f"constant.{i}") not in names)
        return self._take(op, rewriter, value, self._weight(name, type_, value))

    def _weight(self, name: str, type_: TensorType, value: ir.Attribute) -> Weight:
        weight = Weight(name, type_, type_, raw_bytes(value, type_.size))
        if self._dtype is None or not (weight.is_named and weight.is_float):
            return weight
        return replace(weight, type=replace(type_, element=self._dtype))

    def _take(
        self, op: ir.Operation, rewriter: Rewriter, identity: str | ir.Attribute, weight: Weight
    ) -> bool:
        """Makes a constant stand for a weight; constants of one identity are one weight."""
        if identity not in self._references:
            made = ir.Attribute.parse(f"dense_resource<attnorm.weight> : tensor<{weight.type}>")
            # MLIR has made the key one that no other resource has.
            self.taken[str(resource_key(made))] = weight
            self._references[identity] = made
        reference = self._references[identity]
        first = self.taken[str(resource_key(reference))]
        if first.own_type != weight.own_type:
            raise AttnormError(
                f"weight '{weight.name}': expected one type, got {first.own_type} and "
                f"{weight.own_type}"
            )
        builder = Builder(rewriter.ip, op.location)
        value = builder.op("constant", [], reference.type, value=reference)
        rewriter.replace(op, [builder.convert(value, op.results[0].type.element_type)])
        return True


def _rewritten(
    module: ir.Operation, pattern: Callable[[ir.Operation, Rewriter], bool]
) -> ir.Operation:
    with module.context:
        copy = module.clone().operation
    apply_patterns(copy, [("stablehlo.constant", pattern)])
    return copy


def _type(value: ir.Attribute) -> TensorType | None:
    """The type of a constant that may be a weight."""
    element = str(value.type.element_type)
    if element not in FLOATS | _INTEGERS:
        return None
    return TensorType(tuple(value.type.shape), element)
