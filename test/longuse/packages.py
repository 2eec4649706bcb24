"""The sdist and the wheel, and the README's examples run from them.

    python test/longuse/packages.py [PYTHON ...]

Builds both, installs the wheel that the sdist makes into a fresh environment of each interpreter
(by default this one's), and runs the README's examples there, outside of the repository.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
_HOOK = "import sys; from setuptools import build_meta; print(build_meta.build_{}(sys.argv[1]))"
_KNOWN_LEFT_OUT = {"build", "dist", "test", "benchmarks", "typings", "docs"}


def copy_sources(folder: Path) -> Path:
    """A copy of what a checkout has for a build, links as links: building leaves files behind."""

    def left_out(_: str, names: Sequence[str]) -> set[str]:
        return {
            name
            for name in names
            if name in _KNOWN_LEFT_OUT or name.startswith(".") or name.endswith(".egg-info")
        } | {"__pycache__"}

    return Path(shutil.copytree(ROOT, folder, symlinks=True, ignore=left_out))


def build(kind: str, source: Path, folder: Path) -> Path:
    """The "sdist" or the "wheel" of a source tree, by the hook that every frontend calls."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", _HOOK.format(kind), folder],
        cwd=source,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.split()[-1]


def unpack(sdist: Path, folder: Path) -> Path:
    """The source tree of an sdist."""
    with tarfile.open(sdist) as archive:
        # Debian's Python 3.11 has no filter yet, 3.12 warns where there is none.
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder, **safely)
    (tree,) = folder.iterdir()
    return tree


# -- the README ----------------------------------------------------------------------------------


def commands(readme: str) -> list[list[str]]:
    """The README's commands on `examples/` or on a static "model.mlir" that works, as words."""
    blocks = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`(attnorm-opt [^`\n]*\.mlir)`", readme)
    runnable = re.compile(r"attnorm(-opt)? .*?(examples/\S*|\bmodel)\.mlir(?!bc)")
    found = [shlex.split(line) for line in lines if runnable.match(line)]
    return [words for words in found if words[1] != "reduce" and "--dim" not in words]


def script(readme: str) -> str:
    """The README's Python on an example, as a program that fails where it does not hold."""
    (block,) = (
        b for b in re.findall(r"```python\n(.*?)```", readme, re.DOTALL) if "examples/" in b
    )
    return (
        "import os\nimport numpy as np\n"
        "x, w = np.ones((2, 3, 8), np.float32), np.ones(8, np.float32)\n"
        f"{block}"
        "np.testing.assert_allclose(y.astype(np.float32), 1.0, rtol=1e-2)\n"
        "np.testing.assert_array_equal(again(), y)\n"
        "assert os.path.getsize('norm.vmfb') and 'attnorm.rms_norm' in lowered.get_asm()\n"
        "print(attnorm.__file__)\n"
    )


def run_readme(python: Path, folder: Path, environment: Mapping[str, str] | None = None) -> Path:
    """Runs the README's examples in a folder with nothing else; where attnorm came from."""
    readme = (ROOT / "README.md").read_text()
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copy(ROOT / "examples" / "skainet" / "rms_norm.mlir", folder / "model.mlir")
    tools = {"attnorm": "cli", "attnorm-opt": "opt"}
    values = {**os.environ, **(environment or {})}

    def run(*words: str | Path) -> str:
        done = subprocess.run(words, cwd=folder, env=values, capture_output=True, text=True)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    run(python, "-c", "import numpy; numpy.save('x.npy', numpy.ones((2, 4), numpy.float32))")
    for words in commands(readme):
        run(python, "-m", f"attnorm.tools.{tools[words[0]]}", *words[1:])
    return Path(run(python, "-c", script(readme)).split()[-1])


def main() -> int:
    """Builds, installs and runs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pythons", nargs="*", default=[sys.executable])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        sdist = build("sdist", copy_sources(folder / "copy"), folder / "sdist")
        (folder / "unpacked").mkdir()
        wheel = build("wheel", unpack(sdist, folder / "unpacked"), folder / "wheel")
        for index, interpreter in enumerate(parser.parse_args().pythons):
            bare = folder / f"environment{index}"
            subprocess.run([interpreter, "-m", "venv", bare], check=True)
            python = bare / "bin" / "python"
            subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True)
            place = folder / f"place{index}"
            place.mkdir()
            where = run_readme(python, place)
            assert bare in where.parents, where
            version = subprocess.run([python, "--version"], capture_output=True, text=True).stdout
            print(f"{version.strip()}: {len(commands((ROOT / 'README.md').read_text()))} commands "
                  "and the Python of the README run", flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
