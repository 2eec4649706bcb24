"""A compiled module that runs: NumPy arrays in, NumPy arrays out."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from iree import runtime

from ..errors import AttnormError
from ..io.files import read_bytes, write_atomically
from ..ir.signature import Signature
from ..ir.tensor_type import TensorType
from .device import Device, device, instance
from .parameter_names import SCOPE, described
from .weight_files import WeightFiles

if TYPE_CHECKING:
    from .language_model import LanguageModel
    from .session import Session

_DECLARATION = "iree.abi.declaration"


class Program:
    """A .vmfb with its own state, on a device that all programs of the process share.

    The device's allocator keeps freed buffers: a fresh output would be fresh pages, which cost more
    than the arithmetic on them. `device` is "local-task" (all cores) or "local-sync" (the calling
    thread). `weights` are the files of a program that was compiled apart from them: an archive
    (.irpa), .safetensors files, or the index of several of these (.json). They are mapped, and have
    to stay as they are. Threads may share a program; the child of a fork may use its parent's.
    """

    def __init__(
        self,
        vmfb: bytes,
        *,
        device: str = "local-task",
        weights: str | Path | Sequence[str | Path] = (),
    ):
        """Raises `AttnormError` for bytes that are no .vmfb, and for files that do not fit it.

        A .vmfb carries checksums, which are looked at; it is code all the same, and calls run it.
        Files have to hold every weight, of its type. A program for another architecture, or without
        its weights, can be saved; its first call is an error.
        """
        self._vmfb = bytes(vmfb)
        self._device_name = device
        _ = self._device  # an error now rather than later
        self._module, self._entries = _read(self._vmfb)
        self._functions = {name: _signature(name, entry) for name, entry in self._entries.items()}
        self._weights: dict[str, TensorType] = {}
        for entry in self._entries.values():
            self._weights |= described(entry.reflection)
        self._files = self._open(weights)
        self._loading = Lock()
        self._loaded: tuple[Device, runtime.VmContext] | None = None

    def _open(self, weights: str | Path | Sequence[str | Path]) -> WeightFiles | None:
        paths = [weights] if isinstance(weights, (str, Path)) else weights
        if not paths:
            return None
        if not self._weights:
            raise AttnormError(f"expected no files of weights for this program, got {paths[0]}")
        files = WeightFiles(paths)
        files.check(self._weights)
        return files

    @property
    def _device(self) -> Device:
        return device(self._device_name)

    @property
    def _context(self) -> runtime.VmContext:
        """The program's state, and its code loaded, on the device of this process."""
        loaded = self._loaded
        if loaded is None or loaded[0] is not self._device:
            with self._loading:
                loaded = self._loaded
                if loaded is None or loaded[0] is not self._device:
                    loaded = self._loaded = self._device, self._load()
        return loaded[1]

    def _load(self) -> runtime.VmContext:
        modules = [self._device.module]
        if self._files:
            provider = self._files.index.create_provider(scope=SCOPE)
            modules.append(runtime.create_io_parameters_module(instance(), provider))
        elif self._weights:
            raise AttnormError(f"the program takes weights from files: {_few(self._weights)}")
        try:
            return runtime.VmContext(instance(), [*modules, self._module])
        except (ValueError, RuntimeError) as error:
            raise AttnormError(_explain_load(str(error))) from None

    @staticmethod
    def load(
        path: str | Path,
        *,
        device: str = "local-task",
        weights: str | Path | Sequence[str | Path] = (),
    ) -> Program:
        """Reads a .vmfb file. Raises `AttnormError` as `Program` does, naming the file."""
        vmfb = read_bytes(path)
        try:
            program = Program(vmfb, device=device)
        except AttnormError as error:
            raise AttnormError(f"{path}: {error.diagnostics[0].message}") from None
        program._files = program._open(weights)
        return program

    def save(self, path: str | Path) -> None:
        """Writes the .vmfb, whole or not at all."""
        write_atomically(path, self._vmfb)

    @property
    def functions(self) -> Mapping[str, Signature]:
        """The functions that can be called, by name, in the module's order."""
        return self._functions

    @property
    def weights(self) -> Mapping[str, TensorType]:
        """The weights that files have to hold, by name: none where they are in the program."""
        return self._weights

    def __call__(
        self, *arrays: np.ndarray, function: str | None = None
    ) -> np.ndarray | tuple[np.ndarray, ...]:
        """Calls `function`: by default the only one, or "main".

        Returns the result, or a tuple unless there is exactly one. Arrays have to be of the
        declared types: nothing is converted. Raises `AttnormError` for a name that is not there,
        for arguments of another number, shape or dtype, and for a program that cannot run here.
        """
        name = self._choose(function)
        views = [self.upload(array) for array in self._functions[name].check(arrays)]
        return _returned(self._invoke(name, views))

    def bind(
        self, *arrays: np.ndarray, function: str | None = None
    ) -> Callable[[], np.ndarray | tuple[np.ndarray, ...]]:
        """A call of `function` with its arguments on the device already, to be made repeatedly.

        It returns what `__call__` does; later changes of `arrays` do not reach it. Raises
        `AttnormError` as `__call__` does.
        """
        name = self._choose(function)
        views = [self.upload(array) for array in self._functions[name].check(arrays)]
        arguments = [self.download(view) for view in views]

        def call() -> np.ndarray | tuple[np.ndarray, ...]:
            # A function may return its argument, which has to stay as it is.
            results = _apart([*arguments, *self._invoke(name, views)])
            return _returned(results[len(arguments) :])

        return call

    def _choose(self, function: str | None) -> str:
        names = list(self._functions)
        if function is None and len(names) == 1:
            return names[0]
        function = "main" if function is None else function
        if function not in self._functions:
            raise AttnormError(f"expected a function of {', '.join(names)}, got '{function}'")
        return function

    def _invoke(self, name: str, arguments: Sequence[runtime.HalBufferView]) -> list[np.ndarray]:
        return _apart([self.download(view) for view in self.call_on_device(name, arguments)])

    # -- on the device -----------------------------------------------------------------------------

    def call_on_device(
        self, function: str, arguments: Sequence[runtime.HalBufferView]
    ) -> list[runtime.HalBufferView]:
        """Calls a function with what is on the device, and leaves its results there.

        The arguments are not checked. Raises `AttnormError` for a program that cannot run here.
        """
        inputs, outputs = runtime.VmVariantList(len(arguments)), runtime.VmVariantList(1)
        for view in arguments:
            inputs.push_ref(view.ref)
        context = self._context
        try:
            context.invoke(self._entries[function], inputs, outputs)
        except (ValueError, RuntimeError) as error:
            raise AttnormError(f"function '{function}' failed: {error}") from None
        return [outputs.get_as_object(i, runtime.HalBufferView) for i in range(len(outputs))]

    def upload(self, array: np.ndarray) -> runtime.HalBufferView:
        """A copy of an array on the device."""
        hal = self._device.hal
        view = hal.allocator.allocate_buffer_copy(
            memory_type=runtime.MemoryType.DEVICE_LOCAL,
            # MAPPING: a function may return its argument.
            allowed_usage=runtime.BufferUsage.DEFAULT | runtime.BufferUsage.MAPPING,
            device=hal,
            buffer=array,
            element_type=runtime.array_interop.map_dtype_to_element_type(array.dtype),
        )
        assert isinstance(view, runtime.HalBufferView)
        return view

    def download(self, view: runtime.HalBufferView) -> np.ndarray:
        """The buffer's own memory as an array: no copy."""
        dtype = np.dtype(runtime.HalElementType.map_to_dtype(view.element_type))
        raw = view.map().asarray(view.shape, np.dtype(f"V{dtype.itemsize}"))
        return np.asarray(_Mapped(raw, self._device.hal)).view(dtype)

    @property
    def language_model(self) -> LanguageModel:
        """What the program says of itself; raises `AttnormError` if it is no language model."""
        from .language_model import LanguageModel

        entry = self._entries.get("decode")
        return LanguageModel.parse(entry.reflection if entry else {})

    def session(
        self,
        *,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
    ) -> Session:
        """A conversation with a language model that `attnorm.from_hugging_face` made.

        Without a temperature the likeliest token follows; `Sampler` says what the options mean.
        Raises `AttnormError` for options out of range, and where the program is no such model.
        """
        from .sampling import Sampler
        from .session import Session

        model = self.language_model
        _ = self._context  # loads the code: the first call is as fast as the others
        return Session(self, model, Sampler(temperature, top_k, top_p, seed))


