"""Writes docs/dialect/ and docs/passes.md from the op and pass classes.

python docs/generate.py            writes them
python docs/generate.py --check    exits with 1 where a file is not what would be written
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from attnorm import passes
from attnorm.dialect import SPECS, Op, OpSpec
from attnorm.dialect.base import AttnormDialect, Field, is_single
from attnorm.passes import Option, Pass
from attnorm.pipeline import pipelines

FOLDER = Path(__file__).parent


def main(arguments: list[str]) -> int:
    """Writes or checks; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    check = parser.parse_args(arguments).check
    stale = False
    for path, text in documents().items():
        if path.exists() and path.read_text() == text:
            continue
        if check:
            name = path.relative_to(FOLDER)
            print(f"{name}: expected what docs/generate.py writes", file=sys.stderr)
            stale = True
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    return int(stale)


def documents() -> dict[Path, str]:
    """Every generated file and its contents."""
    pages = {FOLDER / "dialect" / f"{spec.name}.md": _join(op_page(spec)) for spec in SPECS}
    return {
        FOLDER / "dialect" / "index.md": _join(dialect_page()),
        **pages,
        FOLDER / "passes.md": _join(passes_document()),
    }


def _join(blocks: Iterable[str]) -> str:
    return "\n\n".join(("<!-- written by docs/generate.py -->", *blocks)) + "\n"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


# -- the dialect ---------------------------------------------------------------------------------


def dialect_page() -> Iterator[str]:
    """The blocks of docs/dialect/index.md."""
    yield "# The `attnorm` dialect"
    yield inspect.getdoc(AttnormDialect) or ""
    yield "Every op has a page beside this one."


def op_page(spec: OpSpec) -> Iterator[str]:
    """The blocks of an op's page."""
    op = spec.op
    yield f"# `{op.OPERATION_NAME}`"
    yield inspect.getdoc(op) or ""
    values = [*_roles(op.operand_defs, "operand"), *_roles(op.result_defs, "result")]
    yield _table(("value", "role"), values)
    rows = (
        (f"`{field.name}`", field.expected.replace("<", r"\<"), _default(field))
        for field in op.fields.values()
    )
    yield _table(("attribute", "kind", "default"), rows)
    yield _table(("constraint", "what holds"), _constraints(op))
    yield _table(("where it comes from and goes to", "names"), _names(spec))


def _names(spec: OpSpec) -> Iterator[tuple[str, str]]:
    """The names in an op's declaration, those that there are."""
    named = {
        "custom calls": spec.custom_calls,
        "composites": (spec.op.OPERATION_NAME, *spec.composites),
        "ONNX operators": spec.onnx,
        "raised from primitives by": spec.raised_by,
        "made by": spec.fused_by,
        "expanded by": (spec.expanded_by,),
    }
    for what, names in named.items():
        if names:
            yield what, ", ".join(f"`{name}`" for name in names)


def _roles(definitions: Iterable, role: str) -> Iterator[tuple[str, str]]:
    for item in definitions:
        yield f"`{item.name}`", role if is_single(item) else f"optional {role}"


def _default(field: Field) -> str:
    if field.required:
        return "required"
    return "none" if field.default is None else f"`{_spelling(field.default)}`"


def _spelling(value: object) -> str:
    """A default as MLIR spells it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"array<i64: {', '.join(map(str, value))}>"
    return str(value)


def _constraints(op: type[Op]) -> Iterator[tuple[str, str]]:
    short = op.OPERATION_NAME.partition(".")[2]
    for rule in op.constraints:
        yield f"`{short}_c{rule.number}`", rule.text


# -- the passes ----------------------------------------------------------------------------------


def passes_document() -> Iterator[str]:
    """The blocks of docs/passes.md."""
    yield "# Passes"
    for name in passes.NAMES:
        yield from _pass(passes.get(name))
    yield "# Pipelines"
    for name, pipeline in pipelines.named().items():
        default = " The default." if name == pipelines.DEFAULT else ""
        yield f"## `{name}`"
        yield pipeline.summary + default
        yield "\n".join(f"1. `{element}`" for element in pipeline.elements)
        rows = [(f"`{option}`", f"`{owner}`") for option, owner in pipeline.options.items()]
        if rows:
            yield _table(("option", "goes to"), rows)


def _pass(pass_: type[Pass]) -> Iterator[str]:
    yield f"## `{pass_.name}`"
    yield inspect.getdoc(pass_) or ""
    if pass_.anchor:
        yield f"Runs on `{pass_.anchor}` alone."
    if pass_.rounds:
        yield f"Moves roundings, which makes no value less accurate: {pass_.rounds}."
    rows = [_option(item) for item in pass_.options()]
    if rows:
        yield _table(("option", "default", "meaning"), rows)
    found = list(patterns(inspect.getmodule(pass_)))
    if found:
        yield "Patterns:"
        yield "\n".join(f"- `{pattern}`" for pattern in found)


def _option(option: Option) -> tuple[str, str, str]:
    default = "none" if option.default is None else f"`{_spelling(option.default)}`"
    return f"`{option.name}`", default, option.help


def patterns(module: ModuleType | None) -> Iterator[str]:
    """The `Pattern:` lines of the functions that a module defines, in their order."""
    for function in vars(module).values():
        if inspect.isfunction(function) and function.__module__ == getattr(module, "__name__", ""):
            lines = (inspect.getdoc(function) or "").splitlines()
            yield from (line[9:] for line in lines if line.startswith("Pattern: "))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
