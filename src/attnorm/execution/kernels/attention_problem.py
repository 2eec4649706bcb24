"""What an attention's kernel has to compute: a composite "attnorm.sdpa", read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from iree.compiler import ir

from ...dialect.composites import COMPOSITE_VERSION
from .dispatch import View
from .refusal import Refused

_SEGMENTS = ("q", "k", "v", "mask", "sinks", "start")


@dataclass(frozen=True)
class Attention:
    """Shapes, types and attributes; `attnorm.sdpa` says what they mean.

    `batch` are the dimensions before the heads. `left` and `right` are how many keys a query reads
    beside its position, causality included; None is an open side. `mask` is the shape of the mask,
    with the rank of the scores.
    """

    batch: tuple[int, ...]
    heads: int
    key_heads: int
    queries: int
    keys: int
    depth: int
    value_depth: int
    elements: dict[str, ir.Type]
    scale: float
    softcap: float | None
    left: int | None
    right: int | None
    offset: int
    fully_masked: str
    mask: tuple[int, ...] | None

    @property
    def groups(self) -> int:
        """How many query heads read one key head."""
        return self.heads // self.key_heads

    @property
    def rows(self) -> int:
        """How many queries read one key head: they lie side by side in memory."""
        return self.groups * self.queries

    @property
    def pairs(self) -> int:
        """How many key heads there are in all batches."""
        return prod(self.batch) * self.key_heads

    @property
    def banded(self) -> bool:
        """Whether positions say what a query reads."""
        return self.left is not None or self.right is not None

    def key(self) -> str:
        """What tells this attention's code from that of others."""
        return " ".join(f"{name}={value}" for name, value in vars(self).items())

    def has(self, name: str) -> bool:
        """Whether an operand or result is there."""
        return name in self.elements

    def views(self) -> list[View]:
        """The operands that are there, as the kernel sees them."""
        shapes = {
            "q": (self.pairs, self.rows, self.depth),
            "k": (self.pairs, self.keys, self.depth),
            "v": (self.pairs, self.keys, self.value_depth),
            "mask": (prod(self.mask or ()),),
            "sinks": (self.heads,),
            "start": (1,),
        }
        return [View(shapes[name], self.elements[name]) for name in _SEGMENTS if self.has(name)]

    def result_views(self) -> list[View]:
        """The results that are there, as the kernel sees them."""
        shapes = {
            "result": (self.pairs, self.rows, self.value_depth),
            "log_sum_exp": (self.pairs, self.rows),
        }
        return [
            View(shape, self.elements[name]) for name, shape in shapes.items() if self.has(name)
        ]

    def named(self, operands: list[ir.Value]) -> dict[str, ir.Value]:
        """The operands that are there by name."""
        return dict(zip([name for name in _SEGMENTS if self.has(name)], operands, strict=True))


def read(composite: ir.Operation) -> tuple[Attention, list[ir.Value]]:
    """A composite's attention, and its operands in types that kernels can address.

    It is sound where it is of our version, the module was checked for that. Raises `Refused` for
    another version.
    """
    version = _get(composite.attributes, "version", _plain, 0)
    if version != COMPOSITE_VERSION:
        raise Refused(f"version: expected {COMPOSITE_VERSION}, got {version}")
    attributes = ir.DictAttr(composite.attributes["composite_attributes"])
    present = ir.DenseI32ArrayAttr(attributes["operandSegmentSizes"])
    names = [name for name, count in zip(_SEGMENTS, present, strict=True) if count]
    operands = dict(zip(names, composite.operands, strict=True))
    results = dict(zip(("result", "log_sum_exp"), composite.results, strict=False))
    for name, value in {**operands, **results}.items():
        _check(name, value)
    operands = {name: _addressable(name, value) for name, value in operands.items()}
    q, k, v = (_shape(operands[name]) for name in ("q", "k", "v"))
    left, right = _get(attributes, "window", _pair, (-1, -1))
    causal = _get(attributes, "causal", _plain, False)
    mask = operands.get("mask")
    return Attention(
        batch=q[:-3],
        heads=q[-3],
        key_heads=k[-3],
        queries=q[-2],
        keys=k[-2],
        depth=q[-1],
        value_depth=v[-1],
        elements={name: _element(value) for name, value in {**operands, **results}.items()},
        scale=_get(attributes, "scale", _plain, 1.0),
        softcap=_get(attributes, "softcap", _plain, None),
        left=None if left < 0 else left,
        right=0 if causal else None if right < 0 else right,
        offset=_get(attributes, "offset", _plain, 0),
        fully_masked=_get(attributes, "fully_masked", _plain, "nan"),
        mask=None if mask is None else (1,) * (len(q) - len(_shape(mask))) + _shape(mask),
    ), list(operands.values())


def _check(name: str, value: ir.Value) -> None:
    type_ = value.type
    assert isinstance(type_, ir.RankedTensorType)
    if not type_.has_static_shape:
        raise Refused(f"{name}: expected static sizes, got {type_}")
    element = type_.element_type
    if not isinstance(element, (ir.F16Type, ir.BF16Type, ir.F32Type, ir.IntegerType)):
        raise Refused(f"{name}: expected elements of f16, bf16 or f32, got {element}")


def _addressable(name: str, value: ir.Value) -> ir.Value:
    """Truth values as bytes, and the start as i32: in memory IREE packs what is narrower."""
    element = _element(value)
    if name == "start":
        wanted = ir.IntegerType.get_signless(32)
    elif isinstance(element, ir.IntegerType):
        wanted = ir.IntegerType.get_signless(8)
    else:
        return value
    if element == wanted:
        return value
    type_ = ir.RankedTensorType.get(_shape(value), wanted)
    return ir.Operation.create("stablehlo.convert", results=[type_], operands=[value]).result


def _shape(value: ir.Value) -> tuple[int, ...]:
    type_ = value.type
    assert isinstance(type_, ir.RankedTensorType)
    return tuple(type_.shape)


def _element(value: ir.Value) -> ir.Type:
    type_ = value.type
    assert isinstance(type_, ir.RankedTensorType)
    return type_.element_type


def _get(
    attributes: ir.DictAttr | ir.OpAttributeMap,
    name: str,
    decode: Callable[[ir.Attribute], Any],
    default: Any,
) -> Any:
    return decode(attributes[name]) if name in attributes else default


def _plain(attribute: ir.Attribute) -> Any:
    return attribute.value  # pyright: ignore[reportAttributeAccessIssue]


def _pair(attribute: ir.Attribute) -> tuple[int, int]:
    left, right = ir.DenseI64ArrayAttr(attribute)
    return left, right
