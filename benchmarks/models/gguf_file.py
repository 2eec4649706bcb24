"""A checkpoint as a GGUF, the file that llama.cpp reads."""

from __future__ import annotations

from pathlib import Path

import gguf
import ml_dtypes
import numpy as np
from safetensors.numpy import load_file

from .cases import EPSILON, Model

_TENSORS = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
}
_LAYER_TENSORS = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}


def write_gguf(model: Model, checkpoint: Path, path: Path) -> None:
    """The weights in their own type, but for the norms', which llama.cpp wants in f32."""
    writer = gguf.GGUFWriter(path, "gemma3")
    _describe(writer, model)
    for name, array in load_file(checkpoint / "model.safetensors").items():
        _add(writer, _renamed(name.removesuffix(".weight")), array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, model: Model) -> None:
    configuration = model.configuration
    writer.add_context_length(configuration["max_position_embeddings"])
    writer.add_embedding_length(model.hidden)
    writer.add_block_count(model.layers)
    writer.add_feed_forward_length(model.inner)
    writer.add_head_count(model.heads)
    writer.add_head_count_kv(model.key_heads)
    writer.add_key_length(model.depth)
    writer.add_value_length(model.depth)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_freq_base(1e6)
    writer.add_sliding_window(model.window)
    writer.add_vocab_size(model.vocabulary)
    writer.add_tokenizer_model("none")


def _renamed(name: str) -> str:
    if name in _TENSORS:
        return _TENSORS[name]
    number, _, part = name.removeprefix("model.layers.").partition(".")
    return f"blk.{number}.{_LAYER_TENSORS[part]}"


def _add(writer: gguf.GGUFWriter, name: str, array: np.ndarray) -> None:
    """Norms multiply by one plus their weight in transformers, by their weight in llama.cpp."""
    if name.endswith("norm"):
        writer.add_tensor(f"{name}.weight", array.astype(np.float32) + 1)
    elif array.dtype == ml_dtypes.bfloat16:
        kind = gguf.GGMLQuantizationType.BF16
        writer.add_tensor(f"{name}.weight", array.view(np.uint8), raw_dtype=kind)
    else:
        writer.add_tensor(f"{name}.weight", array)