# -- what went wrong -----------------------------------------------------------------------------


def _few(weights: Mapping[str, TensorType]) -> str:
    names = [f"'{name}' ({type_})" for name, type_ in weights.items()]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _explain_load(message: str) -> str:
    code = re.search(r'"embedded-elf-(\w+)"', message)
    if "INCOMPATIBLE" in message and code:
        return f"the program is compiled for another architecture: {code[1]}"
    return f"the program cannot be loaded: {message.partition('; ')[2] or message}"


# -- types ---------------------------------------------------------------------------------------


def _read(vmfb: bytes) -> tuple[runtime.VmModule, dict[str, runtime.VmFunction]]:
    """A module and its functions; what is not the file that was written does not get to IREE."""
    try:
        with zipfile.ZipFile(io.BytesIO(vmfb)) as archive:
            broken = archive.testzip()
        if broken:
            raise AttnormError(f"expected an IREE module (.vmfb): {broken} has other bytes")
        module = runtime.VmModule.copy_buffer(instance(), vmfb)
        return module, _entries(module)
    except AttnormError:
        raise
    except Exception as error:  # zipfile raises many
        reason = str(error).partition("; ")[2] or str(error)
        raise AttnormError(f"expected an IREE module (.vmfb): {reason}") from None


def _entries(module: runtime.VmModule) -> dict[str, runtime.VmFunction]:
    """The functions that say what they take."""
    found = {name: module.lookup_function(name) for name in module.function_names}
    return {name: f for name, f in found.items() if f and _DECLARATION in f.reflection}


