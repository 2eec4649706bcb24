"""Broken files made from whole ones: of bytes, of text token by token, of JSON value by value."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

_LARGE = (0, 1, 127, 128, 255, 256, 2**15, 2**16, 2**31 - 1, 2**31, 2**32, 2**40, 2**63 - 1, 2**64)
_NUMBERS = (
    *("0", "1", "-1", "2", "7", "64", "65536", "1000000007", "2147483648", "4294967296"),
    *("-9223372036854775808", "9223372036854775807", "18446744073709551616", "9" * 400),
    *("1.0", "-0.0", "1e308", "1e999", "-1e-999", "0x7FC00000", "0xFFFFFFFFFFFFFFFF", "?"),
)
_TYPES = (
    *("i1", "i4", "i8", "i32", "i64", "ui8", "si8", "i65536", "index", "none", "f16", "bf16"),
    *("f32", "f64", "f8E4M3FN", "complex<f32>", "tuple<>", "!quant.uniform<i8:f32, 2.0>"),
    *("tensor<f32>", "tensor<*xf32>", "tensor<?xf32>", "tensor<0xf32>", "vector<4xf32>"),
    *("tensor<1000000000000xf32>", "tensor<9223372036854775807x2xf32>", "memref<4xf32>"),
    *("tensor<4294967296x4294967296xf32>", "!stablehlo.token", "!foo.bar", "() -> ()"),
)
_WORDS = (
    *("dense<0.0>", "dense<1>", 'dense<"0xFF">', "dense<[]>", "dense_resource<a>", "unit"),
    *("affine_map<(d0) -> (d0)>", "loc(unknown)", "array<i64: 1, -1>", "@main", "@attnorm.f"),
    *("#stablehlo.bounds<?>", "opaque<>", '"stablehlo.custom_call"', "true", "dense<nan>"),
)
_TOKEN = re.compile(r'"[^"\n]*"|[%@#^!]?[\w.$]+|->|\s+|.', re.DOTALL)
_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"), ("tensor<", ">"), ("loc(fused[", "])"))


def mutate_bytes(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """One to four mutations of `data`; `other` is a file of its kind to splice with."""
    broken = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        rng.choice(_OF_BYTES)(rng, broken, other)
    return bytes(broken)


def _flip(rng: random.Random, data: bytearray, other: bytes) -> None:
    for _ in range(rng.choice((1, 1, 2, 8)) if data else 0):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _set(rng: random.Random, data: bytearray, other: bytes) -> None:
    if data:
        data[rng.randrange(len(data))] = rng.choice(
            (0, 1, 0x7F, 0x80, 0xFE, 0xFF, rng.randrange(256))
        )


def _number(rng: random.Random, data: bytearray, other: bytes) -> None:
    width = rng.choice((1, 2, 4, 8))
    value = (rng.choice(_LARGE) + rng.randint(-1, 1)) % (1 << 8 * width)
    at = rng.randrange(len(data) + 1)
    data[at : at + width] = value.to_bytes(width, rng.choice(("little", "little", "big")))


def _truncate(rng: random.Random, data: bytearray, other: bytes) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _drop(rng: random.Random, data: bytearray, other: bytes) -> None:
    at = rng.randrange(len(data) + 1)
    del data[at : at + rng.choice((1, 2, 8, 64))]


def _repeat(rng: random.Random, data: bytearray, other: bytes) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = data[at : at + rng.choice((1, 2, 8, 64))] * rng.choice((1, 2, 100))


def _splice(rng: random.Random, data: bytearray, other: bytes) -> None:
    at, start = rng.randrange(len(data) + 1), rng.randrange(len(other) + 1)
    if rng.random() < 0.5:
        data[at:] = other[start:]
    else:
        length = rng.choice((1, 4, 16, 64, 256))
        data[at : at + length] = other[start : start + length]


_OF_BYTES: Sequence[Callable[[random.Random, bytearray, bytes], None]] = (
    *(_flip, _flip, _set, _set, _number, _number),
    *(_truncate, _drop, _repeat, _splice),
)


# -- text ----------------------------------------------------------------------------------------


def mutate_text(rng: random.Random, text: str, other: str) -> str:
    """One to four mutations of `text`: of its tokens, its lines, now and then of its characters."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        text = rng.choice(_OF_TEXT)(rng, text, other)
    return text


