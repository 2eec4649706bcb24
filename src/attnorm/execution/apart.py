"""A program compiled apart from its weights, and the archive that holds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import AttnormError
from ..ir.mlir import ir
from ..ir.tensor_type import TensorType
from .archive import write_archive
from .weight_files import WeightFiles
from .weights import FLOATS, MIN_BYTES, Weight, Weights


@dataclass(frozen=True)
class Apart:
    """Where weights go to and come from.

    With an `archive` they are written there, those with a name in f32, f16 or bf16 if `dtype` says
    so; without, the program reads the `checkpoint` itself. Weights with a name are those of the
    `checkpoint`: files that `WeightFiles` takes. Without one they are the module's own, and what
    has fewer than `min_bytes` bytes stays in the program.
    """

    archive: str | Path | None = None
    checkpoint: Sequence[str | Path] = ()
    dtype: str | None = None
    min_bytes: int = MIN_BYTES

    def files(self) -> list[str | Path]:
        """What the program reads its weights from."""
        return list(self.checkpoint) if self.archive is None else [self.archive]

    def build(
        self,
        module: ir.Operation,
        lower: Callable[[ir.Operation], ir.Operation],
        build: Callable[[ir.Operation, Mapping[str, Weight]], bytes],
    ) -> bytes:
        """Lowers and builds a module, and writes the archive if there is to be one.

        Raises `AttnormError` where a weight is in no file, or of another type there.
        """
        weights = Weights(
            min_bytes=self.min_bytes,
            dtype=self.dtype,
            every_name=bool(self.checkpoint),
            nameless=self.archive is not None,
        )
        files = WeightFiles(self.checkpoint)
        lowered = weights.take_rest(lower(weights.take_named(module)))
        self._check(list(weights.taken.values()), files)
        vmfb = build(lowered, weights.taken)
        if self.archive is not None:
            write_archive(self.archive, weights.taken.values(), files.entries)
        return vmfb

    def _check(self, weights: Sequence[Weight], files: WeightFiles) -> None:
        if not weights:
            raise AttnormError(f"no constant has {self.min_bytes} bytes: there are no weights")
        expected = {
            weight.name: self._expected(weight, files)
            for weight in weights
            if weight.elements is None or (weight.is_named and self.checkpoint)
        }
        if expected and not self.checkpoint:
            names = ", ".join(f"'{name}'" for name in expected)
            raise AttnormError(f"the module has the names alone, a checkpoint is needed: {names}")
        files.check(expected)

    def _expected(self, weight: Weight, files: WeightFiles) -> TensorType:
        """The type that files have to have: of any float where it is converted on the way."""
        entry = files.entries.get(weight.name)
        if self.archive is None or self.dtype is None or not (entry and entry.type):
            return weight.type
        if weight.is_float and entry.type.element in FLOATS:
            return replace(weight.type, element=entry.type.element)
        return weight.type
