"""Do two modules give the same values, and if not: what changed?

Every value is computed in several ways. **native**: rounded by every op to its type. **exact**: f32
is not rounded, f16 and bf16 where the IR does. **folded**: as exact, but what depends on no
argument is native, because a compiler may make a constant of it. **real**: nothing is rounded.

- `same`: exact or folded values agree, to 1e-9 of the value and 1e-9 of the output's root mean
  square. That is what float64 loses where a graph loses a million-fold; a wrong count, mask, window
  or cast is off by a thousand times as much.
- `rounds`: they do not, but real ones do, to 1e-6 (where constants become one constant, that is
  rounded), and native ones are no further from them than they were: the same value is rounded
  elsewhere.
- `differs`: everything else.

What is badly conditioned is none of a pass's doing: before a verdict is `differs`, the module
before is evaluated with noise (`evaluate`), and values may be off by a few times what that does.

NaN agrees with NaN, an infinity with itself, integers and truth values with what is equal to them.
Subnormal values are values: nothing is flushed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import ml_dtypes
import numpy as np

from ..execution.compare import default_tolerance
from ..ir.mlir import ir
from ..ir.tensor_type import TensorType
from ..reference import evaluate
from ..reference.kinds import Precision
from .inputs import Arrays, choose

Array = np.ndarray[Any, Any]
Kind = Literal["same", "rounds", "differs"]
KINDS: tuple[Kind, ...] = ("same", "rounds", "differs")
"""The verdicts, from the best to the worst."""

AGREE = 1e-9
"""By how much exact values may be off: of the value, and of the output's scale."""
AGREE_ROUNDED = 1e-6
"""By how much real values may be off, which a few roundings of constants to f32 explain."""
SLACK = 1.5
"""By which factor a native error may grow where roundings moved, beside one more of the type's."""
SLACK_ELSEWHERE = 4.0
"""By which factor another system's error may be greater: it may round every partial sum."""
NEIGHBOURS, NOISY = 3, 8.0
"""How often noise is drawn, and how much more than it a difference has to be to count."""


@dataclass(frozen=True)
class Output:
    """One result of one function: the verdict, and the errors of the worst arguments.

    `exact` is the largest difference of exact values, as part of the value and the scale; `ulps`
    and `relative` are the largest of native values, after the change against before it, in spacings
    of the type at the value or at the output's root mean square, whichever is larger, and as part
    of that. None for what is not a float. `inputs` are the arguments that the verdict is about.
    """

    function: str
    index: int
    type: str
    kind: Kind
    exact: float | None
    ulps: float | None
    relative: float | None
    inputs: str
    reason: str = ""


@dataclass(frozen=True)
class Verdict:
    """What became of every output."""

    outputs: tuple[Output, ...] = ()

    @property
    def kind(self) -> Kind:
        """The worst of the outputs' verdicts."""
        return KINDS[max((KINDS.index(item.kind) for item in self.outputs), default=0)]

    @property
    def ok(self) -> bool:
        """Whether no value changed, nor where it is rounded."""
        return self.kind == "same"

    def __str__(self) -> str:
        bad = [item for item in self.outputs if item.kind != "same"]
        return "\n".join(map(describe, bad)) or f"same: {len(self.outputs)} outputs"


def describe(output: Output) -> str:
    """One line on an output: `main result 0 (4xf32) differs for large: ...`."""
    place = f"{output.function} result {output.index} ({output.type})"
    return f"{place} {output.kind} for {output.inputs}: {output.reason}"


def compare_modules(
    before: ir.Operation,
    after: ir.Operation,
    inputs: Mapping[str, Arrays],
    *,
    function: str | None = None,
    rms_norm_epsilon: float | None = None,
) -> Verdict:
    """Whether a function gives the same values in two modules, for `inputs` under their names.

    `function` is by default the only public one, or "main". Raises `AttnormError` where one of the
    modules cannot be evaluated.
    """
    found = choose(before, function)
    (name,) = found if len(found) == 1 else choose(before, "main")
    values = [Values(module, name, inputs, rms_norm_epsilon) for module in (before, after)]
    return Verdict(tuple(compare(*values)))


