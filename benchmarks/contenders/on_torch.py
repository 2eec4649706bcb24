"""torch: eager, compiled by inductor, and its flash kernel for attention."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import ml_dtypes
import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, flex_attention, sdpa_kernel

from ..cases import EPSILON, Array, Attention, Case, Rows, mask
from .base import Prepared, Unsupported

Tensors = Mapping[str, torch.Tensor]
Function = Callable[..., torch.Tensor | tuple[torch.Tensor, ...]]


class Eager:
    """The functions of torch.nn.functional; attention written out."""

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)

    def prepare(self, case: Case, operands: Mapping[str, Array]) -> Prepared:
        """Tensors share the arrays' memory."""
        tensors = {name: _tensor(array) for name, array in operands.items()}
        if isinstance(case, Attention):
            return self.prepare_attention(case, tensors)
        return self.prepare_rows(case, tensors)

    def prepare_rows(self, case: Rows, tensors: Tensors) -> Prepared:
        """F.rms_norm, F.layer_norm, torch.softmax."""
        return _prepared(_rows(case), tensors, "torch.nn.functional")

    def prepare_attention(self, case: Attention, tensors: Tensors) -> Prepared:
        """Two products and a softmax."""
        return _prepared(_written_out(case), tensors, "matmul, softmax, matmul")


class Inductor(Eager):
    """torch.compile; attention as flex_attention."""

    def prepare_rows(self, case: Rows, tensors: Tensors) -> Prepared:
        """The eager function, compiled for these shapes."""
        function = torch.compile(_rows(case), fullgraph=True, dynamic=False)
        return _compiled(function, tensors, "torch.compile of torch.nn.functional")

    def prepare_attention(self, case: Attention, tensors: Tensors) -> Prepared:
        """Masks as block masks, so that blocks that nobody sees are left out."""
        blocks = _block_mask(case)

        def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            result = flex_attention.flex_attention(
                *(q, k, v), block_mask=blocks, scale=case.scale, enable_gqa=case.groups > 1
            )
            assert isinstance(result, torch.Tensor)
            return result

        function = torch.compile(attend, fullgraph=True, dynamic=False)
        return _compiled(function, tensors, "torch.compile of flex_attention")


class FlashSdpa(Eager):
    """F.scaled_dot_product_attention on its flash backend."""

    def prepare_rows(self, case: Rows, tensors: Tensors) -> Prepared:
        """It has none."""
        raise Unsupported("an attention kernel only")

    def prepare_attention(self, case: Attention, tensors: Tensors) -> Prepared:
        """A window is a mask of booleans; causality a flag."""
        seen = mask(case) if case.window else None
        keep = None if seen is None else torch.from_numpy(seen)

        def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            return F.scaled_dot_product_attention(
                *(q, k, v),
                attn_mask=keep,
                is_causal=case.causal and keep is None,
                scale=case.scale,
                enable_gqa=case.groups > 1,
            )

        def only_flash(**tensors: torch.Tensor) -> torch.Tensor:
            with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
                return attend(**tensors)

        # Proves that the flash kernel takes it; without the switch, which costs, it is chosen too.
        only_flash(**tensors)
        form = "attn_mask" if case.window else "is_causal" if case.causal else "no mask"
        return _prepared(attend, tensors, f"F.scaled_dot_product_attention, flash, {form}")


# -- calls ---------------------------------------------------------------------------------------


def _prepared(function: Function, tensors: Tensors, form: str) -> Prepared:
    values = tuple(tensors.values())

    def call() -> object:
        return function(*values)

    def results() -> list[Array]:
        found = function(*values)
        return [_array(one) for one in (found if isinstance(found, tuple) else (found,))]

    return Prepared(call, results, form)


def _compiled(function: Function, tensors: Tensors, form: str) -> Prepared:
    """As `_prepared`; the first call compiles."""
    prepared = _prepared(function, tensors, form)
    start = time.perf_counter()
    prepared.call()
    seconds = time.perf_counter() - start
    return Prepared(prepared.call, prepared.results, form, seconds)


def _tensor(array: Array) -> torch.Tensor:
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def _array(tensor: torch.Tensor) -> Array:
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


# -- functions -----------------------------------------------------------------------------------


def _rows(case: Rows) -> Function:
    """A function of the operands in order."""
    shape = (case.columns,)

    def norm(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x, shape, weight, EPSILON)

    def chain(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        for _ in range(case.repeat):
            x = norm(x, weight)
        return x

    def norm_mul(x: torch.Tensor, weight: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return norm(x, weight) * other

    def add_norm(
        a: torch.Tensor, b: torch.Tensor, weight: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        total = a + b
        return total, norm(total, weight)

    def layer_norm(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, shape, weight, bias, EPSILON)

    def softmax(x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(x, -1)

    functions: dict[str, Function] = {
        "rms_norm": chain,
        "rms_norm_mul": norm_mul,
        "add_rms_norm": add_norm,
        "layer_norm": layer_norm,
        "softmax": softmax,
    }
    return functions[case.op]


def _written_out(case: Attention) -> Function:
    seen = mask(case)
    keep = None if seen is None else torch.from_numpy(seen)

    def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        q = q.unflatten(1, (case.key_heads, case.groups))
        scores = q @ k.unsqueeze(2).mT * case.scale
        if keep is not None:
            scores = scores.masked_fill(~keep, float("-inf"))
        return (torch.softmax(scores, -1) @ v.unsqueeze(2)).flatten(1, 2)

    return attend


def _block_mask(case: Attention) -> flex_attention.BlockMask | None:
    if not case.causal:
        return None

    def seen(batch, head, query, key):
        near = query - key < case.window if case.window else key >= 0
        return (query >= key) & near

    return flex_attention.create_block_mask(seen, None, None, case.queries, case.keys, device="cpu")
