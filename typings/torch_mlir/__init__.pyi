from typing import Any

from . import dialects as dialects
from . import ir as ir
from . import passmanager as passmanager
from . import rewrite as rewrite

def __getattr__(name: str) -> Any: ...
