"""From a module of plain StableHLO to a .vmfb."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from ..errors import Diagnostic
from ..ir.mlir import ir
from ..ir.serialization import bytecode
from . import refused
from .compiler import CompileError, compile_module, executable_target
from .flags import Flag, choose_flags, tiling_flags
from .kernels import Choice, insert_kernels
from .kernels.machine import Machine
from .parameters import insert_parameters
from .scalable import transpose_products
from .targets import Target, find_target
from .weights import Weight


def build(
    module: ir.Operation,
    target: str | Target = "host",
    *,
    flags: Sequence[str] = (),
    on_warning: Callable[[Diagnostic], None] | None = None,
    on_choice: Callable[[Choice], None] | None = None,
    on_flag: Callable[[Flag], None] | None = None,
    weights: Mapping[str, Weight] = MappingProxyType({}),
) -> bytes:
    """Compiles a module for a target; the module stays as it is.

    Composites "attnorm.*" become kernels where there is one for them; `on_choice` hears of each.
    `flags` are flags of `iree-compile` after ours, which `choose_flags` chooses by the module;
    `on_flag` hears of each. `weights` become the program's parameters: those that `Weights` has
    taken out of the module, by their keys in it. Raises `CompileError` when IREE refuses the
    module, `AttnormError` for an unknown target or flag.
    """
    refused.check(module)
    target = find_target(target)
    described = executable_target(target, tuple(flags))
    machine = Machine.parse(described) if described else None
    chosen = choose_flags(module, target, flags)
    all_flags = [*tiling_flags(chosen), *flags]
    choices: list[Choice] = []

    def rewrite(parsed) -> None:
        choices[:] = insert_kernels(parsed, machine)
        insert_parameters(parsed, weights)

    def run(source: bytes) -> bytes:
        return compile_module(
            source, target, flags=all_flags, on_warning=on_warning, rewrite=rewrite
        )

    source = bytecode(module)
    try:
        vmfb = run(source)
    except CompileError as error:
        # The phases that generate machine code: see `transpose_products`.
        if error.phase not in ("executable-targets", "hal"):
            raise
        turned = bytecode(transpose_products(module))
        if turned == source:
            raise
        vmfb = run(turned)
        shutil.rmtree(error.reproducer)
    if on_flag:
        for flag in chosen:
            on_flag(flag)
    if on_choice:
        for choice in choices:
            on_choice(choice)
    return vmfb
