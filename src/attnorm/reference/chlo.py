"""CHLO ops that exporters emit: implicit broadcasts and functions that StableHLO lacks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import elementwise as hlo_ops
from .elementwise import total_order
from .shapes import dynamic_reshape, spread
from .step import Handler, Step, elementwise
from .wide import Array


def broadcasting(handler: Handler) -> Handler:
    """A definition on operands that are spread over one shape first.

    `broadcast_dimensions` says where the dimensions of the operand of lower rank go; without it
    shapes are aligned at the last dimension.
    """

    def wrapped(step: Step) -> Any:
        operands = step.operands
        if step.has("broadcast_dimensions"):
            rank = max(x.ndim for x in operands)
            dimensions = step.integers("broadcast_dimensions")
            operands = [
                x if x.ndim == rank else spread(x, dimensions, _sizes(x, dimensions, rank))
                for x in operands
            ]
        spread_out = list(np.broadcast_arrays(*operands))
        return handler(Step(step.op, spread_out, step.results, step.frame))

    return wrapped


def _sizes(x: Array, dimensions: list[int], rank: int) -> list[int]:
    sizes = [1] * rank
    for size, dimension in zip(x.shape, dimensions, strict=True):
        sizes[dimension] = size
    return sizes


def constant_like(step: Step) -> Array:
    """A number everywhere, in the operand's shape."""
    kind = step.results[0]
    number = step.op.attributes["value"].value
    dtype = np.float64 if kind.is_float else kind.dtype
    return np.broadcast_to(np.asarray(number).astype(dtype), step.operands[0].shape)


def top_k(step: Step) -> list[Array]:
    """The largest k of the last dimension, largest first, and where they are; -NaN is least.

    Of equals, the first comes first.
    """
    (x,) = step.operands
    keys = total_order(x) if x.dtype == np.float64 else x
    order = np.argsort(~keys, axis=-1, kind="stable")[..., : step.integer("k")]
    return [np.take_along_axis(x, order, -1), order.astype(step.results[1].dtype)]


def _by_element(function: Callable[[float], float]) -> Callable[[Array], Array]:
    return np.vectorize(function, otypes=[np.float64])


def _lgamma(x: float) -> float:
    try:
        return math.lgamma(x)
    except (OverflowError, ValueError):
        # Too large, or a pole.
        return math.inf


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "cosh": np.cosh,
    "erf": _by_element(math.erf),
    "erfc": _by_element(math.erfc),
    "is_inf": np.isinf,
    "is_neg_inf": np.isneginf,
    "is_pos_inf": np.isposinf,
    "lgamma": _by_element(_lgamma),
    "sinh": np.sinh,
    "square": np.square,
    "tan": np.tan,
}
_BROADCASTING = (
    *("add", "and", "atan2", "compare", "divide", "maximum", "minimum", "multiply", "or"),
    *("power", "remainder", "select", "shift_left", "shift_right_arithmetic"),
    *("shift_right_logical", "subtract", "xor"),
)

HANDLERS: dict[str, Handler] = {
    **{f"chlo.{name}": elementwise(function) for name, function in _FUNCTIONS.items()},
    **{
        f"chlo.broadcast_{name}": broadcasting(hlo_ops.HANDLERS[f"stablehlo.{name}"])
        for name in _BROADCASTING
    },
    "chlo.constant_like": constant_like,
    "chlo.dynamic_reshape": dynamic_reshape,
    "chlo.top_k": top_k,
}
