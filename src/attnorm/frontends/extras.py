"""Packages that only some frontends need."""

from __future__ import annotations

import importlib

from ..errors import AttnormError


def require(package: str, *, extra: str) -> None:
    """Imports a package that `attnorm[extra]` brings, or says so where it is missing."""
    try:
        importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise AttnormError(
            f"expected the package '{package}': pip install 'attnorm[{extra}]' brings it"
        ) from None
