"""What dynamic exports compute sizes with: shape, tensor, arith, math and cf.

A shape is an array of int64, an index or a size a scalar of it, a witness True: assumptions are
checked where they stand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import AttnormError
from ..ir.mlir import ir
from . import elementwise as hlo_ops
from .elementwise import COMPARISONS, to_float, to_integer
from .step import Handler, Step, elementwise
from .wide import Array

HOLDS = np.asarray(True)


def _index(value: Any) -> Array:
    return np.asarray(value, np.int64)


# -- shape ---------------------------------------------------------------------------------------


def shape_of(step: Step) -> Array:
    """The sizes of a tensor."""
    return _index(step.operands[0].shape)


def const_shape(step: Step) -> Array:
    """Sizes that are known."""
    return _index(list(ir.DenseIntElementsAttr(step.op.attributes["shape"])))


def const_size(step: Step) -> Array:
    """A number that is known."""
    return _index(step.integer("value"))


def _broadcast(shapes: list[Array]) -> tuple[int, ...]:
    return np.broadcast_shapes(*(tuple(int(size) for size in shape) for shape in shapes))


def broadcast(step: Step) -> Array:
    """The shape that all shapes broadcast to."""
    return _index(_broadcast(step.operands))


def is_broadcastable(step: Step) -> Array:
    """Whether shapes broadcast."""
    try:
        _broadcast(step.operands)
    except ValueError:
        return np.asarray(False)
    return np.asarray(True)


def cstr_broadcastable(step: Step) -> Array:
    """A witness that shapes broadcast."""
    if not is_broadcastable(step):
        shapes = ", ".join(str(shape.tolist()) for shape in step.operands)
        raise AttnormError(f"expected shapes that broadcast, got {shapes}")
    return HOLDS


def shape_eq(step: Step) -> Array:
    """Whether all shapes are equal."""
    first, *others = step.operands
    return np.asarray(all(np.array_equal(first, other) for other in others))


def cstr_eq(step: Step) -> Array:
    """A witness that all shapes are equal."""
    if not shape_eq(step):
        shapes = ", ".join(str(shape.tolist()) for shape in step.operands)
        raise AttnormError(f"expected equal shapes, got {shapes}")
    return HOLDS


def cstr_require(step: Step) -> Array:
    """A witness that a truth value is true."""
    if not step.operands[0]:
        raise AttnormError(step.text("msg"))
    return HOLDS


def const_witness(step: Step) -> Array:
    """A witness that is known."""
    if not step.flag("passing"):
        raise AttnormError("expected an assumption that holds")
    return HOLDS


def assuming(step: Step) -> list[Array]:
    """What the region yields: its assumption was checked."""
    return step.frame.run(step.block(), [])


def num_elements(step: Step) -> Array:
    """The product of sizes."""
    return _index(np.prod(step.operands[0], dtype=np.int64))


def rank(step: Step) -> Array:
    """How many dimensions a shape has."""
    return _index(len(step.operands[0]))


def get_extent(step: Step) -> Array:
    """A size of a shape."""
    shape, axis = step.operands
    return _index(shape[_inside(axis, len(shape))])


def dim(step: Step) -> Array:
    """A size of a tensor."""
    x, axis = step.operands
    return _index(x.shape[_inside(axis, x.ndim)])


def _inside(index: Array, length: int) -> int:
    if not 0 <= index < length:
        raise AttnormError(f"expected an index in [0, {length}), got {int(index)}")
    return int(index)


def from_extents(step: Step) -> Array:
    """A shape from its sizes."""
    return _index([int(size) for size in step.operands])


def concat(step: Step) -> Array:
    """A shape behind another."""
    return np.concatenate(step.operands)


# -- tensor --------------------------------------------------------------------------------------


def from_elements(step: Step) -> Array:
    """A tensor from its elements, row-major."""
    sizes = step.results[0].sizes or ()
    dtype = np.float64 if step.results[0].is_float else step.results[0].dtype
    return np.array(step.operands, dtype).reshape([size or 0 for size in sizes])


def extract(step: Step) -> Array:
    """An element of a tensor."""
    x, *at = step.operands
    return x[tuple(_inside(index, size) for index, size in zip(at, x.shape, strict=True))]


def tensor_reshape(step: Step) -> Array:
    """The elements in a shape that is an operand."""
    return step.operands[0].reshape([int(size) for size in step.operands[1]])


def expand_shape(step: Step) -> Array:
    """Dimensions split; the sizes are static or operands."""
    x, *sizes = step.operands
    dynamic = ir.ShapedType.get_dynamic_size()
    given = iter(sizes)
    shape = [
        int(next(given)) if size == dynamic else size
        for size in step.integers("static_output_shape")
    ]
    return x.reshape(shape)


def collapse_shape(step: Step) -> Array:
    """Groups of dimensions joined."""
    (x,) = step.operands
    groups = [[int(axis.value) for axis in group] for group in step.op.attributes["reassociation"]]
    shape = [int(np.prod([x.shape[axis] for axis in group])) for group in groups]
    return x.reshape(shape)


def splat(step: Step) -> Array:
    """A value everywhere."""
    value, *sizes = step.operands
    return np.broadcast_to(value, _shape(step, sizes))


def empty(step: Step) -> Array:
    """Elements that are to be overwritten: NaN shows where one is read."""
    if step.results[0].is_float:
        return np.full(_shape(step, step.operands), np.nan)
    return np.zeros(_shape(step, step.operands), step.results[0].dtype)


def _shape(step: Step, sizes: list[Array]) -> list[int]:
    """The sizes of the result, those that are not known from operands."""
    given = iter(sizes)
    return [int(next(given)) if s is None else s for s in step.results[0].sizes or ()]


# -- arith ---------------------------------------------------------------------------------------


def unsigned(function: Callable[..., Array]) -> Handler:
    """A definition on integers without a sign."""

    def handler(step: Step) -> Array:
        found = function(*(_unsigned(x) for x in step.operands))
        return found if found.dtype == np.bool_ else found.astype(step.operands[0].dtype)

    return handler


def _unsigned(x: Array) -> Array:
    return x if x.dtype == np.bool_ else np.asarray(x).view(f"uint{8 * x.dtype.itemsize}")


def _floor_divide(a: Array, b: Array) -> Array:
    if not np.all(b):
        raise AttnormError("expected a divisor other than 0")
    return np.floor_divide(a, b)


def _ceil_divide(a: Array, b: Array) -> Array:
    return -_floor_divide(-a, b)


def _extend_signed(step: Step) -> Array:
    (x,), kind = step.operands, step.results[0]
    assert kind.dtype is not None
    return -x.astype(kind.dtype) if x.dtype == np.bool_ else x.astype(kind.dtype)


def _extend_unsigned(step: Step) -> Array:
    kind = step.results[0]
    assert kind.dtype is not None
    return _unsigned(step.operands[0]).astype(kind.dtype)


def _truncate(step: Step) -> Array:
    (x,), kind = step.operands, step.results[0]
    assert kind.dtype is not None
    return (x & 1) != 0 if kind.dtype == np.bool_ else x.astype(kind.dtype)


def _signed_to_float(step: Step) -> Array:
    kind = step.results[0]
    assert kind.dtype is not None
    return to_float(step.operands[0], kind.dtype)


def _unsigned_to_float(step: Step) -> Array:
    kind = step.results[0]
    assert kind.dtype is not None
    return to_float(_unsigned(step.operands[0]), kind.dtype)


def _to_integer(step: Step) -> Array:
    kind = step.results[0]
    assert kind.dtype is not None
    return to_integer(step.operands[0], kind.dtype, kind.width)


_INTEGER_PREDICATES = ("EQ", "NE", "LT", "LE", "GT", "GE", "LT", "LE", "GT", "GE")
_FIRST_UNSIGNED = 6


def cmpi(step: Step) -> Array:
    """A comparison of integers, with a sign or without."""
    predicate = step.integer("predicate")
    a, b = step.operands
    if predicate >= _FIRST_UNSIGNED:
        a, b = _unsigned(a), _unsigned(b)
    return COMPARISONS[_INTEGER_PREDICATES[predicate]](a, b)


_FLOAT_PREDICATES = (None, "EQ", "GT", "GE", "LT", "LE", "NE", None)


def cmpf(step: Step) -> Array:
    """A comparison of floats; the second half of the predicates is true where one is NaN too."""
    a, b = step.operands
    unordered = np.isnan(a) | np.isnan(b)
    or_unordered, predicate = divmod(step.integer("predicate"), 8)
    if or_unordered:
        # ueq, ugt, uge, ult, ule, une, uno, true
        names = ("EQ", "GT", "GE", "LT", "LE", "NE")
        if predicate < len(names):
            return COMPARISONS[names[predicate]](a, b) | unordered
        return unordered if predicate == 6 else np.ones_like(unordered)
    direction = _FLOAT_PREDICATES[predicate]
    if direction is None:
        return ~unordered if predicate == 7 else np.zeros_like(unordered)
    return COMPARISONS[direction](a, b) & ~unordered


_ARITH: dict[str, Callable[..., Any]] = {
    "addf": np.add,
    "addi": np.add,
    "andi": np.bitwise_and,
    "ceildivsi": _ceil_divide,
    "divf": np.divide,
    "divsi": hlo_ops.divide,
    "floordivsi": _floor_divide,
    "maximumf": hlo_ops.maximum,
    "maxnumf": np.fmax,
    "maxsi": np.maximum,
    "minimumf": hlo_ops.minimum,
    "minnumf": np.fmin,
    "minsi": np.minimum,
    "mulf": np.multiply,
    "muli": np.multiply,
    "negf": np.negative,
    "ori": np.bitwise_or,
    "remf": np.fmod,
    "remsi": hlo_ops.remainder,
    "select": np.where,
    "subf": np.subtract,
    "subi": np.subtract,
    "xori": np.bitwise_xor,
}
_ARITH_UNSIGNED: dict[str, Callable[..., Any]] = {
    "ceildivui": lambda a, b: hlo_ops.divide(a, b) + (np.fmod(a, b) != 0),
    "divui": hlo_ops.divide,
    "maxui": np.maximum,
    "minui": np.minimum,
    "remui": hlo_ops.remainder,
}
_MATH: dict[str, str] = {
    "absf": "abs",
    "absi": "abs",
    "ceil": "ceil",
    "cos": "cosine",
    "exp": "exponential",
    "floor": "floor",
    "log": "log",
    "powf": "power",
    "rsqrt": "rsqrt",
    "sin": "sine",
    "sqrt": "sqrt",
    "tanh": "tanh",
}


# -- assertions and casts --------------------------------------------------------------------------


def assert_(step: Step) -> list[Array]:
    """Nothing, where the operand is true."""
    if not step.operands[0]:
        raise AttnormError(step.text("msg"))
    return []


def same(step: Step) -> Array:
    """The operand under another type."""
    return step.operands[0]


HANDLERS: dict[str, Handler] = {
    **{f"arith.{name}": elementwise(function) for name, function in _ARITH.items()},
    **{f"arith.{name}": unsigned(function) for name, function in _ARITH_UNSIGNED.items()},
    **{f"math.{name}": elementwise(hlo_ops.FUNCTIONS[hlo]) for name, hlo in _MATH.items()},
    "arith.cmpf": cmpf,
    "arith.cmpi": cmpi,
    "arith.extf": same,
    "arith.extsi": _extend_signed,
    "arith.extui": _extend_unsigned,
    "arith.fptosi": _to_integer,
    "arith.index_cast": _truncate,
    "arith.index_castui": _extend_unsigned,
    "arith.sitofp": _signed_to_float,
    "arith.truncf": same,
    "arith.trunci": _truncate,
    "arith.uitofp": _unsigned_to_float,
    "builtin.unrealized_conversion_cast": same,
    "cf.assert": assert_,
    "shape.add": elementwise(np.add),
    "shape.assuming": assuming,
    "shape.assuming_all": lambda step: HOLDS,
    "shape.broadcast": broadcast,
    "shape.concat": concat,
    "shape.const_shape": const_shape,
    "shape.const_size": const_size,
    "shape.const_witness": const_witness,
    "shape.cstr_broadcastable": cstr_broadcastable,
    "shape.cstr_eq": cstr_eq,
    "shape.cstr_require": cstr_require,
    "shape.dim": dim,
    "shape.div": elementwise(_floor_divide),
    "shape.from_extent_tensor": same,
    "shape.from_extents": from_extents,
    "shape.get_extent": get_extent,
    "shape.index_to_size": same,
    "shape.is_broadcastable": is_broadcastable,
    "shape.max": elementwise(np.maximum),
    "shape.min": elementwise(np.minimum),
    "shape.mul": elementwise(np.multiply),
    "shape.num_elements": num_elements,
    "shape.rank": rank,
    "shape.shape_eq": shape_eq,
    "shape.shape_of": shape_of,
    "shape.size_to_index": same,
    "shape.to_extent_tensor": same,
    "shape.value_as_shape": same,
    "tensor.cast": same,
    "tensor.collapse_shape": collapse_shape,
    "tensor.dim": dim,
    "tensor.empty": empty,
    "tensor.expand_shape": expand_shape,
    "tensor.extract": extract,
    "tensor.from_elements": from_elements,
    "tensor.reshape": tensor_reshape,
    "tensor.splat": splat,
}
