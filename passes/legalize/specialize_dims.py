"""`specialize-dims`: dynamic dimensions get the sizes that are given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from attnorm.analysis.shape_assertions import TARGET as SHAPE_ASSERTION
from attnorm.analysis.shape_assertions import comparison
from attnorm.analysis.sizes import Size, Sizes
from attnorm.ir.diagnostics import raising_located
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Refusal, operations, run_native

from ..base import Pass, Report, option
from .legalize_shape_ops import LegalizeShapeOpsPass

_ENTRY = re.compile(r"(?:(?P<argument>\d+)\.(?P<axis>\d+)|(?P<symbol>[A-Za-z_]\w*))=(?P<size>\d+)")
_SYMBOL = "jax.global_constant"

Dims = dict[tuple[int, int], int]
"""Sizes by argument and dimension."""


def parse(text: str) -> Iterator[tuple[tuple[int, int] | str, int]]:
    """What `0.1=128;s=4` says: argument and dimension, or a symbol, and the size."""
    for entry in filter(None, text.split(";")):
        match = _ENTRY.fullmatch(entry)
        if not match:
            raise Refusal(f"expected ARGUMENT.DIMENSION=SIZE or SYMBOL=SIZE, got '{entry}'")
        key = match["symbol"] or (int(match["argument"]), int(match["axis"]))
        yield key, int(match["size"])


def find_function(module: ir.Operation, name: str) -> ir.Operation:
    """The public function of a name; without one @main, or the only one."""
    functions = {op.attributes["sym_name"].value: op for op in _functions(module) if _is_public(op)}
    if name and name not in functions:
        raise Refusal(f"function: expected one of {', '.join(functions)}, got '{name}'")
    if not name and "main" not in functions and len(functions) != 1:
        raise Refusal(f"function: expected a name, got none for {len(functions)} public functions")
    return functions[name] if name else functions.get("main") or next(iter(functions.values()))


def _functions(module: ir.Operation) -> list[ir.Operation]:
    ops = (item.operation for item in module.regions[0].blocks[0])
    return [op for op in ops if op.name == "func.func" and len(op.regions[0].blocks)]


def _is_public(op: ir.Operation) -> bool:
    name = "sym_visibility"
    return name not in op.attributes or op.attributes[name].value == "public"


def _block(function: ir.Operation) -> ir.Block:
    return function.regions[0].blocks[0]


# -- which dimensions ------------------------------------------------------------------------------


def symbols(module: ir.Operation, function: ir.Operation, sizes: Sizes) -> dict[str, Size]:
    """JAX's dimension variables: what a function is called with where it names a variable."""
    named: dict[str, list[str]] = {}
    for op in operations(module, "func.func"):
        if "arg_attrs" in op.attributes:
            named[op.attributes["sym_name"].value] = [
                item[_SYMBOL].value if _SYMBOL in item else ""
                for item in op.attributes["arg_attrs"]
            ]
    found: dict[str, Size] = {}
    for call in operations(function, "func.call"):
        names = named.get(call.attributes["callee"].value, [])
        for name, operand in zip(names, call.operands, strict=False):
            size = sizes.elements(operand)[0] if name else None
            if size is not None:
                found[name] = size
    return found


def resolve(text: str, module: ir.Operation, function: ir.Operation) -> Dims:
    """The dimensions of arguments that `text` gives sizes to, and those that are equal to them."""
    sizes = Sizes()
    variables = symbols(module, function, sizes)
    dims: Dims = {}
    for key, number in parse(text):
        if isinstance(key, str):
            key = _variable(key, variables, sizes)
        _learn(dims, key, number, function)
    _follow_equalities(dims, module, sizes, function)
    return dims


def _variable(name: str, variables: dict[str, Size], sizes: Sizes) -> tuple[int, int]:
    if name not in variables:
        known = ", ".join(variables) or "none"
        raise Refusal(f"{name}: expected a symbol of the module, known are: {known}")
    key = _argument(variables[name], sizes)
    if key is None:
        raise Refusal(f"{name}: expected the size of one dimension; give it by its argument")
    return key


def _argument(size: Size, sizes: Sizes) -> tuple[int, int] | None:
    """The argument and dimension that a size is."""
    if len(size) != 1 or size[0][1] != 1 or len(size[0][0]) != 1:
        return None
    atom = sizes.atoms[size[0][0][0]]
    if atom.kind != "dim" or not isinstance(atom.arguments[0].owner, ir.Block):
        return None
    return ir.BlockArgument(atom.arguments[0]).arg_number, atom.arguments[1]


def _learn(dims: Dims, key: tuple[int, int], number: int, function: ir.Operation) -> None:
    argument, axis = key
    name, arguments = f"{argument}.{axis}", _block(function).arguments
    if argument >= len(arguments):
        raise Refusal(f"{name}: expected an argument below {len(arguments)}")
    type_ = arguments[argument].type
    if not isinstance(type_, ir.RankedTensorType) or axis >= type_.rank:
        raise Refusal(f"{name}: expected a dimension of {type_}")
    if not type_.is_dynamic_dim(axis):
        raise Refusal(f"{name}: expected a dynamic dimension, got one of {type_}")
    if dims.setdefault(key, number) != number:
        raise Refusal(f"{name}: expected one size, got {dims[key]} and {number}")


