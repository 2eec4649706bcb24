"""What the definition of an op is given to look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..ir.mlir import ir
from .kinds import Kind, Precision
from .wide import Array

Values = Array | Sequence[Array]
"""The result of an op, or its results where there is not one."""


class Frame(Protocol):
    """The call of a function that an op is part of."""

    @property
    def precision(self) -> Precision:
        """What float results are rounded to."""
        ...

    @property
    def rms_norm_epsilon(self) -> float | None:
        """The epsilon of RMSNorm calls that carry none."""
        ...

    def kind(self, type_: ir.Type) -> Kind:
        """What a type is."""
        ...

    def run(self, block: ir.Block, arguments: Sequence[Array]) -> list[Array]:
        """What a block of a region returns."""
        ...

    def run_lanes(self, block: ir.Block, arguments: Sequence[Array]) -> list[Array]:
        """What a block on scalars returns for every element of its arguments, of one shape."""
        ...

    def call(self, function: str, arguments: Sequence[Array]) -> list[Array]:
        """What a function of the module returns."""
        ...


@dataclass(slots=True)
class Step:
    """An op at work."""

    op: ir.Operation
    operands: list[Array]
    results: list[Kind]
    frame: Frame

    def has(self, name: str) -> bool:
        """Whether an attribute is there."""
        return name in self.op.attributes

    def integer(self, name: str, default: int = 0) -> int:
        """An integer attribute."""
        return self.op.attributes[name].value if self.has(name) else default

    def flag(self, name: str, default: bool = False) -> bool:
        """A bool attribute."""
        return self.op.attributes[name].value if self.has(name) else default

    def integers(self, name: str, default: Sequence[int] = ()) -> list[int]:
        """An attribute that is a list of integers."""
        return list(self.op.attributes[name]) if self.has(name) else list(default)

    def text(self, name: str) -> str:
        """A string attribute."""
        return self.op.attributes[name].value

    def operand_kind(self, index: int) -> Kind:
        """What the type of an operand is."""
        return self.frame.kind(self.op.operands[index].type)

    def block(self, region: int = 0) -> ir.Block:
        """The only block of a region."""
        return self.op.regions[region].blocks[0]


Handler = Callable[[Step], Values]
"""The definition of an op: operands in, results out, unrounded."""


def elementwise(function: Callable[..., Any]) -> Handler:
    """A definition by a function of the operands."""
    return lambda step: function(*step.operands)
