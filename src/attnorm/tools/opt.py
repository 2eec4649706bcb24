"""`attnorm-opt`: its work, `attnorm.tools.optimizer`, in a process that may crash."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..io.guard import contained
from .start import load_bindings


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the tool, in this process where arguments are given; returns the exit status."""
    return contained(_command) if argv is None else _run(list(argv))


def _command() -> int:
    load_bindings()
    return _run(sys.argv[1:])


def _run(arguments: list[str]) -> int:
    # It loads the bindings, which take time, and start threads: that is for the child.
    from .optimizer import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
