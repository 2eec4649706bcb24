"""`attnorm.from_hugging_face`: a causal language model as functions that share its weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import dialect
from ..errors import AttnormError
from ..ir.mlir import ir
from ..ir.parsing import parse_bytecode
from .extras import require

if TYPE_CHECKING:
    import torch

    from .cached_model import Caches

METADATA = "attnorm.model"
"""The name of what the reflection of `@decode` says about the model, as JSON."""
_ALIASING = "tf.aliasing_output"


def from_hugging_face(
    source: str | Path,
    *,
    capacity: int = 2048,
    batch: int = 1,
    chunks: Sequence[int] = (64, 512),
    dtype: str = "f32",
    seed: int = 0,
    on_progress: Callable[[str], None] | None = None,
) -> ir.Operation:
    """A causal language model with caches of a fixed length, as functions of one module.

    `source` is a directory with `config.json` and safetensors, or a name of
    `hugging_face_models.CONFIGURATIONS`, whose weights are random, by `seed`. Gemma 3, Llama,
    Mistral and Qwen 3 are supported. `dtype` ("f32", "bf16", "f16") is the type of weights, caches
    and activations. `on_progress` hears what is done next.

    `@decode` takes one token for each of `batch` rows, `@prefill_N`, for each N of `chunks`, N:

        (ids: [batch, N] i32, position: i32, slot: i32, last: i32, keys 0, values 0, keys 1, ...)
            -> (logits: [batch, vocabulary] f32, keys 0, values 0, keys 1, ...)

    `position` is where the first of the ids stands in the text, `logits` are those behind the token
    `last` of the ids; what follows that token is padding, which the next call overwrites. So
    `position` is the number of tokens before, and `position + N` at most `capacity`. A layer's keys
    and values are `[batch, key heads, slots, depth]`, zeros at first. A layer without a window has
    `capacity` slots. One with a window W has W and room for the longest chunk, for W at least, or
    `capacity` if that is less; the tokens before stand in front of `slot`, and `slot + N` is at
    most its slots. Where they are used up,

        @roll(slot: i32, the keys and values of the layers with a window) -> (the same)

    moves the last W before `slot` to the front: `slot` is W then. Until the first time it is
    `position`; without `@roll` always. Every cache is donated: the arguments may not be used after
    a call (`tf.aliasing_output` says which result takes their memory).

    The reflection of `@decode` has as "attnorm.model" a JSON object: `family`, `capacity`,
    `batch`, `chunks`, `window` (null without `@roll`), `slots` (of the layers that roll),
    `rolling` (those layers), `vocabulary`, `bos` and `eos` (token ids, null and [] where the
    configuration has none).

    Returns a verified `builtin.module`; a weight's `dense_resource` has its name in the model's
    state as key. Raises `AttnormError`.
    """
    require("torch", extra="torch")
    require("transformers", extra="torch")
    from . import torch_importer
    from .cached_model import ATTENTION, Caches, Roll, Step
    from .from_torch import export_program
    from .hugging_face_models import model_of
    from .torch_operators import build

    tell = on_progress or (lambda text: None)
    _check(capacity, batch, chunks)
    tell("loading the weights")
    model = model_of(source, dtype, seed, ATTENTION)
    # What the steps add is not in a checkpoint, and has no name.
    names = {f"model.{name}": name for name in model.state_dict()}
    caches = Caches.of(model, batch, capacity, max(chunks, default=1))
    step = Step(model, caches, capacity)
    programs = {}
    for name, count in _steps(chunks).items():
        tell(f"tracing @{name}")
        scalars = [_scalar() for _ in range(3)]
        example = (_ids(batch, count), *scalars, *caches.empty(model.dtype))
        programs[name] = export_program(step, example, {}, None)
    rolling = caches.rolling(capacity)
    if rolling:
        tell("tracing @roll")
        window = caches.windows[rolling[0]]
        assert window is not None, "what rolls has one"
        example = (_scalar(), *caches.empty(model.dtype, rolling))
        programs["roll"] = export_program(Roll(window), example, {}, None)
    tell("lowering to StableHLO")
    imported = torch_importer.import_programs(programs, dialect.new_context(), build)
    module = parse_bytecode(imported.bytecode, str(source), dialect.new_context())
    named = {
        key: (names.get(name, "constant"), tensor)
        for key, (name, tensor) in imported.tensors.items()
    }
    torch_importer.attach(module, named)
    with module.context:
        _donate(module)
        _describe(module, _description(model, caches, capacity, batch, chunks))
    return module


def _check(capacity: int, batch: int, chunks: Sequence[int]) -> None:
    for name, value in (("capacity", capacity), ("batch", batch)):
        if value < 1:
            raise AttnormError(f"{name}: expected 1 or more, got {value}")
    for chunk in chunks:
        if not 2 <= chunk <= capacity:
            raise AttnormError(f"chunks: expected sizes from 2 to the capacity, got {chunk}")


def _steps(chunks: Sequence[int]) -> dict[str, int]:
    """The functions that take tokens, and how many."""
    return {"decode": 1, **{f"prefill_{chunk}": chunk for chunk in sorted(set(chunks))}}


# -- examples to trace with ----------------------------------------------------------------------


def _ids(batch: int, count: int) -> torch.Tensor:
    import torch

    return torch.zeros(batch, count, dtype=torch.int32)


def _scalar() -> torch.Tensor:
    import torch

    return torch.zeros((), dtype=torch.int32)


# -- what the module says ------------------------------------------------------------------------


def _functions(module: ir.Operation) -> dict[str, ir.Operation]:
    """The functions that can be called, by name."""
    found = [op.operation for op in module.regions[0].blocks[0]]
    public = [op for op in found if "sym_visibility" not in op.attributes]
    return {ir.StringAttr(op.attributes["sym_name"]).value: op for op in public}


def _donate(module: ir.Operation) -> None:
    """Lets each cache that comes out of a function take the memory of the one that goes in.

    The caches are the last arguments and the last results.
    """
    i32 = ir.IntegerType.get_signless(32)
    for function in _functions(module).values():
        type_ = ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value)
        arguments, results = len(type_.inputs), len(type_.results)
        first = next(n for n, kind in enumerate(type_.inputs) if _is_cache(kind))
        shift = results - arguments
        attributes = [
            ir.DictAttr.get({_ALIASING: ir.IntegerAttr.get(i32, n + shift)} if n >= first else {})
            for n in range(arguments)
        ]
        function.attributes["arg_attrs"] = ir.ArrayAttr.get(attributes)


def _is_cache(type_: ir.Type) -> bool:
    return ir.RankedTensorType(type_).rank == 4


def _description(
    model: Any, caches: Caches, capacity: int, batch: int, chunks: Sequence[int]
) -> dict[str, Any]:
    """What a caller has to know, and cannot see in the types."""
    rolling = caches.rolling(capacity)
    generation, config = model.generation_config, model.config
    bos, eos = (
        getattr(generation, name, None) or getattr(config, name, None)
        for name in ("bos_token_id", "eos_token_id")
    )
    return {
        "family": config.model_type,
        "capacity": capacity,
        "batch": batch,
        "chunks": sorted(set(chunks)),
        "window": caches.windows[rolling[0]] if rolling else None,
        "slots": caches.slots[rolling[0]] if rolling else None,
        "rolling": rolling,
        "vocabulary": config.vocab_size,
        "bos": bos,
        "eos": [] if eos is None else eos if isinstance(eos, list) else [eos],
    }


def _describe(module: ir.Operation, description: dict[str, Any]) -> None:
    """Puts a description where it stays with a compiled program."""
    text = ir.StringAttr.get(json.dumps(description))
    decode = _functions(module)["decode"]
    decode.attributes["iree.reflection"] = ir.DictAttr.get({METADATA: text})
