"""What a kernel's code depends on in the CPU that it is for."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """A CPU: its architecture, how wide the vectors are that IREE uses for it, what else it has."""

    architecture: str
    vector_bytes: int
    features: frozenset[str]

    @staticmethod
    def parse(target: str) -> Machine:
        """Reads an `#hal.executable.target` of IREE's."""
        return Machine(
            _field(target, r'target_triple = "(\w+?)-'),
            int(_field(target, r"native_vector_size = (\d+)")),
            frozenset(
                feature[1:]
                for feature in _field(target, r'cpu_features = "([^"]*)"').split(",")
                if feature.startswith("+")
            ),
        )

    @property
    def lanes(self) -> int:
        """How many f32 a vector register holds."""
        return self.vector_bytes // 4

    @property
    def registers(self) -> int:
        """How many vector registers there are."""
        return 16 if self.architecture == "x86_64" and "avx512f" not in self.features else 32

    def narrows_bf16(self, lanes: int) -> bool:
        """Whether an instruction makes bf16 of so many f32."""
        return lanes == 16 and "avx512bf16" in self.features


def _field(target: str, pattern: str) -> str:
    found = re.search(pattern, target)
    assert found, f"{pattern} in {target}"
    return found[1]
