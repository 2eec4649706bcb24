"""Runs aarch64 programs under qemu-user, with IREE's aarch64 runtime."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from attnorm.execution.arrays import load_npy, save_npy

SYSROOT = Path("/usr/aarch64-linux-gnu")
RUNTIME = Path(
    os.environ.get("ATTNORM_AARCH64_RUNTIME")
    or Path(__file__).resolve().parents[2] / ".venv-aarch64"
)
_RUNNER = RUNTIME / "iree" / "_runtime_libs" / "iree-run-module"


def missing() -> str:
    """Why nothing can run here, or ""."""
    if not shutil.which("qemu-aarch64"):
        return "qemu-aarch64 is not installed (.ci/setup-aarch64 does it)"
    if not SYSROOT.is_dir():
        return f"the aarch64 C library is not in {SYSROOT} (.ci/setup-aarch64 puts it there)"
    if not os.access(_RUNNER, os.X_OK):
        return f"no aarch64 IREE runtime in {RUNTIME} (.ci/setup-aarch64 puts it there)"
    return ""


def run(
    vmfb: bytes, arrays: Sequence[np.ndarray], cpu: str, directory: Path
) -> np.ndarray | subprocess.CompletedProcess[str]:
    """The only result of @main on a `-cpu` of qemu; the finished process where it failed."""
    (directory / "program.vmfb").write_bytes(vmfb)
    results = call("main", arrays, 1, cpu, directory)
    return results[0] if isinstance(results, list) else results


def call(
    function: str, arrays: Sequence[np.ndarray], count: int, cpu: str, directory: Path
) -> list[np.ndarray] | subprocess.CompletedProcess[str]:
    """The `count` results of a function of `program.vmfb`; the finished process where it failed."""
    command = ["qemu-aarch64", "-cpu", cpu, "-L", str(SYSROOT), str(_RUNNER)]
    command += ["--device=local-sync", "--module=program.vmfb", f"--function={function}"]
    for index, array in enumerate(arrays):
        save_npy(directory / f"{index}.npy", array)
        command.append(f"--input=@{index}.npy")
    names = [f"result{index}.npy" for index in range(count)]
    command += [f"--output=@{name}" for name in names]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    return done if done.returncode else [load_npy(directory / name) for name in names]