def _lines(rng: random.Random, text: str, other: str) -> str:
    lines = text.split("\n")
    at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
    how = rng.randrange(4)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(to, lines[at])
    elif how == 2:
        lines[at], lines[to] = lines[to], lines[at]
    else:
        lines.insert(at, rng.choice(other.split("\n")))
    return "\n".join(lines)


def _replaced(rng: random.Random, text: str, wanted: str, by: Sequence[str]) -> str:
    found = [match.span() for match in re.finditer(wanted, text)]
    if not found:
        return text
    start, end = rng.choice(found)
    return text[:start] + rng.choice(by) + text[end:]


def _numbers(rng: random.Random, text: str, other: str) -> str:
    return _replaced(rng, text, r"(?<![%\w.])-?\d+(\.\d+)?(e[-+]?\d+)?", _NUMBERS)


def _sizes(rng: random.Random, text: str, other: str) -> str:
    return _replaced(rng, text, r"(?<=[<x])[\d?]+(?=x)", (*_NUMBERS, "3", "5"))


def _types(rng: random.Random, text: str, other: str) -> str:
    wanted = rng.choice((r"tensor<[^<>]*>", r"(?<=x)(f|bf|i|ui)\d+", r"\b(f|bf|i|ui)\d+\b"))
    seen = re.findall(r"tensor<[^<>]*>", text + other)
    return _replaced(rng, text, wanted, [rng.choice(_TYPES), rng.choice(seen or ["i1"])])


def _tokens(rng: random.Random, text: str, other: str) -> str:
    tokens = _TOKEN.findall(text) or [""]
    at, to = rng.randrange(len(tokens)), rng.randrange(len(tokens))
    how = rng.randrange(5)
    if how == 0:
        del tokens[at]
    elif how == 1:
        tokens.insert(to, tokens[at])
    elif how == 2:
        tokens[at], tokens[to] = tokens[to], tokens[at]
    elif how == 3:
        tokens[at] = rng.choice(_TOKEN.findall(other) or [""])
    else:
        tokens[at] = rng.choice(_WORDS)
    return "".join(tokens)


def _nesting(rng: random.Random, text: str, other: str) -> str:
    opening, closing = rng.choice(_BRACKETS)
    depth = rng.choice((1, 2, 100, 5000, 20_000))
    at = rng.randrange(len(text) + 1)
    inner = text[at : at + rng.choice((0, 0, 20))]
    return f"{text[:at]}{opening * depth}{inner}{closing * depth}{text[at + len(inner) :]}"


def _characters(rng: random.Random, text: str, other: str) -> str:
    data = text.encode(errors="surrogateescape")
    return mutate_bytes(rng, data, other.encode()).decode(errors="surrogateescape")


_OF_TEXT: Sequence[Callable[[random.Random, str, str], str]] = (
    *(_lines, _numbers, _sizes, _types, _tokens) * 4,
    *(_nesting, _characters),
)


# -- JSON ----------------------------------------------------------------------------------------

_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2**31, 2**63, 10**30, 0.5, float("nan"), float("inf"), 1e308),
    *("", "x", "../../etc/passwd", "/etc/passwd", "\0", "\ud800", "9" * 5000, [], {}, [1, -1]),
    *({"axis": 1}, [[]], "f32", "true"),
)


def mutate_json(rng: random.Random, text: str, other: str) -> str:
    """One to three values changed, dropped, added or nested; now and then the text is broken."""
    if rng.random() < 0.2:
        return mutate_text(rng, text, other)
    root = [json.loads(text)]
    for _ in range(rng.choice((1, 1, 2, 3))):
        holder, key = _place(rng, root)
        how = rng.randrange(6)
        if how == 0 and holder is not root:
            del holder[key]
        elif how == 1 and isinstance(holder, dict):
            holder[str(rng.choice(_VALUES))] = _value(rng)
        elif how == 2:
            holder[key] = [holder[key]]
        elif how == 3:
            holder[key] = [_value(rng) for _ in range(rng.randrange(4))]
        else:
            holder[key] = _value(rng)
    whole = json.dumps(root[0])
    if rng.random() < 0.02:
        deep = rng.choice((100, 2000, 100_000))
        return "[" * deep + whole + "]" * deep
    return whole


def _value(rng: random.Random) -> Any:
    return copy.deepcopy(rng.choice(_VALUES))


def _place(rng: random.Random, root: list[Any]) -> tuple[Any, Any]:
    """A place somewhere below: what holds it, and its key or index there."""
    holder, key = root, 0
    while isinstance(holder[key], (dict, list)) and holder[key] and rng.random() < 0.8:
        holder = holder[key]
        key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    return holder, key
