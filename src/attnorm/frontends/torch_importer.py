"""torch-mlir's importer of torch programs, adapted; it imports torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch._decomp import get_decompositions
from torch._decomp.decompositions import slice_scatter
from torch_mlir.dialects import torch as torch_dialect
from torch_mlir.extras.fx_decomp_util import DEFAULT_DECOMPOSITIONS
from torch_mlir.extras.fx_importer import (
    FxImporter,
    FxImporterHooks,
    create_mlir_tensor_type,
)

from ..dialect import SPECS
from ..dialect.spec import resolve
from ..errors import AttnormError
from ..ir.diagnostics import raising_located
from ..ir.mlir import ir
from ..ir.rewriting import run_native
from ..ir.serialization import bytecode
from ..pipeline.driver import run
from .nan_order import order_nan

_TO_STABLEHLO = (
    "func.func(torch-match-quantized-custom-ops),torchdynamo-export-to-torch-backend-pipeline,"
    "torch-backend-to-stablehlo-backend-pipeline"
)


def decompositions() -> dict[Any, Any]:
    """What `ExportedProgram.run_decompositions` has to replace before `import_programs`.

    torch's own table: torch-mlir's leaves aten.rms_norm to C++, which computes a half type in
    itself and drops an epsilon of None. And what torch-mlir cannot do without.
    """
    table = torch.export.default_decompositions()
    table.update(get_decompositions(DEFAULT_DECOMPOSITIONS))
    for spec in SPECS:
        for operator, function in spec.torch.items():
            table[getattr(torch.ops.aten, operator).default] = resolve(function)
    table[torch.ops.aten.roll.default] = _roll
    table[torch.ops.aten.slice_scatter.default] = _slice_scatter
    table[torch.ops.aten.topk.default] = _topk
    for indexing in (torch.ops.aten.index.Tensor, torch.ops.aten.index_put.default):
        table[indexing] = _by_itself(partial(_from_the_start, indexing))
    # What is a view of one kernel's result need not be one of what it decomposes to.
    table[torch.ops.aten.view.default] = _by_itself(torch.reshape)
    return table


def _roll(x: torch.Tensor, shifts: Sequence[int], dims: Sequence[int] = ()) -> torch.Tensor:
    """Parts put together anew: torch-mlir does not lower the remainder in torch's own indices."""
    if not dims:
        return _roll(x.reshape(-1), shifts, [0]).reshape(x.shape)
    for shift, dim in zip(shifts, dims, strict=True):
        size = x.shape[dim]
        if size:
            first = size - shift % size
            x = torch.cat([x.narrow(dim, first, size - first), x.narrow(dim, 0, first)], dim)
    return x


