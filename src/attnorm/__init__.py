"""attnorm: transformer maths in StableHLO, raised, fused, lowered and run on CPUs.

    import attnorm

    module = attnorm.load("model.mlir")             # text, bytecode, portable artifact, SKaiNET
    module = attnorm.from_torch(model, (x,))        # or from_jax(fn, x), from_onnx("model.onnx")
    module = attnorm.from_hugging_face("directory") # a language model, its weights and caches
    lowered = attnorm.lower(module)                 # plain StableHLO
    print(attnorm.report(module).counts)            # {"rms_norm": 5, ..., "sdpa": 2}
    program = attnorm.compile(module)               # through IREE, for this CPU
    y = program(x, w)                               # NumPy in, NumPy out
    program.save("model.vmfb")

`attnorm.dialect` has the ops and their builders, `attnorm.passes` the passes, `attnorm.reference`
the definitions in float64 NumPy. Whatever is wrong with an input is an `AttnormError`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checking.contents import report
    from .errors import AttnormError, Diagnostic
    from .execution.compile import compile
    from .execution.program import Program
    from .frontends.from_hugging_face import from_hugging_face
    from .frontends.from_jax import from_jax
    from .frontends.from_onnx import from_onnx
    from .frontends.from_torch import from_torch
    from .io.load import load
    from .pipeline.lowering import lower

__version__ = "0.2.0"

__all__ = [
    "AttnormError",
    "Diagnostic",
    "Program",
    "__version__",
    "compile",
    "from_hugging_face",
    "from_jax",
    "from_onnx",
    "from_torch",
    "load",
    "lower",
    "report",
]

# Loaded when first used: the bindings and IREE take time that a tool's --help need not pay.
_HOMES = {
    "AttnormError": ".errors",
    "Diagnostic": ".errors",
    "Program": ".execution.program",
    "compile": ".execution.compile",
    "from_hugging_face": ".frontends.from_hugging_face",
    "from_jax": ".frontends.from_jax",
    "from_onnx": ".frontends.from_onnx",
    "from_torch": ".frontends.from_torch",
    "load": ".io.load",
    "lower": ".pipeline.lowering",
    "report": ".checking.contents",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'attnorm' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
