"""What attnorm knows of an op: one declaration, of which the lists elsewhere are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from .base import Op
from .calls import Callee


@dataclass(frozen=True)
class CustomCall:
    """A target of `stablehlo.custom_call` that means the op.

    `callee` raises it. `meaning` names what the reference evaluator computes for it: a function of
    its own, since it judges how the call is raised.
    """

    callee: Callee
    meaning: str


@dataclass(frozen=True)
class OpSpec:
    """What attnorm knows of an op.

    What stands in a layer above the dialect is named: a pass by its name, a function as
    "package.module:function" below `attnorm`, which `resolve` imports where it is used.
    """

    op: type[Op]
    """Its operands, results, attributes, constraints."""
    build: Callable[..., Any]
    """Its builder, of the op's name."""
    definition: str
    """The function that computes it in float64, of operands and attributes by their names; and of
    `result`, the type of the last result, where it rounds to that inside."""
    expanded_by: str
    """The pass that writes it out in StableHLO; the module's `PATTERNS` expand the op."""
    raised_by: tuple[str, ...] = ()
    """The passes that find it written out in primitives, in no order."""
    fused_by: tuple[str, ...] = ()
    """The passes that make it of another op and what stands beside that."""
    custom_calls: Mapping[str, CustomCall] = field(default_factory=dict)
    """By target."""
    composites: Mapping[str, Callee] = field(default_factory=dict)
    """Producers' composites, by name. Every op has `attnorm.<op>` too."""
    onnx: Mapping[str, str] = field(default_factory=dict)
    """The ONNX operators that become it, "domain.Operator" or "Operator", and the functions that
    rewrite a node of it."""
    torch: Mapping[str, str] = field(default_factory=dict)
    """The operators of torch's `aten` that torch-mlir, or torch itself, would write in another
    way, and the functions that decompose them."""
    onnx_shape: str = "Identity"
    """The ONNX operator whose result, of the op's required operands, has the op's shape."""
    kernel: str | None = None
    """The function that makes a kernel of its composite. An op without one is expanded for IREE,
    and `outline-rows` gives the row kernels what they take of it."""

    @property
    def name(self) -> str:
        """Its name without the dialect: "rms_norm"."""
        return self.op.OPERATION_NAME.partition(".")[2]


def resolve(name: str) -> Any:
    """What "package.module:function" names below `attnorm`."""
    module, _, function = name.partition(":")
    return getattr(import_module(f"attnorm.{module}"), function)
