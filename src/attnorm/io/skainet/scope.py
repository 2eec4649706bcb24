"""What is known of the values in scope while SKaiNET's text is read line by line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from .lexer import Statement, TensorType, Token


class Scope:
    """The types of the values seen so far in a function, and the axes they were normalised along.

    An axis is evidence for where a norm's rank-1 scale belongs. What leads to it: a statistic
    broadcast along its one missing axis, divided by; exponentials are remembered because their
    quotient is a softmax and no norm. A convolution's bias belongs to its feature axis.
    """

    def __init__(self) -> None:
        self.types: dict[str, TensorType] = {}
        self._axis: dict[str, int] = {}
        self._missing: dict[str, int] = {}
        self._exponentials: set[str] = set()

    def axes_of(self, names: Iterable[str]) -> set[int]:
        """The axes that any of the values was normalised along."""
        return {self._axis[name] for name in names if name in self._axis}

    def define_arguments(self, tokens: Sequence[Token]) -> None:
        """Learns each `%x: T` of a function or block."""
        for value, colon, type_ in zip(tokens, tokens[1:], tokens[2:], strict=False):
            if value.kind == "value" and colon.text == ":":
                self._forget(value.text)
                known = TensorType.parse(type_.text)
                if known:
                    self.types[value.text] = known

    def define(self, statement: Statement) -> None:
        """Learns the statement's result, and forgets every name that it gives a new meaning."""
        for token, after in pairwise(statement.tokens):
            if token.kind == "value" and after.text == "=":
                self._forget(token.text.partition(":")[0])
        result, signature = statement.result, statement.signature
        if not result or ":" in result or not signature or not signature.outputs:
            return
        ours = statement.name.startswith(("stablehlo.", "util.global"))
        if ours or signature.inputs is not None:
            self.types[result] = signature.outputs[-1]
            self._define_axis(statement, result, signature.outputs[-1].rank)

    def _forget(self, name: str) -> None:
        for table in (self.types, self._axis, self._missing):
            table.pop(name, None)
        self._exponentials.discard(name)

    def _define_axis(self, statement: Statement, result: str, rank: int) -> None:
        names = [token.text for token in statement.operands]
        if statement.name == "stablehlo.exponential":
            self._exponentials.add(result)
        elif statement.name == "stablehlo.convolution":
            self._axis[result] = 1
        elif statement.name == "stablehlo.broadcast_in_dim" and rank > 1:
            dims = [number for dims in statement.lists().get("dims", ()) for number in dims]
            missing = set(range(rank)) - {int(number.text) % rank for number in dims}
            if len(missing) == 1:
                self._missing[result] = missing.pop()
        elif statement.name == "stablehlo.divide" and len(names) == 2:
            if names[1] in self._missing and names[0] not in self._exponentials:
                self._axis[result] = self._missing[names[1]]
        elif statement.name in ("stablehlo.multiply", "stablehlo.add"):
            axes = self.axes_of(names)
            if len(axes) == 1:
                self._axis[result] = axes.pop()
