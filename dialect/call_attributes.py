"""How producers spell the attributes of a call: one table, one reader.

A custom call carries its parameters as attributes, or in a dictionary attribute (`backend_config`,
also as JSON text; `mhlo.backend_config`; XLA's frontend attributes, where every value is a string);
a composite in its `composite_attributes`. The same parameter has many names.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from attnorm.ir.attributes import entries
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Refusal

# What custom_call and composite themselves define; none of it is a parameter of the callee.
_OWN = frozenset(
    {
        "api_version",
        "backend_config",
        "call_target_name",
        "called_computations",
        "composite_attributes",
        "decomposition",
        "has_side_effect",
        "name",
        "operand_layouts",
        "output_operand_aliases",
        "result_layouts",
        "version",
    }
)

# Where the parameters of a call may stand together.
_CONFIGS = (
    "backend_config",
    "mhlo.backend_config",
    "mhlo.frontend_attributes",
    "tt.composite_attributes",
    "composite_attributes",
)

SPELLINGS: dict[str, tuple[str, ...]] = {
    "axes": ("dimensions", "axes", "axis", "dims", "dim"),
    "keepdim": ("keepdim", "keepdims", "keep_dims"),
    "correction": ("correction", "ddof"),
    "epsilon": ("epsilon", "eps", "variance_epsilon"),
    "scale": ("scale", "softmax_scale"),
    "causal": ("is_causal", "causal"),
    "softcap": ("softcap", "logit_cap", "logits_soft_cap"),
    "dropout": ("dropout_p", "dropout"),
    "grouped": ("enable_gqa",),
    "residual": ("has_residual",),
}
"""Our name of a parameter and the names it is met under, where there are several."""


def read(op: ir.Operation) -> dict[str, Any]:
    """Every parameter of a call or composite, as Python values under the producer's names."""
    found: dict[str, Any] = {}
    for name in op.attributes:
        if name not in _OWN and "." not in name:
            found[name] = _value(op.attributes[name])
    for name in _CONFIGS:
        if name in op.attributes:
            found.update(_config(name, op.attributes[name]))
    return found


def take(parameters: dict[str, Any], name: str) -> Any:
    """Removes a parameter, under whichever spelling, and returns it; None where there is none."""
    spelled = [key for key in _spellings(name) if key in parameters]
    if len(spelled) > 1:
        raise Refusal(f"{spelled[1]}: expected one spelling, got '{spelled[0]}' too")
    return parameters.pop(spelled[0]) if spelled else None


def _spellings(name: str) -> tuple[str, ...]:
    return SPELLINGS.get(name, (name,))


def nothing_left(parameters: dict[str, Any], known: Iterable[str]) -> None:
    """Refuses a call with parameters that were not taken: each could change its meaning."""
    if parameters:
        spellings = ", ".join(_spellings(name)[0] for name in known)
        raise Refusal(
            f"{next(iter(parameters))}: expected no such attribute; known are {spellings}"
        )


def integers(name: str, value: Any) -> list[int]:
    """A list of integers, from a list or a lone one, also as text."""
    if isinstance(value, str):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    values: list[Any] = value if isinstance(value, list) else [value]
    if all(isinstance(item, int) and not isinstance(item, bool) for item in values):
        return values
    raise Refusal(f"{name}: expected integers, got {value!r}")


def number(name: str, value: Any) -> float:
    """A number, also as text."""
    if isinstance(value, str):
        with suppress(ValueError):
            return float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        with suppress(OverflowError):
            return float(value)
    raise Refusal(f"{name}: expected a number, got {value!r}")


def boolean(name: str, value: Any) -> bool:
    """true or false, also as 1 or 0, "True" or "false"."""
    known = {True: True, False: False, "true": True, "false": False}
    value = value.lower() if isinstance(value, str) else value
    if isinstance(value, (bool, int, str)) and value in known:
        return known[value]
    raise Refusal(f"{name}: expected true or false, got {value!r}")


def axes(name: str, value: Any, rank: int) -> list[int]:
    """Ascending axes, negative ones counted from the end."""
    given = integers(name, value)
    for axis in given:
        if not -rank <= axis < rank:
            raise Refusal(f"{name}: expected values in [{-rank}, {rank}), got {axis}")
    found = sorted(axis % rank for axis in given)
    if len(set(found)) != len(found):
        raise Refusal(f"{name}: expected distinct axes, got {given}")
    return found


def _config(name: str, attribute: ir.Attribute) -> dict[str, Any]:
    value = _value(attribute)
    if isinstance(value, str):
        if not value.strip():
            return {}
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise Refusal(f"{name}: expected a dictionary or JSON, got {attribute}") from None
    if not isinstance(value, dict):
        raise Refusal(f"{name}: expected a dictionary or JSON, got {attribute}")
    return value


_LONGEST = 1 << 16
"""Elements of a list: one value everywhere takes no memory before it is one."""


def _value(attribute: ir.Attribute) -> Any:
    """The Python value of an attribute; the attribute itself where it is of no such kind."""
    if isinstance(attribute, ir.DictAttr):
        return {name: _value(value) for name, value in entries(attribute).items()}
    if isinstance(attribute, ir.IntegerAttr):
        # Python does not show numbers of any length.
        return attribute.value if abs(attribute.value) < 2**64 else attribute
    if isinstance(attribute, (ir.BoolAttr, ir.FloatAttr, ir.StringAttr)):
        return attribute.value
    if isinstance(attribute, ir.ArrayAttr):
        return [_value(item) for item in attribute]
    if isinstance(attribute, (ir.DenseI64ArrayAttr, ir.DenseI32ArrayAttr, ir.DenseBoolArrayAttr)):
        return list(attribute)
    if isinstance(attribute, (ir.DenseIntElementsAttr, ir.DenseFPElementsAttr)):
        # Where there are more than 2^63, the number of the bindings is negative.
        count = math.prod(attribute.type.shape)
        if count > _LONGEST or getattr(attribute.type.element_type, "width", 64) > 64:
            return attribute
        if not attribute.type.rank:
            return attribute[0]
        return list(attribute)
    return attribute
