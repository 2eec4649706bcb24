"""The modules of real exporters that tests read: a few copies, and all of them beside the project.

`../shared/inputs/manifest.json` lists them, where it is there; other files there are none.
"""

from __future__ import annotations

import json
from pathlib import Path

_ROOT = Path(__file__).parents[1]
COPIES = _ROOT / "test" / "models" / "Inputs"
BESIDE = _ROOT.parent / "shared" / "inputs"
MANIFEST = BESIDE / "manifest.json"
ABSENT = "the exporters' modules are not beside the project, in ../shared/inputs"
"""Why a test is skipped that cannot do without them."""


def exported() -> dict[str, Path]:
    """Modules by names such as "jax/red_max_f32.mlir": the copy where there are two."""
    listed = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else []
    copies = sorted(COPIES.rglob("*.mlir"))
    return {
        **{entry["file"]: BESIDE / entry["file"] for entry in listed},
        **{str(path.relative_to(COPIES)): path for path in copies},
    }