def _follow_equalities(
    dims: Dims, module: ir.Operation, sizes: Sizes, function: ir.Operation
) -> None:
    """JAX asserts which dimensions of arguments are equal: what is known of one holds for all."""
    equal = list(_equalities(module, sizes))
    for _ in equal:
        for a, b in equal:
            for this, other in ((a, b), (b, a)):
                key, number = _argument(this, sizes), _value(other, dims, sizes)
                if key is not None and number is not None:
                    _learn(dims, key, number, function)


def _equalities(module: ir.Operation, sizes: Sizes) -> Iterator[tuple[Size, Size]]:
    for call in operations(module, "stablehlo.custom_call"):
        if call.attributes["call_target_name"].value != SHAPE_ASSERTION:
            continue
        found = comparison(call.operands[0], sizes)
        if found and found[0] == "EQ":
            yield found[1:]


def _value(size: Size, dims: Dims, sizes: Sizes) -> int | None:
    """The number that a size is under the sizes given."""
    total = 0
    for atoms, term in size:
        for number in atoms:
            key = _argument((((number,), 1),), sizes)
            if key not in dims:
                return None
            term *= dims[key]
        total += term
    return total


# -- the types -------------------------------------------------------------------------------------


def retype(function: ir.Operation, dims: Dims) -> None:
    """Pattern: func.func @f(%x: tensor<?x4xf32>) -> func.func @f(%x: tensor<2x4xf32>)"""
    block = _block(function)
    for (number, axis), size in dims.items():
        argument = block.arguments[number]
        shape = list(argument.type.shape)
        shape[axis] = size
        argument.set_type(
            ir.RankedTensorType.get(shape, argument.type.element_type, loc=function.location)
        )
    inputs = [argument.type for argument in block.arguments]
    *_, last = block
    results = [value.type for value in last.operation.operands]
    function.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(inputs, results))


_FLATTEN = "func.func(stablehlo-legalize-composite-to-call),inline,symbol-dce"
_REFINE = (
    "stablehlo-refine-shapes,"
    "func.func(stablehlo-canonicalize-dynamism),"
    "stablehlo-refine-shapes,canonicalize,cse"
)


@contextmanager
def _as_main(module: ir.Operation, function: ir.Operation) -> Iterator[None]:
    """Calls a function @main inside the block: StableHLO refines that one alone."""
    names = {op: op.attributes["sym_name"] for op in _functions(module)}
    renamed = {op: name for op, name in names.items() if op == function or name.value == "main"}
    for op in renamed:
        op.attributes["sym_name"] = ir.StringAttr.get("main" if op == function else "main.other")
    yield
    for op, name in renamed.items():
        op.attributes["sym_name"] = name


@dataclass(frozen=True)
class SpecializeDimsPass(Pass):
    """Dynamic dimensions get the sizes that are given.

    IREE 3.13 refuses many dynamic ops, and runs the rest slower than static ones.

    Fires with `dims`, entries `ARGUMENT.DIMENSION=SIZE` between semicolons, on a function's
    arguments: `0.1=128;2.0=4`. Instead of an argument's dimension an entry may name one of JAX's
    dimension variables (`s=128`); dimensions that JAX asserts to be equal get one size together.
    Calls and composites are inlined, shapes are computed by StableHLO (as `legalize-shape-ops`
    does), and every type that follows from the given sizes becomes static. What was not given stays
    dynamic.

    Fails on entries that it cannot read, on arguments, dimensions and symbols that are not there,
    on dimensions that are not dynamic and on sizes that contradict each other.

    With `{dims=0.0=2}`:

    ```mlir
    func.func @negate(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %0 = stablehlo.negate %x : tensor<?x4xf32>
      return %0 : tensor<?x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @negate(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %0 = stablehlo.negate %x : tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```
    """

    name = "specialize-dims"
    anchor = "builtin.module"

    dims: str = option("sizes: ARGUMENT.DIMENSION=SIZE or SYMBOL=SIZE, between semicolons", "")
    function: str = option("the function they are of; by default main or the only public one", "")

    def run(self, module: ir.Operation, report: Report) -> None:
        """Specializes one function of `module`."""
        if not self.dims:
            return
        function = module
        try:
            function = find_function(module, self.function)
            dims = resolve(self.dims, module, function)
        except Refusal as refusal:
            report.error(function, f"dims: {refusal}")
            return
        run_native(module, _FLATTEN)
        LegalizeShapeOpsPass().run(module, report)
        run_native(module, "canonicalize,cse")
        with raising_located("the sizes contradict each other"), _as_main(module, function):
            retype(function, dims)
            run_native(module, _REFINE)
