"""What a process holds, and by how much that grows from one step to the next."""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np


class _Arenas(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


_mallinfo = ctypes.CDLL(None).mallinfo2
_mallinfo.restype = _Arenas


@dataclass(frozen=True)
class Held:
    """What the process holds: bytes allocated and resident; descriptors, threads, scratch files."""

    allocated: int
    resident: int
    descriptors: int
    threads: int
    scratch: int

    @staticmethod
    def now() -> Held:
        """After Python's garbage is gone."""
        gc.collect()
        arenas = _mallinfo()
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[1])
        return Held(
            allocated=arenas.uordblks + arenas.hblkhd,
            resident=pages * mmap.PAGESIZE,
            descriptors=len(os.listdir("/proc/self/fd")),
            threads=len(os.listdir("/proc/self/task")),
            scratch=len(os.listdir(tempfile.gettempdir())),
        )


@dataclass(frozen=True)
class Growth:
    """What one step adds, by least squares over the samples of a run."""

    allocated: float
    resident: float
    descriptors: float
    threads: float
    scratch: float

    def __str__(self) -> str:
        return (
            f"{self.allocated:.0f} bytes allocated, {self.resident:.0f} resident, "
            f"{self.descriptors:.3f} descriptors, {self.threads:.3f} threads, "
            f"{self.scratch:.3f} scratch files"
        )


def watch(step: Callable[[int], None], steps: int, samples: int = 40) -> Iterator[tuple[int, Held]]:
    """Takes `steps` steps; what is held at the beginning and then `samples` times."""
    yield 0, Held.now()
    taken = 0
    for sample in range(1, samples + 1):
        while taken < steps * sample // samples:
            step(taken)
            taken += 1
        yield taken, Held.now()


def growth(step: Callable[[int], None], *, warm_up: int, steps: int) -> Growth:
    """What a step adds to what the process holds, after `warm_up` steps."""
    for index in range(warm_up):
        step(index)
    return slope(list(watch(step, steps)))


def slope(held: list[tuple[int, Held]]) -> Growth:
    """What a step adds, of samples by step."""
    steps = [step for step, _ in held]
    names = [field.name for field in fields(Held)]
    return Growth(
        *(float(np.polyfit(steps, [getattr(h, n) for _, h in held], 1)[0]) for n in names)
    )
