from . import ext as ext

from typing import Any

__path__: list[str]

def __getattr__(name: str) -> Any: ...
