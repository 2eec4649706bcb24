"""`fuse-norm-mul`: a product that follows a norm becomes part of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from attnorm import dialect
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Refusal, Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder, compute_type, element_type, is_half, shape_of

from ..base import Pass, Report


def fuse_product(op: ir.Operation, rewriter: Rewriter, *, report: Report) -> bool:
    """Pattern: multiply(rms_norm(x, w), s) -> rms_norm_mul(x, s, w)
    Pattern: multiply(rms_norm(x), broadcast_in_dim(s)) -> rms_norm(x, s), s along the axes only
    """
    # The root is the product: the walk is past the norm before it, which may go, but a product
    # behind a norm could be where the walk stands next.
    found = _norm_of(op)
    if found is None:
        return False
    norm = found.opview
    try:
        factor = _factor(norm, op)
        built = _as_weight(norm, factor, op) or _as_multiplier(norm, factor, op)
    except Refusal as refusal:
        report.refuse(found, str(refusal))
        return False
    rewriter.replace(op, [built])
    rewriter.erase(found)
    return True


def _norm_of(product: ir.Operation) -> ir.Operation | None:
    """The norm that a product reads, if there is one; of two, one that nothing else reads."""
    owners = [operand.owner for operand in product.operands]
    norms = [
        owner.operation
        for owner in owners
        if not isinstance(owner, ir.Block) and owner.name == "attnorm.rms_norm"
    ]
    alone = [norm for norm in norms if len(list(norm.results[0].uses)) == 1]
    return next(iter(alone or norms), None)


def _factor(norm, product: ir.Operation) -> ir.Value:
    """The other operand of the product."""
    uses = len(list(norm.result.uses))
    if uses != 1:
        raise Refusal(f"result: expected one use, got {uses}")
    if product.block != norm.operation.block:
        raise Refusal("result: expected a product in the norm's own block, got one in a region")
    if product.results[0].type != norm.result.type:
        got, want = product.results[0].type, norm.result.type
        raise Refusal(f"result: expected a product of type {want}, got {got}")
    left, right = product.operands
    return right if left == norm.result else left


def _broadcast_source(value: ir.Value) -> tuple[ir.Value, list[int]] | None:
    """What a value is a static broadcast of, and where its dimensions go."""
    owner = value.owner
    if isinstance(owner, ir.Block) or owner.name != "stablehlo.broadcast_in_dim":
        return None
    dims = owner.attributes["broadcast_dimensions"]
    return owner.operands[0], list(dims)


def _at(product: ir.Operation) -> dict:
    return {"loc": product.location, "ip": ir.InsertionPoint(product)}


def _as_weight(norm, factor: ir.Value, product: ir.Operation) -> ir.Value | None:
    """The norm with the factor as its weight, where that keeps every rounding."""
    source = _broadcast_source(factor)
    if norm.weight is not None or source is None:
        return None
    value, dims = source
    axes = list(norm.axes)
    if any(dim not in axes for dim in dims) or dims != sorted(dims) or not dims:
        return None
    cast = _weight_cast(norm)
    if cast is None:
        return None
    missing = [index for index, axis in enumerate(axes) if axis not in dims]
    return dialect.rms_norm(
        norm.x,
        Builder(**_at(product)).expand_dims(value, missing),
        axes=axes,
        epsilon=norm.epsilon,
        cast=cast,
        result=product.results[0].type,
        **_at(product),
    )


def _weight_cast(norm) -> str | None:
    """The cast order under which a weight takes its product in the result's type, as it was."""
    if norm.cast == "throughout":
        return norm.cast
    x, result = element_type(norm.x), element_type(norm.result)
    if result == compute_type(x, result):
        return "after_weight"
    # This order rounds to x's type before it rounds to the result's.
    return "before_weight" if x == result or not is_half(x) else None


def _as_multiplier(norm, factor: ir.Value, product: ir.Operation) -> ir.Value:
    """`rms_norm_mul`, with the factor as small as it was before its broadcast."""
    return dialect.rms_norm_mul(
        norm.x,
        _unbroadcast(factor, norm, product),
        norm.weight,
        axes=norm.axes,
        epsilon=norm.epsilon,
        weight_offset=norm.weight_offset,
        cast=norm.cast,
        result=product.results[0].type,
        **_at(product),
    )


def _unbroadcast(factor: ir.Value, norm, product: ir.Operation) -> ir.Value:
    """The factor without its broadcast, where the op's own trailing alignment says the same."""
    source = _broadcast_source(factor)
    if source is None:
        return factor
    value, dims = source
    rank = norm.x.type.rank
    if not dims:
        return value
    if dims != sorted(dims):
        return factor
    # Dimensions of size 1 stand for those that the broadcast adds behind the first it keeps.
    missing = [axis - dims[0] for axis in range(dims[0], rank) if axis not in dims]
    if any(not isinstance(size, int) for size in shape_of(value)) and missing:
        return factor
    return Builder(**_at(product)).expand_dims(value, missing)


@dataclass(frozen=True)
class FuseNormMulPass(Pass):
    """A product that follows a norm becomes part of it.

    Fires on `attnorm.rms_norm` whose only use is a `stablehlo.multiply`, on either side. A factor
    that varies along the normalised axes only becomes the weight of a norm that has none, where a
    cast order keeps every rounding; any other factor makes it an `attnorm.rms_norm_mul`, which
    reads it as it was before its broadcast.

    Refuses a norm with another use, which would be computed twice, and a product in a region, which
    may run more often than the norm.

    ```mlir
    func.func @gate(%x: tensor<2x4xf32>, %w: tensor<4xf32>, %s: tensor<2x4xf32>)
        -> tensor<2x4xf32> {
      %0 = "attnorm.rms_norm"(%x, %w) {
        axes = array<i64: 1>, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 1>
      } : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
      %1 = stablehlo.multiply %s, %0 : tensor<2x4xf32>
      return %1 : tensor<2x4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @gate(%x: tensor<2x4xf32>, %w: tensor<4xf32>, %s: tensor<2x4xf32>)
        -> tensor<2x4xf32> {
      %0 = "attnorm.rms_norm_mul"(%x, %s, %w) {
        axes = array<i64: 1>, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 1, 1>
      } : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    ```
    """

    name = "fuse-norm-mul"
    roots = ("stablehlo.multiply",)
    partners = ("attnorm.rms_norm",)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Fuses every product below `module`."""
        apply_patterns(
            module, [(root, partial(fuse_product, report=report)) for root in self.roots]
        )
