"""A kernel as IREE runs it: a `stream.executable`, and a `flow.dispatch` where it is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from iree.compiler import ir
from iree.compiler.dialects import arith

from .emit import Index, index

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class View:
    """How a kernel sees a tensor: the same elements in row-major order, in a shape of its choice.

    A size of None is one of the kernel's run-time sizes, which stand for them in order.
    """

    shape: Shape
    element: ir.Type

    def memref(self) -> ir.MemRefType:
        """The type of the view."""
        dynamic = ir.ShapedType.get_dynamic_size()
        return ir.MemRefType.get([dynamic if n is None else n for n in self.shape], self.element)


@dataclass(frozen=True)
class Kernel:
    """Code that runs once for each workgroup of a grid.

    `name` is what profiles show, with a number. Kernels of one `key` have the same code. `sizes`
    lists, for each None in the views of inputs and then outputs, which run-time size it is; a
    kernel has `size_count` of them. `grid` gives up to three counts of workgroups from those sizes.
    `body` writes the code, given the inputs, the outputs, the workgroup's ids (one for each count)
    and the run-time sizes.
    """

    name: str
    key: str
    inputs: Sequence[View]
    outputs: Sequence[View]
    grid: Callable[[Sequence[ir.Value]], Sequence[Index]]
    body: Callable[
        [Sequence[ir.Value], Sequence[ir.Value], Sequence[ir.Value], Sequence[ir.Value]], None
    ]
    sizes: Sequence[int] = ()
    size_count: int = 0


class Dispatcher:
    """Calls kernels in a module; each is written once."""

    def __init__(self, module: ir.Operation):
        self._body = module.regions[0].blocks[0]
        self._known: dict[str, tuple[str, str]] = {}

    def call(
        self,
        kernel: Kernel,
        operands: Sequence[ir.Value],
        results: Sequence[ir.Type],
        *,
        sizes: Sequence[ir.Value] = (),
        operand_sizes: Sequence[ir.Value] = (),
        result_sizes: Sequence[ir.Value] = (),
    ) -> list[ir.Value]:
        """A dispatch at the current insertion point; its results.

        `sizes` are the kernel's run-time sizes; `operand_sizes` and `result_sizes` the dynamic
        dimensions of the tensors, in order.
        """
        if kernel.key not in self._known:
            self._known[kernel.key] = self._define(kernel)
        executable, function = self._known[kernel.key]
        entry = ir.SymbolRefAttr.get([executable, function])
        # The workload, the arguments, and the dimensions of arguments and of results.
        segments = [len(sizes), len(operands) + len(sizes), len(operand_sizes), len(result_sizes)]
        dispatch = ir.Operation.create(
            "flow.dispatch",
            results=list(results),
            operands=[*sizes, *operands, *sizes, *operand_sizes, *result_sizes],
            attributes={
                "entry_points": ir.ArrayAttr.get([entry]),
                "operandSegmentSizes": ir.DenseI32ArrayAttr.get(segments),
            },
        )
        return list(dispatch.results)

    def _define(self, kernel: Kernel) -> tuple[str, str]:
        """Writes a kernel's executable; the names of both."""
        number = len(self._known)
        executable, function = f"attnorm_kernel_{number}", f"{kernel.name}_{number}"
        outer = _create(
            "stream.executable",
            ip=ir.InsertionPoint.at_block_begin(self._body),
            regions=1,
            sym_name=ir.StringAttr.get(executable),
            sym_visibility=ir.StringAttr.get("private"),
        )
        with ir.InsertionPoint(outer.regions[0].blocks.append()):
            self._export(kernel, function)
            inner = _create("builtin.module", regions=1)
            with ir.InsertionPoint(inner.regions[0].blocks.append()):
                self._function(kernel, function)
            _create("stream.executable.end")
        return executable, function

    def _export(self, kernel: Kernel, function: str) -> None:
        export = _create(
            "stream.executable.export",
            regions=1,
            sym_name=ir.StringAttr.get(function),
            sym_visibility=ir.StringAttr.get("public"),
            function_ref=ir.FlatSymbolRefAttr.get(function),
        )
        types = [ir.IndexType.get()] * kernel.size_count
        block = export.regions[0].blocks.append(*types)
        with ir.InsertionPoint(block):
            counts = list(kernel.grid(list(block.arguments)))
            counts += [1] * (3 - len(counts))
            ir.Operation.create("stream.return", operands=[index(n) for n in counts])

    def _function(self, kernel: Kernel, name: str) -> None:
        binding = ir.Type.parse("!stream.binding")
        types = [
            *[binding] * len(kernel.inputs),
            *[ir.IndexType.get()] * kernel.size_count,
            *[binding] * len(kernel.outputs),
        ]
        function = _create(
            "func.func",
            regions=1,
            sym_name=ir.StringAttr.get(name),
            function_type=ir.TypeAttr.get(ir.FunctionType.get(types, [])),
        )
        block = function.regions[0].blocks.append(*types)
        with ir.InsertionPoint(block):
            arguments = list(block.arguments)
            count = len(kernel.inputs)
            inputs, rest = arguments[:count], arguments[count:]
            sizes, outputs = rest[: kernel.size_count], rest[kernel.size_count :]
            dynamic = iter([sizes[i] for i in kernel.sizes])
            seen = [
                _subspan(argument, view, dynamic)
                for argument, view in zip(
                    [*inputs, *outputs], [*kernel.inputs, *kernel.outputs], strict=True
                )
            ]
            ids = [_workgroup_id(axis) for axis in range(3)]
            kernel.body(seen[:count], seen[count:], ids, sizes)
            ir.Operation.create("func.return")


def _create(name: str, *, regions: int = 0, ip: ir.InsertionPoint | None = None, **attributes):
    return ir.Operation.create(name, attributes=attributes, regions=regions, ip=ip)


def _subspan(binding: ir.Value, view: View, dynamic) -> ir.Value:
    """The memory of an argument."""
    zero = arith.constant(ir.IndexType.get(), 0)
    sizes = [next(dynamic) for size in view.shape if size is None]
    return ir.Operation.create(
        "stream.binding.subspan", results=[view.memref()], operands=[binding, zero, *sizes]
    ).result


def _workgroup_id(axis: int) -> ir.Value:
    dimension = ir.IntegerAttr.get(ir.IndexType.get(), axis)
    return ir.Operation.create(
        "stream.dispatch.workgroup.id",
        results=[ir.IndexType.get()],
        attributes={"dimension": dimension},
    ).result
