"""`attnorm.from_jax`: a JAX function as a StableHLO module."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import api
from .extras import require

if TYPE_CHECKING:
    from ..bindings import ir


def from_jax(fn: Callable[..., Any], *args: Any) -> ir.Operation:
    """Exports `fn(*args)`, any callable that JAX can trace, as `@main`.

    The arguments are arrays, `jax.ShapeDtypeStruct`s (symbolic dimensions too) or pytrees of them:
    each leaf, in order, is an argument of `@main`, used or not, and each leaf of what `fn` returns
    is a result. Arrays that `fn` closes over are constants. Returns a verified `builtin.module`;
    raises `AttnormError`.
    """
    require("jax", extra="jax")
    import jax
    from jax import export

    # jit drops arguments that are not used, and positions with them.
    exported = export.export(jax.jit(fn, keep_unused=True))(*args)
    return api.load(exported.mlir_module_serialized, name=exported.fun_name)
