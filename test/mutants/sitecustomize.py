"""Loads a module of attnorm with a part of its source replaced, where `ATTNORM_MUTANT` says so.

Python imports a file of this name from `PYTHONPATH` before anything else.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, old: str, new: str) -> None:
        super().__init__(name, path)
        self._old, self._new = old, new

    def get_code(self, fullname: str) -> CodeType:
        """Past the cache of compiled files, which is for the source as it is."""
        source = Path(self.path).read_text()
        if source.count(self._old) != 1:
            raise ImportError(f"expected {self._old!r} once in {fullname}")
        return compile(source.replace(self._old, self._new), self.path, "exec")


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, name: str, old: str, new: str) -> None:
        self._name, self._old, self._new = name, old, new

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The mutated module; None for every other one."""
        if fullname != self._name:
            return None
        found = importlib.machinery.PathFinder.find_spec(fullname, path)
        if found is None or found.origin is None:
            raise ImportError(f"no module {fullname}")
        loader = _Loader(fullname, found.origin, self._old, self._new)
        return importlib.util.spec_from_file_location(fullname, found.origin, loader=loader)


if "ATTNORM_MUTANT" in os.environ:
    sys.meta_path.insert(0, _Finder(*json.loads(os.environ["ATTNORM_MUTANT"])))
