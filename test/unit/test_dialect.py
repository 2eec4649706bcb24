"""The dialect as Python sees it: loading, builders, verification, threads."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from runpy import run_path
from threading import Barrier
from typing import Any

import pytest

import attnorm
from attnorm import dialect
from attnorm.dialect.base import AttnormDialect
from attnorm.ir.contexts import make_context
from attnorm.ir.mlir import ir

X, W = "tensor<2x4xf32>", "tensor<4xf32>"
Q, K, V = "tensor<1x4x5x8xf32>", "tensor<1x2x7x8xf32>", "tensor<1x2x7x3xf32>"
NORM = {"axes": (1,), "epsilon": 1e-6}


@pytest.fixture
def module() -> Iterator[ir.Module]:
    """An empty module: its context, an unknown location and its end are ambient."""
    with dialect.new_context(allow_unregistered_dialects=True), ir.Location.unknown():
        made = ir.Module.create()
        with ir.InsertionPoint(made.body):
            yield made


def value(type_: str) -> ir.Value:
    """A value of a type."""
    return ir.Operation.create("test.value", results=[ir.Type.parse(type_)]).results[0]


def owner(built: Any) -> ir.OpView:
    """The op behind what a builder returned."""
    first = built[0] if isinstance(built, tuple) else built
    return first.opview if isinstance(first, ir.Operation) else first.owner


# -- loading -------------------------------------------------------------------------------------


def test_load_is_idempotent() -> None:
    """A second load of one context changes nothing."""
    context = make_context()
    for _ in range(3):
        dialect.load(context)
        assert context.is_dialect_loaded("attnorm")


def test_load_needs_nothing_ambient() -> None:
    """Loading works without a current context or location, and leaves none behind."""
    dialect.load(make_context())
    assert ir.Context.current is None


def test_contexts_interleave() -> None:
    """Ops of several contexts are built and verified in turn, each by its own dialect."""
    contexts = [dialect.new_context(allow_unregistered_dialects=True) for _ in range(4)]
    ops = []
    for axis in (0, 1):
        for context in contexts:
            with context, ir.Location.unknown():
                scope = ir.Module.create()
                with ir.InsertionPoint(scope.body):
                    ops.append((context, scope, owner(dialect.softmax(value(X), axis=axis))))
    for context, scope, op in reversed(ops):
        assert op.context == context
        assert isinstance(op, dialect.Softmax)
        assert scope.operation.verify()


def test_contexts_do_not_leak_into_each_other() -> None:
    """A context that did not load the dialect does not know it, though another does."""
    dialect.load(make_context())
    assert not make_context().is_dialect_loaded("attnorm")


def test_one_thread_loads_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that wants to load waits for one that is loading: together they would crash."""
    inside, most = [], []

    def slow_load() -> None:
        inside.append(None)
        most.append(len(inside))
        time.sleep(0.05)
        inside.pop()

    monkeypatch.setattr(AttnormDialect, "load", slow_load)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(dialect.load, (make_context(), make_context())))
    assert most == [1, 1]


def test_two_threads() -> None:
    """Two threads, each with its own context, load, build and verify at the same time."""
    barrier = Barrier(2)

    def work(epsilon: float) -> list[float]:
        barrier.wait(timeout=60)
        found = []
        for _ in range(20):
            with dialect.new_context(allow_unregistered_dialects=True), ir.Location.unknown():
                scope = ir.Module.create()
                with ir.InsertionPoint(scope.body):
                    norm = owner(dialect.rms_norm(value(X), axes=(1,), epsilon=epsilon))
                assert scope.operation.verify()
                found.append(norm.epsilon)
        return found

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, (1e-5, 1e-6))) == [[1e-5] * 20, [1e-6] * 20]


# -- builders ------------------------------------------------------------------------------------

Builder = Callable[..., Any]

