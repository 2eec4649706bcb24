"""What a kernel's code depends on in the CPU that it is for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """`vector_bytes`: the width of a vector register that IREE would use for the target."""

    architecture: str
    vector_bytes: int
    features: frozenset[str]

    @property
    def lanes(self) -> int:
        """How many f32 a vector register holds."""
        return self.vector_bytes // 4

    @property
    def registers(self) -> int:
        """How many vector registers there are."""
        return 16 if self.architecture == "x86_64" and "avx512f" not in self.features else 32
