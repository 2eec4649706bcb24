"""Where models come from: directories with checkpoints, and configurations by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers

from ..errors import AttnormError

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
FAMILIES = ("gemma3_text", "llama", "mistral", "qwen3")
"""The `model_type`s that are supported."""
_ROTARY = ("default", "linear", "llama3", "yarn")
"""The kinds of rotary positions that do not depend on how long a text is."""

CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "gemma3-270m": {
        "model_type": "gemma3_text",
        "vocab_size": 262144,
        "hidden_size": 640,
        "intermediate_size": 2048,
        "num_hidden_layers": 18,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "head_dim": 256,
        "query_pre_attn_scalar": 256,
        "sliding_window": 512,
        "max_position_embeddings": 32768,
        "bos_token_id": 2,
        "eos_token_id": 1,
        "pad_token_id": 0,
    },
    "llama3.2-1b": {
        "model_type": "llama",
        "vocab_size": 128256,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 64,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": True,
        "max_position_embeddings": 131072,
        "rope_parameters": {
            "rope_type": "llama3",
            "rope_theta": 500000.0,
            "factor": 32.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
        "bos_token_id": 128000,
        "eos_token_id": 128001,
    },
    "qwen3-0.6b": {
        "model_type": "qwen3",
        "vocab_size": 151936,
        "hidden_size": 1024,
        "intermediate_size": 3072,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "tie_word_embeddings": True,
        "max_position_embeddings": 40960,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
        "bos_token_id": 151643,
        "eos_token_id": 151645,
    },
}
"""The sizes that the models were published with."""


def model_of(source: str | Path, dtype: str, seed: int, attention: str) -> Any:
    """The model that `attnorm.from_hugging_face` names, in the mode of inference."""
    if dtype not in DTYPES:
        raise AttnormError(f"dtype: expected one of {', '.join(DTYPES)}, got '{dtype}'")
    options = {"dtype": DTYPES[dtype], "attn_implementation": attention}
    if str(source) in CONFIGURATIONS:
        config = transformers.AutoConfig.for_model(**CONFIGURATIONS[str(source)])
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return transformers.AutoModelForCausalLM.from_config(config, **options).eval()
    return _load(Path(source), options).eval()


def _load(directory: Path, options: dict[str, Any]) -> Any:
    config = _read_config(directory)
    # With `output_loading_info` it gives a pair, which its annotation leaves out.
    from_pretrained: Any = transformers.AutoModelForCausalLM.from_pretrained
    try:
        model, found = from_pretrained(
            directory,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            **options,
        )
    except Exception as error:  # missing, cut and mismatched files have no error in common
        reason = str(error).strip().partition("\n")[0]
        raise AttnormError(f"{directory}: cannot load the weights: {reason}") from None
    missing = sorted(found["missing_keys"])
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise AttnormError(
            f"{directory}: expected a tensor '{missing[0]}'{more} in the safetensors, got none"
        )
    return model


def _read_config(directory: Path) -> Any:
    path = directory / "config.json"
    if not directory.is_dir():
        names = ", ".join(CONFIGURATIONS)
        raise AttnormError(f"expected a directory, or one of {names}, got '{directory}'")
    if not path.is_file():
        raise AttnormError(f"{directory}: expected a config.json, got none")
    try:
        family = json.loads(path.read_text()).get("model_type")
    except (ValueError, AttributeError, RecursionError):
        raise AttnormError(f"{path}: expected JSON with an object") from None
    if family not in FAMILIES:
        raise AttnormError(
            f"{path}: model_type: expected one of {', '.join(FAMILIES)}, got '{family}'"
        )
    try:
        config = transformers.AutoConfig.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False
        )
        kinds = _rotary_kinds(config.rope_parameters)
    except Exception as error:  # each value that is wrong has its own
        reason = str(error).strip().partition("\n")[0]
        raise AttnormError(f"{path}: cannot be read: {reason}") from None
    if getattr(config, "use_bidirectional_attention", None):
        raise AttnormError(f"{path}: use_bidirectional_attention: expected false, got true")
    for kind in kinds:
        if kind not in _ROTARY:
            raise AttnormError(
                f"{path}: rope_type: expected one of {', '.join(_ROTARY)}, got '{kind}'"
            )
    return config


def _rotary_kinds(parameters: dict[str, Any]) -> list[str]:
    """The kinds of rotary positions: one for all layers, or one for each type of layer."""
    nested = [part for part in parameters.values() if isinstance(part, dict)]
    return [part["rope_type"] for part in nested or [parameters]]
