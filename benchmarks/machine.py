"""What the numbers were taken on: hardware and versions, and nothing that names the machine."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

_SYSTEM = Path("/sys/devices/system/cpu")


def describe() -> dict[str, str]:
    """The machine in words; what cannot be read is left out."""
    facts = {
        "cpu": _processor(),
        "architecture": platform.machine(),
        "cores": f"{len(cores())} of {os.cpu_count()} logical CPUs",
        "caches": _caches(),
        "memory": _memory(),
        # Without a distribution's or a provider's suffix.
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "transparent huge pages": _chosen(Path("/sys/kernel/mm/transparent_hugepage/enabled")),
        "governor": _read(_SYSTEM / "cpu0/cpufreq/scaling_governor"),
        "hypervisor": "yes" if "hypervisor" in _information().split() else "",
        "vectors": _vectors(),
        "python": platform.python_version(),
    }
    return {name: fact for name, fact in facts.items() if fact}


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The installed version of each package; "-" where there is none."""
    found = {}
    for package in sorted(set(packages)):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "-"
    return found


def cores() -> list[int]:
    """One logical CPU of every core that this process may run on, the last core first.

    The first one of a machine serves its interrupts.
    """
    seen: dict[str, int] = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        siblings = _read(_SYSTEM / f"cpu{cpu}/topology/thread_siblings_list")
        seen.setdefault(siblings or str(cpu), cpu)
    return list(seen.values())[::-1]


def _processor() -> str:
    match = re.search(r"^model name\s*: (.*)$", _information(), re.MULTILINE)
    family = re.findall(r"^(?:cpu family|model|stepping)\s*: (\d+)$", _information(), re.MULTILINE)
    name = match[1] if match else platform.processor()
    return f"{name}, family {family[0]} model {family[1]}" if len(family) >= 2 else name


def _vectors() -> str:
    known = ("sse4_2", "avx2", "fma", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16")
    present = set(_information().split()) & {*known, "asimd", "sve", "sve2", "bf16"}
    return ", ".join(sorted(present))


def _information() -> str:
    return _read(Path("/proc/cpuinfo"))


def _caches() -> str:
    found = []
    for index in sorted((_SYSTEM / "cpu0/cache").glob("index*")):
        kind = {"Data": "d", "Instruction": "i"}.get(_read(index / "type"), "")
        found.append(f"L{_read(index / 'level')}{kind} {_read(index / 'size')}")
    return ", ".join(found)


def _memory() -> str:
    match = re.search(r"MemTotal:\s+(\d+) kB", _read(Path("/proc/meminfo")))
    return f"{int(match[1]) / 2**20:.0f} GiB" if match else ""


def _chosen(path: Path) -> str:
    """The word in brackets: "always [madvise] never"."""
    match = re.search(r"\[(\w+)\]", _read(path))
    return match[1] if match else ""


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
