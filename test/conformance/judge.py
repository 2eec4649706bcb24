"""What a compiled form is, beside its definition: right, refused, wrong, or the end of a process.

    python test/conformance/judge.py TARGET < pickled list of forms > pickled list of verdicts

The definition is StableHLO's reference interpreter, or, where that has no op or type, the package's
float64 evaluator. Integers, booleans and what only moves or rounds are compared bit for bit; other
functions of floats within a few units in the last place of the result's type.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import ml_dtypes
import numpy as np
from forms import DTYPES, FLOATS, Form

import attnorm
from attnorm.errors import AttnormError
from attnorm.execution.interpreter import evaluate

BATCH = 24
"""Forms compiled as one module; apart where that is refused."""
_ULPS = 8.0
_LOOSE_ULPS = 512.0
"""Of functions that have no single StableHLO op, and of those that are made of others in f64."""
_LOOSE = ("power", "tanh", "exponential_minus_one")


@dataclass(frozen=True)
class Verdict:
    """`kind` is "right", "refused", "wrong", "crashed" or, without a definition, "undefined"."""

    key: str
    kind: str
    reason: str = ""


def judge(forms: Sequence[Form], target: str) -> list[Verdict]:
    """Judges forms in processes of their own, a batch at a time."""
    found = []
    for start in range(0, len(forms), BATCH):
        found += _apart(forms[start : start + BATCH], target)
    return found


def _apart(forms: Sequence[Form], target: str) -> list[Verdict]:
    """Verdicts from another process; halves where it ends early, down to the form that ends it."""
    done = subprocess.run(
        [sys.executable, __file__, target], input=pickle.dumps(forms), capture_output=True
    )
    if done.returncode == 0:
        return pickle.loads(done.stdout)
    if len(forms) == 1:
        last = (done.stderr.decode(errors="replace").strip().splitlines() or [""])[-1]
        return [Verdict(forms[0].key, "crashed", f"status {done.returncode}: {last[:200]}")]
    middle = len(forms) // 2
    return _apart(forms[:middle], target) + _apart(forms[middle:], target)


# -- in the other process --------------------------------------------------------------------------


def _judge_here(forms: Sequence[Form], target: str) -> Iterator[Verdict]:
    try:
        run = _compiled(forms, target)
    except AttnormError as error:
        if len(forms) == 1:
            yield Verdict(forms[0].key, "refused", str(error).splitlines()[0][:200])
            return
        middle = len(forms) // 2
        yield from _judge_here(forms[:middle], target)
        yield from _judge_here(forms[middle:], target)
        return
    for index, form in enumerate(forms):
        yield _verdict(form, lambda arrays, index=index: run(index, arrays))


def _compiled(forms: Sequence[Form], target: str) -> Callable:
    text = "".join(form.text(f"f{index}") for index, form in enumerate(forms))
    program = attnorm.compile(
        attnorm.load(f"module {{\n{text}}}"), target=target, device="local-sync"
    )
    return lambda index, arrays: np.asarray(program(*arrays, function=f"f{index}"))


def _verdict(form: Form, run: Callable) -> Verdict:
    arrays = form.inputs()
    try:
        want = _definition(form, arrays)
    except AttnormError as error:
        return Verdict(form.key, "undefined", str(error).splitlines()[0][:200])
    try:
        got = run(arrays)
    except AttnormError as error:
        return Verdict(form.key, "refused", str(error).splitlines()[0][:200])
    reason = _difference(form, got, want)
    return Verdict(form.key, "wrong" if reason else "right", reason)


def _definition(form: Form, arrays: Sequence[np.ndarray]) -> np.ndarray:
    module = attnorm.load(f"module {{\n{form.text('main')}}}")
    if "chlo." in form.body:
        module = attnorm.lower(module, "func.func(chlo-legalize-to-stablehlo)")
    return np.asarray(evaluate(module, *arrays)[0])


def _difference(form: Form, got: np.ndarray, want: np.ndarray) -> str:
    """Where and how a result differs from the definition; empty where it does not."""
    if got.dtype != want.dtype or got.shape != want.shape:
        return f"{got.dtype}{got.shape} for {want.dtype}{want.shape}"
    right = _close(form, got, want) if form.result.element in FLOATS else got == want
    if right.all():
        return ""
    at = tuple(int(i) for i in np.argwhere(~right)[0])
    count = int((~right).sum())
    return f"{count} of {right.size} differ; {list(at)}: got {got[at]}, expected {want[at]}"


def _close(form: Form, got: np.ndarray, want: np.ndarray) -> np.ndarray:
    info = ml_dtypes.finfo(DTYPES[form.result.element])
    loose = form.name.startswith("chlo.") or (form.name in _LOOSE and info.bits == 64)
    ulps = _LOOSE_ULPS if loose else _ULPS
    with np.errstate(all="ignore"):
        a, b = got.astype(np.float64), want.astype(np.float64)
        error = ulps * float(info.eps) * abs(b) + _subnormal(info)
        return (a == b) | (np.isnan(a) & np.isnan(b)) | (np.isfinite(b) & (abs(a - b) <= error))


def _subnormal(info: ml_dtypes.finfo) -> float:
    """What a processor that flushes subnormals may lose: those of f32, bf16 and f64."""
    return float(info.tiny) if info.tiny <= 2.0**-126 else 0.0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    # By their own module's name, so that the caller unpickles what it has.
    import judge as own

    asked = pickle.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(pickle.dumps(list(own._judge_here(asked, sys.argv[1]))))
