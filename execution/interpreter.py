"""What a StableHLO module means: the StableHLO reference interpreter on NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator

import ml_dtypes
import numpy as np

from .. import bindings
from ..bindings import ir
from ..errors import AttnormError
from .signature import Signature
from .tensor_type import TensorType

_ENTRY = "main"
# The interpreter ends the process at an op that it does not know, so these are refused first.
_UNKNOWN = frozenset(
    f"stablehlo.{name}"
    for name in (
        *("batch_norm_grad", "batch_norm_inference", "batch_norm_training", "broadcast"),
        *("cholesky", "create_token", "cross-replica-sum", "custom_call", "dot", "einsum", "fft"),
        *("rng", "rng_bit_generator", "torch_index_select", "triangular_solve", "unary_einsum"),
    )
)


def evaluate(
    module: ir.Operation, *arrays: np.ndarray, function: str | None = None
) -> tuple[np.ndarray, ...]:
    """Runs a function of `module` in the reference interpreter; the module stays as it is.

    `function` is by default the only public one, or "main". Arrays have to be of the declared
    types; dynamic dimensions take the arrays' sizes. Raises `AttnormError` for a function that
    is not there, arguments that do not fit, and ops that the interpreter does not know.
    """
    with module.context, ir.Location.unknown():
        module = module.clone()
        entry = _choose(module, function)
        arguments = _signature(entry).check(arrays)
        _check_ops(module)
        # In place of a resource the interpreter reads memory that is none.
        roots = [("stablehlo.constant", lambda op, _: bindings.inline_resource_of(op))]
        bindings.apply_patterns(module, roots)
        halves = _bits_of_bf16(entry)
        _rename(module, entry)
        attributes = [_to_attribute(array) for array in arguments]
        try:
            results = bindings.evaluate(module, attributes)
        except ValueError as error:
            raise AttnormError(f"the reference interpreter failed: {error}") from None
        arrays_out = [np.array(result) for result in results]
    return tuple(
        array.view(ml_dtypes.bfloat16) if index in halves else array
        for index, array in enumerate(arrays_out)
    )


def functions(module: ir.Operation) -> dict[str, Signature]:
    """The public functions of a module, by name."""
    return {_name(op): _signature(op) for op in _functions(module) if _is_public(op)}


# -- the entry -----------------------------------------------------------------------------------


def _functions(module: ir.Operation) -> Iterator[ir.Operation]:
    for op in module.regions[0].blocks[0].operations:
        if op.operation.name == "func.func":
            yield op.operation


def _name(function: ir.Operation) -> str:
    return ir.StringAttr(function.attributes["sym_name"]).value


def _is_public(function: ir.Operation) -> bool:
    if "sym_visibility" not in function.attributes:
        return True
    return ir.StringAttr(function.attributes["sym_visibility"]).value == "public"


def _signature(function: ir.Operation) -> Signature:
    kind = ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value)
    return Signature(
        _name(function),
        tuple(_tensor_type(t) for t in kind.inputs),
        tuple(_tensor_type(t) for t in kind.results),
    )


def _tensor_type(kind: ir.Type) -> TensorType:
    text = str(kind)
    if not (text.startswith("tensor<") and text.endswith(">")):
        raise AttnormError(f"expected tensors at the function's boundary, got {text}")
    return TensorType.parse(text.removeprefix("tensor<").removesuffix(">").partition(",")[0])


def _choose(module: ir.Operation, function: str | None) -> ir.Operation:
    named = {_name(op): op for op in _functions(module)}
    public = [name for name, op in named.items() if _is_public(op)]
    if function is None:
        function = public[0] if len(public) == 1 else _ENTRY
    if function not in named:
        raise AttnormError(f"expected a function of {', '.join(public)}, got '{function}'")
    return named[function]


def _rename(module: ir.Operation, entry: ir.Operation) -> None:
    """Gives the entry the name that the interpreter starts at."""
    if _name(entry) == _ENTRY:
        return
    table = ir.SymbolTable(module)
    if _ENTRY in table:
        _set_name(module, table[_ENTRY].operation, "attnorm.other_main")
    _set_name(module, entry, _ENTRY)


def _set_name(module: ir.Operation, function: ir.Operation, name: str) -> None:
    ir.SymbolTable.replace_all_symbol_uses(_name(function), name, module)
    ir.SymbolTable.set_symbol_name(function, name)


def _check_ops(module: ir.Operation) -> None:
    unknown: list[ir.Operation] = []

    def find(op: ir.Operation) -> ir.WalkResult:
        dialect = op.name.partition(".")[0]
        if op.name in _UNKNOWN or dialect not in ("stablehlo", "func", "builtin"):
            unknown.append(op)
            return ir.WalkResult.INTERRUPT
        return ir.WalkResult.ADVANCE

    module.walk(find)
    for op in unknown:
        message = f"the reference interpreter does not know '{op.name}'"
        raise AttnormError(bindings.diagnostic(op.location, message))


# -- values --------------------------------------------------------------------------------------


def _bits_of_bf16(entry: ir.Operation) -> set[int]:
    """Makes the entry return the bits of its bf16 results; their positions.

    The bindings give no buffer of bf16 elements.
    """
    terminator = entry.regions[0].blocks[0].operations[-1].operation
    found = set()
    for index, value in enumerate(terminator.operands):
        kind = ir.ShapedType(value.type)
        if kind.element_type != ir.BF16Type.get():
            continue
        bits = ir.RankedTensorType.get(kind.shape, ir.IntegerType.get_signless(16))
        with ir.InsertionPoint(terminator):
            cast = ir.Operation.create("stablehlo.bitcast_convert", [bits], [value])
        terminator.operands[index] = cast.result
        found.add(index)
    kind = ir.FunctionType(ir.TypeAttr(entry.attributes["function_type"]).value)
    results = [value.type for value in terminator.operands]
    entry.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(kind.inputs, results))
    return found


def _to_attribute(array: np.ndarray) -> ir.Attribute:
    kind = TensorType.of(array)
    tensor = ir.RankedTensorType.get(list(array.shape), ir.Type.parse(kind.element))
    buffer = array.view(np.uint16) if array.dtype == ml_dtypes.bfloat16 else array
    return ir.DenseElementsAttr.get(buffer, type=tensor)
