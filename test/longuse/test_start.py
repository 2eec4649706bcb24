"""What is imported when, since that is what a start takes."""

from __future__ import annotations

import pytest
from workloads import finished

_PRINTED = "; import sys; print('\\n'.join(['-- imported', *sys.modules]))"
_HEAVY = (
    *("torch", "transformers", "jax", "onnx", "safetensors", "tokenizers", "rich", "scipy"),
    *("iree.compiler", "iree.runtime", "multiprocessing", "concurrent", "unittest"),
)
_NUMPY = ("numpy", "ml_dtypes")
_REFERENCE = ("attnorm.reference",)
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
    # The command itself, in this process as elsewhere than on Linux.
    call = (
        "import sys\nsys.argv = ['tool', '--help']\nsys.platform = 'darwin'\n"
        f"from attnorm.tools import {tool}\ntry: {tool}.main()\nexcept SystemExit: 0"
    )
    return f"exec({call!r})"


_REPORTED = """
import sys, tempfile
sys.platform = 'darwin'
from attnorm.tools import cli
with tempfile.NamedTemporaryFile(suffix='.mlir') as file:
    sys.argv = ['attnorm', 'report', '--json', file.name]
    cli.main()
"""


@pytest.mark.parametrize(
    ("script", "absent"),
    [
        pytest.param("import attnorm", (*_HEAVY, *_NUMPY, *_MLIR, *_EXECUTION), id="import"),
        # It lists MLIR's passes beside ours, so the bindings are there.
        pytest.param(_helped("opt"), (*_HEAVY, *_NUMPY, *_EXECUTION), id="attnorm-opt --help"),
        pytest.param(_helped("cli"), (*_HEAVY, *_NUMPY, *_MLIR, *_EXECUTION), id="attnorm --help"),
        pytest.param(f"exec({_REPORTED!r})", (*_NUMPY, *_REFERENCE), id="attnorm report"),
        pytest.param("import attnorm.tools.opt, attnorm.tools.cli", ("numpy", *_MLIR), id="tools"),
        pytest.param(
            "import attnorm; attnorm.lower(attnorm.load('module {\\n}'))", _HEAVY, id="lower"
        ),
    ],
)
def test_imports(script: str, absent: tuple[str, ...]) -> None:
    """Nothing heavy is there before it is used.

    NumPy once was, and then a stand-in for it that every user of the process had.
    """
    assert imported(script) & set(absent) == set()


def test_imports_are_seen() -> None:
    """The names are those that modules have."""
    script = "import attnorm; attnorm.Program; import numpy, torch_mlir.ir"
    assert imported(script) >= {"iree.runtime", "numpy", *_MLIR, _EXECUTION[1]}
