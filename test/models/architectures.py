"""Small models of transformers' architectures, with random weights: how each writes its idioms.

python test/models/architectures.py            writes docs/models.md: some minutes
python test/models/architectures.py NAME...    prints the rows of some
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

import attnorm
from attnorm.checking import check
from attnorm.checking.contents import FoundOp, Report
from attnorm.ir.mlir import ir

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"
MARK = "<!-- written by test/models/architectures.py -->\n"
PIPELINES = ("attnorm-to-stablehlo", "attnorm-to-iree")
MASKS = "raise-mask-bands"
"""What refuses every mask that is more than positions: padding, ALiBi, other biases."""


@dataclass(frozen=True)
class Architecture:
    """A model's class, what it has of each idiom, and how its config differs from the others."""

    model: str
    attentions: int
    norms: int
    options: Mapping[str, Any] = field(default_factory=dict)
    inputs: str = "ids"
    attention: str = "eager"
    note: str = ""


def arguments(kind: str) -> dict[str, Any]:
    """A model's arguments: two sequences of 10 tokens, images of 16x16, 120 samples of sound."""
    random = torch.Generator().manual_seed(1)
    ids = {"input_ids": torch.randint(3, 64, (2, 10), generator=random)}
    mask = torch.ones(2, 10, dtype=torch.int64)
    answer = {"decoder_input_ids": ids["input_ids"][:, :7], "use_cache": False}
    match kind:
        case "ids":
            return {**ids, "use_cache": False}
        case "left":
            mask[1, :3] = 0
            return {**ids, "attention_mask": mask, "use_cache": False}
        case "encoder":
            mask[1, -3:] = 0
            return {**ids, "attention_mask": mask}
        case "pair":
            mask[1, -3:] = 0
            return {**ids, "attention_mask": mask, **answer}
        case "pixels":
            return {"pixel_values": torch.randn(2, 3, 16, 16, generator=random)}
        case "both":
            return {**ids, **arguments("pixels")}
        case "sound":
            return {"input_values": torch.randn(2, 120, generator=random)}
    return {"input_features": torch.randn(2, 8, 24, generator=random), **answer}


TOKENS = {
    "vocab_size": 64,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
TEXT = {
    **TOKENS,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
}
GROUPED = {**TEXT, "num_key_value_heads": 2}
GPT = {**TEXT, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
PAIR = {
    **TOKENS,
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "decoder_start_token_id": 1,
}
T5 = {**PAIR, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}
IMAGE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "image_size": 16,
    "patch_size": 4,
}
SOUND = {
    **{name: TEXT[name] for name in ("vocab_size", "hidden_size", "num_hidden_layers")},
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "conv_dim": [16, 16],
    "conv_stride": [5, 2],
    "conv_kernel": [10, 3],
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}
MIXED = {
    **GROUPED,
    "layer_types": ["sliding_attention", "full_attention"],
    "sliding_window": 4,
    "head_dim": 16,
}
LATENT = {
    **TEXT,
    "num_key_value_heads": 4,
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8,
    "v_head_dim": 12,
    "n_routed_experts": 4,
    "n_group": 2,
    "topk_group": 1,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 16,
    "first_k_dense_replace": 1,
}
EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}
DISENTANGLED = {
    **TEXT,
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "max_relative_positions": 16,  # less would round up a logarithm that is whole
}
SHIFTED = {
    "image_size": 16,
    "patch_size": 2,
    "embed_dim": 16,
    "depths": [2, 2],
    "num_heads": [2, 4],
    "window_size": 2,
}
SHARED = "the two norms of a parallel block are one of x, with two weights behind it"
SCALED = "each head has a scale of its own, and `attnorm.sdpa` one for all"
ROUTED = "a router's softmax stays one"

