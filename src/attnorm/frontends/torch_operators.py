"""Operators for models that are traced here, where torch has none that becomes one op of StableHLO.

torch's ways of writing at a position that is known at run time become scatters.
"""

from __future__ import annotations

from typing import Any

import torch

from .. import dialect
from ..ir.mlir import ir
from ..ir.stablehlo import Builder


@torch.library.custom_op("attnorm::update_rows", mutates_args=())
def update_rows(
    x: torch.Tensor, rows: torch.Tensor, start: torch.Tensor, axis: int
) -> torch.Tensor:
    """`x` with `rows` from index `start` of an axis on; all of them fit."""
    result = x.clone()
    result.narrow(axis, int(start), rows.shape[axis]).copy_(rows)
    return result


@update_rows.register_fake
def _(x: torch.Tensor, rows: torch.Tensor, start: torch.Tensor, axis: int) -> torch.Tensor:
    return torch.empty_like(x)


@torch.library.custom_op("attnorm::take_rows", mutates_args=())
def take_rows(x: torch.Tensor, start: torch.Tensor, count: int, axis: int) -> torch.Tensor:
    """`count` elements of an axis of `x` from index `start` on; all of them are there."""
    return x.narrow(axis, int(start), count).clone()


@take_rows.register_fake
def _(x: torch.Tensor, start: torch.Tensor, count: int, axis: int) -> torch.Tensor:
    return torch.empty_like(x.narrow(axis, 0, count), memory_format=torch.contiguous_format)


@torch.library.custom_op("attnorm::sdpa", mutates_args=())
def sdpa(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    start: torch.Tensor,
    scale: float,
    left: int,
) -> torch.Tensor:
    """Causal attention, query 0 at key `start`; `left` as in a window of `attnorm.sdpa`."""
    groups = q.shape[1] // k.shape[1]
    distance = torch.arange(k.shape[2]) - torch.arange(q.shape[2])[:, None] - start
    kept = (distance <= 0) & ((distance >= -left) | (left < 0))
    k, v = (x.repeat_interleave(groups, 1) for x in (k, v))
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, kept, scale=scale)


@sdpa.register_fake
def _(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    start: torch.Tensor,
    scale: float,
    left: int,
) -> torch.Tensor:
    return torch.empty_like(q, memory_format=torch.contiguous_format)


def build(name: str, arguments: list[Any], results: list[ir.Type]) -> list[ir.Value]:
    """The ops that an operator stands for, at the current insertion point."""
    b = Builder(ir.InsertionPoint.current, ir.Location.current)
    if name == "sdpa":
        q, k, v, start, scale, left = arguments
        placed = {"start": start, "causal": True, "window": (left, -1)}
        return list(dialect.sdpa(q, k, v, scale=scale, **placed).results)
    x, start, axis = arguments[0], arguments[-2 if name == "update_rows" else 1], arguments[-1]
    zero = b.full(0, start.type.element_type)
    starts = [start if index == axis else zero for index in range(x.type.rank)]
    if name == "update_rows":
        return [b.dynamic_update_slice(x, arguments[1], starts)]
    sizes = [arguments[2] if index == axis else n for index, n in enumerate(x.type.shape)]
    return [b.dynamic_slice(x, starts, sizes)]
