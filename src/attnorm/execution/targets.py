"""What `--target` may name: a table of CPUs, and the IREE flags that each stands for."""

from __future__ import annotations

import difflib
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..errors import AttnormError
from .cpus import CPUS, FEATURES

_TRIPLES = {
    "x86-64": "x86_64-unknown-linux-gnu",
    "aarch64": "aarch64-unknown-linux-gnu",
    "riscv64": "riscv64-unknown-linux-gnu",
}
HOST_VARIABLE = "ATTNORM_HOST"
_MACHINES = {"x86_64": "x86-64", "AMD64": "x86-64", "arm64": "aarch64"}


@dataclass(frozen=True)
class Target:
    """A CPU to compile for.

    `architecture` is a key of `CPUS` and `FEATURES` ("" for the host: the machine it runs on). An
    empty `cpu` is the architecture's baseline. `features` are signed: "+sve", "-avx512f".
    """

    name: str
    description: str
    architecture: str
    cpu: str
    features: tuple[str, ...] = ()

    def flags(self) -> tuple[str, ...]:
        """The session flags of IREE for this target."""
        flags = []
        if self.architecture:
            flags.append(f"--iree-llvmcpu-target-triple={_TRIPLES[self.architecture]}")
        if self.cpu:
            flags.append(f"--iree-llvmcpu-target-cpu={self.cpu}")
        if self.features:
            flags.append(f"--iree-llvmcpu-target-cpu-features={','.join(self.features)}")
        if self.architecture == "riscv64":
            flags.append("--iree-llvmcpu-target-abi=lp64d")
        if "+v" in self.features:
            # Scalable vectors want a range: VLEN is 64 to 65536 bits, a vscale is 64 of them.
            flags.append("--iree-llvmcpu-vscale-range=1,1024")
        return tuple(flags)


_RV64GC = ("+m", "+a", "+f", "+d", "+c")

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("host", "the machine that compiles, or what ATTNORM_HOST names", "", "host"),
        Target("x86-64", "any x86-64: SSE2", "x86-64", "x86-64"),
        Target("x86-64-v2", "SSE4.2", "x86-64", "x86-64-v2"),
        Target("x86-64-v3", "AVX2 and FMA: Haswell, Zen and later", "x86-64", "x86-64-v3"),
        Target("x86-64-v4", "AVX-512: Skylake server, Zen 4 and later", "x86-64", "x86-64-v4"),
        Target("aarch64", "any 64-bit Arm: NEON", "aarch64", "generic", ("+neon",)),
        Target(
            "aarch64+sve",
            "SVE of any vector length: Neoverse V1, A64FX",
            "aarch64",
            "generic",
            ("+neon", "+sve"),
        ),
        Target(
            "aarch64+sve2",
            "SVE2 of any vector length: Armv9, Neoverse N2 and V2",
            "aarch64",
            "generic",
            ("+neon", "+sve", "+sve2"),
        ),
        Target("riscv64", "RV64GC: no vectors", "riscv64", "generic-rv64", _RV64GC),
        Target("riscv64+v", "RV64GCV", "riscv64", "generic-rv64", (*_RV64GC, "+v")),
    )
}


def find_target(spec: str | Target) -> Target:
    """The target that `NAME[:CPU][,+FEATURE|-FEATURE]...` names.

    `x86-64-v3`, `aarch64:neoverse-v2`, `riscv64+v,+zvl256b`. A CPU takes the place of the row's
    CPU and features; features are added. `host` is the target that the environment variable
    ATTNORM_HOST names, where it is set. Raises `AttnormError`, listing the choices, for a name, a
    CPU or a feature that the tables do not have.
    """
    if isinstance(spec, Target):
        return spec
    head, *features = spec.split(",")
    name, colon, cpu = head.partition(":")
    if name not in TARGETS:
        raise _unknown("target", name, TARGETS)
    target = _host() if name == "host" else TARGETS[name]
    architecture = target.architecture or _host_architecture()
    if colon:
        _check("CPU", cpu, CPUS.get(architecture, ()), architecture)
        target = replace(target, cpu=cpu, features=())
    for feature in features:
        if feature[:1] not in ("+", "-"):
            raise AttnormError(
                f"target '{spec}': expected a feature as +name or -name, got '{feature}'"
            )
        _check("CPU feature", feature[1:], FEATURES.get(architecture, ()), architecture)
    if colon or features:
        target = replace(target, name=spec, features=(*target.features, *features))
    return target


def _host() -> Target:
    """The target that "host" means."""
    spec = os.environ.get(HOST_VARIABLE, "host")
    if spec.partition(",")[0].partition(":")[0] == "host":
        return TARGETS["host"]
    return find_target(spec)


def _host_architecture() -> str:
    machine = platform.machine()
    return _MACHINES.get(machine, machine)


def _check(kind: str, name: str, choices: Iterable[str], architecture: str) -> None:
    if name not in choices:
        raise _unknown(f"{architecture} {kind}", name, choices)


def _unknown(kind: str, name: str, choices: Iterable[str]) -> AttnormError:
    names = list(choices) if isinstance(choices, dict) else sorted(choices)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" (did you mean '{near[0]}'?)" if near else ""
    return AttnormError(f"unknown {kind} '{name}'{hint}; expected one of {', '.join(names)}")
