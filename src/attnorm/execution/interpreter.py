"""What a StableHLO module means: the StableHLO reference interpreter on NumPy arrays."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from ..errors import AttnormError
from ..ir import evaluation
from ..ir.attributes import inline_resource_of
from ..ir.diagnostics import diagnostic
from ..ir.entry import ENTRY, choose, function_name, signature
from ..ir.mlir import ir
from ..ir.rewriting import Rewriter, apply_patterns
from ..ir.stablehlo import Builder, element_type, is_unsigned
from ..ir.tensor_type import TensorType

# The interpreter ends the process at an op that it does not know, so these are refused first.
_UNKNOWN = frozenset(
    f"stablehlo.{name}"
    for name in (
        *("batch_norm_grad", "batch_norm_inference", "batch_norm_training", "broadcast"),
        *("cholesky", "create_token", "cross-replica-sum", "custom_call", "dot", "einsum", "fft"),
        *("rng", "rng_bit_generator", "torch_index_select", "triangular_solve", "unary_einsum"),
    )
)

_DIVISIONS = ("stablehlo.divide", "stablehlo.remainder")
_GUARDED = "attnorm.guarded"


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
        entry = choose(module, function)
        arguments = signature(entry).check(arrays)
        _check_ops(module)
        # In place of a resource the interpreter reads memory that is none.
        roots = [("stablehlo.constant", lambda op, _: inline_resource_of(op))]
        apply_patterns(module, roots)
        apply_patterns(module, [(name, _guard_division) for name in _DIVISIONS])
        apply_patterns(module, [("stablehlo.dot_general", _sum_of_nothing)])
        halves = _bits_of_bf16(entry)
        _rename(module, entry)
        attributes = [_to_attribute(array) for array in arguments]
        try:
            results = evaluation.evaluate(module, attributes)
        except ValueError as error:
            raise AttnormError(f"the reference interpreter failed: {error}") from None
        arrays_out = [np.array(result) for result in results]
    return tuple(
        array.view(ml_dtypes.bfloat16) if index in halves else array
        for index, array in enumerate(arrays_out)
    )


# -- the entry -----------------------------------------------------------------------------------


def _rename(module: ir.Operation, entry: ir.Operation) -> None:
    """Gives the entry the name that the interpreter starts at."""
    if function_name(entry) == ENTRY:
        return
    table = ir.SymbolTable(module)
    if ENTRY in table:
        _set_name(module, table[ENTRY].operation, "attnorm.other_main")
    _set_name(module, entry, ENTRY)


def _set_name(module: ir.Operation, function: ir.Operation, name: str) -> None:
    ir.SymbolTable.replace_all_symbol_uses(function_name(function), name, module)
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
        raise AttnormError(diagnostic(op.location, message))


def _guard_division(op: ir.Operation, rewriter: Rewriter) -> bool:
    # The interpreter divides as the processor does, which ends the process at a divisor of 0 and at
    # the least integer by -1. XLA gives -1 and the dividend, the least integer and 0.
    x, divisor = op.operands
    element = element_type(x)
    if not isinstance(element, ir.IntegerType) or _GUARDED in op.attributes:
        return False
    b = Builder(rewriter.ip, op.location)
    is_zero = b.compare("EQ", divisor, 0)
    wraps = is_zero if is_unsigned(element) else b.compare("EQ", divisor, -1)
    safe = b.select(is_zero, b.like(1, x), b.select(wraps, b.like(1, x), divisor))
    name = op.name.removeprefix("stablehlo.")
    quotient = b.op(name, [x, safe], x.type, **{_GUARDED: ir.UnitAttr.get()})
    if name == "divide":
        of_zero = b.unary("not", b.like(0, x))
        of_one = quotient if is_unsigned(element) else b.unary("negate", x)
    else:
        of_zero, of_one = x, b.like(0, x)
    rewriter.replace(op, [b.select(is_zero, of_zero, b.select(wraps, of_one, quotient))])
    return True


def _sum_of_nothing(op: ir.Operation, rewriter: Rewriter) -> bool:
    # The interpreter ends the process where a contracted dimension is 0.
    (result,) = op.results
    if not result.type.has_static_shape or 0 in result.type.shape:
        return False
    if not any(0 in x.type.shape for x in op.operands):
        return False
    rewriter.replace(op, [Builder(rewriter.ip, op.location).like(0, result)])
    return True


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
