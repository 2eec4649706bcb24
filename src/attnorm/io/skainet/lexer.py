"""Tokens, types and statements of the StableHLO text that SKaiNET prints.

MLIR's own parser cannot read that text, so this one reads just what SKaiNET's line templates
need: what it does not understand has no types, and is left to MLIR to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<comment>//.*)
    |(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")
    |(?P<open>".*)
    |(?P<value>%[\w$.-]+(?:[:\#]\d+)?)
    |(?P<symbol>@(?:"[^"]*"|[\w$.-]+))
    |(?P<dense>dense<[^<>]*>)
    |(?P<tensor>tensor<[^<>]*>)
    |(?P<arrow>->)
    |(?P<number>-?(?:Infinity\b|NaN\b|0x[0-9A-Fa-f]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?))
    |(?P<word>[A-Za-z_][\w$.]*)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_TENSOR = re.compile(r"tensor<\s*x?((?:(?:\?|-?\d{1,18})x)*)([A-Za-z]\w*)\s*>", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)


class Token(NamedTuple):
    """A piece of a line; `start` and `end` are its offsets there."""

    kind: str
    text: str
    start: int
    end: int


def tokenise(line: str) -> Iterator[Token]:
    """Every token of `line` but the spaces, comments included; in time linear in its length."""
    for match in _TOKEN.finditer(line):
        kind = str(match.lastgroup)
        if kind != "space":
            yield Token(kind, match.group(), match.start(), match.end())


@dataclass(frozen=True)
class TensorType:
    """A ranked tensor type; `None` is a dynamic size."""

    shape: tuple[int | None, ...]
    element: str

    @staticmethod
    def parse(text: str) -> TensorType | None:
        """Reads `tensor<2x?xf32>`, and SKaiNET's `tensor<xf32>` and `tensor<-1x4xf32>` too."""
        match = _TENSOR.fullmatch(text)
        if not match:
            return None
        sizes = match[1].split("x")[:-1]
        shape = tuple(None if size[0] in "?-" else int(size) for size in sizes)
        return TensorType(shape, match[2])

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def count(self) -> int | None:
        """The number of elements, where it is static."""
        sizes = [size for size in self.shape if size is not None]
        return prod(sizes) if len(sizes) == self.rank else None

    def same_but_for_ones(self, other: TensorType) -> bool:
        """Whether a reshape that only adds and drops ones leads from one to the other."""

        def squeezed(shape: tuple[int | None, ...]) -> list[int | None]:
            return [size for size in shape if size != 1]

        static = self.count is not None and other.count is not None
        same = squeezed(self.shape) == squeezed(other.shape)
        return static and same and self.element == other.element

    def __str__(self) -> str:
        sizes = "".join("?x" if size is None else f"{size}x" for size in self.shape)
        return f"tensor<{sizes}{self.element}>"


@dataclass(frozen=True)
class Signature:
    """The types after the last colon: `T`, `T, U`, `T -> U` or `(T, U) -> V`.

    `inputs` is None where only result types are printed; `function` says whether MLIR would read
    a function type here.
    """

    inputs: tuple[TensorType, ...] | None
    outputs: tuple[TensorType, ...]
    function: bool
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Statement:
    """One operation as far as it stands on one line."""

    tokens: tuple[Token, ...]
    result: str | None
    op: Token
    operands: tuple[Token, ...]
    colon: Token | None
    signature: Signature | None

    @property
    def name(self) -> str:
        return self.op.text

    @property
    def title(self) -> str:
        """The op as a message names it: with its callee."""
        callee = [token.text for token in self.body[:1] if token.kind == "symbol"]
        return " ".join([self.name, *callee])

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def body(self) -> tuple[Token, ...]:
        """The tokens between the op's name and its types."""
        end = self.colon.start if self.colon else self.tokens[-1].end
        return tuple(token for token in self.tokens if self.op.end <= token.start < end)

    def lists(self) -> dict[str, list[list[Token]]]:
        """The integers of each `name = 1`, `name = [1, 2]`, `name = [1] x [2]` and `[[1], [2]]`."""
        found: dict[str, list[list[Token]]] = {}
        body = self.body
        for i, token in enumerate(body[:-2]):
            if token.kind == "word" and body[i + 1].text == "=":
                found[token.text] = list(_integer_lists(body[i + 2 :]))
        return found