def _slice_scatter(
    x: torch.Tensor,
    part: torch.Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> torch.Tensor:
    """`x[start:end] = part`: torch-mlir's counts up to the end that is written, maybe 2^63."""
    if step != 1:
        return slice_scatter(x, part, dim, start, end, step)
    size = x.shape[dim]
    begin = max(start + size, 0) if start is not None and start < 0 else start or 0
    begin = min(begin, size)
    stop = begin + part.shape[dim]
    return torch.cat([x.narrow(dim, 0, begin), part, x.narrow(dim, stop, size - stop)], dim)


def _topk(x: torch.Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """In order where any order will do: torch-mlir lowers no other."""
    return NotImplemented if sorted else torch.ops.aten.topk(x, k, dim, largest, True)


def _by_itself(decompose: Callable[..., Any]) -> Callable[..., Any]:
    """A decomposition of an op into ops of which it may be one."""
    inside = False

    def once(*arguments: Any) -> Any:
        nonlocal inside
        if inside:
            return NotImplemented
        inside = True
        try:
            return decompose(*arguments)
        finally:
            inside = False

    return once


def _from_the_start(
    op: Callable[..., torch.Tensor],
    x: torch.Tensor,
    indices: Sequence[torch.Tensor | None],
    *rest: Any,
) -> torch.Tensor:
    """The same op, its indices counted from the start: torch-mlir clamps those from the end."""
    return op(x, list(_wrapped(x, indices)), *rest)


def _wrapped(
    x: torch.Tensor, indices: Sequence[torch.Tensor | None]
) -> Iterator[torch.Tensor | None]:
    dim = 0
    for index in indices:
        if index is None or index.dtype in (torch.bool, torch.uint8):
            yield index
            dim += 1 if index is None else index.dim()
        else:
            yield torch.where(index < 0, index + x.shape[dim], index)
            dim += 1


Build = Callable[[str, list[Any], list[ir.Type]], list[ir.Value]]
"""Makes what an operator of our own stands for: its name, its arguments in order, result types.

An argument is a value of a builtin type, or a Python number, or None.
"""


@dataclass(frozen=True)
class Imported:
    """StableHLO bytecode, and by key the tensors that its `dense_resource`s stand for, named.

    The bytecode has the keys alone: `attach` gives them their elements.
    """

    bytecode: bytes
    tensors: Mapping[str, tuple[str, torch.Tensor]]


def import_programs(
    programs: Mapping[str, torch.export.ExportedProgram],
    context: ir.Context,
    build: Build | None = None,
) -> Imported:
    """Decomposed programs as the functions of one module, by their names.

    Parameters and buffers are named as in the programs' states; one that several programs, or
    several names of one program, have is one tensor. `build` makes what operators of the library
    "attnorm" stand for. As bytecode, since it can be read into a context without the torch dialect.
    """
    torch_dialect.register_dialect(context)
    constants = _Constants()
    importer = FxImporter(context=context, hooks=constants)
    for name, program in programs.items():
        constants.name(program)
        try:
            importer.import_frozen_program(program, func_name=name)
        except Exception as error:  # it has no error of its own
            raise AttnormError(f"cannot import the program: {error}") from error
    module = importer.module.operation
    if build:
        _replace_own(module, build)
        run(module, "to-composites")
    with raising_located("cannot lower the program to StableHLO"), _main_in(module):
        run_native(module, _TO_STABLEHLO)
    order_nan(module)
    return Imported(bytecode(module), constants.tensors)


@contextmanager
def _main_in(module: ir.Operation) -> Iterator[None]:
    """Adds a function `@main` where there is none: StableHLO refines no shapes without one."""
    names = [op.attributes["sym_name"].value for op in module.regions[0].blocks[0]]
    if "main" in names:
        yield
        return
    with module.location, ir.InsertionPoint(module.regions[0].blocks[0]):
        nothing = ir.TypeAttr.get(ir.FunctionType.get([], []))
        attributes = {"sym_name": ir.StringAttr.get("main"), "function_type": nothing}
        main = ir.Operation.create("func.func", attributes=attributes, regions=1)
    with module.location, ir.InsertionPoint(main.regions[0].blocks.append()):
        ir.Operation.create("func.return")
    yield
    main.erase()


# -- parameters ----------------------------------------------------------------------------------


class _Constants(FxImporterHooks):
    """Parameters and buffers as resources that have a key and no elements yet.

    The importer's own way goes by a list of Python numbers, one for each element.
    """

    def __init__(self) -> None:
        self.tensors: dict[str, tuple[str, torch.Tensor]] = {}
        self._names: dict[int, str] = {}
        self._made: dict[int, ir.Attribute] = {}

    def name(self, program: torch.export.ExportedProgram) -> None:
        """Learns the names of a program's tensors; of several names of one, the first."""
        for name, tensor in {**program.state_dict, **program.constants}.items():
            self._names.setdefault(id(tensor), name)

    def resolve_literal(self, gni: Any, literal: Any, info: Any) -> ir.Value | None:
        """The constant of a tensor; None leaves it to the importer."""
        if type(literal) not in (torch.Tensor, torch.nn.Parameter) or literal.numel() < 2:
            return None
        elements = self._elements(literal)
        vtensor = f"!torch.vtensor<{list(literal.shape)},{elements.type.element_type}>"
        return ir.Operation.create(
            "torch.vtensor.literal",
            results=[ir.Type.parse(vtensor)],
            attributes={"value": elements},
        ).result

    def _elements(self, tensor: torch.Tensor) -> ir.Attribute:
        type_ = create_mlir_tensor_type(tensor)
        if tensor.dtype == torch.uint8:
            # Bools come so; IREE does not take a resource of unsigned numbers.
            array = tensor.detach().cpu().numpy()
            return ir.DenseElementsAttr.get(array, type=type_.element_type, shape=type_.shape)
        if id(tensor) not in self._made:  # tied weights share one
            key = f"{_KEY}{len(self._made)}"
            self.tensors[key] = self._names.get(id(tensor), "constant"), tensor
            self._made[id(tensor)] = ir.Attribute.parse(f"dense_resource<{key}> : {type_}")
        return self._made[id(tensor)]


_KEY = "attnorm.tensor."
_RESOURCE = re.compile(rf"dense_resource<({re.escape(_KEY)}\d+)>")


def attach(module: ir.Operation, tensors: Mapping[str, tuple[str, torch.Tensor]]) -> None:
    """Gives the resources of an imported module their elements, and their names as keys.

    The module uses the tensors' memory.
    """
    made: dict[str, ir.Attribute] = {}

    def visit(op: ir.Operation) -> ir.WalkResult:
        found = None
        if op.name in ("stablehlo.constant", "arith.constant"):
            found = _RESOURCE.match(str(op.attributes["value"]))
        if found:
            key, type_ = found[1], op.results[0].type
            if key not in made:
                with op.location:
                    made[key] = _resource(*tensors[key], type_)
            op.attributes["value"] = made[key]
        return ir.WalkResult.ADVANCE

    module.walk(visit)


def _resource(name: str, tensor: torch.Tensor, type_: ir.Type) -> ir.Attribute:
    flat = tensor.detach().cpu().reshape(-1)
    data = flat.view(torch.uint8).numpy()
    return ir.DenseResourceElementsAttr.get_from_buffer(
        data, name, type_, alignment=flat.element_size()
    )


# -- operators of our own ------------------------------------------------------------------------

_OWN = "torch.attnorm."


def _replace_own(module: ir.Operation, build: Build) -> None:
    """Puts what `build` makes in the place of our own operators."""
    found: list[ir.Operation] = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        if op.name == "torch.operator" and op.attributes["name"].value.startswith(_OWN):
            found.append(op)
        return ir.WalkResult.ADVANCE

    module.walk(visit)
    for op in found:
        name = op.attributes["name"].value.removeprefix(_OWN)
        with op.location, ir.InsertionPoint(op):
            arguments = [_argument(operand) for operand in op.operands]
            types = [_builtin(result.type) for result in op.results]
            made = build(name, arguments, types)
            for old, new in zip(op.results, made, strict=True):
                old.replace_all_uses_with(_cast("from", new, old.type))
        op.erase()


def _argument(operand: ir.Value) -> Any:
    """A tensor as a builtin one; the number or None that a constant is."""
    owner = None if isinstance(operand.owner, ir.Block) else operand.owner.operation
    if owner is not None and owner.name.startswith("torch.constant."):
        return owner.attributes["value"].value if "value" in owner.attributes else None
    if owner is not None and owner.name == "torch.vtensor.literal":
        # A cast of it would become an arith.constant.
        value = {"value": owner.attributes["value"]}
        type_ = _builtin(operand.type)
        return ir.Operation.create("stablehlo.constant", results=[type_], attributes=value).result
    return _cast("to", operand, _builtin(operand.type))


def _builtin(type_: ir.Type) -> ir.Type:
    """The builtin tensor type of a `!torch.vtensor<[2,3],f32>`; `si32` is i32 there."""
    sizes, element = re.fullmatch(r"!torch\.vtensor<\[(.*)\],s?(\w+)>", str(type_)).groups()  # pyright: ignore
    return ir.Type.parse(
        f"tensor<{''.join(f'{size}x' for size in sizes.split(',') if size)}{element}>"
    )


def _cast(direction: str, value: ir.Value, type_: ir.Type) -> ir.Value:
    name = f"torch_c.{direction}_builtin_tensor"
    return ir.Operation.create(name, results=[type_], operands=[value]).result
