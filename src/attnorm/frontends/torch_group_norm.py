"""GroupNorm and InstanceNorm of torch, decomposed as its kernels compute them.

torch's own decompositions index into the product of scale and weight, and hide the batch among the
channels.
"""

from __future__ import annotations

import torch

Outputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def native_group_norm(
    x: torch.Tensor,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    batch: int,
    channels: int,
    size: int,
    groups: int,
    epsilon: float,
) -> Outputs:
    """In f32 for half types; `size` is the number of elements of a channel."""
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    rows = wide.reshape(batch, groups, channels // groups * size)
    mean = rows.mean(-1, keepdim=True)
    centred = rows - mean
    inverse = torch.rsqrt((centred * centred).mean(-1, keepdim=True) + epsilon)
    result = _affine((centred * inverse).reshape(x.shape), weight, bias)
    return result.to(x.dtype), mean.squeeze(-1), inverse.squeeze(-1)


def instance_norm(
    x: torch.Tensor,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    running_mean: torch.Tensor | None,
    running_variance: torch.Tensor | None,
    use_input: bool,
    momentum: float,
    epsilon: float,
    cudnn: bool,
) -> torch.Tensor:
    """In f32 for half types, with the input's statistics or those that training has kept.

    Nothing is kept: the result has no part in that.
    """
    axes = list(range(2, x.dim()))
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    if use_input or running_mean is None or running_variance is None:
        centred = wide - wide.mean(axes, keepdim=True)
        variance = (centred * centred).mean(axes, keepdim=True)
    else:
        shape = [1, -1, *[1] * len(axes)]
        centred, variance = wide - running_mean.reshape(shape), running_variance.reshape(shape)
    return _affine(centred * torch.rsqrt(variance + epsilon), weight, bias).to(x.dtype)


def _affine(
    value: torch.Tensor, weight: torch.Tensor | None, bias: torch.Tensor | None
) -> torch.Tensor:
    """A value times the weight plus the bias of its channels, dimension 1."""
    shape = [1, -1, *[1] * (value.dim() - 2)]
    if weight is not None:
        value = value * weight.reshape(shape)
    return value if bias is None else value + bias.reshape(shape)