CASES: dict[str, tuple[Builder, tuple[str | None, ...], dict[str, Any]]] = {
    name: case
    for path in sorted((Path(__file__).parent / "builder_cases").glob("*.py"))
    for name, case in run_path(str(path))["CASES"].items()
}
"""Builders, the types of their operands, options: a file for each op."""
ALL = pytest.mark.parametrize("case", CASES)


def build(case: str, **extra: Any) -> ir.OpView:
    """The op of a case."""
    builder, types, options = CASES[case]
    operands = [type_ and value(type_) for type_ in types]
    return owner(builder(*operands, **options, **extra))


def test_every_builder_has_a_case() -> None:
    """No op is left out of the cases."""
    assert {CASES[case][0].__name__ for case in CASES} == {
        name.partition(".")[2] for name in dialect.OPS
    }


@ALL
def test_builder_says_what_it_was_told(module: ir.Module, case: str) -> None:
    """The op verifies, and reads back its operands, its options and the defaults of the others."""
    _, types, options = CASES[case]
    op = build(case)
    assert module.operation.verify()
    names = [definition.name for definition in type(op).operand_defs]
    padded = [*types, *[None] * (len(names) - len(types))]
    found = [getattr(op, name) for name in names]
    assert [operand and str(operand.type) for operand in found] == padded
    defaults = {name: field.default for name, field in type(op).fields.items()}
    assert type(op).values(op) == {**defaults, **options}


@ALL
def test_builder_leaves_defaults_out(module: ir.Module, case: str) -> None:
    """Options at their default, given or not, do not appear in the IR."""
    plain = build(case)
    fields = type(plain).fields
    options = CASES[case][2]
    silent = {
        name: field.default
        for name, field in fields.items()
        if field.default is not None and name not in options
    }
    spoken = build(case, **silent)
    for op in (plain, spoken):
        assert set(op.attributes) - {"operandSegmentSizes"} == set(options)


@ALL
def test_builder_takes_loc_and_ip(module: ir.Module, case: str) -> None:
    """`loc=` and `ip=` win over the ambient location and insertion point."""
    builder, types, options = CASES[case]
    operands = [type_ and value(type_) for type_ in types]
    last = ir.Operation.create("test.last")
    place = ir.Location.file("given.mlir", 3, 5)
    op = owner(builder(*operands, **options, loc=place, ip=ir.InsertionPoint(last)))
    assert op.location == place
    assert module.body.operations[len(module.body.operations) - 2] == op


@ALL
def test_builder_needs_nothing_ambient(module: ir.Module, case: str) -> None:
    """With `loc=` and `ip=` a builder works outside of every `with`."""
    builder, types, options = CASES[case]
    operands = [type_ and value(type_) for type_ in types]
    place, end = ir.Location.name("given"), ir.InsertionPoint(module.body)
    with ThreadPoolExecutor(1) as pool:  # what is ambient is so in one thread
        built = pool.submit(partial(builder, *operands, **options, loc=place, ip=end)).result()
    assert owner(built).location == place


@ALL
def test_builder_takes_ambient_location(module: ir.Module, case: str) -> None:
    """Without `loc=` and `ip=` the ambient ones are used."""
    with ir.Location.name("ambient"):
        op = build(case)
        assert op.location == ir.Location.name("ambient")
    assert op.operation.block == module.body


@pytest.mark.parametrize("builder", [dialect.rms_norm, dialect.layer_norm])
def test_builder_takes_a_result_type(module: ir.Module, builder: Builder) -> None:
    """`result=` replaces x's type."""
    wide = ir.Type.parse("tensor<2x4xf64>")
    assert builder(value(X), **NORM, result=wide).type == wide
    assert module.operation.verify()


def test_other_builders_take_a_result_type(module: ir.Module) -> None:
    """`result=` replaces the type that each of the other builders infers."""
    wide = ir.Type.parse("tensor<2x4xf64>")
    product = dialect.rms_norm_mul(value(X), value("tensor<2x4xf64>"), **NORM, result=wide)
    total, norm = dialect.add_rms_norm(value(X), value(X), **NORM, result=wide)
    heads = ir.Type.parse("tensor<1x4x5x3xf64>")
    attention = dialect.sdpa(value(Q), value(K), value(V), scale=1.0, result=heads)
    assert dialect.softmax(value(X), axis=0, result=wide).type == wide
    assert (product.type, norm.type, str(total.type)) == (wide, wide, X)
    assert attention.results[0].type == heads
    assert module.operation.verify()


