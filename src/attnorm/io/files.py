"""Files that are whole or not there."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import AttnormError


def write_atomically(path: str | Path, data: bytes) -> None:
    """Writes a file under a temporary name beside it, then renames it.

    Raises `AttnormError` where that fails; the old file, if any, is then as it was.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary file beside `path`, to be written inside the block, which then takes its place.

    Raises `AttnormError` where that fails. Where the block raises, nothing is left behind; a
    process that is killed may leave the temporary file, whose name begins with a dot. A device or a
    pipe is itself what is written.
    """
    path = Path(path)
    with _reporting(path):
        if path.exists() and not path.is_file():
            yield path
            return
        name = _temporary(path)
        try:
            yield Path(name)
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise


def check_writable(path: str | Path) -> None:
    """Raises `AttnormError` where a file could not be written: to be asked before long work."""
    path = Path(path)
    with _reporting(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not path.exists() or path.is_file():
            os.unlink(_temporary(path))


def _temporary(path: Path) -> str:
    """A new empty file beside `path`."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    return name


@contextmanager
def _reporting(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AttnormError(f"cannot write '{path}': {error.strerror}") from None


def read_bytes(path: str | Path) -> bytes:
    """Reads a file; `AttnormError` names it where that fails."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise AttnormError(f"cannot read '{path}': {error.strerror}") from None


def read_start(path: str | Path) -> bytes:
    """The first bytes of a file, to tell its format by; none of what is no regular file.

    `AttnormError` names the file where that fails.
    """
    try:
        if Path(path).exists() and not Path(path).is_file():
            return b""
        with open(path, "rb") as file:
            return file.read(64)
    except OSError as error:
        raise AttnormError(f"cannot read '{path}': {error.strerror}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
