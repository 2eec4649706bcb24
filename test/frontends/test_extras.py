"""Frontends whose package is not installed."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

import attnorm
from attnorm.errors import AttnormError


@pytest.mark.parametrize(
    ("frontend", "arguments", "package", "extra"),
    [
        ("torch", (None, ()), "torch", "torch"),
        ("jax", (abs, 1), "jax", "jax"),
        ("onnx", (b"",), "onnx", "onnx"),
        ("hugging_face", ("gemma3-270m",), "torch", "torch"),
        ("hugging_face", ("gemma3-270m",), "transformers", "torch"),
    ],
)
def test_missing_package(
    frontend: str,
    arguments: tuple[Any, ...],
    package: str,
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error names the extra that brings the package; the other packages are there."""
    for other in ("torch", "transformers", "jax", "onnx"):
        monkeypatch.setitem(sys.modules, other, ModuleType(other))
    monkeypatch.setitem(sys.modules, package, None)
    call = getattr(attnorm, f"from_{frontend}")
    message = rf"'{package}': pip install 'attnorm\[{extra}\]' brings it"
    with pytest.raises(AttnormError, match=message):
        call(*arguments)


def test_packages_are_imported_when_called() -> None:
    """The functions are there without the packages that they need."""
    program = (
        "import sys, attnorm; attnorm.from_torch, attnorm.from_jax, attnorm.from_onnx;"
        "sys.exit(bool({'torch', 'jax', 'onnx'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
