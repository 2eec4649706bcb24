"""The pipeline's driver: what a pass broke does not get past it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from attnorm import AttnormError, load, passes
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Rewriter, apply_patterns
from attnorm.ir.serialization import fingerprint
from attnorm.passes import Pass, Report
from attnorm.pipeline import driver
from attnorm.pipeline.driver import Printing, Step

MODULE = """
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.abs %x : tensor<4xf32>
  %1 = stablehlo.negate %0 : tensor<4xf32>
  %2 = stablehlo.convert %1 : (tensor<4xf32>) -> tensor<4xf16>
  %3 = "attnorm.softmax"(%1) {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}
"""


@dataclass(frozen=True)
class BreakPass(Pass):
    """Edits a module."""

    name = "break"

    edit: Callable[[ir.Operation], None] = lambda module: None

    def __str__(self) -> str:
        return self.name

    def run(self, module: ir.Operation, report: Report) -> None:
        """Edits `module`."""
        with module.location:
            self.edit(module)


def body(module: ir.Operation) -> list[ir.Operation]:
    """The ops of @f: abs, negate, convert, softmax, return."""
    function = module.regions[0].blocks[0].operations[0]
    return [op.operation for op in function.regions[0].blocks[0].operations]


def rewrite(module: ir.Operation) -> None:
    """A rewriter puts a value of another type in its place."""

    def pattern(op: ir.Operation, rewriter: Rewriter) -> bool:
        rewriter.replace(op, body(module)[2].results)
        return True

    apply_patterns(module, [("attnorm.softmax", pattern)])


def create(module: ir.Operation) -> None:
    """An op is made whose result its operand does not allow."""
    absolute, negate, *_ = body(module)
    half = ir.RankedTensorType.get([4], ir.F16Type.get())
    operands, before = [absolute.results[0]], ir.InsertionPoint(negate)
    ir.Operation.create("stablehlo.abs", results=[half], operands=operands, ip=before)


def set_operand(module: ir.Operation) -> None:
    """An operand of another type is set."""
    _, _, convert, _, last = body(module)
    last.operands[0] = convert.results[0]


def set_attribute(module: ir.Operation) -> None:
    """An attribute of ours is set to what it must not be."""
    body(module)[3].attributes["axis"] = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), 7)


def delete_attribute(module: ir.Operation) -> None:
    """An attribute that must be there is deleted."""
    del body(module)[3].attributes["axis"]


def set_type(module: ir.Operation) -> None:
    """A result gets another type."""
    body(module)[0].results[0].set_type(ir.RankedTensorType.get([5], ir.F32Type.get()))


def replace_uses(module: ir.Operation) -> None:
    """Every use of a value becomes one of a value behind it."""
    absolute, negate, *_ = body(module)
    absolute.results[0].replace_all_uses_with(negate.results[0])


def move(module: ir.Operation) -> None:
    """An op is moved ahead of what it reads."""
    absolute, negate, *_ = body(module)
    negate.move_before(absolute)


def erase(module: ir.Operation) -> None:
    """A terminator is erased."""
    body(module)[4].erase()


def detach(module: ir.Operation) -> None:
    """A terminator is taken out of its block."""
    body(module)[4].detach_from_parent()


def add_argument(module: ir.Operation) -> None:
    """A block gets an argument that its function does not have."""
    absolute = body(module)[0]
    absolute.block.add_argument(ir.F32Type.get(), absolute.location)


def rename(module: ir.Operation) -> None:
    """A symbol stands for two functions."""
    block = module.regions[0].blocks[0]
    block.append(block.operations[0].operation.clone())


EDITS = (
    rewrite,
    create,
    set_operand,
    set_attribute,
    delete_attribute,
    set_type,
    replace_uses,
    move,
    erase,
    detach,
    add_argument,
    rename,
)


@pytest.mark.parametrize("edit", EDITS)
def test_what_a_pass_broke_is_seen_there(edit: Callable[[ir.Operation], None]) -> None:
    """However it was edited; the pass behind it does not run."""
    ran: list[str] = []
    after = BreakPass(edit=lambda module: ran.append("after"))
    steps = [Step("break", "", pass_=BreakPass(edit=edit)), Step("break", "", pass_=after)]
    with pytest.raises(AttnormError) as raised:
        driver.run(load(MODULE), steps)
    assert raised.value.diagnostics[-1].message == "in the module after 'break'"
    assert not ran


def test_what_mlir_broke_is_seen_there() -> None:
    """Behind every pass of MLIR too, not only behind the last in a row."""
    module = load(MODULE)
    with module.context, module.location:
        set_operand(module)
    with pytest.raises(AttnormError, match="in the module after 'symbol-dce'"):
        driver.run(module, "symbol-dce,cse,canonicalize")


def test_verify_each_false() -> None:
    """On request, nothing is verified."""
    module = load(MODULE)
    broken = Step("break", "", pass_=BreakPass(edit=set_operand))
    driver.run(module, [broken, *driver.resolve("symbol-dce")], verify_each=False)
    with module.context, pytest.raises(ir.MLIRError):
        module.verify()


def test_without_a_root_a_pass_is_not_run(monkeypatch) -> None:
    """So it cannot have changed the module; a pass that names no root is always run."""
    monkeypatch.setattr(BreakPass, "roots", ("stablehlo.exponential",))
    module = load(MODULE)
    before = fingerprint(module)
    driver.run(module, [Step("break", "", pass_=BreakPass(edit=set_operand))])
    assert fingerprint(module) == before
    for roots in (("stablehlo.exponential", "attnorm.softmax"), ()):
        monkeypatch.setattr(BreakPass, "roots", roots)
        with pytest.raises(AttnormError, match="after 'break'"):
            driver.run(load(MODULE), [Step("break", "", pass_=BreakPass(edit=set_operand))])


def test_without_a_partner_a_pass_is_not_run(monkeypatch) -> None:
    """Roots alone are nothing to it."""
    monkeypatch.setattr(BreakPass, "roots", ("stablehlo.abs",))
    monkeypatch.setattr(BreakPass, "partners", ("stablehlo.exponential",))
    ran: list[ir.Operation] = []
    driver.run(load(MODULE), [Step("break", "", pass_=BreakPass(edit=ran.append))])
    assert not ran
    monkeypatch.setattr(BreakPass, "partners", ("stablehlo.exponential", "attnorm.softmax"))
    driver.run(load(MODULE), [Step("break", "", pass_=BreakPass(edit=ran.append))])
    assert len(ran) == 1


def test_what_follows_an_idle_pass_is_verified() -> None:
    """A module is the one that was verified until a pass has run that may have changed it."""
    breaks = Step("break", "", pass_=BreakPass(edit=set_operand))
    idle = driver.resolve("symbol-dce")
    with pytest.raises(AttnormError, match="after 'break'"):
        driver.run(load(MODULE), [*idle, *idle, breaks, *idle])
    module = load(MODULE)
    with module.context, module.location:
        set_operand(module)
    with pytest.raises(AttnormError, match="after 'symbol-dce'"):
        driver.run(module, [*idle, *idle])


def set_location(module: ir.Operation) -> None:
    """An op is said to come from elsewhere."""
    absolute = body(module)[0]
    with absolute.context:
        elsewhere = ir.Location.file("elsewhere.mlir", 1, 1)
    copy = ir.Operation.create(
        "stablehlo.abs",
        results=[absolute.results[0].type],
        operands=list(absolute.operands),
        loc=elsewhere,
        ip=ir.InsertionPoint(absolute),
    )
    absolute.results[0].replace_all_uses_with(copy.results[0])
    absolute.erase()


CHANGES = (
    lambda module: body(module)[2].erase(),
    lambda module: body(module)[2].operands.__setitem__(0, body(module)[0].results[0]),
    lambda module: body(module)[2].move_before(body(module)[4]),
    lambda module: module.attributes.__setitem__("a.b", ir.UnitAttr.get()),
    set_location,
)


@pytest.mark.parametrize("edit", CHANGES)
def test_print_after_change_sees(edit: Callable[[ir.Operation], None], capsys) -> None:
    """A change is seen however it was made, and only then."""
    printing = Printing(after_change=True)
    for change, titles in ((edit, 1), (lambda module: None, 0)):
        steps = [Step("break", "", pass_=BreakPass(edit=change))]
        driver.run(load(MODULE), steps, printing=printing)
        assert capsys.readouterr().err.count("IR Dump After break") == titles


def outcome(text: str, pass_pipeline: str) -> str:
    """What a pipeline makes of a module: the module or the error."""
    try:
        module = load(text)
        driver.run(module, pass_pipeline)
        return str(module)
    except AttnormError as error:
        return str(error)


@pytest.mark.parametrize("name", [name for name in passes.NAMES if not passes.get(name).anchor])
def test_a_pass_that_runs_on_any_op_runs_on_functions(name: str) -> None:
    """Function by function it does what it does on the module."""
    path = Path(__file__).parents[1] / "passes" / f"{name.replace('-', '_')}.mlir"
    for part in re.split(r"(?m)^// -----[ \t]*$", path.read_text()):
        if not re.search("(?m)^ *module", part):
            assert outcome(part, f"func.func({name})") == outcome(part, name)


def test_a_misspelt_anchor_is_an_error_where_it_stands() -> None:
    """Also ahead of a pass that there is not."""
    with pytest.raises(AttnormError) as raised:
        driver.resolve("cse,func.fnuc(nope)")
    (found,) = raised.value.diagnostics
    assert (found.line, found.column) == (1, 5)
