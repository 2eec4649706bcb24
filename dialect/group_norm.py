"""`attnorm.group_norm`: group normalisation (Wu and He 2018), and instance normalisation."""

from dataclasses import dataclass
from typing import Any, Optional

from attnorm.ir.mlir import ext, ir
from attnorm.ir.rewriting import Refusal

from . import call_attributes
from .base import F64, I64, Choice, Op, affine_operand, constraint, shape_of
from .calls import Call, Callee, checked
from .rules import epsilon_in_range, is_float, is_like, is_not_empty
from .spec import CustomCall, OpSpec


class GroupNorm(Op, name="group_norm"):
    """`result = activation((x - mean) * rsqrt(variance + epsilon) * weight + bias)`

    The channels, x's dimension `channel_axis`, are `groups` of neighbours. Mean and variance are
    those of each group of each element of the batch: over its channels and all dimensions of x but
    the first, which is the batch. The variance is the population's. A group for each channel is an
    InstanceNorm, one group of all of them a LayerNorm.

    Computed in f32 (f64 where an operand or the result is f64) and rounded once, to the result's
    type (torch.nn.GroupNorm, torch.nn.InstanceNorm2d, ONNX InstanceNormalization-6). With
    `activation = "silu"` that rounded value y is replaced by `y / (1 + exp(-y))`, computed
    likewise.

    Operands: `x`, `[N, .., C, ..]`; `weight` and `bias` (optional), `[C]` or `[1]`.
    Attributes: `groups`, a divisor of C; `channel_axis`; `epsilon`, inside the root; `activation`.
    Result: x's shape, any float type.
    """

    x: ext.Operand[Any]
    weight: Optional[ext.Operand[Any]]  # noqa: UP045 (IRDL reads it)
    bias: Optional[ext.Operand[Any]]  # noqa: UP045 (IRDL reads it)
    result: ext.Result[Any]

    groups = I64()
    channel_axis = I64(default=1)
    epsilon = F64()
    activation = Choice("none", "silu", default="none")

    x_type = is_float(2, "x")

    @constraint(3, "channel_axis is one of x's dimensions behind the first, which is the batch")
    def channel_axis_range(self):
        rank = self.x.type.rank
        if 1 <= self.channel_axis < rank:
            return None
        return f"channel_axis: expected a value in [1, {rank}), got {self.channel_axis}"

    x_not_empty = is_not_empty(4, "x")

    @constraint(5, "groups is above 0 and divides the number of channels, which is static")
    def groups_divide(self):
        channels = shape_of(self.x)[self.channel_axis]
        if channels is None:
            return "x: expected a static number of channels, got a dynamic one"
        if self.groups > 0 and channels % self.groups == 0:
            return None
        return f"groups: expected a divisor of {channels}, got {self.groups}"

    epsilon_range = epsilon_in_range(6)

    @constraint(7, "weight has a dimension of the number of channels, or of 1, and a float type")
    def weight_shape(self):
        return affine_operand("weight", self.weight, self.x, (self.channel_axis,))

    @constraint(8, "bias has a dimension of the number of channels, or of 1, and a float type")
    def bias_shape(self):
        return affine_operand("bias", self.bias, self.x, (self.channel_axis,))

    result_type = is_like(9, "result", of="x")


def group_norm(
    x: ir.Value,
    weight: ir.Value | None = None,
    bias: ir.Value | None = None,
    *,
    groups: int,
    channel_axis: int = 1,
    epsilon: float,
    activation: str = "none",
    result: ir.Type | None = None,
    loc: ir.Location | None = None,
    ip: ir.InsertionPoint | None = None,
) -> ir.Value:
    """Builds `attnorm.group_norm`; `result` is x's type unless given."""
    op = GroupNorm.build(
        {"x": x, "weight": weight, "bias": bias},
        [result or x.type],
        {
            "groups": groups,
            "channel_axis": channel_axis,
            "epsilon": epsilon,
            "activation": activation,
        },
        loc=loc,
        ip=ip,
    )
    return op.results[0]


