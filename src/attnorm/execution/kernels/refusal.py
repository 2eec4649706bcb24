"""Why a kernel does not take a composite."""

from __future__ import annotations


class Refused(Exception):
    """Raised before a kernel is made, with the reason: "operand: expected X, got Y"."""
