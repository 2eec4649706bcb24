"""ONNX Runtime with everything bound."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

import numpy as np
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented

from ...contender import Form, Prepared, Unsupported
from ..cases import Array, Attention, Case, ways
from .onnx_models import Model, contrib, element, standard


class OnnxRuntime:
    """ONNX's own ops, opset 23, and its own, of the domain com.microsoft."""

    def __init__(self, threads: int) -> None:
        self._options = onnxruntime.SessionOptions()
        self._options.intra_op_num_threads = threads
        self._options.inter_op_num_threads = 1
        self._options.log_severity_level = 4
        self._options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL

    def forms(self, case: Case, operands: Mapping[str, Array]) -> list[Form]:
        """Models with either ops."""
        found: list[Form] = [lambda: self._prepare(case, contrib(case, operands))]
        for way, arrays in ways(case, operands):
            found.append(partial(self._standard, way, arrays))
        return found

    def _standard(self, case: Case, operands: Mapping[str, Array]) -> Prepared:
        try:
            return self._prepare(case, standard(case, operands))
        except NotImplemented as error:
            raise Unsupported(str(error)) from None

    def _prepare(self, case: Case, model: Model) -> Prepared:
        """A session, and a binding of arrays that live as long."""
        start = time.perf_counter()
        session = onnxruntime.InferenceSession(
            model.serialize(), self._options, providers=["CPUExecutionProvider"]
        )
        seconds = time.perf_counter() - start
        arrays = _arrays(model)
        binding = session.io_binding()
        for name in model.inputs:
            binding.bind_input(name, *_place(arrays[name]))
        for name in model.outputs:
            binding.bind_output(name, *_place(arrays[name]))

        def call() -> None:
            session.run_with_iobinding(binding)

        def results() -> list[Array]:
            call()
            wanted = list(model.outputs)[: case.outputs]
            return [_unpacked(case, model, arrays[name]) for name in wanted]

        return Prepared(call, results, model.form, seconds, alive=arrays)


def _arrays(model: Model) -> dict[str, Array]:
    """The memory of every input and output by name."""
    arrays = {name: np.ascontiguousarray(array) for name, array in model.inputs.items()}
    dtype = next(iter(model.inputs.values())).dtype
    for name, shape in model.outputs.items():
        other = model.shared.get(name)
        arrays[name] = arrays[other] if other else np.zeros(shape, dtype)
    return arrays


def _place(array: Array) -> tuple[str, int, int, tuple[int, ...], int]:
    return "cpu", 0, element(array), array.shape, array.ctypes.data


def _unpacked(case: Case, model: Model, array: Array) -> Array:
    """The case's layout, where the model's is [1, queries, heads * depth]."""
    if not (model.packed and isinstance(case, Attention)):
        return array
    return array.reshape(1, case.queries, case.heads, case.depth).transpose(0, 2, 1, 3)
