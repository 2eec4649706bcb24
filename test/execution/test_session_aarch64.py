"""A small language model on aarch64 CPUs: torch's logits at every position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import aarch64
import numpy as np
import pytest
from needs import needs
from tiny_model import WINDOW, close, exported, logits_of, random_model, text

import attnorm
from attnorm.execution.program import Program
from attnorm.execution.sampling import Sampler
from attnorm.execution.session import Session

for package in ("torch", "transformers"):
    needs(package)


class _Emulated:
    """What a session needs of a program: its functions run under qemu, its buffers are arrays."""

    def __init__(self, program: Program, cpu: str, folder: Path):
        self._cpu, self._folder = cpu, folder
        self._program = program
        program.save(folder / "program.vmfb")

    @property
    def functions(self) -> Mapping[str, Any]:
        return self._program.functions

    def upload(self, array: np.ndarray) -> np.ndarray:
        return array

    def download(self, array: np.ndarray) -> np.ndarray:
        return array

    def call_on_device(self, function: str, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        count = len(self.functions[function].results)
        results = aarch64.call(function, arrays, count, self._cpu, self._folder)
        assert isinstance(results, list), results
        return results


@pytest.mark.skipif(bool(aarch64.missing()), reason=aarch64.missing())
@pytest.mark.parametrize(
    ("target", "cpu"), [("aarch64", "cortex-a72"), ("aarch64+sve", "max,sve-max-vq=2")]
)
def test_logits_at_every_position(target: str, cpu: str, tmp_path: Path) -> None:
    """A prompt in chunks, the last one padded, then tokens one by one far beyond the window."""
    model = random_model()
    ids = text(WINDOW + 8 + 41)
    want = logits_of(model, ids)
    program = attnorm.compile(exported(model, tmp_path / "model"), target=target)
    emulated = cast(Program, _Emulated(program, cpu, tmp_path))
    session = Session(emulated, program.language_model, Sampler())
    close(session.prefill(ids[:14]), want[:, 13])
    for position in range(14, len(ids)):
        close(session.prefill(ids[position : position + 1]), want[:, position])
