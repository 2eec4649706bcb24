"""What is measured: models, and the steps of a session with one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

BYTES = {"f32": 4, "bf16": 2}
"""Of an element, by the types that weights, caches and activations have."""
EPSILON = 1e-6
"""Of every norm."""


@dataclass(frozen=True)
class Model:
    """A size of Gemma 3, and how long its prompts and its caches are here.

    Every sixth layer sees all tokens before, the others as many as `window`.
    """

    name: str
    title: str
    vocabulary: int
    hidden: int
    inner: int
    layers: int
    heads: int
    key_heads: int
    depth: int
    window: int
    prompts: tuple[int, ...]
    depths: tuple[int, ...]
    """How many tokens the caches hold when one is decoded."""
    capacity: int
    """How many they could."""

    @property
    def configuration(self) -> dict[str, Any]:
        """As transformers has it."""
        return {
            "model_type": "gemma3_text",
            "vocab_size": self.vocabulary,
            "hidden_size": self.hidden,
            "intermediate_size": self.inner,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.key_heads,
            "head_dim": self.depth,
            "query_pre_attn_scalar": self.depth,
            "sliding_window": self.window,
            "rms_norm_eps": EPSILON,
            "max_position_embeddings": 32768,
            "bos_token_id": 2,
            "eos_token_id": 1,
            "pad_token_id": 0,
        }

    @property
    def parameters(self) -> int:
        """The number of weights. One matrix serves as the embedding and for the logits."""
        attention = 2 * self.hidden * self.depth * (self.heads + self.key_heads)
        norms = 4 * self.hidden + 2 * self.depth
        layer = attention + 3 * self.hidden * self.inner + norms
        return self.vocabulary * self.hidden + self.layers * layer + self.hidden

    def cached(self, tokens: int) -> int:
        """How many elements of the caches the last of as many tokens reads."""
        everything = self.layers // 6
        seen = everything * tokens + (self.layers - everything) * min(tokens, self.window)
        return 2 * seen * self.key_heads * self.depth


@dataclass(frozen=True)
class Step:
    """`count` tokens behind `before` others that the caches hold: the logits behind the last."""

    model: Model
    dtype: str
    before: int
    count: int

    @property
    def kind(self) -> str:
        """A prompt, or one token of an answer."""
        return "decode" if self.before else "prefill"

    @property
    def name(self) -> str:
        """What `--cases` matches."""
        return f"{self.model.name}_{self.kind}_{self.before or self.count}_{self.dtype}"

    @property
    def title(self) -> str:
        """What a table says."""
        if self.before:
            return f"decode, {self.before} in the cache, {self.dtype}"
        return f"prefill, {self.count} tokens, {self.dtype}"

    @property
    def heading(self) -> str:
        """What the table is called."""
        return self.model.title

    @property
    def bytes_moved(self) -> int | None:
        """Every weight and what is seen of the caches, read once; a prompt computes with them."""
        if self.kind == "prefill":
            return None
        elements = self.model.parameters + self.model.cached(self.before + self.count)
        return elements * BYTES[self.dtype]

    @property
    def large(self) -> bool:
        """Whether all contenders at once would not fit into memory."""
        return False

    @property
    def slow(self) -> bool:
        """Whether `--quick` leaves it out."""
        return self.count > 512


GEMMA3_270M = Model(
    name="gemma3_270m",
    title="Gemma 3 270M",
    vocabulary=262144,
    hidden=640,
    inner=2048,
    layers=18,
    heads=4,
    key_heads=1,
    depth=256,
    window=512,
    prompts=(64, 512, 2048),
    depths=(256, 2048),
    capacity=2304,
)


def steps(model: Model) -> list[Step]:
    """A model's cases."""
    return [
        step
        for dtype in BYTES
        for step in (
            *(Step(model, dtype, before, 1) for before in model.depths),
            *(Step(model, dtype, 0, count) for count in model.prompts),
        )
    ]


CASES = tuple(steps(GEMMA3_270M))
