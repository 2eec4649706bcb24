"""Reductions of types, through the whole module at once: sizes and element types.

The module is printed without its constants' values, the numbers are replaced in the text, and the
constants are cut or cast to what they have become. The verifier says which replacement holds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from itertools import combinations

import ml_dtypes
import numpy as np

from ..ir.elements import raw_bytes
from ..ir.mlir import ir
from ..ir.stablehlo import Builder
from ..ir.tensor_type import ELEMENTS, TensorType
from .reduce_functions import has_constants
from .reduce_ir import operations, substitute

# Strings stay; so do the numbers of values, results and blocks.
_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"'
    r"|(?P<type>tensor|vector|memref)<(?P<sizes>(?:(?:\d+|\?)x)*)(?P<element>\w+)"
    r"|(?<![\w.%:#^@+-])(?P<number>\d+)(?![\w.])"
)
_FEW = 16  # elements of a constant that may hold sizes
_ELEMENTS = {
    **dict.fromkeys(("f64", "f16", "bf16"), "f32"),
    **dict.fromkeys(("i64", "i16", "i8", "i4", "ui64", "ui32", "ui16", "ui8", "ui4"), "i32"),
}
Sizes = Mapping[str, str]
"""What to write in place of a size."""


def smaller_sizes(module: ir.Operation) -> Iterator[ir.Operation]:
    """The module with one size smaller, and those that it divides where they have to follow."""
    skeleton = _Skeleton(module)
    for sizes in _smaller(skeleton.sizes(), skeleton.numbers()):
        for numbers in (False, True):
            yield from skeleton.retyped(sizes, {}, numbers=numbers)


def simpler_elements(module: ir.Operation) -> Iterator[ir.Operation]:
    """The module with one element type in place of another: f32 for floats, i32 for integers."""
    skeleton = _Skeleton(module)
    for old in sorted(skeleton.elements() & _ELEMENTS.keys()):
        yield from skeleton.retyped({}, {old: _ELEMENTS[old]}, numbers=False)


def _smaller(sizes: set[str], numbers: set[str]) -> Iterator[Sizes]:
    """Replacements to try: a size alone, with one or two of its multiples, with all of them.

    The smallest size is first: a larger one could become the same, and both were one from then on.
    """
    static = sorted(int(size) for size in sizes if size != "?")
    others = sorted({*static, *map(int, numbers)})
    for size in static:
        near = [other for other in static if other > size and other % size == 0]
        every = [other for other in others if other > size and other % size == 0]
        along = [(), *combinations(near, 1), *combinations(near, 2), tuple(every)]
        for small in _targets(size):
            for multiples in dict.fromkeys(along):
                scaled = {other: other // size * small for other in (size, *multiples)}
                yield {str(old): str(new) for old, new in scaled.items()}
    if "?" in sizes:
        yield from ({"?": small} for small in ("1", "2"))


def _targets(size: int) -> list[int]:
    """The sizes that one may become: powers of two, 3 and half of it."""
    found = {2**power for power in range(size.bit_length())} | {3, size // 2}
    return sorted(small for small in found if 0 < small < size)


class _Skeleton:
    """A module as text whose constants are zeros, and the constants."""

    def __init__(self, module: ir.Operation):
        self._context = module.context
        with module.context, ir.Location.unknown():
            copy = module.clone().operation
            constants = _constants(copy)
            self._values = [op.attributes["value"] for op in constants]
            for op in constants:
                _refill(op, np.zeros((), bool))
            self._text = copy.get_asm(print_generic_op_form=True, enable_debug_info=True)

    def sizes(self) -> set[str]:
        """The sizes that can be smaller."""
        found = (match["sizes"].split("x")[:-1] for match in self._types())
        return {size for sizes in found for size in sizes} - {"0", "1"}

    def numbers(self) -> set[str]:
        """The numbers in attributes."""
        return {match["number"] for match in _TOKEN.finditer(self._text) if match["number"]}

    def elements(self) -> set[str]:
        """The element types."""
        return {match["element"] for match in self._types()}

    def _types(self) -> Iterator[re.Match[str]]:
        return (match for match in _TOKEN.finditer(self._text) if match["type"])

    def retyped(
        self, sizes: Sizes, elements: Mapping[str, str], *, numbers: bool
    ) -> Iterator[ir.Operation]:
        """The module with other types, where these parse.

        With `numbers`, sizes are replaced in attributes and in small constants too.
        """

        def replace(match: re.Match[str]) -> str:
            if match["type"]:
                shape = [sizes.get(size, size) for size in match["sizes"].split("x")]
                element = elements.get(match["element"], match["element"])
                return f"{match['type']}<{'x'.join(shape)}{element}"
            if match["number"] and numbers:
                return sizes.get(match["number"], match["number"])
            return match[0]

        text = _TOKEN.sub(replace, self._text)
        with self._context, ir.Location.unknown():
            try:
                module = ir.Operation.parse(text).operation
            except ir.MLIRError:
                return
            constants = zip(_constants(module), self._values, strict=True)
            if all(_refit(op, value, sizes if numbers else {}) for op, value in constants):
                yield module


def _constants(module: ir.Operation) -> list[ir.Operation]:
    return [
        op
        for op in operations(module)
        if op.name == "stablehlo.constant" and has_constants(op.results[0].type)
    ]


def _refit(op: ir.Operation, value: ir.Attribute, sizes: Sizes) -> bool:
    """Gives a constant its value back, cut and cast to what its type has become.

    False where that is not known to NumPy.
    """
    type_ = ir.RankedTensorType(op.results[0].type)
    array = _array(value)
    if array is not None and (sizes or value.type != type_):
        _refill(op, _replaced(array, sizes))
    elif value.type == type_:
        op.attributes["value"] = value
    elif _is_splat(value) and value.type.element_type == type_.element_type:
        splat = ir.DenseElementsAttr.get_splat(type_, value.get_splat_value())
        op.attributes["value"] = splat
    else:
        return False
    return True


def _is_splat(value: ir.Attribute) -> bool:
    return isinstance(value, ir.DenseElementsAttr) and value.is_splat


def _dtype(type_: ir.RankedTensorType) -> np.dtype | None:
    element = str(type_.element_type)
    return TensorType((), element).dtype if element in ELEMENTS else None


def _array(value: ir.Attribute) -> np.ndarray | None:
    """The elements of a constant, one where all are the same; None where NumPy has no such."""
    type_ = ir.RankedTensorType(value.type)
    dtype = _dtype(type_)
    if dtype is None:
        return None
    if _is_splat(value):
        return np.asarray(value.get_splat_value().value).astype(dtype)
    if isinstance(value, ir.DenseElementsAttr) and dtype != ml_dtypes.bfloat16:
        return np.array(value)
    data = raw_bytes(value, math.prod(type_.shape) * dtype.itemsize)
    return None if data is None else np.frombuffer(data, dtype).reshape(type_.shape)


def _replaced(array: np.ndarray, sizes: Sizes) -> np.ndarray:
    if array.dtype == np.bool_ or array.size > _FEW:
        return array
    replaced = array.copy()
    for old, new in sizes.items():
        if old != "?":
            replaced[array == int(old)] = int(new)
    return replaced


def _refill(op: ir.Operation, array: np.ndarray) -> None:
    """Gives a constant the first of these elements, as its type has them."""
    type_ = ir.RankedTensorType(op.results[0].type)
    dtype = _dtype(type_)
    if dtype is not None:
        with np.errstate(all="ignore"):  # What overflows is another value, as it is in a cast.
            array = array.astype(dtype)
    if array.ndim == 0:
        builder = Builder(ir.InsertionPoint(op), op.location)
        value = builder.full(array.item(), type_.element_type, tuple(type_.shape))
        substitute(op, [value])
        return
    part = np.ascontiguousarray(array[tuple(slice(0, size) for size in type_.shape)])
    buffer = part.view(np.uint16) if part.dtype == ml_dtypes.bfloat16 else part
    op.attributes["value"] = ir.DenseElementsAttr.get(buffer, type=type_)
