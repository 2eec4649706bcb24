"""`attnorm check`: does every pass keep the values? And `attnorm reduce`."""

from __future__ import annotations

from .inputs import generate
from .stepwise import Check, PassCheck, check
from .verdict import Output, Verdict, compare_modules

__all__ = ["Check", "Output", "PassCheck", "Verdict", "check", "compare_modules", "generate"]