class Values:
    """What a function of a module gives for all arguments; each precision evaluated once."""

    def __init__(
        self,
        module: ir.Operation,
        function: str,
        inputs: Mapping[str, Arrays],
        epsilon: float | None = None,
    ):
        self.function, self.inputs = function, inputs
        self._module, self._epsilon = module, epsilon
        self._known: dict[tuple[str, Precision], Arrays] = {}
        self._moved: dict[tuple[str, Precision], Arrays] = {}

    def check(self) -> None:
        """Raises `AttnormError` where the function cannot be evaluated."""
        for name in self.inputs:
            self.of(name, "native")

    def of(self, name: str, precision: Precision) -> Arrays:
        """The results for the arguments of a name."""
        key = name, precision
        if key not in self._known:
            self._known[key] = self._evaluate(name, precision)
        return self._known[key]

    def noise(self, name: str, index: int, precision: Precision) -> Array:
        """A few times how far noise moves a result: differences up to that do not count."""
        key = name, precision
        if key not in self._moved:
            drawn = [self._evaluate(name, precision, seed) for seed in range(NEIGHBOURS)]
            self._moved[key] = tuple(
                NOISY * np.max([_distances(value, moved) for moved in others], axis=0)
                for value, *others in zip(self.of(name, precision), *drawn, strict=True)
            )
        return self._moved[key][index]

    def _evaluate(self, name: str, precision: Precision, noise: int | None = None) -> Arrays:
        return evaluate(
            self._module,
            *self.inputs[name],
            function=self.function,
            precision=precision,
            rms_norm_epsilon=self._epsilon,
            noise=noise,
        )


def compare(
    before: Values,
    after: Values,
    *,
    given: Values | None = None,
    rtol: float | None = None,
    atol: float | None = None,
) -> list[Output]:
    """An `Output` for every result, over all arguments.

    Native values may differ by `rtol` and `atol`. Where neither is said they may differ by what
    their type allows, and by more where they are no further from exact ones than those of the
    module `given`, by default `before`: an op is one rounding, what it stands for were several.
    """
    found: dict[int, list[Output]] = {}
    for name in before.inputs:
        for index in range(len(before.of(name, "native"))):
            result = _Result(before, after, given or before, name, index)
            found.setdefault(index, []).append(result.output(rtol, atol))
    return [_worst(items) for items in found.values()]


def against(values: Values, name: str, results: Arrays, *, skips: bool) -> list[str]:
    """What speaks against another system's results; "" for each that agrees with native ones.

    Floats may differ by what their type allows, and by more where they are no further from real
    ones than ours, or than noise explains. A system that `skips` what is masked may have a number
    in place of our NaN: a weight of 0 makes NaN of NaN, and a key that is never read does not.
    """
    problems = []
    ours, real = (values.of(name, precision) for precision in ("native", "real"))
    for index, (mine, theirs, truth) in enumerate(zip(ours, results, real, strict=True)):
        types = [TensorType.of(array) for array in (mine, theirs)]
        if types[0] != types[1]:
            problems.append(f"expected {types[0]}, got {types[1]}")
        elif _is_float(mine):
            if skips:
                theirs = np.where(np.isnan(mine), mine, theirs)
            judge = partial(_native_problem, mine, theirs, mine, truth, slack=SLACK_ELSEWHERE)
            problems.append(judge() and judge(values.noise(name, index, "native")))
        else:
            problems.append(_unequal(mine, theirs))
    return problems


def _worst(items: list[Output]) -> Output:
    """The worst verdict, with the largest errors."""
    bad = max(items, key=lambda item: (KINDS.index(item.kind), item.ulps or 0.0))

    def largest(name: str) -> float | None:
        known = [getattr(item, name) for item in items]
        return max((value for value in known if value is not None), default=None)

    return replace(bad, exact=largest("exact"), ulps=largest("ulps"), relative=largest("relative"))