@dataclass(frozen=True)
class GroupNormCallee(Callee):
    """`f(x, weight?, bias?)` with the number of groups and an epsilon.

    The channels are dimension 1 where nothing is said. Without `one_group` a call with one group is
    refused: LiteRT writes a LayerNorm of any last dimensions as one, and its decomposition says
    which it is.
    """

    one_group: bool = True
    parameters = ("num_groups", "channel_axis", "channel_dim", "epsilon")

    def build(self, call: Call, taken: dict[str, Any]) -> list[ir.Value]:
        """Builds `group_norm`."""
        if taken["num_groups"] is None:
            raise Refusal("num_groups: expected an attribute, got none")
        groups = _integer("num_groups", taken["num_groups"])
        if groups == 1 and not self.one_group:
            raise Refusal("num_groups: expected more than 1, which may be a layer norm, got 1")
        return _built(call, taken, groups)


@dataclass(frozen=True)
class InstanceNormCallee(Callee):
    """`f(x, weight?, bias?)` with an epsilon: every channel is a group."""

    parameters = ("channel_axis", "channel_dim", "epsilon")

    def build(self, call: Call, taken: dict[str, Any]) -> list[ir.Value]:
        """Builds `group_norm`."""
        return _built(call, taken, None)


def _integer(name: str, value: Any) -> int:
    found = call_attributes.integers(name, value)
    if len(found) != 1:
        raise Refusal(f"{name}: expected one integer, got {found}")
    return found[0]


def _built(call: Call, taken: dict[str, Any], groups: int | None) -> list[ir.Value]:
    """The norm of `groups` groups; of as many as there are channels where that is None."""
    named = call.operands("x", "weight?", "bias?")
    x = named["x"]
    assert x is not None, "required"
    if taken["epsilon"] is None:
        raise Refusal("epsilon: expected an attribute, got none")
    axis = _channel_axis(taken, x.type.rank)
    channels = shape_of(x)[axis]
    if channels is None:
        raise Refusal("x: expected a static number of channels, got a dynamic one")
    values = {
        "groups": channels if groups is None else groups,
        "channel_axis": axis,
        "epsilon": call_attributes.number("epsilon", taken["epsilon"]),
    }
    at = {"loc": call.op.location, "ip": call.rewriter.ip}
    return checked(call, GroupNorm.build(named, [call.result()], values, **at))


def _channel_axis(taken: dict[str, Any], rank: int) -> int:
    """As LiteRT or tt-mlir spells it."""
    spelled = [name for name in ("channel_axis", "channel_dim") if taken[name] is not None]
    if len(spelled) > 1:
        raise Refusal("channel_dim: expected one spelling, got 'channel_axis' too")
    name = spelled[0] if spelled else "channel_axis"
    given = _integer(name, taken[name]) if spelled else 1
    return call_attributes.axes(name, given, rank)[0]


GROUP_NORM = OpSpec(
    op=GroupNorm,
    build=group_norm,
    definition="reference.group_norm:group_norm",
    raised_by=("raise-group-norm",),
    fused_by=("fuse-group-norm-silu",),
    expanded_by="expand-group-norm",
    custom_calls={
        "group_norm": CustomCall(GroupNormCallee(), "reference.group_norm_calls:group_norm"),
        "instance_norm": CustomCall(
            InstanceNormCallee(), "reference.group_norm_calls:instance_norm"
        ),
        # tt-mlir keeps its composite as a custom call for its sharding.
        "tenstorrent.group_norm": CustomCall(
            GroupNormCallee(), "reference.group_norm_calls:group_norm"
        ),
    },
    composites={
        "odml.group_norm": GroupNormCallee(one_group=False),
        "tenstorrent.group_norm": GroupNormCallee(),
    },
    onnx={
        "GroupNormalization": "frontends.onnx_group_norm:group_normalization",
        "InstanceNormalization": "frontends.onnx_group_norm:instance_normalization",
    },
    torch={
        "native_group_norm": "frontends.torch_group_norm:native_group_norm",
        "instance_norm": "frontends.torch_group_norm:instance_norm",
    },
)
