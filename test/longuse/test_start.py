"""What is imported when, since that is what a start takes."""

from __future__ import annotations

import pytest
from workloads import finished

_PRINTED = "; import sys; print('\\n'.join(['-- imported', *sys.modules]))"
_HEAVY = (
    *("torch", "transformers", "jax", "onnx", "safetensors", "tokenizers", "rich", "scipy"),
    *("iree.compiler", "iree.runtime", "multiprocessing", "concurrent", "unittest"),
)
# What stands in for NumPy has its name; its own parts say whether it is there.
_NUMPY = ("numpy._core", "numpy.core", "ml_dtypes")
_MLIR = ("torch_mlir",)
_EXECUTION = ("attnorm.execution.compiler", "attnorm.execution.program", "attnorm.checking")


def imported(script: str) -> set[str]:
    """The modules that are there after a script, with the packages that they are in."""
    names = finished(["-c", script + _PRINTED], 100).partition("-- imported\n")[2].split()
    assert "sys" in names
    return {
        ".".join(name.split(".")[: depth + 1])
        for name in names
        for depth in range(name.count(".") + 1)
    }


def _helped(tool: str) -> str:
    call = f"from attnorm.tools import {tool}\ntry: {tool}.main(['--help'])\nexcept SystemExit: 0"
    return f"exec({call!r})"


@pytest.mark.parametrize(
    ("script", "absent"),
    [
        pytest.param("import attnorm", (*_HEAVY, *_NUMPY, *_MLIR, *_EXECUTION), id="import"),
        # It lists MLIR's passes beside ours, so the bindings are there.
        pytest.param(_helped("opt"), (*_HEAVY, *_NUMPY, *_EXECUTION), id="attnorm-opt --help"),
        pytest.param(_helped("cli"), (*_HEAVY, *_NUMPY, *_MLIR, *_EXECUTION), id="attnorm --help"),
        pytest.param(
            "import attnorm; attnorm.lower(attnorm.load('module {\\n}'))", _HEAVY, id="lower"
        ),
    ],
)
def test_imports(script: str, absent: tuple[str, ...]) -> None:
    """Nothing heavy is there before it is used.

    NumPy once was: a lazy loader takes a second import for the first use.
    """
    assert imported(script) & set(absent) == set()


def test_imports_are_seen() -> None:
    """The names are those that modules have."""
    script = "import attnorm; attnorm.Program; import numpy, torch_mlir.ir"
    assert imported(script) >= {"iree.runtime", "numpy._core", *_MLIR, _EXECUTION[1]}