ARCHITECTURES = {
    "BERT": Architecture("BertModel", 2, 5, TEXT, "encoder"),
    "RoBERTa": Architecture("RobertaModel", 2, 5, TEXT, "encoder", "sdpa"),
    "DistilBERT": Architecture(
        "DistilBertModel",
        2,
        5,
        {**TEXT, "dim": 32, "hidden_dim": 48, "n_layers": 2, "n_heads": 4},
        "encoder",
        "sdpa",
    ),
    "ALBERT": Architecture("AlbertModel", 2, 5, {**TEXT, "embedding_size": 16}, "encoder"),
    "ELECTRA": Architecture(
        "ElectraForMaskedLM", 2, 6, {**TEXT, "embedding_size": 16}, "encoder", "sdpa"
    ),
    "DeBERTa": Architecture("DebertaModel", 2, 5, DISENTANGLED, "encoder"),
    "DeBERTa v2": Architecture(
        "DebertaV2Model",
        2,
        6,
        {**DISENTANGLED, "position_buckets": 4, "norm_rel_ebd": "layer_norm"},
        "encoder",
    ),
    "ModernBERT": Architecture(
        "ModernBertModel",
        2,
        5,
        {**TEXT, "local_attention": 6, "global_attn_every_n_layers": 2, "cls_token_id": 1},
        "encoder",
        "sdpa",
    ),
    "MPNet": Architecture("MPNetModel", 2, 5, TEXT, "encoder"),
    "XLM": Architecture(
        "XLMModel", 2, 5, {"emb_dim": 32, "n_layers": 2, "n_heads": 4, "n_words": 64}, "encoder"
    ),
    "GPT-2": Architecture("GPT2LMHeadModel", 2, 5, GPT, "left", "sdpa"),
    "GPT-Neo": Architecture(
        "GPTNeoForCausalLM",
        2,
        5,
        {
            **TEXT,
            "num_layers": 2,
            "num_heads": 4,
            "attention_types": [[["global", "local"], 1]],
            "window_size": 4,
        },
    ),
    "GPT-NeoX": Architecture("GPTNeoXForCausalLM", 2, 5, TEXT, "left", note=SHARED),
    "GPT-J": Architecture("GPTJForCausalLM", 2, 3, {**GPT, "rotary_dim": 4}),
    "CodeGen": Architecture("CodeGenForCausalLM", 2, 3, {**GPT, "rotary_dim": 4}),
    "BLOOM": Architecture("BloomForCausalLM", 2, 6, {**TEXT, "n_layer": 2, "n_head": 4}, "left"),
    "OPT": Architecture(
        "OPTForCausalLM", 2, 5, {**TEXT, "ffn_dim": 48, "word_embed_proj_dim": 32}, "left", "sdpa"
    ),
    "MPT": Architecture(
        "MptForCausalLM",
        2,
        5,
        {**TEXT, "d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 64},
        "left",
    ),
    "Falcon": Architecture(
        "FalconForCausalLM",
        2,
        5,
        {**TEXT, "new_decoder_architecture": True, "num_kv_heads": 2},
        note=SHARED,
    ),
    "Falcon, ALiBi": Architecture(
        "FalconForCausalLM", 2, 3, {**TEXT, "alibi": True, "multi_query": True}, "left"
    ),
    "Phi": Architecture("PhiForCausalLM", 2, 7, {**GROUPED, "qk_layernorm": True}),
    "Phi 3": Architecture(
        "Phi3ForCausalLM", 2, 5, {**GROUPED, "sliding_window": 4}, "left", "sdpa"
    ),
    "StableLM": Architecture("StableLmForCausalLM", 2, 17, {**GROUPED, "qk_layernorm": True}),
    "Persimmon": Architecture(
        "PersimmonForCausalLM", 2, 9, {**TEXT, "qk_layernorm": True}, attention="sdpa"
    ),
    "Nemotron": Architecture("NemotronForCausalLM", 2, 5, GROUPED, "left"),
    "Starcoder 2": Architecture(
        "Starcoder2ForCausalLM", 2, 5, {**GROUPED, "sliding_window": 4}, attention="sdpa"
    ),
    "Llama": Architecture("LlamaForCausalLM", 2, 5, GROUPED, attention="sdpa"),
    "Mistral": Architecture("MistralForCausalLM", 2, 5, {**GROUPED, "sliding_window": 4}, "left"),
    "Mixtral": Architecture("MixtralForCausalLM", 2, 5, {**GROUPED, **EXPERTS}, note=ROUTED),
    "Qwen 2": Architecture("Qwen2ForCausalLM", 2, 5, GROUPED),
    "Qwen 3": Architecture("Qwen3ForCausalLM", 2, 9, {**GROUPED, "head_dim": 16}, "left", "sdpa"),
    "Gemma": Architecture("GemmaForCausalLM", 2, 5, {**GROUPED, "head_dim": 16}, attention="sdpa"),
    "Gemma 2": Architecture("Gemma2ForCausalLM", 2, 9, {**MIXED, "query_pre_attn_scalar": 10}),
    "Gemma 3": Architecture("Gemma3ForCausalLM", 2, 13, MIXED, "left", "sdpa"),
    "Cohere": Architecture("CohereForCausalLM", 2, 7, {**GROUPED, "use_qk_norm": True}),
    "OLMo 2": Architecture("Olmo2ForCausalLM", 2, 9, GROUPED, attention="sdpa"),
    "GLM": Architecture("GlmForCausalLM", 2, 5, {**GROUPED, "head_dim": 8}, attention="sdpa"),
    "DeepSeek V3": Architecture("DeepseekV3ForCausalLM", 2, 9, LATENT, attention="sdpa"),
    "gpt-oss": Architecture("GptOssForCausalLM", 2, 5, {**MIXED, **EXPERTS}, note=ROUTED),
    "Granite": Architecture(
        "GraniteForCausalLM",
        2,
        5,
        {**GROUPED, "attention_multiplier": 0.3, "residual_multiplier": 0.5},
    ),
    "SmolLM 3": Architecture("SmolLM3ForCausalLM", 2, 5, GROUPED, attention="sdpa"),
    "T5": Architecture("T5ForConditionalGeneration", 6, 12, T5, "pair"),
    "BART": Architecture(
        "BartForConditionalGeneration", 6, 12, {**PAIR, "forced_eos_token_id": None}, "pair", "sdpa"
    ),
    "Whisper": Architecture(
        "WhisperForConditionalGeneration",
        6,
        12,
        {**PAIR, "num_mel_bins": 8, "max_source_positions": 12, "max_target_positions": 32},
        "features",
        "sdpa",
    ),
    "ViT": Architecture("ViTModel", 2, 5, IMAGE, "pixels"),
    "DeiT": Architecture("DeiTModel", 2, 5, IMAGE, "pixels", "sdpa"),
    "CLIP": Architecture(
        "CLIPModel",
        4,
        11,
        {"text_config": TEXT, "vision_config": IMAGE, "projection_dim": 16},
        "both",
        "sdpa",
    ),
    "SigLIP": Architecture(
        "SiglipModel",
        5,
        11,
        {"text_config": {**TEXT, "max_position_embeddings": 10}, "vision_config": IMAGE},
        "both",
    ),
    "Swin": Architecture("SwinModel", 4, 11, SHIFTED, "pixels"),
    "Swin v2": Architecture("Swinv2Model", 4, 11, SHIFTED, "pixels", note=SCALED),
    "ConvNeXt": Architecture(
        "ConvNextModel",
        0,
        5,
        {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2},
        "pixels",
    ),
    "SegFormer": Architecture(
        "SegformerModel",
        2,
        9,
        {
            "num_encoder_blocks": 2,
            "depths": [1, 1],
            "sr_ratios": [2, 1],
            "hidden_sizes": [16, 32],
            "patch_sizes": [3, 3],
            "strides": [2, 2],
            "num_attention_heads": [2, 4],
            "mlp_ratios": [2, 2],
        },
        "pixels",
    ),
    "wav2vec 2": Architecture(
        "Wav2Vec2Model",
        2,
        8,
        {**SOUND, "feat_extract_norm": "layer", "do_stable_layer_norm": True},
        "sound",
    ),
}


def build(architecture: Architecture) -> torch.nn.Module:
    """A model whose attentions are not even, and whose norms have weights and biases."""
    kind = getattr(transformers, architecture.model)
    options = {"attn_implementation": architecture.attention, **architecture.options}
    model = kind(kind.config_class(**options)).eval()
    if architecture.note == ROUTED or "n_routed_experts" in options:
        model.set_experts_implementation("batched_mm")  # torch-mlir lowers no other
    random = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            drawn = torch.randn(parameter.shape, generator=random)
            if parameter.dim() > 1 and "embed" not in name:
                drawn *= 1.6 / parameter[0].numel() ** 0.5
            elif parameter.dim() == 1:
                drawn = drawn * 0.3 + (0.0 if name.endswith("bias") else 1.0)
            parameter.copy_(drawn)
    return model


@dataclass(frozen=True)
class Imported:
    """A model as a module, its arguments, what torch makes of them, and what attnorm finds."""

    module: ir.Operation
    arguments: list[np.ndarray]
    expected: list[np.ndarray]
    report: Report

    @property
    def attentions(self) -> list[FoundOp]:
        """Those that are raised."""
        return [op for op in self.report.ops if op.op == "sdpa"]

    @property
    def norms(self) -> int:
        """How many are raised, of either kind."""
        return self.report.counts["layer_norm"] + self.report.counts["rms_norm"]

    @property
    def refusals(self) -> set[str]:
        """Why something was not raised."""
        found = self.report.refusals
        return {item.reason for item in found if item.pass_name != MASKS}

    def error(self, results: Any) -> float:
        """The largest error of results against torch, of the output's root mean square."""
        results = results if isinstance(results, (list, tuple)) else [results]
        return max(
            float(np.abs(result - expected).max() / np.sqrt(np.mean(expected**2)))
            for result, expected in zip(results, self.expected, strict=True)
        )


def imported(architecture: Architecture) -> Imported:
    """A model, imported."""
    model, given = build(architecture), arguments(architecture.inputs)
    with torch.no_grad():
        results = torch.utils._pytree.tree_leaves(model(**given))
    module = attnorm.from_torch(model, (), kwargs=given)
    return Imported(
        module,
        [value.numpy() for value in given.values() if isinstance(value, torch.Tensor)],
        [value.numpy() for value in results if isinstance(value, torch.Tensor)],
        attnorm.report(module),
    )


def rows(names: list[str]) -> Iterator[str]:
    """The table's rows."""
    for name in names:
        architecture = ARCHITECTURES[name]
        found = imported(architecture)
        checks = [check(found.module, pipeline, anchors=False) for pipeline in PIPELINES]
        outputs = [
            output for each in checks for item in each.passes for output in item.verdict.outputs
        ]
        notes = [*([architecture.note] if architecture.note else []), *sorted(found.refusals)]
        cells = (
            name,
            architecture.attention,
            f"{len(found.attentions)}/{architecture.attentions}",
            f"{found.norms}/{architecture.norms}",
            "yes" if all(each.ok for each in checks) else "**no**",
            f"{max(output.ulps or 0 for output in outputs):.2g}",
            f"{found.error(attnorm.compile(found.module)(*found.arguments)):.1e}",
            "; ".join(notes),
        )
        yield f"| {' | '.join(cells)} |\n"


def main(given: list[str]) -> int:
    """Writes the document's table, or prints some of its rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *ARCHITECTURES])
    names = parser.parse_args(given).names
    found: list[str] = []
    for row in rows(names or list(ARCHITECTURES)):
        print(row, end="", flush=True)
        found.append(row)
    if not names:
        head = DOCUMENT.read_text().partition(MARK)[0]
        columns = "| architecture | attention as | attentions | norms | check | ULPs | torch | |\n"
        rule = "|---|---|---:|---:|---|---:|---:|---|\n"
        DOCUMENT.write_text("".join([head, MARK, "\n", columns, rule, *found]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
