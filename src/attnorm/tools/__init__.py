"""The command-line tools: `attnorm-opt` and `attnorm`.

A test suite starts them hundreds of times, and the MLIR bindings import NumPy for helpers that the
tools do not call: a third of the start-up. So its loading waits here for the first use.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any


class _Deferred(types.ModuleType):
    """A module that is loaded when something in it is asked for.

    `importlib.util.LazyLoader` loads where a second import asks whether the first is done.
    """

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        module = importlib.import_module(self.__name__)
        vars(self).update(vars(module))
        return getattr(module, name)


sys.modules.setdefault("numpy", _Deferred("numpy"))
