"""A language model as one step with its caches: what is traced of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import AttentionInterface

from ..errors import AttnormError
from .torch_operators import sdpa, take_rows, update_rows

ATTENTION = "attnorm"
"""The implementation of attention that a model has to have. transformers makes no masks for it."""


@dataclass(frozen=True)
class Caches:
    """The caches of a model: keys and values of each layer, `[batch, key heads, slots, depth]`.

    `slots` and `windows` are each layer's. Without a window position p stands in slot p. With one,
    the keys stand in order too, but those of a window's length are moved to the front when the
    slots are used up.
    """

    slots: tuple[int, ...]
    windows: tuple[int | None, ...]
    shape: tuple[int, int, int]

    @staticmethod
    def of(model: Any, batch: int, capacity: int, longest: int) -> Caches:
        """Those of a model for `capacity` positions, fed `longest` at most at a time."""
        config = model.config
        usual = getattr(config, "sliding_window", None)
        windows = [getattr(x.self_attn, "sliding_window", usual) for x in model.model.layers]
        # With less room than a window the keys would be moved more often than they are written.
        slots = [capacity if w is None else min(capacity, w + max(w, longest)) for w in windows]
        depth = model.model.layers[0].self_attn.head_dim
        return Caches(tuple(slots), tuple(windows), (batch, config.num_key_value_heads, depth))

    def empty(self, dtype: torch.dtype, layers: Sequence[int] | None = None) -> list[torch.Tensor]:
        """Keys and values of the layers, of all unless given, as they are at first."""
        batch, heads, depth = self.shape
        slots = self.slots if layers is None else [self.slots[layer] for layer in layers]
        shapes = [(batch, heads, count, depth) for count in slots for _ in range(2)]
        return [torch.zeros(shape, dtype=dtype) for shape in shapes]

    def rolling(self, capacity: int) -> list[int]:
        """The layers whose keys have to be moved to the front at times."""
        return [layer for layer, slots in enumerate(self.slots) if slots < capacity]


@dataclass
class _Memory:
    """The caches inside of a step, and where its first token stands."""

    caches: Caches
    position: torch.Tensor
    slot: torch.Tensor
    tensors: tuple[torch.Tensor, ...]
    updated: list[torch.Tensor] = field(default_factory=list)


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None,
    *,
    scaling: float,
    memory: _Memory,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Puts the keys and values into the layer's caches, and attends to what is there."""
    layer: int = module.layer_idx  # pyright: ignore[reportAssignmentType]
    if sliding_window != memory.caches.windows[layer]:
        raise AttnormError(
            f"layer {layer}: expected a window of {memory.caches.windows[layer]}, "
            f"got {sliding_window}"
        )
    start = memory.position if sliding_window is None else memory.slot
    keys, values = (
        update_rows(cache, rows, start, 2)
        for cache, rows in zip(memory.tensors[2 * layer :][:2], (key, value), strict=True)
    )
    memory.updated += [keys, values]
    left = -1 if sliding_window is None else sliding_window - 1
    return sdpa(query, keys, values, start, scaling, left).transpose(1, 2), None


AttentionInterface.register(ATTENTION, _attention)


class _Rotary(torch.nn.Module):
    """The angles' cosines and sines at every position, as the model's own module computes them.

    At large angles a compiler's are not exact enough.
    """

    def __init__(
        self, rotary: torch.nn.Module, kinds: list[str | None], like: torch.Tensor, n: int
    ):
        super().__init__()
        for kind in kinds:
            further = () if kind is None else (kind,)
            for name, table in zip(
                ("cos", "sin"), rotary(like, torch.arange(n)[None], *further), strict=True
            ):
                self.register_buffer(_table(name, kind), table[0])

    def forward(
        self, x: torch.Tensor, position_ids: torch.Tensor, layer_type: str | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The cosines and sines of as many positions as x has, from that of `position_ids` on."""
        count = x.shape[1]
        cos, sin = (
            take_rows(self.get_buffer(_table(name, layer_type)), position_ids, count, 0)[None]
            for name in ("cos", "sin")
        )
        return cos, sin


def _table(name: str, kind: str | None) -> str:
    return name if kind is None else f"{kind}_{name}"


class Step(torch.nn.Module):
    """`model` on some tokens behind those in the caches. The model's rotary module is replaced."""

    def __init__(self, model: Any, caches: Caches, capacity: int):
        super().__init__()
        self.model = model
        self.caches = caches
        decoder, config = model.model, model.config
        nested = isinstance(next(iter(config.rope_parameters.values())), dict)
        kinds: list[str | None] = [*sorted(set(config.layer_types))] if nested else [None]
        like = torch.empty(1, dtype=model.dtype)
        decoder.rotary_emb = _Rotary(decoder.rotary_emb, kinds, like, capacity)

    def forward(
        self,
        ids: torch.Tensor,
        position: torch.Tensor,
        slot: torch.Tensor,
        last: torch.Tensor,
        *caches: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        """The logits behind token `last` of `ids`, and the caches with the tokens in them."""
        memory = _Memory(self.caches, position, slot, caches)
        # Only the rotary module reads position_ids.
        hidden = self.model.model(
            input_ids=ids, position_ids=position, use_cache=False, memory=memory
        ).last_hidden_state
        if ids.shape[1] > 1:
            hidden = take_rows(hidden, last, 1, 1)
        logits = self.model.lm_head(hidden)[:, 0].float()
        cap = getattr(self.model.config, "final_logit_softcapping", None)
        if cap is not None:
            logits = torch.tanh(logits / cap) * cap
        return logits, *memory.updated


class Roll(torch.nn.Module):
    """Moves the `window` keys before a slot to the front of each cache."""

    def __init__(self, window: int):
        super().__init__()
        self.window = window

    def forward(self, slot: torch.Tensor, *caches: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The caches, in which `window` is the next slot then."""
        front = torch.zeros((), dtype=slot.dtype)
        rows = [take_rows(cache, slot - self.window, self.window, 2) for cache in caches]
        return tuple(
            update_rows(cache, kept, front, 2) for cache, kept in zip(caches, rows, strict=True)
        )
