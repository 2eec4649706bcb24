"""`attnorm.from_jax`: a JAX function as a StableHLO module."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..io.load import load
from .extras import require

if TYPE_CHECKING:
    from ..ir.mlir import ir


_NOT_ON_A_CPU = "is not supported by dot_general on CPU"


def from_jax(fn: Callable[..., Any], *args: Any) -> ir.Operation:
    """Exports `fn(*args)`, any callable that JAX can trace, as `@main`.

    The arguments are arrays, `jax.ShapeDtypeStruct`s (symbolic dimensions too) or pytrees of them:
    each leaf, in order, is an argument of `@main`, used or not, and each leaf of what `fn` returns
    is a result. Arrays that `fn` closes over are constants. Returns a verified `builtin.module`;
    raises `AttnormError`, and whatever JAX raises where it cannot trace `fn`.
    """
    require("jax", extra="jax")
    import jax
    from jax import export

    # jit drops arguments that are not used, and positions with them.
    jitted = jax.jit(fn, keep_unused=True)
    try:
        exported = export.export(jitted)(*args)
    except ValueError as error:
        if _NOT_ON_A_CPU not in str(error):
            raise
        # XLA's CPU has no f16 product that is summed in f32, which attention asks for; we have.
        exported = export.export(jitted, platforms=["tpu"])(*args)
    return load(exported.mlir_module_serialized, name=exported.fun_name)
