"""Kotlin's and JavaScript's number spellings, as MLIR wants them.

SKaiNET prints numbers with `toString()`: `1.0E-6` on the JVM, which MLIR reads, but `1e-6` and `4`
in JavaScript, and `Infinity` and `NaN` on both. Its constants also print integers as `4.0`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .lexer import TensorType, Token

# The bits of positive infinity, of a quiet NaN, and of the sign.
_BITS = {
    "f64": (0x7FF0000000000000, 0x7FF8000000000000, 1 << 63),
    "f32": (0x7F800000, 0x7FC00000, 1 << 31),
    "f16": (0x7C00, 0x7E00, 1 << 15),
    "bf16": (0x7F80, 0x7FC0, 1 << 15),
}
# These find only what has to change: a literal may hold millions of numbers that are fine.
_NOT_FLOAT = re.compile(r"(?<![\w.+-])-?(?:Infinity|NaN|\d+(?:[eE][-+]?\d+)?)(?![\w.])")
_NOT_INTEGER = re.compile(r"(?<![\w.+-])(-?\d+)\.0*(?![\w.])")
_FLOAT_ATTRIBUTES = ("epsilon", "eps")


def dense(literal: str, type_: TensorType) -> str:
    """`dense<...>` with the numbers spelled as its element type needs."""
    if '"' in literal:
        return literal
    if type_.element in _BITS:
        return _NOT_FLOAT.sub(lambda match: _float(match.group(), type_.element), literal)
    if re.fullmatch(r"u?i\d+", type_.element):
        return _NOT_INTEGER.sub(r"\1", literal)
    return literal


def attribute(tokens: Sequence[Token], i: int) -> str:
    """The number `tokens[i]`, with its type where MLIR needs one, as an attribute's value."""
    text = tokens[i].text
    before = tokens[i - 1].text if i else ""
    if before not in ("=", ",", "["):
        return text
    typed = i + 2 < len(tokens) and tokens[i + 1].text == ":"
    element = tokens[i + 2].text if typed else "f64"
    if text.lstrip("-") in ("Infinity", "NaN"):
        spelled = _float(text, element if element in _BITS else "f64")
        return spelled if typed else f"{spelled} : f64"
    name = tokens[i - 2].text if i > 1 and before == "=" else ""
    exponent = re.fullmatch(r"-?\d+[eE][-+]?\d+", text)
    integral = name in _FLOAT_ATTRIBUTES and re.fullmatch(r"-?\d+", text)
    return _float(text, element) if exponent or (integral and element in _BITS) else text


def _float(text: str, element: str) -> str:
    """`1e-6` -> `1.0e-6`, `4` -> `4.0`, `-Infinity` -> `0xFF800000` (for f32)."""
    name = text.lstrip("-")
    if name in ("Infinity", "NaN"):
        infinity, nan, sign = _BITS[element]
        bits = nan if name == "NaN" else infinity + (sign if text.startswith("-") else 0)
        return f"0x{bits:0{len(f'{infinity:X}')}X}"
    mantissa, exponent, power = re.split(r"([eE]|$)", text, maxsplit=1)
    return f"{mantissa}.0{exponent}{power}"
