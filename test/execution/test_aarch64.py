"""RMSNorm and attention on aarch64, with NEON and with SVE of several lengths, under qemu-user."""

import functools
import subprocess

import aarch64
import numpy as np
import pytest
from modules import ATTENTION, RMS_NORM, attention, normal, rms_norm

from attnorm.execution.build import build
from attnorm.ir.contexts import make_context
from attnorm.ir.parsing import parse_text

pytestmark = pytest.mark.skipif(bool(aarch64.missing()), reason=aarch64.missing())

CPUS = [
    ("aarch64", "cortex-a72"),
    ("aarch64+sve", "max,sve-max-vq=1"),
    ("aarch64+sve", "max,sve-max-vq=2"),
    ("aarch64+sve", "max,sve-max-vq=4"),
    ("aarch64+sve2", "max,sve-max-vq=2"),
    ("aarch64:neoverse-v1", "max,sve-max-vq=2"),
]


@functools.cache
def compiled(text, target):
    return build(parse_text(text, "model.mlir", make_context()), target)


@pytest.mark.parametrize(("target", "cpu"), CPUS)
def test_rms_norm(target, cpu, tmp_path):
    """RMSNorm agrees with its float64 definition at NEON and at SVE of 128, 256 and 512 bits."""
    x, w = normal(5, 37), normal(37, seed=1)
    y = aarch64.run(compiled(RMS_NORM, target), [x, w], cpu, tmp_path)
    assert isinstance(y, np.ndarray), y
    np.testing.assert_allclose(y, rms_norm(x, w), rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize(("target", "cpu"), CPUS)
def test_attention(target, cpu, tmp_path):
    """Attention agrees with its float64 definition at NEON and at SVE of 128, 256 and 512 bits."""
    q, k, v = normal(2, 9, 16), normal(2, 13, 16, seed=1), normal(2, 13, 8, seed=2)
    o = aarch64.run(compiled(ATTENTION, target), [q, k, v], cpu, tmp_path)
    assert isinstance(o, np.ndarray), o
    np.testing.assert_allclose(o, attention(q, k, v, 0.25), rtol=1e-5, atol=1e-6)


def test_sve_is_used(tmp_path):
    """The SVE program cannot run on a CPU without SVE: its code is not NEON under another name."""
    x, w = normal(5, 37), normal(37, seed=1)
    done = aarch64.run(compiled(RMS_NORM, "aarch64+sve"), [x, w], "cortex-a72", tmp_path)
    assert isinstance(done, subprocess.CompletedProcess) and done.returncode < 0
    assert "Illegal instruction" in done.stderr
