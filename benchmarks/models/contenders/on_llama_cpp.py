"""llama.cpp, by the functions of its own interface."""

from __future__ import annotations

import ctypes
from functools import partial
from itertools import product
from pathlib import Path

import llama_cpp as llama
import numpy as np
from gguf import GGMLQuantizationType as Type

from ...contender import Array, Form, Prepared
from ..cases import Step
from ..gguf_file import write_gguf
from ..inputs import Inputs

_TYPES = {"f32": Type.F32, "f16": Type.F16, "bf16": Type.BF16}
_FLASH = {"on": llama.LLAMA_FLASH_ATTN_TYPE_ENABLED, "off": llama.LLAMA_FLASH_ATTN_TYPE_DISABLED}


class LlamaCpp:
    """With its flash attention and without, with caches of the weights' type and of its own."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        llama.llama_log_set(_silence, ctypes.c_void_p())
        llama.llama_backend_init()
        self._model: tuple[Path, llama.llama_model_p] | None = None

    def forms(self, case: Step, inputs: Inputs) -> list[Form]:
        """llama.cpp's default is f16 for the caches."""
        model = self._load(case, inputs)
        kinds = product(_FLASH, (case.dtype, "f16"))
        return [partial(self._prepare, case, inputs, model, *kind) for kind in kinds]

    def _load(self, case: Step, inputs: Inputs) -> llama.llama_model_p:
        """One model at a time."""
        path = inputs.checkpoint / "model.gguf"
        if not path.exists():
            write_gguf(case.model, inputs.checkpoint, path)
        if self._model is None or self._model[0] != path:
            if self._model is not None:
                llama.llama_model_free(self._model[1])
            loaded = llama.llama_model_load_from_file(
                str(path).encode(), llama.llama_model_default_params()
            )
            if loaded is None:
                raise RuntimeError("the GGUF cannot be loaded")
            self._model = path, loaded
        return self._model[1]

    def _prepare(
        self, case: Step, inputs: Inputs, model: llama.llama_model_p, flash: str, cache: str
    ) -> Prepared:
        context = _Context(case, model, self._threads, _FLASH[flash], _TYPES[cache])
        context.decode(inputs.ids[: case.before], 0)
        ids = inputs.ids[case.before :]

        def call() -> None:
            context.decode(ids, case.before)

        def results() -> list[Array]:
            call()
            return [context.logits()]

        return Prepared(call, results, f"flash attention {flash}, caches {cache}")


class _Context:
    """The caches, and the tokens that go into them; freed with the object."""

    def __init__(
        self, case: Step, model: llama.llama_model_p, threads: int, flash: int, cache: int
    ) -> None:
        options = llama.llama_context_default_params()
        options.n_ctx = case.model.capacity
        options.n_batch = case.model.capacity
        options.n_threads = options.n_threads_batch = threads
        options.flash_attn_type = flash
        options.type_k = options.type_v = cache
        options.no_perf = True
        context = llama.llama_init_from_model(model, options)
        if context is None:
            raise RuntimeError("no such context")
        self._context, self._vocabulary = context, case.model.vocabulary
        self._batch = llama.llama_batch_init(case.model.capacity, 0, 1)

    def decode(self, ids: Array, position: int) -> None:
        """Puts tokens at a position, behind which there are none then; the last one's logits."""
        memory = llama.llama_get_memory(self._context)
        assert memory is not None
        llama.llama_memory_seq_rm(memory, 0, position, -1)
        if not len(ids):
            return
        batch = self._batch
        batch.n_tokens = len(ids)
        for index, token in enumerate(ids):
            batch.token[index] = int(token)
            batch.pos[index] = position + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = index == len(ids) - 1
        if code := llama.llama_decode(self._context, batch):
            raise RuntimeError(f"llama_decode returned {code}")

    def logits(self) -> Array:
        """A copy."""
        found = llama.llama_get_logits_ith(self._context, -1)
        return np.ctypeslib.as_array(found, (self._vocabulary,)).copy()

    def __del__(self) -> None:
        if hasattr(self, "_batch"):
            llama.llama_batch_free(self._batch)
            llama.llama_free(self._context)


@llama.llama_log_callback
def _silence(*_: object) -> None:
    pass
