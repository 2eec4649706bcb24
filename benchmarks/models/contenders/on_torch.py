"""torch: Hugging Face's own model, as it is and compiled by inductor."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import DynamicCache, StaticCache

from ...contender import Array, Form, Prepared
from ..cases import Step
from ..inputs import Inputs

_DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


class Eager:
    """The model as it is, with the caches that grow and with those of a fixed length."""

    caches: tuple[type[_Cache], ...]

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.caches = (_Growing, _Fixed)
        self._model: tuple[Path, Any] | None = None

    def forms(self, case: Step, inputs: Inputs) -> list[Form]:
        """Attention by torch's own kernels."""
        model = self.model(case, inputs)
        return [partial(self.prepare, case, inputs, model, cache) for cache in self.caches]

    def model(self, case: Step, inputs: Inputs) -> Any:
        """The checkpoint's; one at a time."""
        if self._model is None or self._model[0] != inputs.checkpoint:
            self._model = None
            loaded = transformers.AutoModelForCausalLM.from_pretrained(
                inputs.checkpoint, dtype=_DTYPES[case.dtype], attn_implementation="sdpa"
            )
            self._model = inputs.checkpoint, loaded
        return self._model[1]

    def prepare(self, case: Step, inputs: Inputs, model: Any, kind: type[_Cache]) -> Prepared:
        """The step, and what brings the caches back to where they were before it."""
        ids = torch.from_numpy(inputs.ids).long()[None]
        cache = kind(model, case.model.capacity)
        if case.before:
            model(ids[:, : case.before], past_key_values=cache.cache, logits_to_keep=1)
        cache.keep()
        forward = self.forward(model)

        def step() -> torch.Tensor:
            return forward(
                ids[:, case.before :], past_key_values=cache.cache, logits_to_keep=1
            ).logits

        def call() -> torch.Tensor:
            cache.rewind()
            return step()

        def results() -> list[Array]:
            cache.restore()
            return [step().float().numpy()]

        return Prepared(call, results, kind.__doc__ or "")

    def forward(self, model: Any) -> Callable[..., Any]:
        """What computes the step."""
        return model


class Inductor(Eager):
    """torch.compile of the model with caches of a fixed length."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.caches = (_Fixed,)
        # The first compilation of a process also compiles C++ headers.
        torch.compile(torch.sin)(torch.ones(8))

    def prepare(self, case: Step, inputs: Inputs, model: Any, kind: type[_Cache]) -> Prepared:
        """The first call compiles."""
        torch.compiler.reset()
        prepared = super().prepare(case, inputs, model, kind)
        start = time.perf_counter()
        prepared.call()
        return replace(prepared, compile_seconds=time.perf_counter() - start)

    def forward(self, model: Any) -> Callable[..., Any]:
        """For the shapes given."""
        return torch.compile(model, fullgraph=True, dynamic=False)


# -- caches --------------------------------------------------------------------------------------


class _Cache:
    """A cache that goes back to the tokens that it held when `keep` was called."""

    cache: Any

    def __init__(self, model: Any, capacity: int) -> None: ...

    def keep(self) -> None: ...

    def rewind(self) -> None:
        """As far as it matters to the time that a step takes."""

    def restore(self) -> None:
        """As far as it matters to the logits."""


class _Growing(_Cache):
    """DynamicCache"""

    def __init__(self, model: Any, capacity: int) -> None:
        self.cache = DynamicCache(config=model.config)

    def keep(self) -> None:
        # A step makes new tensors.
        self._kept = [dict(vars(layer)) for layer in self.cache.layers]

    def rewind(self) -> None:
        for layer, kept in zip(self.cache.layers, self._kept, strict=True):
            vars(layer).update(kept)

    def restore(self) -> None:
        self.rewind()


class _Fixed(_Cache):
    """StaticCache"""

    def __init__(self, model: Any, capacity: int) -> None:
        self.cache = StaticCache(config=model.config, max_cache_len=capacity)

    def keep(self) -> None:
        self._length = int(self.cache.get_seq_length())
        self._kept = [
            (layer.keys.clone(), layer.values.clone())
            for layer in self.cache.layers
            if layer.is_initialized
        ]

    def rewind(self) -> None:
        # A window that is full moves on by a token, which costs what it did before.
        for layer in self.cache.layers:
            layer.cumulative_length.fill_(self._length)
            if layer.is_sliding:
                layer.cumulative_length_int = self._length

    def restore(self) -> None:
        self.rewind()
        for layer, (keys, values) in zip(self.cache.layers, self._kept, strict=False):
            layer.keys.copy_(keys)
            layer.values.copy_(values)
