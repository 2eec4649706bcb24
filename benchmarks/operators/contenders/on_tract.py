"""tract: its own norm through NNEF, the rest through ONNX."""

from __future__ import annotations

import struct
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import tract

from ...contender import Form, Prepared, Unsupported
from ..cases import EPSILON, PARAMETERS, Array, Case, Rows, ways
from .onnx_models import standard

_NORMS = ("rms_norm", "rms_norm_mul", "add_rms_norm")


class Tract:
    """Attention on rayon's pool, which the environment sizes; rows on one thread."""

    def __init__(self, threads: int) -> None:
        pass

    def forms(self, case: Case, operands: Mapping[str, Array]) -> list[Form]:
        """A state that is run again and again."""
        return [partial(self._prepare, *way) for way in ways(case, operands)]

    def _prepare(self, case: Case, operands: Mapping[str, Array]) -> Prepared:
        if case.dtype == "bf16":
            raise Unsupported("its tensors cannot be bf16")
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            if isinstance(case, Rows) and case.op in _NORMS:
                model, form = _load_nnef(case, operands, Path(folder)), "NNEF, rms_norm"
            else:
                model, form = _load_onnx(case, operands, Path(folder))
        state = model.into_runnable().spawn_state()
        seconds = time.perf_counter() - start
        inputs = [
            # An override of its own makes the stub a method.
            tract.Tensor.from_numpy(array)  # pyright: ignore
            for name, array in operands.items()
            if name not in PARAMETERS
        ]

        def results() -> list[Array]:
            return [tensor.to_numpy() for tensor in state.run(inputs)]

        return Prepared(lambda: state.run(inputs), results, form, seconds)


def _load_onnx(case: Case, operands: Mapping[str, Array], folder: Path) -> tuple[tract.Model, str]:
    model = standard(case, operands)
    path = folder / "case.onnx"
    path.write_bytes(model.serialize())
    return tract.onnx().load(path).into_model(), f"ONNX, {model.form}"


# -- NNEF ----------------------------------------------------------------------------------------

_EXTENSIONS = "version 1.0;\n" + "".join(
    f"extension tract_registry {name};\n" for name in ("tract_core", "tract_transformers")
)


def _load_nnef(case: Rows, operands: Mapping[str, Array], folder: Path) -> tract.Model:
    """With the weight as a variable: as ONNX's constant it is not fused."""
    shape = f"[{case.rows}, {case.columns}]"
    inputs = [name for name in operands if name not in PARAMETERS]
    lines = [
        f'{name} = tract_core_external(shape = {shape}, datum_type = "{case.dtype}");'
        for name in inputs
    ]
    lines.append(f'w = variable<scalar>(label = "w", shape = [1, {case.columns}]);')
    body, results = _nnef_body(case)
    head = f"graph case({', '.join(inputs)}) -> ({', '.join(results)})"
    source = "\n  ".join([f"{_EXTENSIONS}{head} {{", *lines, *body]) + "\n}\n"
    (folder / "graph.nnef").write_text(source)
    (folder / "w.dat").write_bytes(_dat(operands["weight"][None]))
    return tract.nnef().with_tract_transformers().load(folder)


def _nnef_body(case: Rows) -> tuple[list[str], list[str]]:
    """The lines, and the results in order."""
    if case.op == "add_rms_norm":
        return ["total = a + b;", *_norm("total", "y")], ["total", "y"]
    names = ["x", *(f"x{index}" for index in range(1, case.repeat)), "y"]
    lines = [line for index in range(case.repeat) for line in _norm(names[index], names[index + 1])]
    if case.op == "rms_norm_mul":
        return [*lines, "z = y * multiplier;"], ["z"]
    return lines, ["y"]


def _norm(x: str, y: str) -> list[str]:
    return [
        f"n{y} = tract_transformers_rms_norm({x}, axis = 1, eps = {EPSILON:.9f});",
        f"{y} = n{y} * w;",
    ]


def _dat(array: Array) -> bytes:
    """NNEF's tensor file: a header of 128 bytes, then the numbers."""
    header = struct.pack("<2sBBII", b"\x4e\xef", 1, 0, array.nbytes, array.ndim)
    header += struct.pack(f"<{array.ndim}I", *array.shape).ljust(32, b"\0")
    header += struct.pack("<I", 8 * np.dtype(array.dtype).itemsize)
    return header.ljust(128, b"\0") + array.tobytes()
