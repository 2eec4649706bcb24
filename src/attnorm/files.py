"""Files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .errors import AttnormError


def write_atomically(path: str | Path, data: bytes) -> None:
    """Writes a file under a temporary name beside it, then renames it.

    Raises `AttnormError` where that fails; the old file, if any, is then as it was.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            # A device or a pipe takes no rename.
            path.write_bytes(data)
            return
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise AttnormError(f"cannot write '{path}': {error.strerror}") from None


def read_bytes(path: str | Path) -> bytes:
    """Reads a file; `AttnormError` names it where that fails."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise AttnormError(f"cannot read '{path}': {error.strerror}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