# -- one result for one set of arguments -----------------------------------------------------------


@dataclass(frozen=True)
class _Result:
    """A result for one set of arguments, before and after."""

    before: Values
    after: Values
    given: Values
    name: str
    index: int

    def pair(self, precision: Precision) -> tuple[Array, Array]:
        """Before and after."""
        before, after = (v.of(self.name, precision) for v in (self.before, self.after))
        return before[self.index], after[self.index]

    def output(self, rtol: float | None, atol: float | None) -> Output:
        """The verdict and the errors."""
        before, after = (v.of(self.name, "native") for v in (self.before, self.after))
        if len(before) != len(after):
            return self._output("differs", f"expected {len(before)} results, got {len(after)}")
        native = self.pair("native")
        types = [TensorType.of(array) for array in native]
        if types[0] != types[1]:
            return self._output("differs", f"expected {types[0]}, got {types[1]}")
        exact = self.pair("exact")
        if not _is_float(native[0]):
            problem = _unequal(*exact) or _unequal(*native)
            return self._output("differs" if problem else "same", problem)
        moved = _disagreement(*exact, AGREE)
        if moved and not _disagreement(*self.pair("folded"), AGREE):
            exact, moved = self.pair("folded"), ""
        judge = partial(self._judge, native, exact[0], moved, (rtol, atol))
        kind, reason = judge(lambda precision: 0.0)
        if kind == "differs" and rtol is None and atol is None:
            kind, reason = judge(partial(self.before.noise, self.name, self.index))
        return self._output(kind, reason, _distance(*exact), *_native_error(*native))

    def _judge(
        self,
        native: tuple[Array, Array],
        truth: Array,
        moved: str,
        tolerances: tuple[float | None, float | None],
        noise: Callable[[Precision], Array | float],
    ) -> tuple[Kind, str]:
        kind, reason = "same", ""
        given = self.given.of(self.name, "native")[self.index]
        if given.shape != truth.shape:
            given = native[0]
        if moved:
            real = self.pair("real")
            truth = real[0]
            if changed := _disagreement(*real, AGREE_ROUNDED, noise("real")):
                return "differs", changed
            if _is_worse(given, native[1], truth, noise("native")):
                return "differs", f"roundings moved, for the worse: {moved}"
            kind, reason = "rounds", f"roundings moved: {moved}"
        problem = _native_problem(*native, given, truth, noise("native"), *tolerances)
        return ("differs", problem) if problem else (kind, reason)

    def _output(
        self,
        kind: Kind,
        reason: str,
        exact: float | None = None,
        ulps: float | None = None,
        relative: float | None = None,
    ) -> Output:
        before = self.before.of(self.name, "native")[self.index]
        return Output(
            self.before.function,
            self.index,
            str(TensorType.of(before)),
            kind,
            exact,
            ulps,
            relative,
            self.name,
            reason,
        )


def _is_float(array: Array) -> bool:
    return "f" in TensorType.of(array).element


def _unequal(before: Array, after: Array) -> str:
    bad = before != after
    return _report(bad, bad, before, after) if bad.any() else ""


def _disagreement(before: Array, after: Array, bound: float, noise: Array | float = 0.0) -> str:
    """Where two float64 arrays are further apart than `bound` of the value and of the scale."""
    error = _errors(before, after, bound, bound * _scale(before) + noise)
    return _report(error > 1, error, before, after) if (error > 1).any() else ""


