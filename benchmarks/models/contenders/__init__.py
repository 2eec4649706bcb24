"""The contenders by name, and what each one's memory is."""

from __future__ import annotations

from ...suite import Entry

_CACHES = "weights mapped from an archive; caches handed from a call to the next, ids uploaded"
_TORCH = "weights and caches are tensors; what a call allocates is freed and used again"

CONTENDERS: dict[str, Entry] = {
    "attnorm": Entry(
        "attnorm",
        "models.contenders.on_iree:Attnorm",
        ("attnorm", "torch-mlir", "iree-base-compiler", "iree-base-runtime"),
        _CACHES,
    ),
    "iree": Entry(
        "plain IREE",
        "models.contenders.on_iree:Plain",
        ("iree-base-compiler", "iree-base-runtime"),
        _CACHES,
    ),
    "torch": Entry(
        "torch eager", "models.contenders.on_torch:Eager", ("torch", "transformers"), _TORCH
    ),
    "inductor": Entry(
        "torch.compile", "models.contenders.on_torch:Inductor", ("torch", "transformers"), _TORCH
    ),
    "llama.cpp": Entry(
        "llama.cpp",
        "models.contenders.on_llama_cpp:LlamaCpp",
        ("llama-cpp-python", "gguf"),
        "weights mapped from a GGUF of the same values; its own caches",
    ),
    "read": Entry(
        "read",
        "models.contenders.on_numpy:Read",
        ("numpy",),
        "np.bitwise_or.reduce over an array of as many bytes as the weights and what is seen of "
        "the caches; sliced over the threads",
    ),
}
LIMIT = "read"
"""What a decoded token cannot beat; no peer."""
