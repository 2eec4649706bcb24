"""Many contexts and threads at once, and processes that fork."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from workloads import finished, modules

import attnorm
from attnorm.pipeline.driver import _captured_stderr

_FOLDER = Path(__file__).parent


def test_threads() -> None:
    """Threads that start together get what one gets alone."""
    out = finished([_FOLDER / "stress.py", "--threads", "6", "--rounds", "48"], 300)
    assert "0 wrong" in out and "stderr is what it was" in out


def test_stderr_is_kept_by_one_thread_at_a_time() -> None:
    """Two that kept it at once left the process with a deleted file as its stderr."""
    before, inside = os.fstat(2), threading.Event()

    def other() -> None:
        with _captured_stderr():
            inside.set()

    thread = threading.Thread(target=other)
    with _captured_stderr():
        thread.start()
        assert not inside.wait(0.2)
    thread.join()
    assert inside.is_set() and os.path.samestat(before, os.fstat(2))


def _used(device: str) -> str:
    """A script that uses everything, then forks a child that does so, and a child of that."""
    return f"""
import os, signal, sys, warnings
import numpy as np
import attnorm
from attnorm.ir.serialization import bytecode

warnings.simplefilter("ignore")  # Python's own: threads do not come along
path = {str(modules()[7])!r}
x, w = np.ones((2, 4), np.float32), np.ones(4, np.float32)
module = attnorm.load(path)
program = attnorm.compile(module, device={device!r})
bound = program.bind(x, w)

def use(who):
    signal.alarm(60)
    other = attnorm.compile(attnorm.load(bytecode(module)), device={device!r})
    results = [bound(), program(x, w), other(x, w), attnorm.Program(other._vmfb)(x, w)]
    assert all((result == results[0]).all() for result in results)
    assert other._vmfb == program._vmfb
    assert "stablehlo.rsqrt" in attnorm.lower(module).get_asm()
    print(who, flush=True)

use("parent")
child = os.fork()
if not child:
    use("child")
    grandchild = os.fork()
    if grandchild:
        assert os.waitpid(grandchild, 0)[1] == 0
    else:
        use("grandchild")
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
use("parent again")
"""


@pytest.mark.parametrize("device", ["local-task", "local-sync"])
def test_forks(device: str) -> None:
    """A child does what its parent did, with the parent's programs too, and ends.

    Calls, compilations and the end of the child once waited for threads that it does not have.
    """
    out = finished(["-c", _used(device)], 200)
    assert out.split("\n") == ["parent", "child", "grandchild", "parent again", ""]


def _lowered(path: Path) -> str:
    return attnorm.lower(attnorm.load(path)).get_asm()


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_pools(method: str) -> None:
    """Processes of a pool lower what this one lowers."""
    paths = modules()[2:6]
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        found = list(pool.map(_lowered, paths, timeout=200))
    assert found == [_lowered(path) for path in paths]
    assert os.getpid() not in {process.pid for process in multiprocessing.active_children()}