def test_sdpa_infers_its_result(module: ir.Module) -> None:
    """The result has q's shape, but v's depth, dynamic sizes included."""
    q = value("tensor<?x4x?x8xf16>")
    attention = dialect.sdpa(
        q, value("tensor<?x2x?x8xf16>"), value("tensor<?x2x?x3xf16>"), scale=1.0
    )
    assert [str(result.type) for result in attention.results] == ["tensor<?x4x?x3xf16>"]
    assert module.operation.verify()


def test_sdpa_log_sum_exp(module: ir.Module) -> None:
    """The second result is there where its type is given, and only there."""
    type_ = ir.Type.parse("tensor<1x4x5xf32>")
    op = owner(dialect.sdpa(value(Q), value(K), value(V), scale=1.0, log_sum_exp=type_))
    assert op.log_sum_exp.type == type_
    assert build("sdpa").log_sum_exp is None
    assert module.operation.verify()


@pytest.mark.parametrize("sequence", [[1], (1,), range(1, 2)])
def test_axes_are_any_sequence(module: ir.Module, sequence: Any) -> None:
    """Axes may come as a list, a tuple or a range."""
    op = owner(dialect.layer_norm(value(X), axes=sequence, epsilon=1e-6))
    assert op.axes == (1,)


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "rms_norm": ("rms_norm", {"epsilon": math.nan}, "rms_norm_c5"),
    "rms_norm_mul": ("rms_norm_mul", {"axes": (2,)}, "rms_norm_mul_c3"),
    "add_rms_norm": ("add_rms_norm", {"weight_offset": 1.0}, "add_rms_norm_c7"),
    "cast": ("rms_norm", {"cast": "never"}, "rms_norm_c1"),
    "layer_norm": ("layer_norm", {"axes": ()}, "layer_norm_c3"),
    "softmax": ("softmax", {"axis": -1}, "softmax_c3"),
    "sdpa": ("sdpa", {"softcap": 0.0}, "sdpa_c8"),
    "window": ("sdpa", {"window": (1,)}, "sdpa_c12"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_a_builder_builds_is_verified(module: ir.Module, wrong: str) -> None:
    """A builder told something wrong makes an op that the verifier refuses, with the ID."""
    case, change, identifier = WRONG[wrong]
    builder, types, options = CASES[case]
    builder(*map(value, filter(None, types)), **{**options, **change})
    with pytest.raises(ir.MLIRError, match=rf"\[{identifier}\]"):
        module.operation.verify()


def test_problem_is_none_for_a_valid_op(module: ir.Module) -> None:
    """`problem` says in Python what the verifier says in MLIR."""
    assert type(build("softmax")).problem(build("softmax")) is None
    wrong = owner(dialect.softmax(value(X), axis=7))
    assert dialect.Softmax.problem(wrong) == (
        "axis: expected a value in [0, 2), got 7 [softmax_c3]"
    )


def test_errors_are_located(module: ir.Module) -> None:
    """The verifier's error stands at the op's location."""
    dialect.softmax(value(X), axis=7, loc=ir.Location.file("user.mlir", 12, 3))
    with pytest.raises(ir.MLIRError) as caught:
        module.operation.verify()
    assert str(caught.value.error_diagnostics[0].location) == 'loc("user.mlir":12:3)'


def test_ops_are_pure() -> None:
    """An op whose results nobody uses is dead."""
    text = f"""func.func @f(%x: {X}) {{
      %0 = "attnorm.softmax"(%x) {{axis = 0 : i64}} : ({X}) -> {X}
      return
    }}"""
    assert "attnorm" not in str(attnorm.lower(attnorm.load(text), "canonicalize"))
