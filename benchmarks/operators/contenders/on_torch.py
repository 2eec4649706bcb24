"""torch: eager, compiled by inductor, and its flash kernel for attention."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import ml_dtypes
import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, flex_attention, sdpa_kernel

from ...contender import Form, Prepared, Unsupported
from ..cases import EPSILON, Array, Attention, Case, Rows, additive_mask, mask, ways

Tensors = tuple[torch.Tensor, ...]
Function = Callable[..., torch.Tensor | tuple[torch.Tensor, ...]]


class Eager:
    """The functions of torch.nn.functional; attention written out."""

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)

    def forms(self, case: Case, operands: Mapping[str, Array]) -> list[Form]:
        """Tensors share the arrays' memory."""
        found: list[Form] = []
        for way, arrays in ways(case, operands):
            tensors = tuple(_tensor(array) for array in arrays.values())
            functions = self.attention(way) if isinstance(way, Attention) else self.rows(way)
            for form, function in functions.items():
                found.append(partial(self.prepare, function, tensors, form))
        return found

    def rows(self, case: Rows) -> dict[str, Function]:
        """F.rms_norm, F.layer_norm, torch.softmax."""
        return {"torch.nn.functional": _rows(case)}

    def attention(self, case: Attention) -> dict[str, Function]:
        """Two products and a softmax."""
        return {"matmul, softmax, matmul": _written_out(case)}

    def prepare(self, function: Function, tensors: Tensors, form: str) -> Prepared:
        """A function as it is."""
        return _prepared(function, tensors, form)


class Inductor(Eager):
    """torch.compile, for the shapes given."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        # The first compilation of a process also compiles C++ headers.
        torch.compile(torch.sin)(torch.ones(8))

    def forms(self, case: Case, operands: Mapping[str, Array]) -> list[Form]:
        """What is compiled for another case would count as a recompilation, which is limited."""
        torch.compiler.reset()
        return super().forms(case, operands)

    def attention(self, case: Attention) -> dict[str, Function]:
        """Whatever has a chance."""
        return {
            "flex_attention": _flex(case),
            "F.scaled_dot_product_attention": _sdpa(case),
            **super().attention(case),
        }

    def prepare(self, function: Function, tensors: Tensors, form: str) -> Prepared:
        """The first call compiles."""
        compiled = torch.compile(function, fullgraph=True, dynamic=False)
        prepared = _prepared(compiled, tensors, f"torch.compile: {form}")
        start = time.perf_counter()
        prepared.call()
        return replace(prepared, compile_seconds=time.perf_counter() - start)


class FlashSdpa(Eager):
    """F.scaled_dot_product_attention on its flash backend."""

    def rows(self, case: Rows) -> dict[str, Function]:
        """It has none."""
        raise Unsupported("an attention kernel only")

    def attention(self, case: Attention) -> dict[str, Function]:
        """Its only form."""
        return {"F.scaled_dot_product_attention": _sdpa(case)}

    def prepare(self, function: Function, tensors: Tensors, form: str) -> Prepared:
        """Fails where the flash kernel does not take it.

        Without the switch, which costs, it is the first choice too.
        """
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
            function(*tensors)
        return _prepared(function, tensors, form)


# -- calls ---------------------------------------------------------------------------------------


def _prepared(function: Function, tensors: Tensors, form: str) -> Prepared:
    def call() -> object:
        return function(*tensors)

    def results() -> list[Array]:
        found = function(*tensors)
        return [_array(one) for one in (found if isinstance(found, tuple) else (found,))]

    return Prepared(call, results, form)


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


def _sdpa(case: Attention) -> Function:
    """A window is a mask; causality a flag."""
    bias = torch.from_numpy(additive_mask(case)) if case.window else None

    def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(
            *(q, k, v),
            attn_mask=bias,
            is_causal=case.causal and bias is None,
            scale=case.scale,
            enable_gqa=case.groups > 1,
        )

    return attend


def _flex(case: Attention) -> Function:
    """Masks as block masks: blocks that nobody sees are left out."""
    blocks = _block_mask(case)

    def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        result = flex_attention.flex_attention(
            *(q, k, v), block_mask=blocks, scale=case.scale, enable_gqa=case.groups > 1
        )
        assert isinstance(result, torch.Tensor)
        return result

    return attend


def _block_mask(case: Attention) -> flex_attention.BlockMask | None:
    if not case.causal:
        return None

    def seen(batch, head, query, key):
        near = query - key < case.window if case.window else key >= 0
        return (query >= key) & near

    return flex_attention.create_block_mask(seen, None, None, case.queries, case.keys, device="cpu")
