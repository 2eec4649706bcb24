"""The command-line tools: `attnorm-opt` and `attnorm`.

A test suite starts them hundreds of times, and the MLIR bindings import NumPy for helpers that the
tools do not call: a third of the start-up. So its loading waits here for the first use.
"""

from __future__ import annotations

import importlib.util
import sys


def _defer(name: str) -> None:
    spec = importlib.util.find_spec(name)
    if name in sys.modules or spec is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


_defer("numpy")
