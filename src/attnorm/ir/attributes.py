"""Attributes that the bindings read with care: dictionaries, constants, resources."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..errors import AttnormError
from .diagnostics import diagnostic
from .mlir import ir
from .values import producer

if TYPE_CHECKING:
    import numpy as np


def names(dictionary: ir.DictAttr) -> list[str]:
    """The names in a dictionary attribute. One that is not UTF-8 raises, as other strings do."""
    found = []
    for item in dictionary:
        repr(item)  # raises; the name itself would abort
        found.append(item.name)
    return found


def entries(dictionary: ir.DictAttr) -> dict[str, ir.Attribute]:
    """What a dictionary attribute holds, where the bindings have classes for all of it."""
    # The items of an iteration abort where they have none.
    return {name: dictionary[name] for name in names(dictionary)}


def constant_value(constant: ir.Operation) -> Any:
    """What a constant holds; None where the bindings have no class for it: complex numbers."""
    try:
        return constant.attributes["value"]
    except TypeError:
        return None


def constant_elements(value: ir.Value) -> np.ndarray | None:
    """The elements of a constant; None of any other value, of resources and of bf16."""
    import numpy as np

    constant = producer(value)
    if constant is None or constant.name != "stablehlo.constant":
        return None
    dense = constant_value(constant)
    if isinstance(value.type.element_type, ir.BF16Type):
        return None
    return np.array(dense) if isinstance(dense, ir.DenseElementsAttr) else None


def integers(attribute: ir.DenseI64ArrayAttr | ir.DenseI32ArrayAttr) -> list[int]:
    """The numbers in an array attribute.

    By index: the end of an iteration is an exception of C++, which takes longer than the rest.
    """
    return [attribute[index] for index in range(len(attribute))]


# What a resource's text starts with: "0x" and the alignment, as a 32-bit number.
_BLOB = re.compile(r': "0x[0-9A-F]{8}([0-9A-F]*)"')


def inline_resource_of(constant: ir.Operation) -> bool:
    """Makes the `dense_resource` of a constant its elements; False where it has no bytes.

    Raises `AttnormError` for bytes of another number than the type has.
    """
    try:
        resource = ir.DenseResourceElementsAttr(constant.attributes["value"])
    except ValueError:
        return False
    with constant.location:
        # The bindings show the bytes nowhere but in print.
        holder = ir.Module.create()
        holder.operation.attributes["value"] = resource
        blob = _BLOB.search(holder.operation.get_asm())
        if not blob:
            return False  # The key of a weight whose bytes are elsewhere.
        try:
            dense = ir.Attribute.parse(f'dense<"0x{blob[1]}"> : {resource.type}')
        except ir.MLIRError:
            problem = f"expected the bytes of {resource.type}, got {len(blob[1]) // 2}"
            where = diagnostic(constant.location, f"'{constant.name}' op value: {problem}")
            raise AttnormError(where) from None
    constant.attributes["value"] = dense
    return True
