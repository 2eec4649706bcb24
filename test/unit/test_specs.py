"""The declarations of ops: what they name is there, and nothing of an op is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from needs import needs

from attnorm import dialect, passes, reference
from attnorm.dialect import SPECS, OpSpec
from attnorm.dialect.spec import resolve
from attnorm.passes.expand import expansions
from attnorm.pipeline import pipelines

ROOT = Path(__file__).parents[2]
EVERY = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)


def test_every_op_is_declared() -> None:
    """A file of `dialect/` that defines an op declares it; names are unique."""
    files = [path for path in (ROOT / "dialect").glob("*.py") if "(Op, name=" in path.read_text()]
    assert {path.stem for path in files} == {spec.name for spec in SPECS}
    assert len(SPECS) == len(dialect.OPS) == len(files)
    assert len(dialect.CUSTOM_CALLS) == sum(len(spec.custom_calls) for spec in SPECS)
    assert len(dialect.COMPOSITES) == sum(len(spec.composites) for spec in SPECS)


@EVERY
def test_the_public_interface_has_it(spec: OpSpec) -> None:
    """The class and the builder stand in `attnorm.dialect`, the definition in the reference."""
    assert getattr(dialect, spec.op.__name__) is spec.op
    assert getattr(dialect, spec.name) is spec.build
    assert getattr(reference, spec.name) is resolve(spec.definition)
    assert {spec.op.__name__, spec.name} <= {*dialect.__all__}
    assert spec.name in reference.__all__


@EVERY
def test_definition_takes_the_op(spec: OpSpec) -> None:
    """Its parameters are the op's operands and attributes by their names, and `result`."""
    code = resolve(spec.definition).__wrapped__.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    operands = [item.name for item in spec.op.operand_defs]
    assert [name for name in names if name != "result"] == [*operands, *spec.op.fields]


def named_passes(spec: OpSpec) -> Iterator[str]:
    """Every pass that a declaration names."""
    yield from (*spec.raised_by, *spec.fused_by, spec.expanded_by)


@EVERY
def test_passes_are_there(spec: OpSpec) -> None:
    """Each is a pass, in the folder of its stage; something makes the op of primitives."""
    stages = {"raise_": spec.raised_by, "fuse": spec.fused_by, "expand": (spec.expanded_by,)}
    for stage, names in stages.items():
        for name in names:
            assert passes.get(name).__module__.startswith(f"attnorm.passes.{stage}.")
    assert spec.raised_by or spec.fused_by
    assert spec.op.OPERATION_NAME in [name for name, _ in expansions()]


def test_no_pass_for_an_op_is_left_out() -> None:
    """What makes or expands an op, other than by its name, is in a declaration."""
    named = {name for spec in SPECS for name in named_passes(spec)}
    others = {"raise-mark-tensor", "raise-custom-calls", "raise-composites", "expand-matvec"}
    stages = ("raise-", "fuse-", "expand-")
    assert named | others == {name for name in passes.NAMES if name.startswith(stages)}


def test_pipelines_run_them() -> None:
    """`attnorm-to-stablehlo` has every pass of every op once, in the order of the registry."""
    elements = pipelines.named()["attnorm-to-stablehlo"].elements
    wanted = {name for spec in SPECS for name in named_passes(spec)}
    counts = Counter(element for element in elements if element in wanted)
    assert counts == Counter(wanted)
    assert list(counts) == [name for name in passes.NAMES if name in wanted]


def test_for_iree_ops_are_expanded_or_kept() -> None:
    """An op with a kernel stays a composite, any other is expanded."""
    elements = pipelines.named()["attnorm-to-iree"].elements
    for spec in SPECS:
        assert (f"to-composites{{only={spec.name}}}" in elements) == bool(spec.kernel)
        assert (spec.expanded_by in elements) == (not spec.kernel)


@EVERY
def test_functions_are_there(spec: OpSpec) -> None:
    """What is named as "package.module:function" is a function there."""
    names = [call.meaning for call in spec.custom_calls.values()]
    for name in (*names, *filter(None, [spec.kernel])):
        assert callable(resolve(name))


@EVERY
def test_onnx_functions_are_there(spec: OpSpec) -> None:
    """So are those that rewrite ONNX's nodes."""
    needs("onnx")
    assert all(map(callable, map(resolve, spec.onnx.values())))
    rewrites = import_module("attnorm.frontends.onnx_rewrite").REWRITES
    keys = {".".join(filter(None, key)) for key in rewrites}
    assert set(spec.onnx) <= keys


@EVERY
def test_torch_functions_are_there(spec: OpSpec) -> None:
    """So are those that decompose torch's operators, and the operators."""
    aten = needs("torch").ops.aten
    for operator, function in spec.torch.items():
        assert callable(getattr(aten, operator).default)
        assert callable(resolve(function))
