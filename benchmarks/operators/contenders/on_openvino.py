"""OpenVINO's CPU plugin with everything bound."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import ml_dtypes
import numpy as np
import openvino as ov
from openvino import opset13 as ops

from ...contender import Form, Prepared
from ..cases import EPSILON, PARAMETERS, Array, Attention, Case, Rows, additive_mask, ways


class Build(Protocol):
    """From a case and its operands' nodes to the results' nodes."""

    __name__: str

    def __call__(self, case: Any, values: Mapping[str, Any], /) -> list[Any]: ...


_PRECISIONS = {"f32": "f32", "f16": "f16", "bf16": "bf16"}
"""What it may compute in: left to itself it narrows f32 on some machines."""


class OpenVino:
    """One stream, tuned for latency."""

    def __init__(self, threads: int) -> None:
        self._core = ov.Core()
        self._configuration = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads,
        }

    def forms(self, case: Case, operands: Mapping[str, Array]) -> list[Form]:
        """Attention as its op, and written out; half types throughout, and f32 between."""
        if isinstance(case, Rows):
            builds = (_rows,) if case.dtype == "f32" else (_rows, _rows_in_f32)
            return [partial(self._prepare, case, operands, build) for build in builds]
        return [
            partial(self._prepare, way, arrays, attention)
            for way, arrays in ways(case, operands)
            for attention in (_sdpa_op, _written_out)
        ]

    def _prepare(self, case: Case, operands: Mapping[str, Array], build: Build) -> Prepared:
        """A request whose tensors are the arrays' own memory."""
        inputs = {n: a for n, a in operands.items() if n not in PARAMETERS}
        model = _model(case, operands, build)
        start = time.perf_counter()
        compiled = self._core.compile_model(
            model,
            "CPU",
            {**self._configuration, "INFERENCE_PRECISION_HINT": _PRECISIONS[case.dtype]},
        )
        seconds = time.perf_counter() - start
        request = compiled.create_infer_request()
        dtype = next(iter(inputs.values())).dtype
        outputs = [np.zeros(list(port.shape), dtype) for port in compiled.outputs]
        for index, array in enumerate(inputs.values()):
            request.set_input_tensor(index, _tensor(array))
        for index, array in enumerate(outputs):
            request.set_output_tensor(index, _tensor(array))

        def results() -> list[Array]:
            request.infer()
            return outputs

        alive = (inputs, outputs)
        form = f"{build.__name__.strip('_')}; {_kernels(compiled)}"
        return Prepared(request.infer, results, form, seconds, alive)


def _tensor(array: Array) -> ov.Tensor:
    if array.dtype == ml_dtypes.bfloat16:
        return ov.Tensor(array.view(np.uint16), list(array.shape), ov.Type.bf16)
    return ov.Tensor(array, shared_memory=True)


def _kernels(compiled: ov.CompiledModel) -> str:
    """What the plugin made of the graph."""
    nodes = compiled.get_runtime_model().get_ordered_ops()
    kinds = [str(node.get_rt_info()["layerType"].value) for node in nodes]
    return "kernels: " + ", ".join(
        dict.fromkeys(kind for kind in kinds if kind not in ("Input", "Output", "Const"))
    )


# -- models --------------------------------------------------------------------------------------

_TYPES = {"f32": ov.Type.f32, "f16": ov.Type.f16, "bf16": ov.Type.bf16}


def _model(case: Case, operands: Mapping[str, Array], build: Build) -> ov.Model:
    """Weights are constants: its norm kernel is matched with constant weights only."""
    type_ = _TYPES[case.dtype]
    values: dict[str, Any] = {}
    for name, array in operands.items():
        if name in PARAMETERS:
            values[name] = _in_type(ops.constant(array.astype(np.float32)), type_)
        else:
            values[name] = ops.parameter(list(array.shape), type_)
    inputs = [values[name] for name in operands if name not in PARAMETERS]
    # The stub's two classes of this name do not know of each other.
    return ov.Model(build(case, values), inputs)  # pyright: ignore


def _in_type(node: Any, type_: ov.Type) -> Any:
    return node if type_ == ov.Type.f32 else ops.convert(node, type_.get_type_name())


def _number(value: float, type_: ov.Type) -> Any:
    return _in_type(ops.constant(np.float32(value)), type_)


def _rows(case: Rows, values: Mapping[str, Any]) -> list[Any]:
    type_ = _TYPES[case.dtype]
    if case.op == "softmax":
        return [ops.softmax(values["x"], 1)]
    if case.op == "layer_norm":
        axes = ops.constant(np.array([-1]))
        x = ops.mvn(values["x"], axes, True, EPSILON, "INSIDE_SQRT")
        return [ops.add(ops.multiply(x, values["weight"]), values["bias"])]
    if case.op == "add_rms_norm":
        total = ops.add(values["a"], values["b"])
        return [total, _norm(total, type_, values["weight"])]
    x = values["x"]
    for _ in range(case.repeat):
        x = _norm(x, type_, values["weight"])
    return [ops.multiply(x, values["multiplier"]) if case.op == "rms_norm_mul" else x]


def _rows_in_f32(case: Rows, values: Mapping[str, Any]) -> list[Any]:
    wide = {name: ops.convert(value, "f32") for name, value in values.items()}
    narrow = _TYPES[case.dtype].get_type_name()
    return [ops.convert(one, narrow) for one in _rows(replace(case, dtype="f32"), wide)]


def _norm(x: Any, type_: ov.Type, weight: Any) -> Any:
    """The form that its fusion into one kernel looks for."""
    axes = ops.constant(np.array([-1]))
    mean = ops.reduce_mean(ops.power(x, _number(2, type_)), axes, keep_dims=True)
    root = ops.sqrt(ops.add(mean, _number(EPSILON, type_)))
    return ops.multiply(ops.multiply(x, ops.divide(_number(1, type_), root)), weight)


def _sdpa_op(case: Attention, values: Mapping[str, Any]) -> list[Any]:
    """A window is a mask; causality a flag."""
    bias = additive_mask(case)[None, None] if case.window else np.zeros((), np.float32)
    extra = (ops.constant(bias), ops.constant(np.float32(case.scale)))
    causal = case.causal and not case.window
    return [ops.scaled_dot_product_attention(*values.values(), *extra, causal=causal)]


def _written_out(case: Attention, values: Mapping[str, Any]) -> list[Any]:
    q, k, v = values.values()
    scores = ops.multiply(ops.matmul(q, k, False, True), ops.constant(np.float32(case.scale)))
    if case.causal:
        scores = ops.add(scores, ops.constant(additive_mask(case)[None, None]))
    return [ops.matmul(ops.softmax(scores, 3), v, False, False)]
