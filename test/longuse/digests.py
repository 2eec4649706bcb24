"""Prints the digests of everything that is written of the samples, as JSON: `test_same_bytes.py`.

    python test/longuse/digests.py FOLDER [--reverse] [--programs N] [--shared N]

Files are written in FOLDER. With `--programs`, every N-th module is compiled too.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import runpy
from pathlib import Path

from workloads import ROOT, modules

from attnorm.tools import cli, opt

_PIPELINES = ("attnorm-to-stablehlo", "attnorm-to-composites", "attnorm-to-iree")
_EMISSIONS = ([], ["--mlir-print-debuginfo"], ["--emit-bytecode"], ["--emit-portable-artifact"])


def digest(data: bytes) -> str:
    """What two equal outputs share."""
    return hashlib.sha256(data).hexdigest()[:16]


def written(path: Path, status: int) -> str:
    """The digest of a file that a tool wrote, or that it failed."""
    return digest(path.read_bytes()) if status == 0 else f"exit status {status}"


def optimized(path: Path, folder: Path) -> dict[str, str]:
    """What attnorm-opt makes of a module."""
    found = {}
    for pipeline in _PIPELINES:
        for emission in _EMISSIONS:
            output = folder / "output"
            status = opt.main([str(path), f"--{pipeline}", *emission, "-o", str(output)])
            found[f"{path.name} {pipeline} {' '.join(emission)}"] = written(output, status)
    return found


def reported(path: Path) -> str:
    """What `attnorm report --json` prints."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        cli.main(["report", str(path), "--json", "--kernels"])
    return digest(text.getvalue().encode())


def compiled(path: Path, folder: Path) -> dict[str, str]:
    """The program, and its weights apart, of a copy with a name and a place of its own."""
    copy = folder / f"{path.parent.name}.mlir"
    copy.write_bytes(path.read_bytes())
    program, weights = folder / "program.vmfb", folder / "weights.irpa"
    found = {}
    for name, more in (("whole", []), ("apart", ["--weights", str(weights)])):
        arguments = ["compile", str(copy), "-o", str(program), *more, "--weights-min-bytes", "16"]
        status = cli.main(arguments if more else arguments[:-2])
        found[f"{path.name} {name}"] = written(program, status)
        if more:
            found[f"{path.name} weights"] = written(weights, status)
    return found


def main() -> None:
    """Goes through the samples."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reverse", action="store_true")
    parser.add_argument("--programs", type=int, default=0)
    parser.add_argument("--shared", type=int, default=0)
    options = parser.parse_args()
    found: dict[str, str] = {}
    paths = list(enumerate(modules(options.shared)))
    for index, path in paths[::-1] if options.reverse else paths:
        found |= optimized(path, options.folder)
        found[f"{path.name} report"] = reported(path)
        if options.programs and index % options.programs == 0:
            found |= compiled(path, options.folder)
    documents = runpy.run_path(str(ROOT / "docs" / "generate.py"))["documents"]()
    found |= {path.name: digest(text.encode()) for path, text in documents.items()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
