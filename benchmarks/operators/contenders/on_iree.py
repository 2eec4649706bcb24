"""attnorm and plain IREE: the same StableHLO text, called in the same way."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from iree import runtime

import attnorm
from attnorm.execution.compiler import compile_module

from ...contender import Form, Prepared
from ..cases import Array, Case, Rows
from ..stablehlo_text import text


class Plain:
    """`iree-compile` at O3 for the host, of StableHLO primitives."""

    def __init__(self, threads: int) -> None:
        self._device = _Device(threads)
        # The first compilation of a process also loads the compiler.
        self.compile(text(Rows("rms_norm", 4, 64)))

    def forms(self, case: Case, operands: Mapping[str, Array]) -> list[Form]:
        """The text."""
        return [lambda: self._prepare(case, operands)]

    def _prepare(self, case: Case, operands: Mapping[str, Array]) -> Prepared:
        """One call is one invocation with buffers that are on the device."""
        source = text(case)
        start = time.perf_counter()
        vmfb = self.compile(source)
        seconds = time.perf_counter() - start
        bound = self._device.bind(vmfb, list(operands.values()))
        return Prepared(bound.call, bound.results, "StableHLO primitives", seconds)

    def compile(self, source: str) -> bytes:
        """The bytes of a .vmfb."""
        return compile_module(source.encode())


class Attnorm(Plain):
    """`attnorm.compile` of the very text that plain IREE gets."""

    def compile(self, source: str) -> bytes:
        """Parsing included: IREE's own figure includes it."""
        program = attnorm.compile(attnorm.load(source))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "program.vmfb"
            program.save(path)
            return path.read_bytes()


class _Device:
    """The calling thread, or a pool of as many as asked for; freed buffers are kept for reuse."""

    def __init__(self, threads: int) -> None:
        runtime.flags.parse_flags(f"--task_topology_group_count={threads}")
        driver = runtime.get_driver("local-sync" if threads == 1 else "local-task")
        # The stub says allocators; names are what it takes.
        self.hal = driver.create_default_device(allocators=["caching"])  # pyright: ignore
        self.instance = runtime.VmInstance()

    def bind(self, vmfb: bytes, arrays: Sequence[Array]) -> _Bound:
        """The module's @main with its arguments."""
        return _Bound(self, vmfb, arrays)


class _Bound:
    """A function and its arguments, uploaded."""

    def __init__(self, device: _Device, vmfb: bytes, arrays: Sequence[Array]) -> None:
        module = runtime.VmModule.copy_buffer(device.instance, vmfb)
        hal = runtime.create_hal_module(device.instance, device.hal)
        self._context = runtime.VmContext(device.instance, [hal, module])
        function = module.lookup_function("main")
        assert function is not None
        self._function = function
        self._device = device
        self._arguments = runtime.VmVariantList(len(arrays))
        for array in arrays:
            self._arguments.push_ref(self._upload(array).ref)

    def _upload(self, array: Array) -> runtime.HalBufferView:
        view = self._device.hal.allocator.allocate_buffer_copy(
            memory_type=runtime.MemoryType.DEVICE_LOCAL,
            allowed_usage=runtime.BufferUsage.DEFAULT | runtime.BufferUsage.MAPPING,
            device=self._device.hal,
            buffer=array,
            element_type=runtime.array_interop.map_dtype_to_element_type(array.dtype),
        )
        assert isinstance(view, runtime.HalBufferView)
        return view

    def call(self) -> runtime.VmVariantList:
        """The results; their buffers go back to the allocator with them."""
        results = runtime.VmVariantList(2)
        self._context.invoke(self._function, self._arguments, results)
        return results

    def results(self) -> list[Array]:
        """Copies."""
        views = self.call()
        return [
            _download(views.get_as_object(index, runtime.HalBufferView))
            for index in range(len(views))
        ]


def _download(view: runtime.HalBufferView) -> Array:
    dtype = np.dtype(runtime.HalElementType.map_to_dtype(view.element_type))
    raw = view.map().asarray(view.shape, np.dtype(f"V{dtype.itemsize}"))
    return raw.copy().view(dtype)
