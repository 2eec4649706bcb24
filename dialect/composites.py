"""The ops as `stablehlo.composite`, for what knows StableHLO alone."""

from __future__ import annotations

from ..bindings import entries, ir
from .base import AttnormDialect, Op

COMPOSITE_VERSION = 1
"""What the composites say that their attributes mean."""

_ATTRIBUTES = "composite_attributes"


def is_own(composite: ir.Operation) -> bool:
    """Whether a composite has a name of the dialect's."""
    return _name(composite).startswith(f"{AttnormDialect.DIALECT_NAMESPACE}.")


def stands_for_op(composite: ir.Operation) -> bool:
    """Whether a composite has the name of an op, and the version that we know."""
    return _name(composite) in _classes() and _version(composite) == COMPOSITE_VERSION


def op_of(composite: ir.Operation) -> ir.Operation:
    """The op that a composite stands for, in no block, on the same operands.

    Raises `ValueError` for another name or version, and with the constraint of the op's that the
    composite violates.
    """
    name, version, known = _name(composite), _version(composite), _classes()
    if name not in known:
        raise ValueError(f"name: expected one of {', '.join(known)}")
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
    problem = known[name].problem(op.opview)
    if problem:
        op.erase()
        raise ValueError(problem)
    return op


def _classes() -> dict[str, type[Op]]:
    return {op.OPERATION_NAME: op for op in AttnormDialect.operations}


def _name(composite: ir.Operation) -> str:
    return composite.attributes["name"].value


def _version(composite: ir.Operation) -> int:
    return composite.attributes["version"].value if "version" in composite.attributes else 0
