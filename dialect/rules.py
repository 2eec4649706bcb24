"""Constraints that several ops share, each made with its number and the operand it is about."""

from .base import (
    Constraint,
    affine_operand,
    axes_of,
    epsilon_of,
    float_tensor,
    like_operand,
    not_empty,
)

CASTS = ("before_weight", "after_weight", "throughout")
"""Where an RMSNorm rounds to the type of x: see `attnorm.rms_norm`."""


def is_float(number: int, name: str) -> Constraint:
    """An operand is a float tensor."""
    text = f"{name} is a ranked tensor of f16, bf16, f32 or f64, without an encoding"
    return Constraint(number, text, lambda op: float_tensor(name, getattr(op, name)))


def axes_in_range(number: int, of: str) -> Constraint:
    """The axes are a set of an operand's."""
    text = "axes are ascending and in range, at least one"
    return Constraint(number, text, lambda op: axes_of("axes", op.axes, getattr(op, of).type.rank))


def is_not_empty(number: int, name: str) -> Constraint:
    """An operand has rows, and elements in them."""
    text = f"no size of {name} is 0"
    return Constraint(number, text, lambda op: not_empty(name, getattr(op, name)))


def epsilon_in_range(number: int) -> Constraint:
    """Epsilon can stand under a root."""
    text = "epsilon is finite and not negative"
    return Constraint(number, text, lambda op: epsilon_of(op.epsilon))


def fits_axes(number: int, name: str, of: str) -> Constraint:
    """A weight or bias lies along the normalised axes."""
    text = f"{name} has one dimension an axis, of {of}'s size there or 1, and a float type"

    def check(op) -> str | None:
        return affine_operand(name, getattr(op, name), getattr(op, of), op.axes)

    return Constraint(number, text, check)


def offset_is_zero_or_one(number: int) -> Constraint:
    """What is added to the weight, if there is one."""
    text = "weight_offset is 0 or 1, and 0 without a weight"
    return Constraint(number, text, _offset)


def _offset(op) -> str | None:
    offset = op.weight_offset
    if offset not in (0.0, 1.0):
        return f"weight_offset: expected 0 or 1, got {offset}"
    if offset and op.weight is None:
        return "weight_offset: expected 0 without a weight, got 1"
    return None


def is_like(number: int, name: str, of: str) -> Constraint:
    """A result has an operand's shape."""
    text = f"{name} has {of}'s shape, dynamic where {of} is, and a float type"

    def check(op) -> str | None:
        return like_operand(name, getattr(op, name), getattr(op, of), of)

    return Constraint(number, text, check)
