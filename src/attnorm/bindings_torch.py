"""The bindings' importer of torch programs: what `bindings` is to MLIR, with torch imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch._decomp import get_decompositions
from torch_mlir.dialects import torch as torch_dialect
from torch_mlir.extras.fx_decomp_util import DEFAULT_DECOMPOSITIONS
from torch_mlir.extras.fx_importer import (
    FxImporter,
    FxImporterHooks,
    create_mlir_tensor_type,
)

from .bindings import bytecode, ir, make_context, raising_located, run_native
from .errors import AttnormError

_TO_STABLEHLO = (
    "func.func(torch-match-quantized-custom-ops),torchdynamo-export-to-torch-backend-pipeline,"
    "torch-backend-to-stablehlo-backend-pipeline"
)


def decompositions() -> dict[Any, Any]:
    """What `ExportedProgram.run_decompositions` has to replace before `import_program`.

    torch's own table: torch-mlir's leaves aten.rms_norm to C++, which computes a half type in
    itself and drops an epsilon of None. And what torch-mlir cannot do without.
    """
    table = torch.export.default_decompositions()
    table.update(get_decompositions(DEFAULT_DECOMPOSITIONS))
    table[torch.ops.aten.native_layer_norm.default] = _native_layer_norm
    return table


def _native_layer_norm(
    x: torch.Tensor,
    shape: Sequence[int],
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    epsilon: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """In f32 for half types, as torch's kernel: torch-mlir's is in x's type, torch's own in f64."""
    axes = list(range(-len(shape), 0))
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    mean = wide.mean(axes, keepdim=True)
    centred = wide - mean
    inverse = torch.rsqrt((centred * centred).mean(axes, keepdim=True) + epsilon)
    result = centred * inverse
    if weight is not None:
        result = result * weight
    if bias is not None:
        result = result + bias
    return result.to(x.dtype), mean, inverse


def import_program(program: torch.export.ExportedProgram) -> bytes:
    """Decomposed, as StableHLO bytecode with the function `@main`.

    As bytecode, since it shares no memory with the program's tensors, and can be read into a
    context without the torch dialect.
    """
    context = make_context()
    torch_dialect.register_dialect(context)
    importer = FxImporter(context=context, hooks=_Constants())
    try:
        importer.import_frozen_program(program, func_name="main")
    except Exception as error:  # it has no error of its own
        raise AttnormError(f"cannot import the program: {error}") from error
    module = importer.module.operation
    with raising_located("cannot lower the program to StableHLO"):
        run_native(module, _TO_STABLEHLO)
    return bytecode(module)


class _Constants(FxImporterHooks):
    """Parameters and buffers from their memory.

    The importer's own way goes by a list of Python numbers, one for each element.
    """

    def __init__(self) -> None:
        self._made: dict[int, tuple[torch.Tensor, ir.Attribute]] = {}

    def resolve_literal(self, gni: Any, literal: Any, info: Any) -> ir.Value | None:
        """The constant of a tensor; None leaves it to the importer."""
        if type(literal) not in (torch.Tensor, torch.nn.Parameter) or literal.numel() < 2:
            return None
        if id(literal) not in self._made:  # tied weights share one
            self._made[id(literal)] = literal, _elements(literal)
        elements = self._made[id(literal)][1]
        vtensor = f"!torch.vtensor<{list(literal.shape)},{elements.type.element_type}>"
        return ir.Operation.create(
            "torch.vtensor.literal",
            results=[ir.Type.parse(vtensor)],
            attributes={"value": elements},
        ).result


def _elements(tensor: torch.Tensor) -> ir.Attribute:
    type_ = create_mlir_tensor_type(tensor)
    flat = tensor.detach().cpu().reshape(-1)
    if tensor.dtype == torch.uint8:
        # Bools come so; IREE does not take a resource of unsigned numbers.
        array = flat.numpy().reshape(tensor.shape)
        return ir.DenseElementsAttr.get(array, type=type_.element_type, shape=type_.shape)
    data = flat.view(torch.uint8).numpy()
    return ir.DenseResourceElementsAttr.get_from_buffer(
        data, "parameter", type_, alignment=flat.element_size()
    )