def _signature(name: str, entry: runtime.VmFunction) -> Signature:
    """Reads `sync func @f(%input0: tensor<2xf32>, ...) -> (%output0: tensor<2xf32>)`.

    Unsigned types stand in an attribute: `tensor<2xi8> {iree.abi.encoding = tensor<2xui8>}`.
    """
    head, _, tail = entry.reflection[_DECLARATION].rpartition(") -> (")
    return Signature(name, _parse_types(head, "input"), _parse_types(tail, "output"))


def _parse_types(text: str, role: str) -> tuple[TensorType, ...]:
    types = []
    for part in re.split(rf"%{role}\d+: ", text)[1:]:
        encoding = re.search(r"iree\.abi\.encoding = tensor<([^>]*)>", part)
        plain = re.match(r"tensor<([^>]*)>", part)
        match = encoding or plain
        if not match:
            raise AttnormError(f"expected tensors at the program's boundary, got {part}")
        types.append(TensorType.parse(match[1]))
    return tuple(types)


# -- results -------------------------------------------------------------------------------------


def _returned(results: Sequence[np.ndarray]) -> np.ndarray | tuple[np.ndarray, ...]:
    return results[0] if len(results) == 1 else tuple(results)


class _Mapped:
    """A device buffer as the memory of an array.

    A buffer that is freed after its device is a crash, so it holds both, and frees them in order.
    """

    def __init__(self, array: np.ndarray, device: runtime.HalDevice):
        self._array = array
        self._device = device
        self.__array_interface__ = array.__array_interface__

    def __del__(self) -> None:
        del self._array
        del self._device


def _apart(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Copies results that a program returns more than once: no two share memory."""
    for index, array in enumerate(arrays):
        if any(np.may_share_memory(array, other) for other in arrays[:index]):
            arrays[index] = array.copy()
    return arrays
