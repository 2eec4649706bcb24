"""The right logits, and when a result counts as equal to them.

torch computes them in float64 from the same weights: the whole text at once, without a cache, the
scores written out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..contender import Array
from ..suite import Wide
from .cases import Step
from .inputs import inputs, write_checkpoint

_TOLERANCES = {"f32": 1e-4, "bf16": 2**-5}
"""For bf16 some roundings of every activation."""
_HALF_INSIDE = {"llama.cpp": 2**-9}
"""llama.cpp reads GELU from a table in f16; its flash attention rounds keys and values to f16."""


def expected(case: Step, folder: Path) -> list[Wide]:
    """The logits behind the last token. Writes the checkpoint if it is not there yet."""
    import torch
    import transformers

    given = inputs(case, folder)
    if not given.checkpoint.exists():
        write_checkpoint(case.model, case.dtype, given.checkpoint)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        given.checkpoint, dtype=torch.float64, attn_implementation="eager"
    )
    ids = torch.from_numpy(given.ids).long()[None]
    with torch.no_grad():
        return [model(ids, use_cache=False, logits_to_keep=1).logits[0, -1].numpy()]


def verdict(case: Step, results: Sequence[Array], wanted: Sequence[Wide]) -> float:
    """The greatest difference, in units of the greatest of the logits; infinite for another number.

    The same numbers in another shape are right.
    """
    (result,), (want,) = results, wanted
    if result.size != want.size:
        return float("inf")
    worst = np.max(np.abs(result.reshape(want.shape).astype(np.float64) - want))
    return float("inf") if np.isnan(worst) else float(worst / np.max(np.abs(want)))


def tolerance(case: Step, contender: str) -> float:
    """The greatest `verdict` of a right result."""
    return max(_TOLERANCES[case.dtype], _HALF_INSIDE.get(contender, 0.0))
