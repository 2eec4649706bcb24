"""The table of targets."""

import re
import subprocess

import pytest
from iree.compiler.tools.binaries import find_tool
from modules import ATTENTION, RMS_NORM

from attnorm.errors import AttnormError
from attnorm.execution.build import build
from attnorm.execution.compiler import compile_module, executable_target
from attnorm.execution.cpus import CPUS, FEATURES
from attnorm.execution.targets import _TRIPLES, HOST_VARIABLE, TARGETS, find_target
from attnorm.ir.contexts import make_context
from attnorm.ir.parsing import parse_text


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_compiles(name):
    """Each row of the table gives a .vmfb, with no warning, all in one process."""
    warnings = []
    vmfb = compile_module(RMS_NORM.encode(), name, on_warning=warnings.append)
    assert b"IREE" in vmfb and not warnings


@pytest.mark.parametrize("name", ["x86-64", "aarch64", "aarch64+sve", "riscv64", "riscv64+v"])
def test_attention_builds(name):
    """Products of every layout compile, for scalable vectors too; the module is left alone."""
    module = parse_text(ATTENTION, "model.mlir", make_context())
    before = str(module)
    assert build(module, name) and str(module) == before


@pytest.mark.parametrize("architecture", _TRIPLES)
def test_names_are_those_of_iree(architecture):
    """IREE's code generator knows every CPU and feature that we accept."""
    flags = ["--iree-hal-target-device=local", "--iree-hal-local-target-device-backends=llvm-cpu"]
    flags += [f"--iree-llvmcpu-target-triple={_TRIPLES[architecture]}"]
    flags += ["--iree-llvmcpu-target-cpu-features=+help", "-", "-o", "/dev/null"]
    module = "func.func @f(%x: tensor<f32>) -> tensor<f32> { return %x : tensor<f32> }"
    module = module.replace(" return", " %0 = stablehlo.sine %x : tensor<f32> return")
    asked = subprocess.run(
        [find_tool("iree-compile"), *flags], input=module, capture_output=True, text=True
    )
    cpus, _, features = (asked.stdout + asked.stderr).partition("Available features")
    known_cpus = set(re.findall(r"^  (\S+) +- Select", cpus, re.MULTILINE))
    known_features = set(re.findall(r"^  (\S+) +- ", features, re.MULTILINE))
    assert known_cpus and CPUS[architecture] <= known_cpus
    assert known_features and FEATURES[architecture] <= known_features


def test_cpu_and_features_reach_iree():
    """`:CPU` takes the place of the row's CPU; `,+feature` adds to its features."""
    assert "--iree-llvmcpu-target-cpu=neoverse-v2" in find_target("aarch64:neoverse-v2").flags()
    features = "--iree-llvmcpu-target-cpu-features=+neon,+sve,+bf16"
    assert features in find_target("aarch64+sve,+bf16").flags()
    assert compile_module(RMS_NORM.encode(), "x86-64:znver4,-avx512f")


def test_host_is_what_the_environment_says(monkeypatch):
    """ATTNORM_HOST names what "host" means; where it is not set, that is this machine."""
    monkeypatch.delenv(HOST_VARIABLE, raising=False)
    assert find_target("host") is TARGETS["host"]
    monkeypatch.setenv(HOST_VARIABLE, "x86-64-v3")
    assert find_target("host") is TARGETS["x86-64-v3"]
    assert find_target("host,+avx512f").flags() == (
        *find_target("x86-64-v3").flags(),
        "--iree-llvmcpu-target-cpu-features=+avx512f",
    )
    assert find_target("x86-64") is TARGETS["x86-64"]
    assert "+avx2" in executable_target(find_target("host"))
    monkeypatch.setenv(HOST_VARIABLE, "x86-64")
    assert "+avx2" not in executable_target(find_target("host"))
    monkeypatch.setenv(HOST_VARIABLE, "haswell")
    with pytest.raises(AttnormError, match="unknown target 'haswell'"):
        find_target("host")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("x86-64-v5", r"unknown target 'x86-64-v5' \(did you mean 'x86-64-v4'\?\); .* riscv64\+v"),
        ("", "unknown target ''; expected one of host, x86-64"),
        ("aarch64:neoverse-v9", r"unknown aarch64 CPU 'neoverse-v9' .*; expected one of a64fx"),
        ("x86-64-v3,+avx513f", r"unknown x86-64 CPU feature 'avx513f' .*; expected one of adx"),
        ("aarch64,+avx2", "unknown aarch64 CPU feature 'avx2'"),
        ("x86-64-v3,avx2", r"expected a feature as \+name or -name, got 'avx2'"),
    ],
)
def test_unknown_names_list_the_choices(spec, message):
    """A name that the tables do not have is an error that says what they have."""
    with pytest.raises(AttnormError, match=message):
        find_target(spec)
