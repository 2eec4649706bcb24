"""Packages that only some tests need: such a test runs, or is skipped with what to do about it."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import pytest

FRAMEWORKS = "`sh test/run frameworks` runs it"
"""How a test's skip ends that wants a framework; test/run.py counts on it."""
_BENCHMARKS = {"llama_cpp": "`pip install '.[bench]'` brings it"}


def needs(module: str) -> Any:
    """A module of a framework; the test, or the file at whose top this stands, is skipped without.

    What breaks while it is imported is an error: only an absent package skips.
    """
    package = module.partition(".")[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
    hint = _BENCHMARKS.get(package, FRAMEWORKS)
    pytest.skip(f"{package} is not installed: {hint}", allow_module_level=True)
