"""Files of weights, IREE's archives (.irpa) and .safetensors: what is in them, what fits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from iree import runtime
from safetensors import SafetensorError, safe_open

from ..errors import AttnormError, Diagnostic
from ..io.files import read_bytes, read_start
from ..ir.tensor_type import ELEMENTS, TensorType
from . import archive_ranges

_ARCHIVE_MAGIC = b"IRPA"
# What IREE's own Python, and iree-turbine, put before the JSON that says an entry's type.
_VERSIONS = ("TENSORv0", "PYTORCH")
_BY_DTYPE = {TensorType((), element).dtype.name: element for element in ELEMENTS}
_BY_CODE = {
    "BF16": "bf16",
    "BOOL": "i1",
    **{f"F{bits}": f"f{bits}" for bits in (16, 32, 64)},
    **{f"I{bits}": f"i{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"ui{bits}" for bits in (8, 16, 32, 64)},
}


@dataclass(frozen=True)
class Entry:
    """A tensor in a file: `length` bytes at `offset`, or `splat` over and over.

    `type` is None where the file says none, or one that no program takes.
    """

    path: Path
    type: TensorType | None
    offset: int
    length: int
    splat: bytes | None = None

    def __str__(self) -> str:
        return str(self.type) if self.type else f"{self.length} bytes of no known type"


class WeightFiles:
    """One or several files of weights, by the tensors' names.

    A path is that of an archive of IREE's (.irpa), of a .safetensors file, or of the index of
    several (.json). They are told by their contents, and mapped, not read.
    """

    def __init__(self, paths: Sequence[str | Path]):
        """Raises `AttnormError` for a file that is not there, truncated or corrupt.

        And for a name that two of them have.
        """
        self.entries: dict[str, Entry] = {}
        self.index = runtime.ParameterIndex()
        """IREE's view of them."""
        self._paths = [str(path) for path in paths]
        for path in paths:
            for part in _parts(Path(path)):
                self._add(part)

    def __str__(self) -> str:
        return ", ".join(self._paths)

    def check(self, expected: Mapping[str, TensorType]) -> None:
        """Raises `AttnormError` with a note for each weight that is missing or of another type.

        Further names are none of a program's business.
        """
        notes = []
        for name, type_ in expected.items():
            entry = self.entries.get(name)
            if entry is None:
                notes.append(f"'{name}': expected {type_}, missing")
            elif entry.type != type_:
                notes.append(f"'{name}': expected {type_}, got {entry}")
        if notes:
            raise AttnormError(
                Diagnostic(
                    f"{len(notes)} of {len(expected)} weights do not fit",
                    str(self),
                    notes=tuple(Diagnostic(note, severity="note") for note in notes),
                )
            )

    def _add(self, path: Path) -> None:
        known = len(self.index)
        is_archive = read_start(path).startswith(_ARCHIVE_MAGIC)
        if not path.is_file():
            raise _refused(path, "expected an .irpa or .safetensors file")
        problem = archive_ranges.problem(path) if is_archive else None
        if problem:
            raise _refused(path, problem)
        types = {} if is_archive else _safetensors_types(path)
        try:
            self.index.load(str(path), format="irpa" if is_archive else "safetensors")
            items = self.index.items()[known:]
        except (ValueError, RuntimeError, IndexError) as error:
            # IREE's place in its own source comes first.
            reason = str(error).partition("; ")[2] or "expected names in UTF-8"
            raise _refused(path, reason) from None
        for name, found in items:
            type_ = _recorded_type(found.metadata) if is_archive else types.get(name)
            if type_ and type_.size != found.length:
                sizes = f"expected {type_.size} bytes of {type_}, got {found.length}"
                raise _refused(path, f"'{name}': {sizes}")
            if name in self.entries:
                other = self.entries[name].path
                raise _refused(path, f"'{name}': expected once, it is in {other} too")
            self.entries[name] = _entry(path, type_, found)


def _refused(path: Path, reason: str) -> AttnormError:
    return AttnormError(Diagnostic(reason, str(path)))


def _parts(path: Path) -> list[Path]:
    """The files that a path stands for."""
    if path.suffix != ".json":
        return [path]
    try:
        # In order, each once.
        names = list(dict.fromkeys(json.loads(read_bytes(path))["weight_map"].values()))
        inside = [_is_inside(name) for name in names]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _refused(path, "expected an index of .safetensors files") from None
    if not all(inside):
        name = names[inside.index(False)]
        raise _refused(path, f"expected files beside the index or below, got {name!r}")
    return [path.parent / name for name in names]


def _is_inside(name: str) -> bool:
    """Whether a path in a file stays in the file's folder; links there are the user's own."""
    name.encode()
    path = Path(name)
    return "\0" not in name and not path.is_absolute() and ".." not in path.parts


def _entry(path: Path, type_: TensorType | None, found: runtime.ParameterIndexEntry) -> Entry:
    if found.is_splat:
        return Entry(path, type_, 0, found.length, found.splat_pattern)
    return Entry(path, type_, found.file_storage[1], found.length)


def _safetensors_types(path: Path) -> dict[str, TensorType | None]:
    """By name, the types in a file whose header is whole, and covers the file without a gap."""
    try:
        with safe_open(path, framework="np") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            return {name: _coded_type(s.get_dtype(), s.get_shape()) for name, s in slices.items()}
    except SafetensorError as error:
        reason = str(error).rpartition(": ")[2]
        raise _refused(path, f"expected an .irpa or .safetensors file: {reason}") from None


def _coded_type(code: str, shape: Sequence[int]) -> TensorType | None:
    return TensorType(tuple(shape), _BY_CODE[code]) if code in _BY_CODE else None


def _recorded_type(metadata: bytes) -> TensorType | None:
    """What IREE's Python notes in an archive: `TENSORv0:{"dtype": "float32", "shape": [2, 3]}`."""
    version, _, text = metadata.decode(errors="replace").partition(":")
    try:
        found = json.loads(text) if version in _VERSIONS else {}
        return TensorType(tuple(int(size) for size in found["shape"]), _BY_DTYPE[found["dtype"]])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