def _integer_lists(tokens: Iterable[Token]) -> Iterator[list[Token]]:
    depth, numbers, seen = 0, [], False
    for token in tokens:
        if token.text == "[":
            depth += 1
            numbers, seen = [], True
        elif token.text == "]":
            depth -= 1
            if seen:
                yield numbers
            seen = False
        elif _INTEGER.fullmatch(token.text):
            if not depth:
                yield [token]
                return
            numbers.append(token)
        elif not (token.text == "x" or (token.text == "," and depth)):
            return


def statements(tokens: Iterable[Token]) -> list[Statement]:
    """The operations on one line; more than one stand there once a repair has put them there."""
    code = [token for token in tokens if token.kind != "comment"]
    if not code:
        return []
    depths = list(_depths(code))
    starts = [0]
    for i in range(1, len(code)):
        defines = code[i].kind == "value" and i + 1 < len(code) and code[i + 1].text == "="
        returns = code[i].kind == "word" and code[i].text in ("return", "func.return")
        if depths[i] == 0 and (defines or returns):
            starts.append(i)
    parts = zip(starts, [*starts[1:], len(code)], strict=True)
    found = (_statement(code[i:j], depths[i:j]) for i, j in parts)
    return [statement for statement in found if statement]


def _depths(tokens: Iterable[Token]) -> Iterator[int]:
    """How many brackets are open before each token."""
    depth = 0
    for token in tokens:
        if token.text in (")", "]", "}", ">"):
            depth -= 1
        yield depth
        if token.text in ("(", "[", "{", "<"):
            depth += 1


def _statement(tokens: list[Token], depths: list[int]) -> Statement | None:
    defines = len(tokens) > 2 and tokens[0].kind == "value" and tokens[1].text == "="
    op = tokens[2] if defines else tokens[0]
    if op.kind not in ("word", "string"):
        return None
    colons = [i for i, token in enumerate(tokens) if token.text == ":" and depths[i] == 0]
    end = colons[-1] if colons else len(tokens)
    values = [token for token in tokens[:end] if token.kind == "value"]
    return Statement(
        tokens=tuple(tokens),
        result=tokens[0].text if defines else None,
        op=op,
        operands=tuple(values[1:] if defines else values),
        colon=tokens[end] if colons else None,
        signature=_signature(tokens[end + 1 :]) if colons else None,
    )


def _signature(tokens: list[Token]) -> Signature | None:
    arrows = [i for i, token in enumerate(tokens) if token.kind == "arrow"]
    if not arrows:
        outputs = _types(tokens)
        return Signature(None, outputs, False, tuple(tokens)) if outputs else None
    inputs, outputs = _group(tokens[: arrows[0]]), _group(tokens[arrows[0] + 1 :])
    if len(arrows) > 1 or inputs is None or outputs is None:
        return None
    return Signature(inputs, outputs, tokens[0].text == "(", tuple(tokens))


def _group(tokens: list[Token]) -> tuple[TensorType, ...] | None:
    """`T`, `()` or `(T, U)`."""
    if tokens and tokens[0].text == "(" and tokens[-1].text == ")":
        return _types(tokens[1:-1]) if len(tokens) > 2 else ()
    return _types(tokens) if len(tokens) == 1 else None


def _types(tokens: list[Token]) -> tuple[TensorType, ...] | None:
    """`T` or `T, U`."""
    if len(tokens) % 2 == 0 or any(token.text != "," for token in tokens[1::2]):
        return None
    types = tuple(TensorType.parse(token.text) for token in tokens[::2])
    return None if None in types else tuple(type_ for type_ in types if type_)
