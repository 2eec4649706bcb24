"""The `attnorm` dialect: one file an op, with its verifier, its builder and its declaration.

`new_context` makes a context that knows it; `load` makes it known to another, any number of times.
"""

from threading import Lock

from attnorm.ir.contexts import make_context
from attnorm.ir.mlir import ir

from .add_rms_norm import ADD_RMS_NORM, AddRmsNorm, add_rms_norm
from .base import AttnormDialect, Op
from .calls import Callee
from .group_norm import GROUP_NORM, GroupNorm, group_norm
from .layer_norm import LAYER_NORM, LayerNorm, layer_norm
from .rms_norm import RMS_NORM, RmsNorm, rms_norm
from .rms_norm_mul import RMS_NORM_MUL, RmsNormMul, rms_norm_mul
from .sdpa import SDPA, Sdpa, sdpa
from .softmax import SOFTMAX, Softmax, softmax
from .spec import CustomCall, OpSpec

__all__ = [
    "COMPOSITES",
    "CUSTOM_CALLS",
    "NAMESPACE",
    "OPS",
    "SPECS",
    "AddRmsNorm",
    "GroupNorm",
    "LayerNorm",
    "Op",
    "OpSpec",
    "RmsNorm",
    "RmsNormMul",
    "Sdpa",
    "Softmax",
    "add_rms_norm",
    "group_norm",
    "layer_norm",
    "load",
    "new_context",
    "rms_norm",
    "rms_norm_mul",
    "sdpa",
    "softmax",
]

NAMESPACE: str = AttnormDialect.DIALECT_NAMESPACE
SPECS: tuple[OpSpec, ...] = (
    *(RMS_NORM, RMS_NORM_MUL, ADD_RMS_NORM, LAYER_NORM, GROUP_NORM),
    *(SOFTMAX, SDPA),
)
"""What attnorm knows of every op, in the order of reports."""
OPS: dict[str, type[Op]] = {spec.op.OPERATION_NAME: spec.op for spec in SPECS}
"""Every op by its full name."""
CUSTOM_CALLS: dict[str, CustomCall] = {
    target: call for spec in SPECS for target, call in spec.custom_calls.items()
}
"""The targets of `stablehlo.custom_call` that mean an op."""
COMPOSITES: dict[str, Callee] = {
    name: callee for spec in SPECS for name, callee in spec.composites.items()
}
"""The names of `stablehlo.composite` that mean an op, beside our own `attnorm.*`."""


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
