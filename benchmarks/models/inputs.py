"""What a step computes with: a text, and a checkpoint with random weights, the same for all."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .cases import Model, Step

_FIRST = 3
"""Tokens before have a meaning."""


@dataclass(frozen=True)
class Inputs:
    """The tokens of the caches and of the step, and the directory with the weights."""

    ids: npt.NDArray[np.int32]
    checkpoint: Path


def inputs(case: Step, folder: Path) -> Inputs:
    """A case's; `write_checkpoint` has been there."""
    random = np.random.default_rng(zlib.crc32(case.name.encode()))
    ids = random.integers(_FIRST, case.model.vocabulary, case.before + case.count, np.int32)
    return Inputs(ids, folder / f"{case.model.name}_{case.dtype}")


def write_checkpoint(model: Model, dtype: str, path: Path) -> None:
    """A model as transformers makes it, but that its norms' weights are not all the same."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(**model.configuration)
    made = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if name.endswith("norm.weight"):
                weight.add_(torch.randn_like(weight) / 8)
    made.to({"f32": torch.float32, "bf16": torch.bfloat16}[dtype]).save_pretrained(path)
