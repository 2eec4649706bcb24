"""The `attnorm` dialect: one file an op, with its verifier and its builder.

`new_context` makes a context that knows it; `load` makes it known to another, any number of times.
"""

from threading import Lock

from attnorm.ir.contexts import make_context
from attnorm.ir.mlir import ir

from .add_rms_norm import AddRmsNorm, add_rms_norm
from .base import AttnormDialect, Op
from .layer_norm import LayerNorm, layer_norm
from .rms_norm import RmsNorm, rms_norm
from .rms_norm_mul import RmsNormMul, rms_norm_mul
from .sdpa import Sdpa, sdpa
from .softmax import Softmax, softmax

__all__ = [
    "NAMESPACE",
    "OPS",
    "AddRmsNorm",
    "LayerNorm",
    "Op",
    "RmsNorm",
    "RmsNormMul",
    "Sdpa",
    "Softmax",
    "add_rms_norm",
    "layer_norm",
    "load",
    "new_context",
    "rms_norm",
    "rms_norm_mul",
    "sdpa",
    "softmax",
]

NAMESPACE: str = AttnormDialect.DIALECT_NAMESPACE
OPS: dict[str, type[Op]] = {op.OPERATION_NAME: op for op in AttnormDialect.operations}
"""Every op by its full name."""


_loading = Lock()


def load(context: ir.Context) -> None:
    """Registers the dialect in `context`; a context that has it already is left alone."""
    # The bindings keep the module that they load from on the class, for one thread at a time.
    with _loading, context, ir.Location.unknown():
        if not context.is_dialect_loaded(NAMESPACE):
            AttnormDialect.load()


def new_context(*, allow_unregistered_dialects: bool = False) -> ir.Context:
    """A context that knows StableHLO, the upstream dialects and attnorm."""
    context = make_context(allow_unregistered_dialects=allow_unregistered_dialects)
    load(context)
    return context
