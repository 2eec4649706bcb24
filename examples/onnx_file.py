"""An ONNX file with onnxruntime's operators, through attnorm.from_onnx.

    pip install 'attnorm[onnx]' onnxruntime
    python examples/onnx_file.py

The example writes the file: a norm, projections and grouped attention with rotary positions, as
onnxruntime's optimizer leaves them, for any batch. It is imported for one batch size, compiled,
run, and compared with onnxruntime.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, save

import attnorm

BATCH, LENGTH, HEADS, KEY_HEADS, DEPTH = 2, 8, 8, 2, 16
WIDTH = HEADS * DEPTH
MICROSOFT = "com.microsoft"


def write(path: Path) -> None:
    """A file with random weights."""
    generator = np.random.default_rng(0)
    angles = np.arange(LENGTH)[:, None] / 10000.0 ** (np.arange(DEPTH // 2) / (DEPTH // 2))
    packed = WIDTH + 2 * KEY_HEADS * DEPTH
    arrays = {
        "weight": generator.uniform(0.5, 1.5, WIDTH),
        "qkv": generator.standard_normal((WIDTH, packed)) / WIDTH**0.5,
        "cos": np.cos(angles),
        "sin": np.sin(angles),
    }
    constants = {name: array.astype(np.float32) for name, array in arrays.items()}
    constants["lasts"] = np.full(BATCH, LENGTH - 1, np.int32)
    constants["total"] = np.array(LENGTH, np.int32)
    attended = ["projected", "", "", "", "", "lasts", "total", "cos", "sin"]
    nodes = [
        helper.make_node(
            "SkipSimplifiedLayerNormalization",
            ["x", "residual", "weight"],
            ["normed", "", "", "sum"],
            domain=MICROSOFT,
            epsilon=1e-6,
        ),
        helper.make_node("MatMul", ["normed", "qkv"], ["projected"]),
        helper.make_node(
            "GroupQueryAttention",
            attended,
            ["y", "present_key", "present_value"],
            domain=MICROSOFT,
            num_heads=HEADS,
            kv_num_heads=KEY_HEADS,
            do_rotary=1,
        ),
    ]
    types = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", LENGTH, WIDTH])
        for name in ("x", "residual", "y", "sum")
    ]
    initializers = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "block", types[:2], types[2:], initializers)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
    save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)


def main() -> int:
    """Prints what the file contains and how far it is from onnxruntime; 1 where that is too far."""
    generator = np.random.default_rng(1)
    names = ("x", "residual")
    shape = (BATCH, LENGTH, WIDTH)
    inputs = {name: generator.standard_normal(shape).astype(np.float32) for name in names}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "block.onnx"
        write(path)
        module = attnorm.from_onnx(path, dims={"batch": BATCH})
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    print("contains:", {op: n for op, n in attnorm.report(module).counts.items() if n})
    results = attnorm.compile(module)(*inputs.values())

    errors = []
    for result, expected in zip(results, session.run(None, inputs), strict=True):
        errors.append(float(np.abs(result - expected).max() / np.abs(expected).max()))
    print(f"relative error against onnxruntime: {max(errors):.1e}")
    return int(max(errors) > 1e-5)


if __name__ == "__main__":
    sys.exit(main())
