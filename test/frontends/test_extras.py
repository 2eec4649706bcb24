"""Frontends whose package is not installed."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import attnorm
from attnorm.errors import AttnormError


@pytest.mark.parametrize(
    ("name", "arguments"), [("torch", (None, ())), ("jax", (abs, 1)), ("onnx", (b"",))]
)
def test_missing_package(
    name: str, arguments: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the extra that brings the package."""
    monkeypatch.setitem(sys.modules, name, None)
    call = getattr(attnorm, f"from_{name}")
    with pytest.raises(AttnormError, match=rf"'{name}': pip install 'attnorm\[{name}\]' brings it"):
        call(*arguments)


def test_packages_are_imported_when_called() -> None:
    """The functions are there without the packages that they need."""
    program = (
        "import sys, attnorm; attnorm.from_torch, attnorm.from_jax, attnorm.from_onnx;"
        "sys.exit(bool({'torch', 'jax', 'onnx'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
