"""What a command does first, in its own process."""

from __future__ import annotations

import importlib
import sys


def load_bindings() -> None:
    """Loads MLIR's bindings without NumPy, which would be a third of the start-up.

    The bindings do without it where it is not installed: they leave out builders of attributes that
    no command calls. Until they are loaded it is as if it were not. For the process of a command
    only: in another one, somebody else may want those builders, or import NumPy meanwhile.
    """
    if "numpy" in sys.modules:
        return
    # What `import` takes for a module that is not there.
    sys.modules["numpy"] = None  # pyright: ignore[reportArgumentType]
    try:
        importlib.import_module("attnorm.ir.mlir")
    finally:
        del sys.modules["numpy"]
