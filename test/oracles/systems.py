"""NumPy arrays into the systems and back, bfloat16 too; one node of ONNX, run by either runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ml_dtypes
import numpy as np
from needs import needs

import attnorm
from attnorm.execution.interpreter import evaluate
from attnorm.pipeline.pipelines import TO_IREE

Array = np.ndarray
BF16 = np.dtype(ml_dtypes.bfloat16)
MICROSOFT = "com.microsoft"


def from_torch(tensor: Any) -> Array:
    """A torch tensor as an array."""
    import torch

    tensor = tensor.detach().contiguous()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(BF16)
    return tensor.numpy()


def to_torch(array: Array) -> Any:
    """An array as a torch tensor."""
    import torch

    if array.dtype == BF16:
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
    return torch.from_numpy(np.array(array))


def from_mlx(array: Any, dtype: Any) -> Array:
    """An MLX array as one of a type that its values are of."""
    import mlx.core as mx  # pyright: ignore[reportMissingImports]

    return np.array(array.astype(mx.float32)).astype(dtype)


def to_mlx(array: Array) -> Any:
    """An array as an MLX one."""
    import mlx.core as mx  # pyright: ignore[reportMissingImports]

    if array.dtype == BF16:
        return mx.array(array.astype(np.float32)).astype(mx.bfloat16)
    return mx.array(array)


def node_model(
    operator: str,
    inputs: Mapping[str, Array | None],
    outputs: Sequence[str] = ("y",),
    domain: str = "",
    opset: int = 23,
    results: Sequence[Any] = (),
    **attributes: Any,
) -> Any:
    """A model of one node; None leaves an input out, "" an output.

    `results` are the outputs' types, by default that of the first input.
    """
    helper = needs("onnx.helper")
    given = {name: array for name, array in inputs.items() if array is not None}
    first = next(iter(given.values())).dtype
    names = [name for name in outputs if name]
    types = [*results, *[first] * len(names)]
    element = helper.np_dtype_to_tensor_dtype
    node = helper.make_node(
        operator,
        [name if name in given else "" for name in inputs],
        list(outputs),
        domain=domain,
        **attributes,
    )
    graph = helper.make_graph(
        [node],
        "graph",
        [
            helper.make_tensor_value_info(name, element(x.dtype), x.shape)
            for name, x in given.items()
        ],
        [
            helper.make_tensor_value_info(name, element(np.dtype(type_)), None)
            for name, type_ in zip(names, types, strict=False)
        ],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def _given(inputs: Mapping[str, Array | None]) -> dict[str, Array]:
    return {name: array for name, array in inputs.items() if array is not None}


def by_onnx(model: Any, inputs: Mapping[str, Array | None]) -> list[Array]:
    """What ONNX's reference evaluator computes."""
    evaluator = needs("onnx.reference")
    with np.errstate(all="ignore"):
        found = evaluator.ReferenceEvaluator(model).run(None, _given(inputs))
    return [np.asarray(value) for value in found]


def by_onnxruntime(model: Any, inputs: Mapping[str, Array | None]) -> list[Array]:
    """What onnxruntime computes."""
    runtime = needs("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, _given(inputs))


def by_tract(model: Any, inputs: Mapping[str, Array | None]) -> list[Array]:
    """What tract computes."""
    tract = needs("tract")
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(model.SerializeToString())
        file.flush()
        loaded = tract.onnx().load(file.name).into_model()
    results = loaded.into_runnable().run([np.ascontiguousarray(x) for x in _given(inputs).values()])
    return [np.array(result.to_numpy()) for result in results]


def by_specification(
    operator: str, opset: int, inputs: Mapping[str, Array], **attributes: Any
) -> list[Array]:
    """What the function gives by which ONNX's specification defines an operator.

    `inputs` are by the names of the specification.
    """
    onnx = needs("onnx")
    from onnx.reference import ReferenceEvaluator

    helper = onnx.helper
    node = helper.make_node(operator, list(inputs), ["Y"], **attributes)
    types = [
        helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for x in inputs.values()
    ]
    function = onnx.FunctionProto()
    function.ParseFromString(
        onnx.defs.get_schema(operator, opset).get_context_dependent_function(
            node.SerializeToString(), [type_.SerializeToString() for type_ in types]
        )
    )
    with np.errstate(all="ignore"):
        found = ReferenceEvaluator(function).run(["Y"], dict(inputs), attributes=attributes)
    return [np.asarray(value) for value in found]


def imported(model: Any, inputs: Mapping[str, Array | None]) -> tuple[Array, ...]:
    """What attnorm makes of an ONNX model, lowered and interpreted."""
    module = attnorm.from_onnx(model.SerializeToString())
    return evaluate(attnorm.lower(module, TO_IREE), *_given(inputs).values())
