"""The devices that the programs of a process share, and what becomes of them in a fork."""

from __future__ import annotations

import ctypes
import functools
import os
from dataclasses import dataclass
from threading import Lock

from iree import runtime
from iree.runtime import _binding

from ..errors import AttnormError


@dataclass(frozen=True)
class Device:
    """A device of IREE's, and the module by which programs use it."""

    hal: runtime.HalDevice
    module: runtime.VmModule


_devices: dict[str, Device] = {}
_opening = Lock()


@functools.cache
def instance() -> runtime.VmInstance:
    """What all programs of the process are loaded into."""
    return runtime.VmInstance()


def device(name: str) -> Device:
    """The device "local-task" or "local-sync"; raises `AttnormError` for another name."""
    return _devices.get(name) or _open(name)


def _open(name: str) -> Device:
    with _opening:
        if name not in _devices:
            try:
                # Not the driver that IREE keeps: in a fork it has the parent's threads.
                driver = _binding.create_hal_driver(name)  # pyright: ignore
                # The stub says allocators; names are what it takes.
                hal = driver.create_default_device(allocators=["caching"])  # pyright: ignore
            except (ValueError, RuntimeError):
                message = f"expected a device of local-task, local-sync, got '{name}'"
                raise AttnormError(message) from None
            _devices[name] = Device(hal, runtime.create_hal_module(instance(), hal))
        return _devices[name]


def _after_fork() -> None:
    """Devices' threads stay in the parent: the child opens its own, and never frees these.

    To free one is to wait for its threads.
    """
    for opened in _devices.values():
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(opened.hal))
        _binding.disable_leak_checker()  # it would report them when the process ends
    _devices.clear()


os.register_at_fork(after_in_child=_after_fork)
