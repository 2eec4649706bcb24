"""`legalize-reduce-custom-calls`: opaque reductions become `stablehlo.reduce` regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from attnorm.building.reductions import REDUCTIONS
from attnorm.dialect import call_attributes
from attnorm.dialect.base import same_shape, show
from attnorm.dialect.base import shape_of as sizes_of
from attnorm.ir.mlir import ir
from attnorm.ir.rewriting import Refusal, Rewriter, apply_patterns
from attnorm.ir.stablehlo import Builder, compute_type, element_type, is_bool, is_float

from ..base import Pass, Report

_FLOAT_RESULT = frozenset(
    {"reduce_mean", "reduce_variance", "reduce_logsumexp", "reduce_l2", "reduce_norm"}
)
_WIDENING = frozenset({"reduce_sum", "reduce_prod"})
_TRUTH = frozenset({"reduce_any", "reduce_all"})
_POSITION = frozenset({"reduce_argmax", "reduce_argmin"})


@dataclass(frozen=True)
class _Request:
    """What a call asks for."""

    target: str
    x: ir.Value
    axes: list[int]
    keepdim: bool | None
    correction: float


def legalize_reduction(op: ir.Operation, rewriter: Rewriter, *, report: Report) -> bool:
    """Pattern: custom_call @reduce_*(x) -> reduce(x) with the region of its meaning"""
    target = op.attributes["call_target_name"].value
    if target not in REDUCTIONS:
        if target.startswith("reduce_"):
            report.refuse(op, f"@{target}: no reduction of that name is known")
        return False
    try:
        request = _read(op, target)
        _check_result_element(request, op.results[0].type)
        with_ones = _choose_shape(request, op.results[0].type)
    except Refusal as refusal:
        report.error(op, f"@{target}: {refusal}")
        return False
    b = Builder(rewriter.ip, op.location)
    rewriter.replace(op, [_build(b, request, with_ones, op.results[0].type)])
    return True


def _read(op: ir.Operation, target: str) -> _Request:
    if len(op.operands) != 1 or len(op.results) != 1:
        raise Refusal(
            f"operands: expected one operand and one result, "
            f"got {len(op.operands)} and {len(op.results)}"
        )
    x = op.operands[0]
    for name, value in (("operand", x), ("result", op.results[0])):
        if not isinstance(value.type, ir.RankedTensorType):
            raise Refusal(f"{name}: expected a ranked tensor, got {value.type}")
    element = element_type(x)
    if not isinstance(element, (ir.F16Type, ir.BF16Type, ir.F32Type, ir.F64Type, ir.IntegerType)):
        raise Refusal(f"operand: expected f16, bf16, f32, f64 or an integer type, got {element}")
    parameters = call_attributes.read(op)
    found = {name: call_attributes.take(parameters, name) for name in _parameters(target)}
    call_attributes.nothing_left(parameters, found)
    rank = x.type.rank
    axes = call_attributes.axes("dimensions", _listed(found["axes"]), rank) or list(range(rank))
    keepdim = found["keepdim"]
    return _Request(
        target,
        x,
        axes,
        None if keepdim is None else call_attributes.boolean("keepdim", keepdim),
        _correction(found),
    )


def _parameters(target: str) -> tuple[str, ...]:
    extra = ("correction", "unbiased") if target == "reduce_variance" else ()
    return ("axes", "keepdim", *extra)


def _listed(axes: Any) -> Any:
    return [] if axes is None else axes


def _correction(found: dict[str, Any]) -> float:
    correction, unbiased = found.get("correction"), found.get("unbiased")
    if correction is not None and unbiased is not None:
        raise Refusal("unbiased: expected none beside correction, got both")
    if unbiased is not None:
        return float(call_attributes.boolean("unbiased", unbiased))
    return 0.0 if correction is None else call_attributes.number("correction", correction)


def _check_result_element(request: _Request, result: ir.RankedTensorType) -> None:
    """The result's element type is the operand's, unless the reduction itself says otherwise."""
    got, want = result.element_type, element_type(request.x)
    target = request.target
    if target in _FLOAT_RESULT:
        if not is_float(got):
            raise Refusal(f"result: expected a float element type, got {got}")
    elif target in _POSITION:
        if not isinstance(got, ir.IntegerType) or is_bool(got):
            raise Refusal(f"result: expected an integer element type, got {got}")
    elif target in _TRUTH:
        if not is_bool(got) and got != want:
            raise Refusal(f"result: expected i1, got {got}")
    elif got != want and not (target in _WIDENING and _widens(want, got)):
        raise Refusal(f"result: expected element type {want}, got {got}")


def _widens(narrow: ir.Type, wide: ir.Type) -> bool:
    both_float = is_float(narrow) and is_float(wide)
    both_integer = isinstance(narrow, ir.IntegerType) and isinstance(wide, ir.IntegerType)
    same_sign = both_integer and (is_bool(narrow) or narrow.is_unsigned == wide.is_unsigned)
    return (both_float or same_sign) and wide.width > narrow.width


def _choose_shape(request: _Request, result: ir.RankedTensorType) -> Sequence[int]:
    """Which axes of the result are ones put in; the declared shape must be one that is meant."""
    full = sizes_of(request.x)
    plain = [size for axis, size in enumerate(full) if axis not in request.axes]
    kept = [1 if axis in request.axes else size for axis, size in enumerate(full)]
    dynamic = ir.ShapedType.get_dynamic_size()
    declared = [None if size == dynamic else size for size in result.shape]
    if request.keepdim is not True and same_shape(declared, plain):
        return ()
    if request.keepdim is not False and same_shape(declared, kept):
        return request.axes
    # A reduction of everything is also declared tensor<1xT>.
    if not plain and request.keepdim is not True and declared == [1]:
        return (0,)
    if not plain and declared == [1] and len(full) == 1:
        return (0,)
    meant = " or ".join(
        show(shape)
        for shape, excluded in ((plain, True), (kept, False))
        if request.keepdim is not excluded
    )
    raise Refusal(f"result: expected shape {meant}, got {show(declared)}")


def _build(
    b: Builder, request: _Request, ones: Sequence[int], result: ir.RankedTensorType
) -> ir.Value:
    x = request.x
    if request.target in _WIDENING and element_type(x) != result.element_type:
        x = b.convert(x, result.element_type)
    if request.target in _FLOAT_RESULT:
        x = b.convert(x, compute_type(element_type(x), result.element_type))
    reduction = REDUCTIONS[request.target]
    if request.correction:
        reduction = partial(reduction, correction=request.correction)
    value = b.convert(reduction(b, x, request.axes), result.element_type)
    value = b.expand_dims(value, ones) if ones else value
    return value if value.type == result else b.cast_shape(value, result)


@dataclass(frozen=True)
class LegalizeReduceCustomCallsPass(Pass):
    """Opaque reductions become `stablehlo.reduce` regions.

    Fires on `stablehlo.custom_call` to `@reduce_sum`, `_mean`, `_max`, `_min`, `_prod`,
    `_variance`, `_any`, `_all`, `_logsumexp`, `_l2` (`_norm`), `_argmax` and `_argmin`, in every
    spelling of `dialect/call_attributes.py`. Half types accumulate in f32 and round once; the mean
    of integers is a float; argmax is a reduction of pairs. Dynamic sizes are counted at run time.

    Fails on a known target with an unknown or wrong attribute, or a result type that the reduction
    does not have. Leaves other `@reduce_*` alone and reports them.

    ```mlir
    func.func @mean(%x: tensor<2x4xf32>) -> tensor<2xf32> {
      %0 = stablehlo.custom_call @reduce_mean(%x) {dimensions = [1], keepdim = false}
          : (tensor<2x4xf32>) -> tensor<2xf32>
      return %0 : tensor<2xf32>
    }
    ```

    becomes

    ```mlir
    func.func @mean(%x: tensor<2x4xf32>) -> tensor<2xf32> {
      %zero = stablehlo.constant dense<0.0> : tensor<f32>
      %sum = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1]
          : (tensor<2x4xf32>, tensor<f32>) -> tensor<2xf32>
      %count = stablehlo.constant dense<4.0> : tensor<2xf32>
      %mean = stablehlo.divide %sum, %count : tensor<2xf32>
      return %mean : tensor<2xf32>
    }
    ```
    """

    name = "legalize-reduce-custom-calls"
    roots = ("stablehlo.custom_call",)

    def run(self, module: ir.Operation, report: Report) -> None:
        """Rewrites every known reduction below `module`."""
        pattern = partial(legalize_reduction, report=report)
        apply_patterns(module, [(root, pattern) for root in self.roots])
