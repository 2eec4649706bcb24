"""Findings as files: the module, with the seed, the pipeline and what is wrong in front."""

from __future__ import annotations

from pathlib import Path

from chosen_pipelines import choose
from drawn_modules import drawn
from workers import Found


def store(found: Found, folder: Path) -> Path:
    """Writes a finding; its file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{found.finding.kind.replace(' ', '_')}_{found.seed}.mlir"
    lines = str(found.finding).splitlines()
    head = [f"// seed {found.seed}, {choose(found.seed)}", *(f"// {line}" for line in lines)]
    path.write_text("\n".join([*head, drawn(found.seed).text]))
    return path
