"""The kernel of attention."""

from __future__ import annotations

from iree.compiler import ir

from .dispatch import Dispatcher
from .machine import Machine
from .refusal import Refused


def take(
    composite: ir.Operation, function: ir.Operation, machine: Machine, dispatcher: Dispatcher
) -> list[ir.Value]:
    """The attention of a composite "attnorm.sdpa", as a dispatch."""
    raise Refused("attention has no kernel yet")
