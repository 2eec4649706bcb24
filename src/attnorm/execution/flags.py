"""Which of IREE's flags a module is compiled with, and why."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..ir.mlir import hlo, ir
from .targets import Target, find_target

_TILING = "--iree-opt-data-tiling"
_LARGE = 1 << 16
"""Elements of an operand. With fewer, both ways take the same time ([1,128]x[512,128]: 0.01 ms)."""
_FEW, _MANY = 8, 512
_MOVES = frozenset(
    f"stablehlo.{name}" for name in ("broadcast_in_dim", "convert", "reshape", "transpose")
)


@dataclass(frozen=True)
class Flag:
    """A flag of `iree-compile`, its value, and why it has it."""

    name: str
    value: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


def choose_flags(
    module: ir.Operation, target: str | Target = "host", given: Sequence[str] = ()
) -> list[Flag]:
    """The flags for a module of plain StableHLO; a flag that is `given` has the value given."""
    target = find_target(target)
    level = "IREE's default is O0; O3 fuses more and may reorder sums, run-time checks are kept"
    flags = [Flag("--iree-opt-level", "O3", level), _tiling(module, target)]
    for text in target.flags():
        name, _, value = text.partition("=")
        flags.append(Flag(name, value, f"target {target.name}: {target.description}"))
    return _overridden(flags, given)


def tiling_flags(flags: Sequence[Flag]) -> list[str]:
    """Those of the chosen flags that the compiler does not set by itself."""
    return [str(flag) for flag in flags if flag.name == _TILING]


def _overridden(flags: Sequence[Flag], given: Sequence[str]) -> list[Flag]:
    """The chosen flags with those given, which win, in their place or at the end."""
    found = {flag.name: flag for flag in flags}
    for text in given:
        name, _, value = ("--" + text.lstrip("-")).partition("=")
        ours = found.get(name)
        reason = "given"
        if ours and ours.reason.startswith("given"):
            reason = ours.reason
        elif ours:
            reason = f"given; ours was {ours.value}: {ours.reason}"
        flag = Flag(name, value or "true", reason)
        found[name] = replace(ours, value=flag.value, reason=reason) if ours else flag
    return list(found.values())


# -- data tiling ---------------------------------------------------------------------------------


def _tiling(module: ir.Operation, target: Target) -> Flag:
    """Data tiling, IREE's packing of operands into tiles ahead of a product: on where it pays.

    A constant is packed once, an argument at every call. Milliseconds without and with tiling, one
    thread, f32, AVX-512, IREE 3.13 (the right operand is [k,n], or [n,k] where it is "turned"):

        product             argument    argument turned   constant    constant turned
        1 x 1024 x 4096     2.8   3.0   0.46   2.3        3.1  0.28   0.43  0.29
        1 x 640 x 16384     11.4  8.5   2.2    7.4        11.7  1.1   1.9   1.0
        8 x 1024 x 4096     4.5   3.0   0.94   2.4        3.4  0.61   0.79  0.60
        32 x 1024 x 4096    11.6  5.2   3.0    5.0        11.3  2.8   3.6   2.8
        128 x 1024 x 4096   44    15    11.7   13.2       42    10    13.9  9.9
        512 x 512 x 512     2.4   2.4   2.8    2.4        2.3   2.3   2.8   2.3

    So it pays for a constant, and for an argument that IREE otherwise reads against its grain with
    some rows beside it; it costs for a turned argument that few rows meet. Packing takes time by
    the element, so where a module has both, the greater number of elements decides.
    """
    if any(feature in ("+sve", "+sve2", "+v") for feature in target.features):
        return Flag(_TILING, "false", "not measured for scalable vectors")
    products = list(_products(module))
    paying = [product for product in products if product.pays]
    costing = [product for product in products if product.costs]
    gain, loss = (sum(p.elements for p in found) for found in (paying, costing))
    if not gain and not loss:
        return Flag(_TILING, "false", "no product has a large operand that packing would help")
    if gain <= loss:
        reason = f"{_listed(costing, 'argument')} would be packed at every call"
        return Flag(_TILING, "false", reason)
    constants = [product for product in paying if product.constant]
    if constants:
        reason = f"{_listed(constants, 'constant')} packed once, when the program is loaded"
        return Flag(_TILING, "true", reason)
    reason = f"{_listed(paying, 'argument')} read against the order of memory otherwise"
    return Flag(_TILING, "true", reason)


@dataclass(frozen=True)
class _Product:
    """A product by its weight: the operand that is constant, else the larger one."""

    elements: int
    constant: bool
    turned: bool
    rows: int

    @property
    def pays(self) -> bool:
        return self.constant or (not self.turned and self.rows >= _FEW)

    @property
    def costs(self) -> bool:
        return not self.constant and self.turned and self.rows < _MANY


def _listed(products: Sequence[_Product], kind: str) -> str:
    elements = sum(product.elements for product in products)
    weights = f"{len(products)} {kind}{'s' if len(products) > 1 else ''}"
    return f"{weights} of products ({elements:,} elements)"


def _products(module: ir.Operation) -> Iterator[_Product]:
    """The products with a large weight, but for those in decompositions of composites."""
    for function in module.regions[0].blocks[0]:
        attributes = function.attributes
        if "sym_visibility" in attributes and "private" in str(attributes["sym_visibility"]):
            continue
        found: list[ir.Operation] = []

        def visit(op: ir.Operation, found: list[ir.Operation] = found) -> ir.WalkResult:
            if op.name == "stablehlo.dot_general":
                found.append(op)
            return ir.WalkResult.ADVANCE

        function.operation.walk(visit)
        for product in map(_product, found):
            if product:
                yield product


def _product(op: ir.Operation) -> _Product | None:
    numbers = hlo.DotDimensionNumbers(op.attributes["dot_dimension_numbers"])
    left, right = op.operands
    sides = [
        (_elements(left), _is_constant(left), left, list(numbers.lhs_contracting_dimensions)),
        (_elements(right), _is_constant(right), right, list(numbers.rhs_contracting_dimensions)),
    ]
    weight, other = sorted(sides, key=lambda side: (side[1], side[0]), reverse=True)
    elements, constant, value, contracted = weight
    rank = ir.RankedTensorType(value.type).rank
    # Both operands of a product in batches are activations, unless one is constant.
    if elements < _LARGE or (numbers.lhs_batching_dimensions and not constant):
        return None
    depth = math.prod(ir.RankedTensorType(value.type).shape[axis] for axis in contracted)
    return _Product(elements, constant, rank - 1 in contracted, other[0] // max(depth, 1))


def _elements(value: ir.Value) -> int:
    """How many elements a tensor has; a dynamic size counts as one."""
    kind = ir.RankedTensorType(value.type)
    return math.prod(
        1 if kind.is_dynamic_dim(axis) else kind.get_dim_size(axis) for axis in range(kind.rank)
    )


def _is_constant(value: ir.Value) -> bool:
    owner = value.owner
    while isinstance(owner, ir.OpView | ir.Operation) and owner.operation.name in _MOVES:
        owner = owner.operation.operands[0].owner
    return isinstance(owner, ir.OpView | ir.Operation) and (
        owner.operation.name == "stablehlo.constant"
    )
