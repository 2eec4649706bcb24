"""The contenders by name, and what each one's memory and threads are."""

from __future__ import annotations

from ...suite import Entry

_UPLOADED = (
    "operands uploaded once, the weights too, as arguments; results allocated by every call from "
    "the caching allocator and freed, so that their memory is used again"
)
_BOUND = "operands and results bound once; weights are constants of the model"
_TORCH = (
    "operands are tensors, the weights too; results allocated by every call and freed; malloc "
    "keeps freed memory, so that it is used again"
)

CONTENDERS: dict[str, Entry] = {
    "attnorm": Entry(
        "attnorm",
        "operators.contenders.on_iree:Attnorm",
        ("attnorm", "torch-mlir", "iree-base-compiler", "iree-base-runtime"),
        _UPLOADED,
    ),
    "iree": Entry(
        "plain IREE",
        "operators.contenders.on_iree:Plain",
        ("iree-base-compiler", "iree-base-runtime"),
        _UPLOADED,
    ),
    "tract": Entry(
        "tract",
        "operators.contenders.on_tract:Tract",
        ("tract", "onnx"),
        "operands are tract tensors made once, results allocated by every call and freed; weights "
        "are constants of the model",
    ),
    "onnxruntime": Entry(
        "ONNX Runtime",
        "operators.contenders.on_onnxruntime:OnnxRuntime",
        ("onnxruntime", "onnx"),
        _BOUND,
    ),
    "openvino": Entry(
        "OpenVINO", "operators.contenders.on_openvino:OpenVino", ("openvino",), _BOUND
    ),
    "xla": Entry(
        "XLA CPU",
        "operators.contenders.on_jax:Xla",
        ("jax", "jaxlib"),
        "operands are device arrays made once, the weights too, none donated; results allocated by "
        "every call and freed; malloc keeps freed memory, so that it is used again",
    ),
    "torch": Entry("torch eager", "operators.contenders.on_torch:Eager", ("torch",), _TORCH),
    "inductor": Entry(
        "torch inductor", "operators.contenders.on_torch:Inductor", ("torch",), _TORCH
    ),
    "torch-sdpa": Entry(
        "torch flash SDPA", "operators.contenders.on_torch:FlashSdpa", ("torch",), _TORCH
    ),
    "copy": Entry(
        "copy",
        "operators.contenders.on_numpy:Copy",
        ("numpy",),
        "np.copyto between two arrays made once, as many bytes read and written as the case's "
        "least; sliced over the threads",
    ),
}
LIMIT = "copy"
"""What a row kernel cannot beat by much; no peer."""
