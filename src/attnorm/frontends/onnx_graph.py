"""A graph while it is rewritten: what is known of its values, and the nodes that replace others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

DOMAIN = "attnorm"
"""The domain of the nodes that stand for an op of the dialect."""

PARAMETERS = "parameters"
"""Their attribute: operand names and what else the builder of the op takes, as JSON."""


class Refusal(Exception):
    """A node has a form that is not taken; the message says which."""


class NotYet(Refusal):
    """A shape is not known before other nodes are rewritten."""


def sizes(type_: onnx.TypeProto) -> list[int | None]:
    """The sizes of a tensor type, None where they are not known."""
    dims = type_.tensor_type.shape.dim
    return [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]


@dataclass
class Graph:
    """What is known by the name of a value, and the nodes that were emitted.

    `declared` has the shapes that the graph's outputs were written with.
    """

    opset: int
    declared: dict[str, list[int | None]]
    types: dict[str, onnx.TypeProto] = field(default_factory=dict)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    _count: int = 0

    def know(self, graph: onnx.GraphProto) -> None:
        """Takes over what a graph, with its shapes inferred, says of its values."""
        for value in (*graph.value_info, *graph.input, *graph.output):
            self.types[value.name] = value.type
        for tensor in graph.initializer:
            self.constants[tensor.name] = tensor
            type_ = helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
            self.types[tensor.name] = type_
        for node in graph.node:
            if node.op_type == "Constant" and node.attribute[0].name == "value":
                self.constants[node.output[0]] = node.attribute[0].t

    def shape(self, name: str) -> list[int | None]:
        """The sizes of a value, None where they are not known."""
        if name not in self.types or not self.types[name].tensor_type.HasField("shape"):
            raise NotYet(f"{name}: expected a known rank")
        return sizes(self.types[name])

    def size(self, name: str, axis: int) -> int:
        """One size of a value, which has to be known."""
        size = self.shape(name)[axis]
        if size is None:
            raise NotYet(f"{name}: expected a known size of dimension {axis}; give it by dims")
        return size

    def element(self, name: str) -> int:
        """The element type of a value, as ONNX numbers them."""
        if name not in self.types:
            raise NotYet(f"{name}: expected a known type")
        return self.types[name].tensor_type.elem_type

    def value(self, name: str) -> np.ndarray | None:
        """The elements of a value, where it is a constant."""
        return numpy_helper.to_array(self.constants[name]) if name in self.constants else None

    def constant(self, array: Any, dtype: Any = np.int64) -> str:
        """A constant."""
        tensor = numpy_helper.from_array(np.asarray(array, dtype))
        return self.emit("Constant", [], value=tensor)

    def like(self, array: Any, name: str) -> str:
        """A constant of a value's element type."""
        return self.constant(array, helper.tensor_dtype_to_np_dtype(self.element(name)))

    def emit(
        self, operator: str, inputs: Sequence[str], domain: str = "", **attributes: Any
    ) -> str:
        """Adds a node with one result, and returns the result's name."""
        result = f"attnorm.{operator}.{self._count}"
        self._count += 1
        node = helper.make_node(operator, inputs, [result], domain=domain, **attributes)
        self.nodes.append(node)
        return result

    def own(self, op: str, operands: Mapping[str, str | None], **parameters: Any) -> str:
        """Adds a node that stands for an op of the dialect, by the arguments of its builder."""
        present = {key: value for key, value in operands.items() if value}
        text = json.dumps({"operands": list(present), **parameters})
        return self.emit(op, list(present.values()), DOMAIN, **{PARAMETERS: text})

    def cast(self, name: str, element: int) -> str:
        """A value as another element type."""
        return name if self.element(name) == element else self.emit("Cast", [name], to=element)

    def reshape(self, name: str, shape: Sequence[int]) -> str:
        """A value in another shape; 0 keeps a size, -1 is what is left."""
        return self.emit("Reshape", [name, self.constant(shape)])

    def slice(self, name: str, axis: int, start: int, stop: int) -> str:
        """Part of a value along an axis."""
        bounds = [self.constant([x]) for x in (start, stop, axis)]
        return self.emit("Slice", [name, *bounds])

    def unsqueeze(self, name: str, *axes: int) -> str:
        """A value with dimensions of 1 added."""
        return self.emit("Unsqueeze", [name, self.constant(axes)])


@dataclass(frozen=True)
class Node:
    """A node by its inputs and attributes, with every one that is not taken refused."""

    proto: onnx.NodeProto

    def inputs(self, *names: str) -> dict[str, str]:
        """The inputs by the names given, "" where one is left out."""
        given = list(self.proto.input)
        for index, value in enumerate(given[len(names) :]):
            if value:
                raise Refusal(f"input {len(names) + index}: expected none")
        return dict(zip(names, [*given, *[""] * len(names)], strict=False))

    def attributes(self, **defaults: Any) -> dict[str, Any]:
        """The attributes by their names, with defaults."""
        given = {a.name: helper.get_attribute_value(a) for a in self.proto.attribute}
        for name in given:
            if name not in defaults:
                raise Refusal(f"attribute {name}: expected one of {', '.join(defaults)}")
        return {**defaults, **given}

    def has_output(self, index: int) -> bool:
        """Whether an output is asked for."""
        return len(self.proto.output) > index and bool(self.proto.output[index])

    def refuse_output(self, index: int, name: str) -> None:
        """Refuses a node that is asked for an output."""
        if self.has_output(index):
            raise Refusal(f"output {name}: expected none")
