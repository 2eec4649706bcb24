# The bindings are compiled and ship no types: every name in them is Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
