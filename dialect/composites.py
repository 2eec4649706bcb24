"""The ops as `stablehlo.composite`, for what knows StableHLO alone."""

from __future__ import annotations

from attnorm.ir.attributes import entries
from attnorm.ir.mlir import ir

from . import NAMESPACE, OPS

COMPOSITE_VERSION = 1
"""What the composites say that their attributes mean."""

_ATTRIBUTES = "composite_attributes"


def is_own(composite: ir.Operation) -> bool:
    """Whether a composite has a name of the dialect's."""
    return _name(composite).startswith(f"{NAMESPACE}.")


def stands_for_op(composite: ir.Operation) -> bool:
    """Whether a composite has the name of an op, and the version that we know."""
    return _name(composite) in OPS and _version(composite) == COMPOSITE_VERSION


def op_of(composite: ir.Operation) -> ir.Operation:
    """The op that a composite stands for, in no block, on the same operands.

    Raises `ValueError` for another name or version, and with the constraint of the op's that the
    composite violates.
    """
    name, version = _name(composite), _version(composite)
    if name not in OPS:
        raise ValueError(f"name: expected one of {', '.join(OPS)}")
    if version != COMPOSITE_VERSION:
        raise ValueError(f"version: expected {COMPOSITE_VERSION}, got {version}")
    has_attributes = _ATTRIBUTES in composite.attributes
    op = ir.Operation.create(
        name,
        results=[result.type for result in composite.results],
        operands=list(composite.operands),
        attributes=entries(composite.attributes[_ATTRIBUTES]) if has_attributes else {},
        loc=composite.location,
        ip=False,
    )
    problem = OPS[name].problem(op.opview)
    if problem:
        op.erase()
        raise ValueError(problem)
    return op


def _name(composite: ir.Operation) -> str:
    return composite.attributes["name"].value


def _version(composite: ir.Operation) -> int:
    return composite.attributes["version"].value if "version" in composite.attributes else 0
