"""The modules that long runs are made of, and processes that end in time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1]))  # for scripts; pytest has it
from exports import exported

from attnorm.ir.signature import Signature

ROOT = Path(__file__).parents[2]
_FOLDERS = (ROOT / "examples", ROOT / "test" / "models" / "Inputs")


def modules(shared: int = 0) -> list[Path]:
    """The repository's modules, and every `shared`-th of those beside it, if there are any."""
    found = [path for folder in _FOLDERS for path in sorted(folder.rglob("*.mlir"))]
    assert found
    beside = [path for path in exported().values() if path not in found]
    return found + (sorted(beside)[::shared] if shared else [])


def arguments(signature: Signature) -> list[np.ndarray]:
    """Ones of the types that a function takes, dynamic dimensions of 16."""
    shapes = ([16 if size is None else size for size in kind.shape] for kind in signature.arguments)
    kinds = zip(shapes, signature.arguments, strict=True)
    return [np.ones(shape, kind.dtype) for shape, kind in kinds]


def finished(
    command: Sequence[str | Path],
    seconds: float,
    *,
    cwd: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """The stdout of a Python script; fails where it fails or takes longer, with all it started."""
    process = subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        pytest.fail(f"no end after {seconds} s\n{out[-2000:]}\n{err[-2000:]}")
    assert process.returncode == 0, (
        f"exit status {process.returncode}\n{out[-2000:]}\n{err[-2000:]}"
    )
    return out
