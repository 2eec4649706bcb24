"""RMSNorm and LayerNorm as exporters write them, and nearly so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from idioms import DTYPES, ULPS, Idiom, Pick, Text, Value, normal

ROOTS = ("rsqrt", "one_over_sqrt", "x_over_sqrt", "power")
RMS_NORM_CASTS = ("f32", "before", "after", "widened", "throughout", "middle")


class Norm:
    """What RMSNorm and LayerNorm share: rows, statistics of them, roots, weights."""

    def __init__(self, pick: Pick, mutation: str | None) -> None:
        self.pick, self.mutation, self.text = pick, mutation, Text(pick)
        rank = pick(2, 3, 3, 4)
        # Squares, where a mutation lays rows along columns.
        self.shape = (4,) * min(rank, 3) if mutation else tuple(pick(2, 3, 4) for _ in range(rank))
        rank = len(self.shape)
        every = [(rank - 1,), (rank - 1,), (0,), tuple(range(1, rank)), tuple(range(rank))]
        self.axes: tuple[int, ...] = pick(*(every[:4] if mutation else every))
        if mutation == "weight_turned":
            self.shape, self.axes = (4, 4, 4), (1, 2)
        if mutation == "fast_rows_turned":
            self.shape, self.axes = (4, 4, 4), (2,)
        self.epsilon = 0.5 if mutation else pick(0.0, 1e-6, 1e-5, 0.25)

    def is_(self, mutation: str) -> bool:
        """Whether this is the mutation to make."""
        return self.mutation == mutation

    @property
    def count(self) -> int:
        """How many elements a row has."""
        return math.prod(self.shape[axis] for axis in self.axes)

    @property
    def kept(self) -> list[int]:
        """The axes that are not normalised."""
        return [axis for axis in range(len(self.shape)) if axis not in self.axes]

    def with_ones(self, rows: Value) -> Value:
        """Rows with 1 for each normalised axis, by reshape or broadcast."""
        shape = [1 if axis in self.axes else size for axis, size in enumerate(self.shape)]
        if rows.rank == len(shape):
            return rows
        if self.pick(True, False):
            return self.text.reshape(rows, shape)
        return self.text.broadcast(rows, self.kept, shape)

    def maybe_with_ones(self, rows: Value) -> Value:
        """Rows with or without the normalised axes."""
        return self.with_ones(rows) if self.pick(True, False, False) else rows

    def spread(self, rows: Value, *, wrongly: bool = False) -> Value:
        """Rows over the whole shape; wrongly with the kept axes in another place."""
        if wrongly:
            flat = self.text.reshape(rows, [self.shape[axis] for axis in self.kept])
            dims = [*self.kept[1:], self.kept[0]] if len(self.kept) > 1 else [self.axes[0]]
            return self.text.broadcast(flat, dims, self.shape)
        dims = range(len(self.shape)) if rows.rank == len(self.shape) else self.kept
        return self.text.broadcast(rows, list(dims), self.shape)

    def mean(self, x: Value, axes: Sequence[int], count: float) -> Value:
        """The mean, as a sum divided by the count or multiplied with its inverse."""
        text = self.text
        init = 1.0 if self.is_("sum_from_one") else 0.0
        total = text.reduce("add", x, axes, init)
        if tuple(axes) == self.axes and x.shape == self.shape:
            total = self.maybe_with_ones(total)
        # Half types hold the inverses of powers of two alone, the others would be other means.
        inexact = total.element in ("f16", "bf16") and math.frexp(count)[0] != 0.5
        if self.pick(True, True, False) or not count or inexact:
            return text.binary("divide", total, text.number(count, total))
        # The inverse is one in f32 where it is no power of two.
        return text.either("multiply", total, text.constant(1 / count, total.shape, total.element))

    def plus_epsilon(self, mean: Value) -> Value:
        """The mean plus epsilon, at the rank it has."""
        if not self.epsilon or self.is_("epsilon_outside"):
            return mean
        epsilon = self.text.number(self.epsilon, mean)
        if self.is_("largest_with_epsilon"):
            return self.text.either("maximum", mean, epsilon)
        if self.is_("minus_epsilon"):
            return self.text.binary("subtract", mean, epsilon)
        return self.text.either("add", mean, epsilon)

    def root(self, inside: Value, form: str) -> Value:
        """The root of what is inside, or its inverse, as the form asks."""
        text = self.text
        if self.is_("epsilon_outside"):
            root = text.unary("sqrt", inside)
            root = text.either("add", root, text.number(self.epsilon, root))
            one = text.number(1.0, root)
            return root if form == "x_over_sqrt" else text.binary("divide", one, root)
        if form == "rsqrt":
            return text.unary("rsqrt", inside)
        if form == "power":
            exponent = -0.25 if self.is_("other_root") else -0.5
            return text.binary("power", inside, text.number(exponent, inside))
        root = text.unary("sqrt", inside)
        if form == "x_over_sqrt":
            return root
        return text.binary("divide", text.number(1.0, root), root)

    def apply(self, x: Value, root: Value, form: str) -> Value:
        """x normalised."""
        if form == "x_over_sqrt":
            return self.text.binary("divide", x, root)
        return self.text.either("multiply", x, root)

    def affine(self, element: str) -> Value:
        """A weight or bias of a type."""
        shape = [self.shape[axis] for axis in self.axes]
        return self.text.argument(shape, element, normal())

    def spread_affine(self, weight: Value, name: str = "weight") -> Value:
        """A weight or bias over the whole shape."""
        axes = list(self.axes)
        if self.is_(f"{name}_turned"):
            axes.reverse()
        elif self.is_(f"{name}_elsewhere"):
            axes[0] = self.kept[0]
        elif self.pick(True, False):
            shape = [size if axis in axes else 1 for axis, size in enumerate(self.shape)]
            weight = self.text.reshape(weight, shape)
            axes = list(range(len(shape)))
        return self.text.broadcast(weight, axes, self.shape)


class RmsNorm(Norm):
    """One RMSNorm, perhaps with a second one on the same root."""

    def __init__(self, pick: Pick, mutation: str | None = None) -> None:
        super().__init__(pick, mutation)
        self.cast = pick("f32", "f32", "f32", "after") if mutation else pick(*RMS_NORM_CASTS)
        self.half = "f32" if self.cast == "f32" else pick("f16", "bf16")
        self.narrow = self.cast in ("throughout", "middle")
        self.wide = self.half if self.narrow else "f32"
        self.form = "power" if self.is_("other_root") else pick(*ROOTS)
        self.place = "after" if self.cast in ("before", "widened") else pick(*self.places())
        self.weighted = pick(True, True, False) or self.mutation in RMS_NORM_SAME
        plus_one = pick(True, False, False) or self.is_("two_plus_weight")
        self.plus_one = self.weighted and plus_one
        # In the weight's own type, which rounds 1 + w: then it is a weight like any other.
        self.plus_rounded = self.plus_one and self.cast == "after" and pick(True, False)
        self.second = pick(None, None, *self.seconds())
        if self.cast == "middle" and pick(True, False):
            self.form = "rsqrt"

    def places(self) -> tuple[str, ...]:
        """Where the weight may stand."""
        if self.form == "x_over_sqrt":
            return ("after", "on_x")
        return ("after", "after", "on_x", "on_root")

    def seconds(self) -> tuple[str, ...]:
        """What else may read the root: another norm, or somebody the value before its weight.

        Two norms whose weights come last share the value before them, and are one.
        """
        if self.mutation or not self.weighted:
            return ()
        return ("value",) if self.place == "after" else ("norm",)

    def idiom(self) -> Idiom:
        """The function, and what is to be found in it."""
        large = 30.0 if self.half == "f16" else 1e6
        x = self.text.argument(self.shape, self.half, normal(large=large))
        return Idiom(
            f"rms_norm {self.cast} {self.mutation or ''}",
            self.text,
            self.of(x),
            self.expected(),
            self.error(),
            settles=not self.narrow and self.second != "norm",
        )

    def of(self, x: Value) -> list[Value]:
        """The norm of x, and what else reads its root."""
        wide = self.text.convert(x, self.wide)
        root = self.spread_root(self.statistic(wide))
        if self.is_("other_x"):
            wide = self.text.argument(self.shape, self.wide, normal())
        results = [self.normed(wide, root)]
        if self.second == "norm":
            results.append(self.normed(wide, root))
        if self.second == "value":
            results.append(self.value)
        return results

    # -- the statistic ---------------------------------------------------------------------------

    def statistic(self, x: Value) -> Value:
        """What stands under the root, over x seen through moves that are undone afterwards."""
        if self.mutation or self.cast == "middle" or not self.pick(True, False, False):
            return self.inside(x)
        order = list(self.pick(*_orders(x.rank)))
        outer = self.shape, self.axes
        self.shape = tuple(x.shape[axis] for axis in order)
        self.axes = tuple(sorted(order.index(axis) for axis in self.axes))
        rows = self.inside(self.text.transpose(x, order))
        rows = self.with_ones(rows)
        self.shape, self.axes = outer
        return self.text.transpose(rows, [order.index(axis) for axis in range(x.rank)])

    def inside(self, x: Value) -> Value:
        """mean(x^2) + epsilon."""
        text = self.text
        if self.cast == "f32" and not self.mutation and self.pick(True, False, False):
            return self.plus_epsilon(self.mean_of_dot(x))
        squares = self.square(x)
        if self.cast == "middle":
            squares = text.convert(squares, "f32")
        axes, count = list(self.axes), float(self.count)
        if self.is_("part_of_the_row"):
            axis = axes[0]
            ranges = [(0, 2 if n == axis else size) for n, size in enumerate(self.shape)]
            squares, count = text.slice(squares, ranges), count / 2
        if self.is_("wrong_count"):
            count = self.pick(count + 1, count - 1, count * self.shape[self.kept[0]], 1.0)
        mean = self.mean(squares, axes, count)
        if self.cast == "middle":
            mean = text.convert(mean, self.half)
        if self.pick(True, False):
            mean = self.maybe_with_ones(mean)
        if self.is_("rows_reversed"):
            axis = self.kept[0] if mean.rank == len(self.shape) else 0
            mean = text.reverse(mean, [axis])
        return self.plus_epsilon(mean)

    def mean_of_dot(self, x: Value) -> Value:
        """mean(x^2) by the product of each row with itself, of several axes in one."""
        text = self.text
        rows = [self.shape[axis] for axis in self.kept]
        if len(self.axes) > 1 or self.axes[0] != len(self.shape) - 1:
            x = text.transpose(x, [*self.kept, *self.axes])
            x = text.reshape(x, [*rows, self.count])
        total = text.dot(x, x, [(n, n) for n in range(len(rows))], (len(rows), len(rows)))
        return text.binary("divide", total, text.number(float(self.count), total))

    def square(self, x: Value) -> Value:
        """x^2, as a product or a power."""
        text = self.text
        if self.is_("other_square"):
            return text.either("multiply", x, text.argument(self.shape, x.element, normal()))
        if self.is_("absolute"):
            return text.unary("abs", x)
        if self.is_("fourth_power"):
            return text.binary("power", x, text.number(4.0, x))
        if self.pick(True, False):
            return text.binary("power", x, text.number(2.0, x))
        return text.binary("multiply", x, x)

    def spread_root(self, inside: Value) -> Value:
        """The root over the whole shape."""
        root = self.root(inside, self.form)
        if self.pick(True, False) and not self.is_("other_rows"):
            root = self.maybe_with_ones(root)
        return self.spread(root, wrongly=self.is_("other_rows"))

    # -- x and the weight ------------------------------------------------------------------------

    def normed(self, x: Value, root: Value) -> Value:
        """The norm in its result type."""
        text = self.text
        if not self.weighted:
            self.value = self.apply(x, root, self.form)
            return text.convert(self.value, self.half)
        if self.place == "on_x":
            value = self.apply(text.either("multiply", x, self.weight()), root, self.form)
        elif self.place == "on_root":
            value = text.either("multiply", text.either("multiply", root, self.weight()), x)
        else:
            value = self.apply(x, root, self.form)
            if self.cast in ("before", "widened"):
                value = text.convert(value, self.half)
            if self.cast == "widened":
                value = text.convert(value, "f32")
            self.value = value
            return text.convert(text.either("multiply", value, self.weight()), self.result())
        return text.convert(value, self.result())

    def result(self) -> str:
        """The element type of the result."""
        return "f32" if self.cast == "widened" else self.half

    def weight(self) -> Value:
        """The weight, plus one or not, over the whole shape, in the type of the product."""
        element = {"before": self.half, "widened": "f32"}.get(self.cast, self.wide)
        own = self.half if self.cast == "after" else element
        weight = self.affine(own if self.plus_rounded else self.pick(element, own))
        if not self.plus_rounded:
            weight = self.text.convert(weight, element)
        if self.plus_one:
            one = 2.0 if self.is_("two_plus_weight") else 1.0
            weight = self.text.either("add", weight, self.text.number(one, weight))
        return self.spread_affine(self.text.convert(weight, element))

    # -- what is expected ------------------------------------------------------------------------

    def expected(self) -> dict[str, Any]:
        """The ops with the attributes drawn; none of a near miss."""
        if self.mutation in RMS_NORM_SAME:
            return {}
        if self.mutation:
            return {"rms_norm": []}
        wanted: dict[str, Any] = {
            "axes": self.axes,
            "epsilon": float(np.array(self.epsilon).astype(DTYPES[self.wide])),
        }
        # A value that is also read without its weight stays without.
        if self.weighted and self.second != "value":
            cast = {"before": "before_weight", "widened": "before_weight"}
            wanted["cast"] = "throughout" if self.narrow else cast.get(self.cast, "after_weight")
            wanted["weight_offset"] = float(self.plus_one and not self.plus_rounded)
            wanted["weight.shape"] = tuple(self.shape[axis] for axis in self.axes)
        return {"rms_norm": [wanted] * (2 if self.second == "norm" else 1)}

    def error(self) -> float:
        """Rounding points of half types move by a few units in the last place."""
        if self.half == "f32":
            return 1e-5
        return ULPS[self.half] * (self.count + 6 if self.narrow else 3)


RMS_NORM_MUTATIONS = (
    "wrong_count",
    "sum_from_one",
    "part_of_the_row",
    "other_square",
    "absolute",
    "fourth_power",
    "other_x",
    "other_rows",
    "rows_reversed",
    "other_root",
    "epsilon_outside",
    "largest_with_epsilon",
    "minus_epsilon",
    "weight_elsewhere",
    "weight_turned",
    "two_plus_weight",
)
RMS_NORM_SAME = ("weight_elsewhere", "weight_turned", "two_plus_weight")
"""Mutations of what stands beside the norm: it may be raised, without that."""


def _orders(rank: int) -> list[tuple[int, ...]]:
    """Some orders of dimensions."""
    axes = tuple(range(rank))
    return [axes[::-1], (*axes[1:], axes[0]), (axes[-1], *axes[:-1])]


class LayerNorm(Norm):
    """One LayerNorm."""

    def __init__(self, pick: Pick, mutation: str | None = None) -> None:
        super().__init__(pick, mutation)
        self.epsilon = self.epsilon or 1e-5
        self.form = pick(*ROOTS)
        self.variance_form = pick("two_pass", "two_pass", "fast", "f64")
        if mutation in ("fast_swapped", "fast_rows_turned"):
            self.variance_form = "fast"
        if mutation in ("count_less_one", "deviation_elsewhere", "deviation_of_another"):
            self.variance_form = "two_pass"
        self.half = "f32" if mutation else pick("f32", "f32", "f16", "bf16")
        self.wide = "f32"
        self.weighted, self.biased = pick(True, True, False), pick(True, False)
        if mutation in LAYER_NORM_SAME:
            self.weighted = self.biased = True
        places = ["after", "on_x"]
        if self.form != "x_over_sqrt":
            places += ["on_root", "apart"]
        self.place = "after" if mutation else pick(*places)

    def idiom(self) -> Idiom:
        """The function, and what is to be found in it."""
        x = self.text.argument(self.shape, self.half, normal(large=30.0))
        error = 1e-4 if self.half == "f32" else 2 * ULPS[self.half]
        label = f"layer_norm {self.variance_form} {self.mutation or ''}"
        return Idiom(label, self.text, [self.of(x)], self.expected(), error, lambda _: 4.0)

    def of(self, x: Value) -> Value:
        """The norm of x, in the type of x."""
        wide = self.text.convert(x, self.wide)
        root = self.root(self.plus_epsilon(self.variance(wide)), self.form)
        root = self.spread(self.maybe_with_ones(root), wrongly=self.is_("other_rows"))
        if self.place == "apart":
            return self.text.convert(self.apart(wide, root), self.half)
        deviation = wide if self.is_("not_centred") else self.deviation(wide)
        return self.text.convert(self.affined(deviation, root), self.half)

    def apart(self, x: Value, root: Value) -> Value:
        """The norm with x and its mean scaled apart, the weight on the root: `x r + (b - m r)`."""
        text = self.text
        if self.weighted:
            root = text.either("multiply", root, self.spread_affine(self.shifted()))
        mean = self.spread(self.maybe_with_ones(self.mean(x, self.axes, float(self.count))))
        scaled, shift = text.either("multiply", x, root), text.either("multiply", mean, root)
        if not self.biased:
            return text.binary("subtract", scaled, shift)
        bias = self.spread_affine(self.shifted(), "bias")
        return text.either("add", scaled, text.binary("subtract", bias, shift))

    def affined(self, deviation: Value, root: Value) -> Value:
        """The norm with its weight and bias."""
        text = self.text
        if self.weighted and self.place == "on_root":
            weight = self.spread_affine(self.shifted())
            value = text.either("multiply", text.either("multiply", root, weight), deviation)
        elif self.weighted and self.place == "on_x":
            weight = self.spread_affine(self.shifted())
            value = self.apply(text.either("multiply", deviation, weight), root, self.form)
        else:
            value = self.apply(deviation, root, self.form)
        bias = self.spread_affine(self.shifted(), "bias") if self.biased else None
        if bias and self.is_("bias_first"):
            value = text.either("add", value, bias)
        if self.weighted and self.place == "after":
            weight = self.spread_affine(self.shifted())
            value = text.either("multiply", value, weight)
        if bias and not self.is_("bias_first"):
            value = text.either("add", value, bias)
        return value

    def shifted(self) -> Value:
        """A weight or bias, perhaps with a number added: it is a weight or bias like any other."""
        value, number = self.affine(self.wide), self.pick(None, None, 1.0, 2.0)
        if number is None:
            return value
        return self.text.either("add", value, self.text.number(number, value))

    def deviation(self, x: Value, axes: tuple[int, ...] | None = None) -> Value:
        """x less its mean, over the norm's axes or others."""
        own = self.axes
        self.axes = axes or own
        mean = self.mean(x, self.axes, float(self.count))
        spread = self.spread(self.maybe_with_ones(mean))
        self.axes = own
        return self.text.binary("subtract", x, spread)

    def variance(self, x: Value) -> Value:
        """The variance: by deviations, also in f64, or by squares."""
        text, count = self.text, float(self.count)
        if self.variance_form == "fast":
            return self.fast_variance(x)
        if self.variance_form == "f64":
            x = text.convert(x, "f64")
        if self.is_("deviation_of_another"):
            x = text.argument(self.shape, x.element, normal())
        other = (self.kept[0],) if self.is_("deviation_elsewhere") else None
        deviation = self.deviation(x, other)
        squares = text.binary("multiply", deviation, deviation)
        if self.pick(True, False):
            squares = text.binary("power", deviation, text.number(2.0, deviation))
        if self.is_("count_less_one"):
            count -= 1
        variance = text.convert(self.mean(squares, self.axes, count), self.wide)
        return variance if self.mutation else self.maybe_clamped(variance)

    def maybe_clamped(self, variance: Value) -> Value:
        """A variance with or without a floor of 0."""
        if not self.pick(True, False, False):
            return variance
        return self.text.either("maximum", variance, self.text.number(0.0, variance))

    def fast_variance(self, x: Value) -> Value:
        """mean(x^2) - mean(x)^2."""
        text = self.text
        mean = self.with_ones(self.mean(x, self.axes, float(self.count)))
        squared = self.mean(text.binary("multiply", x, x), self.axes, float(self.count))
        if self.is_("fast_rows_turned"):
            order = list(range(mean.rank))
            order[self.kept[0]], order[self.kept[-1]] = self.kept[-1], self.kept[0]
            mean = text.transpose(mean, order)
        both = [self.with_ones(squared), text.binary("multiply", mean, mean)]
        if self.is_("fast_swapped"):
            both.reverse()
        return self.maybe_clamped(text.binary("subtract", *both))

    def expected(self) -> dict[str, Any]:
        """The op with what was drawn; none of a near miss."""
        if self.mutation:
            return {} if self.mutation in LAYER_NORM_SAME else {"layer_norm": []}
        sizes = tuple(self.shape[axis] for axis in self.axes)
        wanted = {
            "axes": self.axes,
            "epsilon": float(np.float32(self.epsilon)),
            "weight.shape": sizes if self.weighted else None,
            "bias.shape": sizes if self.biased else None,
        }
        return {"layer_norm": [wanted], "rms_norm": []}


LAYER_NORM_MUTATIONS = (
    "count_less_one",
    "sum_from_one",
    "deviation_elsewhere",
    "deviation_of_another",
    "not_centred",
    "other_rows",
    "fast_swapped",
    "fast_rows_turned",
    "epsilon_outside",
    "largest_with_epsilon",
    "minus_epsilon",
    "bias_first",
    "weight_elsewhere",
    "weight_turned",
    "bias_elsewhere",
)
LAYER_NORM_SAME = ("bias_first", "weight_elsewhere", "weight_turned", "bias_elsewhere")
"""Mutations of what stands beside the norm: it may be raised, without that."""
