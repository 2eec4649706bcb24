"""`attnorm.from_torch`: a PyTorch module as a StableHLO module."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .. import dialect
from ..errors import AttnormError
from ..ir.parsing import parse_bytecode
from .extras import require

if TYPE_CHECKING:
    import torch

    from ..ir.mlir import ir


def from_torch(
    module: torch.nn.Module,
    args: Sequence[Any],
    *,
    kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> ir.Operation:
    """Exports `module(*args, **kwargs)` as `@main`, with the parameters as constants.

    A parameter's `dense_resource` has its name in the module's state as key, one that is tied the
    first of its names.

    `dynamic_shapes` is `torch.export`'s. Each tensor in `args` and `kwargs`, in order, is an
    argument of `@main`; each tensor of what the module returns is a result. What the module asserts
    of values is not checked. It is traced in the mode, training or not, that it is in, and left as
    it was. Returns a verified `builtin.module`; raises `AttnormError` where `args` is no tuple or
    list, or where there is no way to StableHLO, and whatever `torch.export` raises where it cannot
    trace the module.
    """
    require("torch", extra="torch")
    from . import torch_importer

    if not isinstance(args, (list, tuple)):
        kind = type(args).__name__
        raise AttnormError(f"args: expected a tuple of the module's arguments, got a {kind}: (x,)")
    program = export_program(module, tuple(args), dict(kwargs or {}), dynamic_shapes)
    imported = torch_importer.import_programs({"main": program}, dialect.new_context())
    result = parse_bytecode(imported.bytecode, "torch", dialect.new_context())
    # Parameters that change later must not change the import.
    tensors = {key: (name, tensor.clone()) for key, (name, tensor) in imported.tensors.items()}
    torch_importer.attach(result, tensors)
    return result


def export_program(
    module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], dynamic_shapes: Any
) -> torch.export.ExportedProgram:
    """A module as a program that `torch_importer.import_programs` takes."""
    import torch

    from . import torch_importer

    with torch.no_grad(), _persistent_buffers(module), warnings.catch_warnings():
        args, kwargs = _each_its_own((args, kwargs))
        # torch.export trips over torch's own deprecation.
        warnings.filterwarnings("ignore", ".*LeafSpec", FutureWarning)
        program = torch.export.export(
            module, args, kwargs, dynamic_shapes=dynamic_shapes, strict=False
        )
        program = program.run_decompositions(torch_importer.decompositions())
    _drop_constant_inputs(program)
    _drop_assertions(program.graph)
    return program


def _each_its_own(arguments: Any) -> Any:
    """The arguments, each tensor given once: torch traces one that is given twice as one input."""
    import torch
    from torch.utils._pytree import tree_map_only

    seen: set[int] = set()

    def own(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) in seen:
            return tensor.clone()
        seen.add(id(tensor))
        return tensor

    return tree_map_only(torch.Tensor, own, arguments)


def _drop_constant_inputs(program: torch.export.ExportedProgram) -> None:
    """Removes arguments that are no tensors (`use_cache=False`): they are in the graph already."""
    from torch.export.graph_signature import ConstantArgument

    specs = program.graph_signature.input_specs
    names = {spec.arg.name for spec in specs if isinstance(spec.arg, ConstantArgument)}
    for node in program.graph.find_nodes(op="placeholder"):
        if node.name in names:
            program.graph.erase_node(node)
    specs[:] = [spec for spec in specs if not isinstance(spec.arg, ConstantArgument)]


def _drop_assertions(graph: torch.fx.Graph) -> None:
    """Removes what checks a value or a type at run time, and what is computed for that alone."""
    import torch

    aten = torch.ops.aten
    assertions = (
        aten._assert_async.msg,
        aten._assert_scalar.default,
        aten._assert_tensor_metadata.default,
    )
    for target in assertions:
        for node in graph.find_nodes(op="call_function", target=target):
            graph.erase_node(node)
    graph.eliminate_dead_code()


@contextmanager
def _persistent_buffers(module: torch.nn.Module) -> Iterator[None]:
    """Makes every buffer part of the state: the importer does not find the others."""
    hidden = [(part, set(part._non_persistent_buffers_set)) for part in module.modules()]
    try:
        for part, _ in hidden:
            part._non_persistent_buffers_set.clear()
        yield
    finally:
        for part, names in hidden:
            part._non_persistent_buffers_set.update(names)
