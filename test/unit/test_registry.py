"""The registry of passes: names that agree, and classes that say what they do."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from attnorm import passes
from attnorm.passes import Pass

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
generate = importlib.import_module("generate")

ANALYSES = {"verify-no-opaque-calls"}
"""Passes that rewrite nothing."""

EVERY = pytest.mark.parametrize("name", passes.NAMES)


def camel(name: str) -> str:
    """`FuseNormMulPass` for `fuse-norm-mul`."""
    return "".join(word.capitalize() for word in name.split("-")) + "Pass"


@EVERY
def test_names_agree(name: str) -> None:
    """Key, pass name, class, file and lit test are one name in four spellings."""
    pass_, snake = passes.get(name), name.replace("-", "_")
    assert pass_.name == name
    assert pass_.__name__ == camel(name)
    assert Path(sys.modules[pass_.__module__].__file__ or "").name == f"{snake}.py"
    assert (ROOT / "test" / "passes" / f"{snake}.mlir").exists()


def test_no_pass_is_left_out() -> None:
    """Every pass class in `passes/` is in the registry, once, and nothing but passes is there."""
    defining = defining_files(ROOT / "passes")
    found = {path.stem.replace("_", "-") for path in defining}
    assert found == set(passes.NAMES)
    others = {path.name for path in (ROOT / "passes").rglob("*.py")} - {p.name for p in defining}
    assert others == {"__init__.py", "base.py"}
    assert len(passes.NAMES) == len(set(passes.NAMES))


def defining_files(folder: Path) -> list[Path]:
    """The files that define a subclass of `Pass`."""
    return [path for path in sorted(folder.rglob("*.py")) if "(Pass):" in path.read_text()]


def test_defining_files_sees_a_pass(tmp_path: Path) -> None:
    """A file with a pass is found, one without is not."""
    (tmp_path / "one.py").write_text("class OnePass(Pass):\n    pass\n")
    (tmp_path / "none.py").write_text("class Helper:\n    pass\n")
    assert [path.name for path in defining_files(tmp_path)] == ["one.py"]


def test_unknown_name() -> None:
    """A name that is not registered is a `KeyError`."""
    with pytest.raises(KeyError):
        passes.get("no-such-pass")


@EVERY
def test_pass_stands_last(name: str) -> None:
    """Nothing but data follows the pass class in its file."""
    pass_ = passes.get(name)
    module = sys.modules[pass_.__module__]
    own = [
        item
        for item in vars(module).values()
        if callable(item) and getattr(item, "__module__", None) == module.__name__
    ]
    assert own[-1] is pass_


@EVERY
def test_docstring(name: str) -> None:
    """A summary line that is a sentence, then a description."""
    summary, blank, *rest = (passes.get(name).__doc__ or "").strip().split("\n")
    assert summary.endswith(".")
    assert not blank
    assert rest


@EVERY
def test_options_have_help(name: str) -> None:
    """Every option says what it means, and its default is one of its values."""
    for option in passes.get(name).options():
        assert option.help.strip()
        assert option.default is None or isinstance(option.default, (bool, int, float, str))


@EVERY
def test_prints_as_it_parses(name: str) -> None:
    """A pass at its defaults prints as its name, and reads back from it."""
    pass_ = passes.get(name)
    made = pass_.from_options("")
    assert isinstance(made, Pass)
    assert str(made) == name


@EVERY
def test_pattern_lines(name: str) -> None:
    """A pass that rewrites says what in at least one `Pattern:` line, with an arrow."""
    found = list(generate.patterns(sys.modules[passes.get(name).__module__]))
    assert bool(found) == (name not in ANALYSES)
    assert all(" -> " in pattern for pattern in found)
