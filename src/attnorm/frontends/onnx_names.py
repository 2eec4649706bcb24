"""The names in an ONNX graph: each of one value, and one for each node, by which errors find it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import onnx
from onnx import helper

from ..errors import AttnormError, Diagnostic


@dataclass(frozen=True)
class Places:
    """What errors say of where they are: the file, and each node by its name."""

    file: str
    nodes: Mapping[str, str]

    def error(self, message: str, node: str | None = None) -> Diagnostic:
        """An error at a node, or somewhere in the file."""
        place = "" if node is None else f"node '{node}' ({self.nodes[node]}): "
        return Diagnostic(f"{place}{message}", self.file)


def describe(node: onnx.NodeProto, types: Mapping[str, onnx.TypeProto]) -> str:
    """The operator and its operands: "ReduceMean of x: INT32 2x3"."""
    operands = [
        f"{name}: {helper.printable_type(types[name]).replace(',', '')}" if name in types else name
        for name in filter(None, node.input)
    ]
    return f"{node.op_type} of {', '.join(operands)}" if operands else node.op_type


def settle_names(graph: onnx.GraphProto, file: str) -> None:
    """Names the nodes that have no name, and puts a node before outputs that none computes.

    Refuses a name that is used before its value is there, or of two values: types are looked up by
    name, and those of an input and an output may differ.
    """
    given = {value.name for value in (*graph.input, *graph.initializer)}
    known = set(given)
    for node in graph.node:
        node.name = node.name or next(filter(None, node.output), node.op_type)
        for name in filter(None, node.input):
            if name not in known:
                _refuse(node, f"input '{name}': expected the name of an earlier value", file)
        for name in filter(None, node.output):
            if name in known:
                _refuse(node, f"output '{name}': expected a name that no other value has", file)
            known.add(name)
    for output in graph.output:
        if output.name not in known:
            reason = f"output '{output.name}': expected the name of a value"
            raise AttnormError(Diagnostic(reason, file))
        if output.name in given:
            source, output.name = output.name, f"attnorm.output.{output.name}"
            graph.node.append(helper.make_node("Identity", [source], [output.name], source))


def _refuse(node: onnx.NodeProto, reason: str, file: str) -> None:
    raise AttnormError(Diagnostic(f"node '{node.name}' ({node.op_type}): {reason}", file))
