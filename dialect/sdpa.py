"""`attnorm.sdpa`: scaled dot-product attention (Vaswani et al. 2017)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

from attnorm.ir import stablehlo
from attnorm.ir.mlir import ext, ir
from attnorm.ir.rewriting import Refusal

from . import call_attributes
from .base import (
    F64,
    I64,
    Choice,
    Flag,
    I64Array,
    Op,
    broadcasts_to,
    constraint,
    first,
    float_tensor,
    is_float_tensor,
    is_plain_tensor,
    same_shape,
    same_size,
    shape_of,
    show,
)
from .calls import Call, Callee, checked
from .spec import CustomCall, OpSpec

UNBOUNDED = -1
FARTHEST = 2**30
"""Offsets and windows reach no farther, so that positions fit in 32 bits."""
F32_SMALLEST, F32_LARGEST = 2.0**-126, (2 - 2.0**-23) * 2.0**127
"""The normal numbers of f32."""


class Sdpa(Op, name="sdpa"):
    """`result = softmax(cap(q k^T * scale) + mask) v`, the softmax over the keys, in f32

    Layouts, `..` any batch dimensions: q `[.., H, Sq, D]`, k `[.., KV, Sk, D]`, v `[.., KV, Sk,
    Dv]`, result `[.., H, Sq, Dv]`. Query head h reads key head `h / (H / KV)`: grouped heads
    are never repeated. Scores, softmax and sum are computed in f32 (f64 where an operand or the
    result is f64) and rounded once, to the result's type.

    - `scale` multiplies the scores. There is no default: 1/sqrt(D) is written out.
    - `softcap` c replaces a score s by `c * tanh(s / c)`, before any mask (Gemma 2, ONNX
      Attention-23).
    - `mask`, trailing-aligned and broadcast to `[.., H, Sq, Sk]`: i1, true attends; or float,
      added.
    - Query i stands at key position `p = i + offset + start`; `offset` is an attribute, `start`
      an optional integer scalar known at run time. `causal` keeps keys `j <= p` (top-left:
      offset 0, torch and JAX; bottom-right: offset Sk - Sq, MLX and GroupQueryAttention).
      `window` [l, r] keeps `p - l <= j <= p + r`; -1 leaves a side open.
    - `sinks` `[H]`: a score of a further key whose value is 0 (gpt-oss).
    - `fully_masked` says what a row becomes whose scores are all -inf: `"nan"` is the formula,
      `"zero"` torch's and ONNX's, `"uniform"` the mean of v (JAX's finite fill). A sink above
      -inf makes such a row 0 by the formula.
    - A second result, `[.., H, Sq]`, is the logarithm of the softmax's denominator, sinks
      included; -inf where a row is fully masked (NaN under `"nan"`).
    """

    q: ext.Operand[Any]
    k: ext.Operand[Any]
    v: ext.Operand[Any]
    mask: Optional[ext.Operand[Any]]  # noqa: UP045 (IRDL reads it)
    sinks: Optional[ext.Operand[Any]]  # noqa: UP045 (IRDL reads it)
    start: Optional[ext.Operand[Any]]  # noqa: UP045 (IRDL reads it)
    result: ext.Result[Any]
    log_sum_exp: Optional[ext.Result[Any]]  # noqa: UP045 (IRDL reads it)

    scale = F64()
    softcap = F64(required=False)
    causal = Flag(default=False)
    offset = I64(default=0)
    window = I64Array(default=(UNBOUNDED, UNBOUNDED))
    fully_masked = Choice("nan", "zero", "uniform", default="nan")

    @constraint(
        2,
        "q, k and v are ranked tensors of f16, bf16, f32 or f64, without an encoding, of one rank "
        "of 3 or more",
    )
    def operand_types(self):
        named = {"q": self.q, "k": self.k, "v": self.v}
        problem = first(float_tensor(name, value) for name, value in named.items())
        if problem:
            return problem
        rank = self.q.type.rank
        if rank < 3:
            return f"q: expected [.., heads, sequence, depth], got {show(shape_of(self.q))}"
        for name, value in named.items():
            if value.type.rank != rank:
                return f"{name}: expected rank {rank} as q has, got {show(shape_of(value))}"
        return None

    @constraint(3, "the batch dimensions of q, k and v agree")
    def batch_sizes(self):
        want = shape_of(self.q)[:-3]
        for name, value in (("k", self.k), ("v", self.v)):
            got = shape_of(value)[:-3]
            if not same_shape(got, want):
                return f"{name}: expected batch {show(want)} as q has, got {show(got)}"
        return None

    @constraint(4, "k and v have the same static number of heads, a divisor of q's")
    def heads(self):
        heads, key_heads, value_heads = (shape_of(x)[-3] for x in (self.q, self.k, self.v))
        for name, count in (("q", heads), ("k", key_heads), ("v", value_heads)):
            if count is None:
                return f"{name}: expected a static number of heads, got a dynamic one"
        if value_heads != key_heads:
            return f"v: expected {key_heads} heads as k has, got {value_heads}"
        if not key_heads or not heads or heads % key_heads:
            return f"q: expected a multiple of the {key_heads} heads of k, got {heads}"
        return None

    @constraint(5, "k has q's static depth, and v has k's length")
    def depth_and_length(self):
        depth, key_depth = shape_of(self.q)[-1], shape_of(self.k)[-1]
        if depth is None or depth != key_depth:
            return f"k: expected q's static depth, {show([depth])}, got {show([key_depth])}"
        length, value_length = shape_of(self.k)[-2], shape_of(self.v)[-2]
        if not same_size(length, value_length):
            return f"v: expected length {length} as k has, got {value_length}"
        return None

    @constraint(6, "no size is 0")
    def not_empty(self):
        for name, value in (("q", self.q), ("k", self.k), ("v", self.v)):
            if 0 in shape_of(value):
                return f"{name}: expected sizes above 0, got {show(shape_of(value))}"
        return None

    @constraint(7, "scale is finite in f32")
    def scale_range(self):
        if abs(self.scale) <= F32_LARGEST:
            return None
        return f"scale: expected a number that is finite in f32, got {self.scale}"

    @constraint(8, "softcap is finite and above 0 in f32")
    def softcap_range(self):
        cap = self.softcap
        if cap is None or F32_SMALLEST <= cap <= F32_LARGEST:
            return None
        return f"softcap: expected a number that is finite and above 0 in f32, got {cap}"

    @constraint(9, "mask is of i1 or a float type and broadcasts to [.., H, Sq, Sk]")
    def mask_type(self):
        if self.mask is None:
            return None
        if not is_mask(self.mask.type):
            return f"mask: expected a ranked tensor of i1 or a float type, got {self.mask.type}"
        want, got = self.score_shape(), shape_of(self.mask)
        if not broadcasts_to(got, want):
            return f"mask: expected a shape that broadcasts to {show(want)}, got {show(got)}"
        return None

    @constraint(10, "sinks is a float tensor of q's number of heads")
    def sinks_type(self):
        if self.sinks is None:
            return None
        want = shape_of(self.q)[-3:-2]
        problem = float_tensor("sinks", self.sinks)
        if problem or shape_of(self.sinks) == want:
            return problem
        return f"sinks: expected shape {show(want)}, got {show(shape_of(self.sinks))}"

    @constraint(11, "start is a scalar of an integer type of 4 to 64 bits")
    def start_type(self):
        if self.start is None or is_integer_scalar(self.start.type):
            return None
        return f"start: expected a scalar tensor of 4- to 64-bit integers, got {self.start.type}"

    @constraint(12, "window has two sizes from 0 to 2^30, or -1 for an open side")
    def window_sizes(self):
        sizes = self.window
        if len(sizes) == 2 and all(UNBOUNDED <= size <= FARTHEST for size in sizes):
            return None
        return f"window: expected [left, right], each -1 or in [0, 2^30], got {list(sizes)}"

    @constraint(13, "offset is at most 2^30 either way")
    def offset_range(self):
        if abs(self.offset) <= FARTHEST:
            return None
        return f"offset: expected a value in [-2^30, 2^30], got {self.offset}"

    @constraint(14, "offset and start place the queries of causal or windowed attention only")
    def placement(self):
        placed = self.causal or self.window != (UNBOUNDED, UNBOUNDED)
        if placed or (self.offset == 0 and self.start is None):
            return None
        name = "offset" if self.offset else "start"
        return f"{name}: expected none without causal or window, got one"

    @constraint(15, "result is a float tensor [.., H, Sq, Dv]")
    def result_type(self):
        want = [*shape_of(self.q)[:-1], shape_of(self.v)[-1]]
        problem = float_tensor("result", self.result)
        if problem or shape_of(self.result) == want:
            return problem
        return f"result: expected shape {show(want)}, got {show(shape_of(self.result))}"

    @constraint(16, "log_sum_exp is a float tensor [.., H, Sq]")
    def log_sum_exp_type(self):
        value = self.log_sum_exp
        if value is None:
            return None
        want = shape_of(self.q)[:-1]
        problem = float_tensor("log_sum_exp", value)
        if problem or shape_of(value) == want:
            return problem
        return f"log_sum_exp: expected shape {show(want)}, got {show(shape_of(value))}"

    def score_shape(self) -> list[int | None]:
        """[.., H, Sq, Sk]."""
        return [*shape_of(self.q)[:-1], shape_of(self.k)[-2]]


def is_mask(type_: ir.Type) -> bool:
    """A plain ranked tensor of i1 or a float type."""
    return is_float_tensor(type_) or (is_plain_tensor(type_) and str(type_.element_type) == "i1")


def is_integer_scalar(type_: ir.Type) -> bool:
    """A tensor of rank 0 and an integer type of StableHLO."""
    if not is_plain_tensor(type_) or type_.rank:
        return False
    element = type_.element_type
    integer = isinstance(element, ir.IntegerType) and not element.is_signed
    return integer and element.width in (4, 8, 16, 32, 64)


def sdpa(
    q: ir.Value,
    k: ir.Value,
    v: ir.Value,
    mask: ir.Value | None = None,
    sinks: ir.Value | None = None,
    start: ir.Value | None = None,
    *,
    scale: float,
    softcap: float | None = None,
    causal: bool = False,
    offset: int = 0,
    window: Sequence[int] = (UNBOUNDED, UNBOUNDED),
    fully_masked: str = "nan",
    result: ir.Type | None = None,
    log_sum_exp: ir.Type | None = None,
    loc: ir.Location | None = None,
    ip: ir.InsertionPoint | None = None,
) -> ir.Operation:
    """Builds `attnorm.sdpa`.

    `result` is q's element type in the result's shape unless given; the second result is there only
    where its type, `log_sum_exp`, is given.
    """
    if result is None:
        sizes = [*q.type.shape[:-1], v.type.shape[-1]]
        result = ir.RankedTensorType.get(sizes, q.type.element_type, loc=loc)
    return Sdpa.build(
        {"q": q, "k": k, "v": v, "mask": mask, "sinks": sinks, "start": start},
        [result] if log_sum_exp is None else [result, log_sum_exp],
        {
            "scale": scale,
            "softcap": softcap,
            "causal": causal,
            "offset": offset,
            "window": tuple(window),
            "fully_masked": fully_masked,
        },
        loc=loc,
        ip=ip,
    )


@dataclass(frozen=True)
class SdpaCallee(Callee):
    """`f(q, k, v, mask?)`.

    A scale that is not given is 1/sqrt(D). Causal is top-left aligned and fully masked rows are 0,
    as in torch, whose function all these names stand for; NaN where a composite's decomposition is
    a softmax that selects nothing. `litert`: the layout is [B, S, H, D], a call without a mask is
    causal, and a mask is a float tensor of rank 4.
    """

    litert: bool = False
    parameters = ("scale", "causal", "softcap", "dropout", "grouped")

    def build(self, call: Call, taken: dict[str, Any]) -> list[ir.Value]:
        """Builds `sdpa`, between transposes where the layout is another."""
        named = call.operands("q", "k", "v", "mask?")
        if self.litert:
            _check_litert(named)
        if taken["dropout"] is not None and call_attributes.number("dropout", taken["dropout"]):
            raise Refusal(f"dropout: expected 0, got {taken['dropout']}")
        values = {
            "scale": self._scale(named["q"], taken["scale"]),
            "softcap": self._softcap(taken["softcap"]),
            "causal": self._causal(taken["causal"], named["mask"]),
            # torch's, which both names are exported from.
            "fully_masked": "zero",
        }
        if self.litert:
            return _transposed(call, named, values)
        at = {"loc": call.op.location, "ip": call.rewriter.ip}
        return checked(call, Sdpa.build(named, [call.result()], values, **at))

    def _scale(self, q: ir.Value, given: Any) -> float:
        if given is not None:
            return call_attributes.number("scale", given)
        depth = stablehlo.shape_of(q)[-1] if q.type.rank else 0
        if not isinstance(depth, int) or depth == 0:
            raise Refusal(
                "scale: expected an attribute where the depth of q is not known, got none"
            )
        return 1 / math.sqrt(depth)

    def _softcap(self, given: Any) -> float | None:
        return None if given is None else call_attributes.number("softcap", given)

    def _causal(self, given: Any, mask: ir.Value | None) -> bool:
        causal = given is not None and call_attributes.boolean("is_causal", given)
        if causal and mask is not None:
            raise Refusal("mask: expected none where is_causal is true, got one")
        return causal or (self.litert and mask is None)


def _check_litert(named: dict[str, ir.Value | None]) -> None:
    for name, value in named.items():
        if value is not None and value.type.rank != 4:
            raise Refusal(f"{name}: expected rank 4, got {value.type}")
    mask = named["mask"]
    if mask is not None and not stablehlo.is_float(stablehlo.element_type(mask)):
        raise Refusal(f"mask: expected a float type, got {stablehlo.element_type(mask)}")


def _transposed(
    call: Call, named: dict[str, ir.Value | None], values: dict[str, Any]
) -> list[ir.Value]:
    """`sdpa` for [B, S, H, D]."""
    swap, b, declared = (0, 2, 1, 3), call.builder, call.result()
    if declared.rank != 4:
        raise Refusal(f"result: expected rank 4, got {declared}")
    result = b.tensor(
        [stablehlo.shape_of(call.op.results[0])[axis] for axis in swap], declared.element_type
    )
    moved = {name: b.transpose(named[name], swap) for name in "qkv"}
    op = Sdpa.build({**named, **moved}, [result], values, loc=b.loc, ip=b.ip)
    try:
        return [b.transpose(checked(call, op)[0], swap)]
    except Refusal:
        for value in moved.values():
            call.rewriter.erase(value.owner)
        raise


_TORCH = CustomCall(SdpaCallee(), "reference.attention_calls:sdpa")

SDPA = OpSpec(
    op=Sdpa,
    build=sdpa,
    definition="reference.attention:sdpa",
    raised_by=("raise-sdpa", "raise-mask-bands"),
    expanded_by="expand-sdpa",
    custom_calls={
        "scaled_dot_product_attention": _TORCH,
        "sdpa": _TORCH,
        "aten.scaled_dot_product_attention": _TORCH,
        "ai_edge_torch.scaled_dot_product_attention": CustomCall(
            SdpaCallee(litert=True), "reference.attention_calls:litert_sdpa"
        ),
        # tt-mlir keeps this composite as a custom call for its sharding.
        "tenstorrent.scaled_dot_product_attention": _TORCH,
        "tt.scaled_dot_product_attention": _TORCH,
    },
    composites={
        "odml.scaled_dot_product_attention": SdpaCallee(litert=True),
        "tenstorrent.scaled_dot_product_attention": SdpaCallee(),
    },
    onnx={
        "Attention": "frontends.onnx_attention:attention",
        "com.microsoft.MultiHeadAttention": "frontends.onnx_attention:multi_head_attention",
        "com.microsoft.GroupQueryAttention": "frontends.onnx_attention:group_query_attention",
    },
    onnx_shape="Attention",
    kernel="execution.kernels.attention:take",
)
