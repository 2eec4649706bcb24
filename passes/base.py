"""What every pass is made of: a name, options, a report of what it could not do."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from attnorm.errors import AttnormError
from attnorm.ir.mlir import ir


class Report:
    """What a pass has to say: errors fail the pipeline, refusals explain a rewrite not made."""

    def __init__(self) -> None:
        self.errors: list[tuple[ir.Location, str]] = []
        self.refusals: list[tuple[ir.Location, str]] = []

    def error(self, op: ir.Operation, message: str) -> None:
        """Says that `op` is wrong: "operand: expected X, got Y"."""
        self.errors.append((op.location, message))

    def refuse(self, op: ir.Operation, reason: str) -> None:
        """Says why a candidate was left as it is."""
        self.refusals.append((op.location, reason))


def option(help_: str, default: Any) -> Any:
    """A field of a pass class that is one of its options."""
    return field(default=default, metadata={"help": help_})


@dataclass(frozen=True)
class Option:
    """An option as the command line sees it."""

    name: str
    help: str
    default: Any
    type: Any


@dataclass(frozen=True)
class Pass:
    """A rewrite of a module. Fields of a subclass are its options."""

    name: ClassVar[str]
    rounds: ClassVar[str] = ""
    """Why what the pass rounds elsewhere is no less accurate; empty where it rounds nothing."""
    anchor: ClassVar[str] = ""
    """The op that the pass runs on, such as `builtin.module`; empty where it runs on any."""
    roots: ClassVar[tuple[str, ...]] = ()
    """The ops without which there is nothing to do: where a module has none, the pass is not run,
    and so cannot have changed it. Empty where the pass runs on every module."""
    partners: ClassVar[tuple[str, ...]] = ()
    """The ops without which no root is anything to the pass; empty where roots are enough."""

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites `module` in place."""
        raise NotImplementedError

    @classmethod
    def summary(cls) -> str:
        """The first line of the docstring."""
        return (cls.__doc__ or "").strip().partition("\n")[0]

    @classmethod
    def options(cls) -> Iterator[Option]:
        """The options in order."""
        hints = typing.get_type_hints(cls)
        for item in dataclasses.fields(cls):
            spelling = item.name.replace("_", "-")
            yield Option(spelling, item.metadata["help"], item.default, hints[item.name])

    @classmethod
    def from_options(cls, text: str) -> Pass:
        """A pass from `a=1 b=2`; an `AttnormError` names what is unknown or ill-typed."""
        known = {item.name: item for item in cls.options()}
        values: dict[str, Any] = {}
        for word in text.split():
            name, equals, value = word.partition("=")
            if name not in known:
                choices = ", ".join(known) or "none"
                raise AttnormError(f"{cls.name}: unknown option '{name}'; known are: {choices}")
            wanted = known[name].type
            try:
                values[name.replace("-", "_")] = _parse(wanted, value if equals else "true")
            except ValueError:
                raise AttnormError(
                    f"{cls.name}: {name}: expected {_describe(wanted)}, got '{value}'"
                ) from None
        return cls(**values)

    def __str__(self) -> str:
        """The pass as a pipeline spells it, with the options that are not at their default."""
        words = []
        for item in self.options():
            value = getattr(self, item.name.replace("-", "_"))
            if value != item.default:
                words.append(f"{item.name}={_print(value)}")
        return self.name + (f"{{{' '.join(words)}}}" if words else "")


def _plain(type_: Any) -> Any:
    """`T` of `T | None`."""
    arguments = [part for part in typing.get_args(type_) if part is not type(None)]
    return arguments[0] if arguments else type_


def _parse(type_: Any, text: str) -> Any:
    plain = _plain(type_)
    if plain is bool:
        if text not in ("true", "false"):
            raise ValueError
        return text == "true"
    return plain(text)


def _describe(type_: Any) -> str:
    return {bool: "true or false", float: "a number", int: "an integer"}.get(
        _plain(type_), "a word"
    )


def _print(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
