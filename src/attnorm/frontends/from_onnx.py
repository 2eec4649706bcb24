"""`attnorm.from_onnx`: an ONNX model as a StableHLO module."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import dialect
from ..errors import AttnormError, Diagnostic
from ..io.files import read_bytes
from ..ir.mlir import ir
from ..ir.parsing import parse_bytecode
from ..ir.serialization import bytecode
from ..pipeline.driver import run
from .extras import require

if TYPE_CHECKING:
    import onnx


def from_onnx(source: str | Path | bytes, *, dims: Mapping[str, int] | None = None) -> ir.Operation:
    """Imports an ONNX model, a path or its contents, with its graph as `@main`.

    `dims` gives sizes to symbolic dimensions, by name; the others stay open. Initializers are
    constants, also those that are inputs. RMSNormalization and Attention of ONNX, and
    SimplifiedLayerNormalization, SkipSimplifiedLayerNormalization, MultiHeadAttention and
    GroupQueryAttention of onnxruntime, become composites `attnorm.rms_norm` and `attnorm.sdpa` that
    carry their decomposition. Returns a verified `builtin.module`; raises `AttnormError`.
    """
    require("onnx", extra="onnx")
    from . import onnx_importer
    from .onnx_rewrite import OPS, rewrite

    file = "<bytes>" if isinstance(source, bytes) else str(source)
    model, places = rewrite(_load(source, file), dict(dims or {}), file)
    module = onnx_importer.import_model(model, dialect.new_context(), set(OPS), _build, places)
    run(module, "to-composites")
    onnx_importer.finish(module, places)
    # A context without the torch dialect, and a module that shares no memory with the model.
    return parse_bytecode(bytecode(module), file, dialect.new_context())


def _load(source: str | Path | bytes, file: str) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError
    from onnx.external_data_helper import load_external_data_for_model

    data = source if isinstance(source, bytes) else read_bytes(source)
    try:
        model = onnx.load_from_string(data)
    except DecodeError:
        raise AttnormError(Diagnostic("expected an ONNX model", file)) from None
    if not isinstance(source, bytes):
        load_external_data_for_model(model, str(Path(source).parent))
    return model


def _build(
    op: str, attributes: dict[str, Any], operands: list[ir.Value], results: list[ir.Type]
) -> list[ir.Value]:
    """The op of the dialect that a node stands for."""
    parameters = json.loads(attributes["parameters"])
    named = dict(zip(parameters.pop("operands"), operands, strict=True))
    value = getattr(dialect, op)(**named, **parameters)
    value = value if isinstance(value, ir.Value) else value.results[0]
    if value.type == results[0]:
        return [value]
    # The graph's shapes say more or less than those that torch-mlir arrived at.
    return [ir.Operation.create("tensor.cast", results=results, operands=[value]).result]
