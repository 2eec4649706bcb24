from typing import Any

from . import ext as ext

__path__: list[str]

def __getattr__(name: str) -> Any: ...
