"""From a module to a program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..ir.mlir import ir
from ..pipeline.lowering import lower
from ..pipeline.pipelines import TO_IREE
from .apart import Apart
from .build import build
from .program import Program


def compile(
    module: ir.Operation,
    *,
    target: str = "host",
    pipeline: str = TO_IREE,
    iree_flags: Sequence[str] = (),
    device: str = "local-task",
    weights: str | Path | None = None,
    weights_from: str | Path | Sequence[str | Path] = (),
    weights_dtype: str | None = None,
    weights_min_bytes: int = 1024,
) -> Program:
    """Lowers a module and compiles it with IREE; `module` is left alone.

    `target` is a name of `attnorm compile --help`, with CPU and features where wanted
    ("aarch64:neoverse-v2", "x86-64,+avx2"). A program for another machine can be saved, not called.
    `iree_flags` are flags of `iree-compile`, after ours. `device` is "local-task" (all cores) or
    "local-sync" (the calling thread).

    `weights` is an archive (.irpa) to write: constants of at least `weights_min_bytes` bytes go
    there instead of into the program. `weights_from` are files of a checkpoint (.safetensors, an
    index of several, .irpa), whose weights take the place of the module's, by their names; without
    `weights` the program reads them itself. `weights_dtype` ("f32", "f16", "bf16") is what weights
    with a name are stored as; the program computes in the module's own types.

    Raises `AttnormError`, and `attnorm.execution.compiler.CompileError` where IREE refuses the
    module.
    """
    checkpoint = [weights_from] if isinstance(weights_from, (str, Path)) else list(weights_from)
    if weights is None and not checkpoint:
        vmfb = build(lower(module, pipeline), target, flags=iree_flags)
        return Program(vmfb, device=device)
    apart = Apart(weights, checkpoint, weights_dtype, weights_min_bytes)
    vmfb = apart.build(
        module,
        lambda module: lower(module, pipeline),
        lambda module, taken: build(module, target, flags=iree_flags, weights=taken),
    )
    return Program(vmfb, device=device, weights=apart.files())
