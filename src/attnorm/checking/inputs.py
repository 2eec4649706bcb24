"""Arguments made for a function: what its graph can take, and hard values of every kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import ml_dtypes
import numpy as np

from ..errors import AttnormError
from ..ir.diagnostics import diagnostic
from ..ir.mlir import ir
from ..ir.signature import Signature
from ..ir.tensor_type import TensorType
from ..pipeline.driver import run
from .roles import Role, roles

Arrays = tuple[np.ndarray, ...]
Inputs = Mapping[str, Arrays]
"""The arguments of one function, by what is special about them."""

SIZE = 7
"""What a dynamic dimension is where nobody says it: no power of two, and no divisor of one."""
LARGEST = 2**28
"""How many elements are generated: 2 GB, a few times over."""
SUBNORMAL = "tiny"
"""The arguments that are subnormal."""
_FLATTEN = (
    "raise-mark-tensor,func.func(stablehlo-legalize-composite-to-call),"
    "inline{default-pipeline=},symbol-dce"
)


def choose(module: ir.Operation, function: str | None) -> list[str]:
    """The function of a name; without one, every public function that has a body.

    Raises `AttnormError`, located, where there is none, and for what takes or gives no tensors.
    """
    found = _functions(module)
    if not found:
        message = "expected a public function with a body, got none"
        raise AttnormError(diagnostic(module.location, message))
    if function is not None and function not in found:
        raise AttnormError(f"expected a function of {', '.join(found)}, got '{function}'")
    names = list(found) if function is None else [function]
    for name in names:
        signature(module, name)
    return names


def signature(module: ir.Operation, function: str) -> Signature:
    """What a public function takes and gives.

    Raises `AttnormError`, at the function, where that is no tensor of numbers.
    """
    op = _functions(module)[function]
    type_ = ir.FunctionType(ir.TypeAttr(op.attributes["function_type"]).value)
    groups = []
    for role, types in (("argument", type_.inputs), ("result", type_.results)):
        kinds = []
        for index, item in enumerate(types):
            body = str(item).removeprefix("tensor<").removesuffix(">")
            try:
                kinds.append(TensorType.parse(body.partition(",")[0]))
            except AttnormError:
                message = f"function '{function}': {role} {index}: expected a tensor of numbers"
                found = diagnostic(op.location, f"{message}, got {item}")
                raise AttnormError(found) from None
        groups.append(tuple(kinds))
    return Signature(function, *groups)


def _functions(module: ir.Operation) -> dict[str, ir.Operation]:
    ops = (item.operation for item in module.regions[0].blocks[0])
    return {
        ir.StringAttr(op.attributes["sym_name"]).value: op
        for op in ops
        if op.name == "func.func" and len(op.regions[0].blocks) and _is_public(op)
    }


def _is_public(op: ir.Operation) -> bool:
    name = "sym_visibility"
    return name not in op.attributes or ir.StringAttr(op.attributes[name]).value == "public"


def generate(
    module: ir.Operation, function: str, *, dims: Sequence[str] = (), seed: int = 0
) -> dict[str, Arrays]:
    """Arguments for a public function, the same for the same module and seed.

    - `ordinary`: floats are standard normal, what dot products of n terms take divided by sqrt(n);
      indices lie in range, positions increase, masks leave every row a key.
    - `large`, `tiny`: data whose squares, summed, are just no infinities yet, and, of scores with a
      finite fill, far from it; subnormal data.
      Beyond that overflow inside of ops decides, which their definitions leave open.
    - `zeros`: rows of 0 and of -0. `nonfinite`: NaN and infinities in some rows; no infinities
      where products of them are an attention's scores, which would lie below the finite numbers
      that some systems fill masked scores with.
    - `masked`: rows whose mask leaves nothing.

    A kind that changes no argument is left out. Dynamic dimensions are `SIZE`, where `dims`
    (ARGUMENT.DIMENSION=SIZE or SYMBOL=SIZE) does not say else. Raises `AttnormError` for arguments
    of more than `LARGEST` elements.
    """
    with module.context:
        flat = module.clone().operation
    if dims:
        run(flat, f"attnorm-specialize{{dims={';'.join(dims)} function={function}}}")
    run(flat, _FLATTEN)
    kinds, found = signature(flat, function).arguments, roles(_functions(flat)[function])
    _check_size(module, function, kinds)
    rng = np.random.default_rng(seed)
    ordinary = [_ordinary(kind, role, rng) for kind, role in zip(kinds, found, strict=True)]
    sets = {"ordinary": tuple(map(_typed, ordinary, kinds))}
    data = [i for i, kind in enumerate(kinds) if "f" in kind.element and _is_data(kind, found[i])]
    for name, change in _HARD.items():
        changed = [array.copy() for array in ordinary]
        for order, index in enumerate(data):
            change(changed[index], kinds[index].dtype, order, found[index])
        if data:
            sets[name] = tuple(map(_typed, changed, kinds))
    masks = [i for i, role in enumerate(found) if _is_mask(kinds[i], role)]
    if masks:
        changed = [array.copy() for array in ordinary]
        for index in masks:
            _mask_rows(changed[index])
        sets["masked"] = tuple(map(_typed, changed, kinds))
    return sets


def _check_size(module: ir.Operation, function: str, kinds: Sequence[TensorType]) -> None:
    count = sum(math.prod(_shape(kind)) for kind in kinds)
    if count > LARGEST:
        message = f"function '{function}': expected arguments of {LARGEST} elements at most"
        location = _functions(module)[function].location
        raise AttnormError(diagnostic(location, f"{message}, got {count}"))


# -- ordinary values -------------------------------------------------------------------------------


def _shape(kind: TensorType) -> tuple[int, ...]:
    return tuple(SIZE if size is None else size for size in kind.shape)


def _typed(array: np.ndarray, kind: TensorType) -> np.ndarray:
    with np.errstate(over="ignore"):
        return array.astype(kind.dtype)


def _ordinary(kind: TensorType, role: Role, rng: np.random.Generator) -> np.ndarray:
    shape = _shape(kind)
    if kind.element == "i1":
        return _kept(shape, rng)
    if "f" not in kind.element:
        return _integers(shape, kind, role, rng)
    values = np.asarray(rng.standard_normal(shape))
    if role.mask:
        return np.where(_kept(shape, rng), values, -np.inf)
    if role.epsilon and values.size == 1:
        return np.full(shape, 1e-5)
    if values.size == 1:
        return np.abs(values) + 0.5
    return values / math.sqrt(role.fan_in)


def _kept(shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """True for most, and for the first of every row."""
    kept = np.asarray(rng.random(shape) < 0.75)
    if shape:
        kept[..., :1] = True
    return kept


def _integers(
    shape: tuple[int, ...], kind: TensorType, role: Role, rng: np.random.Generator
) -> np.ndarray:
    limit = min(role.limit or 8, np.iinfo(kind.dtype).max)
    if role.flags:
        # Padding on the left, as generation has it.
        length = shape[-1] if shape else 1
        padding = rng.integers(0, max(length // 2, 1), (*shape[:-1], 1))
        return np.broadcast_to(np.arange(length) >= padding, shape).reshape(shape).astype(np.int64)
    if role.positions and shape:
        first = rng.integers(0, max(limit - shape[-1], 0) + 1)
        line = np.minimum(first + np.arange(shape[-1]), np.iinfo(kind.dtype).max)
        return np.broadcast_to(line % limit if role.limit else line, shape).copy()
    values = np.asarray(rng.integers(0, limit, shape))
    if values.size > 1:
        # Both ends of the range are among them.
        values.reshape(-1)[:2] = limit - 1, 0
    return values


# -- hard values -----------------------------------------------------------------------------------


def _is_data(kind: TensorType, role: Role) -> bool:
    """Whether hard values in an argument leave something to compare: not in weights."""
    return len(kind.shape) - role.layers >= 2 and not (role.table or role.mask or role.epsilon)


def _is_mask(kind: TensorType, role: Role) -> bool:
    return kind.element == "i1" or role.mask or role.flags


def _rows(array: np.ndarray) -> np.ndarray:
    """A view of the array as a list of rows."""
    return array.reshape(math.prod(array.shape[:-1]), array.shape[-1])


def _large(array: np.ndarray, dtype: np.dtype, order: int, role: Role) -> None:
    array *= min(float(ml_dtypes.finfo(dtype).max) ** 0.45, math.sqrt(role.fill) / 32)


def _tiny(array: np.ndarray, dtype: np.dtype, order: int, role: Role) -> None:
    array *= float(ml_dtypes.finfo(dtype).smallest_normal) * 0.25


def _zeros(array: np.ndarray, dtype: np.dtype, order: int, role: Role) -> None:
    _rows(array)[::2] = 0.0
    _rows(array)[::4] = -0.0


def _nonfinite(array: np.ndarray, dtype: np.dtype, order: int, role: Role) -> None:
    """In single rows of the first argument; at the end of the others' heads, or what is fewest."""
    if not array.size:
        return
    if not order:
        values = (np.nan,) if role.scores else (np.nan, np.inf, -np.inf)
        for start, value in enumerate(values):
            _rows(array)[1 + start :: 4, start % array.shape[-1]] = value
        return
    sizes = [(size, axis) for axis, size in enumerate(array.shape[:-1]) if size > 1]
    slices = np.moveaxis(array, min(sizes)[1], 0) if sizes else array
    slices[(-1, *(0,) * (array.ndim - 1))] = np.nan


_HARD: dict[str, Callable[[np.ndarray, np.dtype, int, Role], None]] = {
    "large": _large,
    SUBNORMAL: _tiny,
    "zeros": _zeros,
    "nonfinite": _nonfinite,
}


def _mask_rows(array: np.ndarray) -> None:
    """Leaves nothing to the first row, along the last dimension that has several rows."""
    value = -np.inf if array.dtype.kind == "f" else 0
    for axis in range(array.ndim - 2, -1, -1):
        if array.shape[axis] > 1:
            np.moveaxis(array, axis, 0)[0] = value
            return
    array[...] = value
