"""The functions of a module that can be run, and which one is meant where none is named."""

from __future__ import annotations

from ..errors import AttnormError
from .mlir import ir
from .signature import Signature
from .tensor_type import TensorType

ENTRY = "main"


def functions(module: ir.Operation) -> dict[str, Signature]:
    """The public functions of a module, by name."""
    return {name: signature(op) for name, op in named_functions(module).items() if _is_public(op)}


def named_functions(module: ir.Operation) -> dict[str, ir.Operation]:
    """Every function of a module, by name."""
    return {
        function_name(op.operation): op.operation
        for op in module.regions[0].blocks[0].operations
        if op.operation.name == "func.func"
    }


def function_name(function: ir.Operation) -> str:
    """The name of a function."""
    return ir.StringAttr(function.attributes["sym_name"]).value


def signature(function: ir.Operation) -> Signature:
    """What a function takes and gives. Raises `AttnormError` where that is no tensor."""
    kind = ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value)
    return Signature(
        function_name(function),
        tuple(_tensor_type(t) for t in kind.inputs),
        tuple(_tensor_type(t) for t in kind.results),
    )


def choose(module: ir.Operation, function: str | None) -> ir.Operation:
    """The function of a name; the only public one, or @main, where no name is given."""
    named = named_functions(module)
    public = [name for name, op in named.items() if _is_public(op)]
    if function is None:
        function = public[0] if len(public) == 1 else ENTRY
    if function not in named:
        raise AttnormError(f"expected a function of {', '.join(public)}, got '{function}'")
    return named[function]


def _is_public(function: ir.Operation) -> bool:
    if "sym_visibility" not in function.attributes:
        return True
    return ir.StringAttr(function.attributes["sym_visibility"]).value == "public"


def _tensor_type(kind: ir.Type) -> TensorType:
    text = str(kind)
    if not (text.startswith("tensor<") and text.endswith(">")):
        raise AttnormError(f"expected tensors at the function's boundary, got {text}")
    return TensorType.parse(text.removeprefix("tensor<").removesuffix(">").partition(",")[0])