def _native_problem(
    before: Array,
    after: Array,
    given: Array,
    truth: Array,
    noise: Array | float = 0.0,
    rtol: float | None = None,
    atol: float | None = None,
    slack: float = SLACK,
) -> str:
    """Where native values have left their bounds."""
    strict = rtol is not None or atol is not None
    # A few subnormal numbers are a sum's roundings, whatever part of it they are.
    least = 8 * float(ml_dtypes.finfo(before.dtype).smallest_subnormal)
    wide, other = (array.astype(np.float64) for array in (before, after))
    by_type = default_tolerance(before)
    if strict:
        bounds = (by_type[0] if rtol is None else rtol, by_type[1] if atol is None else atol)
    else:
        bounds = (by_type[0], by_type[1] * _scale(wide) + least + noise)
    error = _errors(wide, other, *bounds)
    if not (error > 1).any() or not (strict or _is_worse(given, after, truth, noise, slack)):
        return ""
    return "native values: " + _report(error > 1, error, wide, other)


def _is_worse(
    before: Array, after: Array, truth: Array, noise: Array | float = 0.0, slack: float = SLACK
) -> bool:
    """Whether native values are further from true ones than they were, and than noise explains.

    What was no number, or was one where the truth is none, is left out: it overflowed.
    """
    scale, tiny = _scale(truth), float(ml_dtypes.finfo(before.dtype).smallest_subnormal)
    errors = [
        _errors(truth, array.astype(np.float64), 1.0, scale + tiny) for array in (before, after)
    ]
    known = np.isfinite(errors[0])
    if not known.any():
        return False
    allowed = slack * errors[0][known].max() + float(ml_dtypes.finfo(before.dtype).eps) / 2
    by_noise = noise / (scale + tiny + np.abs(truth))
    return bool((errors[1] > allowed + by_noise)[known].any())


# -- numbers ---------------------------------------------------------------------------------------


def _scale(array: Array) -> float:
    """The root mean square of what is finite."""
    finite = array[np.isfinite(array)]
    largest = float(np.abs(finite).max(initial=0.0))
    return largest * float(np.sqrt(np.mean((finite / largest) ** 2))) if largest else 0.0


def _errors(want: Array, got: Array, rtol: float, atol: float | Array) -> Array:
    """Differences as parts of what is allowed; infinite where just one is NaN or infinite.

    Where `atol` is infinite everything is allowed: noise decides between a number and none.
    """
    with np.errstate(all="ignore"):
        same = (want == got) | (np.isnan(want) & np.isnan(got))
        part = np.abs(got - want) / (atol + rtol * np.abs(want))
        comparable = np.isfinite(want) & np.isfinite(got)
    return np.where(same | np.isinf(atol), 0.0, np.where(comparable, part, np.inf))


def _distances(before: Array, after: Array) -> Array:
    """How far values are apart; infinitely where just one is a number."""
    return _errors(before.astype(np.float64), after.astype(np.float64), 0.0, 1.0)


def _distance(before: Array, after: Array) -> float:
    """The largest difference, as part of the value and the scale."""
    return float(_errors(before, after, 1.0, _scale(before)).max(initial=0.0))


def _native_error(before: Array, after: Array) -> tuple[float, float]:
    """The largest difference in spacings of the type, and as part of the value."""
    info = ml_dtypes.finfo(before.dtype)
    wide, other = (array.astype(np.float64) for array in (before, after))
    size = np.maximum(np.abs(wide), _scale(wide))
    with np.errstate(all="ignore"):
        spacing = np.exp2(np.floor(np.log2(size))) * float(info.eps)
    spacing = np.maximum(spacing, float(info.smallest_subnormal))
    finite = np.isfinite(size) & (size > 0)
    relative = _errors(wide, other, 0.0, np.where(finite, size, 1.0))
    ulps = _errors(wide, other, 0.0, np.where(finite, spacing, 1.0))
    return float(ulps.max(initial=0.0)), float(relative.max(initial=0.0))


def _report(bad: Array, error: Array, before: Array, after: Array) -> str:
    at = np.unravel_index(int(np.argmax(error)), error.shape)
    place = f"[{', '.join(str(int(i)) for i in at)}]"
    count = f"{int(np.count_nonzero(bad))} of {bad.size} elements differ"
    return f"{count}; worst {place}: {before[at]} and {after[at]}"
