"""From a module of plain StableHLO to a .vmfb."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence

from .. import bindings
from ..bindings import ir
from ..errors import Diagnostic
from .compiler import CompileError, compile_module
from .scalable import transpose_products
from .targets import Target


def build(
    module: ir.Operation,
    target: str | Target = "host",
    *,
    flags: Sequence[str] = (),
    on_warning: Callable[[Diagnostic], None] | None = None,
) -> bytes:
    """Compiles a module for a target; the module stays as it is.

    `flags` are flags of `iree-compile` after ours. Raises `CompileError` when IREE refuses the
    module, `AttnormError` for an unknown target or flag.
    """
    source = bindings.bytecode(module)
    try:
        return compile_module(source, target, flags=flags, on_warning=on_warning)
    except CompileError as error:
        # The phase that generates machine code: see `transpose_products`.
        if error.phase != "hal":
            raise
        turned = bindings.bytecode(transpose_products(module))
        if turned == source:
            raise
        vmfb = compile_module(turned, target, flags=flags, on_warning=on_warning)
        shutil.rmtree(error.reproducer)
        return vmfb
