"""Softmax and attention as exporters write them, and nearly so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from idioms import ULPS, Filling, Idiom, Pick, Text, Value, normal

LOWEST = -3.4028234663852886e38
FILLS = (-math.inf, LOWEST, -2.3819763e38, -1e30, -1e9)


class Softmax:
    """One softmax."""

    def __init__(self, pick: Pick, mutation: str | None = None) -> None:
        self.pick, self.mutation, self.text = pick, mutation, Text(pick)
        rank = pick(1, 2, 3, 4)
        if mutation:
            rank = max(rank, 2)
        self.shape = tuple(4 if mutation else pick(2, 3, 4) for _ in range(rank))
        self.axis = pick(*range(rank))
        self.element = "f32" if mutation else pick("f32", "f32", "f16", "bf16")

    def is_(self, mutation: str) -> bool:
        """Whether this is the mutation to make."""
        return self.mutation == mutation

    def idiom(self) -> Idiom:
        """The function, and what is to be found in it."""
        text = self.text
        x = text.argument(self.shape, self.element, normal(3.0, large=30.0, low=-math.inf))
        result = text.convert(self.of(text.convert(x, "f32")), self.element)
        wanted: dict[str, Any] = {"softmax": [{"axis": self.axis}]}
        if self.mutation:
            wanted = {} if self.mutation in SOFTMAX_SAME else {"softmax": []}
        error = 1e-5 if self.element == "f32" else 2 * ULPS[self.element]
        return Idiom(f"softmax {self.mutation or ''}", text, [result], wanted, error, lambda _: 0.1)

    def of(self, x: Value) -> Value:
        """The softmax of x."""
        text = self.text
        init = 0.0 if self.is_("maximum_from_zero") else -math.inf
        seen = text.argument(x.shape, x.element, normal()) if self.is_("other_maximum") else x
        along = (self.axis + 1) % x.rank if self.is_("maximum_elsewhere") else self.axis
        peak = text.reduce("maximum", seen, [along], init)
        if self.pick(True, False, False):
            peak = text.either("maximum", text.number(-math.inf, peak), peak)
        power = text.unary("exponential", text.binary("subtract", x, self.spread(peak, along)))
        along = (self.axis + 1) % x.rank if self.is_("sum_elsewhere") else self.axis
        start = 1.0 if self.is_("sum_from_one") else 0.0
        summed = text.binary("multiply", power, power) if self.is_("sum_of_squares") else power
        total = text.reduce("add", summed, [along], start)
        if self.is_("plus_epsilon"):
            total = text.either("add", total, text.number(0.5, total))
        divided = text.unary("sine", power) if self.is_("other_numerator") else power
        wrongly = self.is_("other_rows")
        if self.pick(True, False, False):
            inverse = text.binary("divide", text.number(1.0, total), total)
            return text.either("multiply", divided, self.spread(inverse, along, wrongly=wrongly))
        return text.binary("divide", divided, self.spread(total, along, wrongly=wrongly))

    def spread(self, rows: Value, axis: int, *, wrongly: bool = False) -> Value:
        """Rows over the whole shape; wrongly with the kept axes in another place."""
        kept = [n for n in range(len(self.shape)) if n != axis]
        if wrongly:
            dims = [*kept[1:], kept[0]] if len(kept) > 1 else [axis]
            return self.text.broadcast(rows, dims, self.shape)
        if self.pick(True, False):
            ones = [1 if n == axis else size for n, size in enumerate(self.shape)]
            rows, kept = self.text.reshape(rows, ones), list(range(len(ones)))
        return self.text.broadcast(rows, kept, self.shape)


SOFTMAX_MUTATIONS = (
    "maximum_elsewhere",
    "maximum_from_zero",
    "other_maximum",
    "sum_elsewhere",
    "sum_from_one",
    "sum_of_squares",
    "plus_epsilon",
    "other_numerator",
    "other_rows",
)
SOFTMAX_SAME = ("maximum_from_zero", "other_maximum")
"""Mutations that cancel where nothing is infinite."""


# -- attention -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Named:
    """A value whose dimensions have names, a letter each.

    b batch, h heads, n both; k key heads, g query heads of each; t queries, s keys; d and e depths.
    """

    value: Value
    names: str


class Attention:
    """One attention."""

    def __init__(self, pick: Pick, mutation: str | None = None) -> None:
        self.pick, self.mutation, self.text = pick, mutation, Text(pick)
        square = {"b": 2, "k": 2, "g": 2, "t": 4, "s": 4, "d": 4, "e": 4}
        drawn = {
            "b": pick(1, 2, 3),
            "k": pick(1, 2, 3),
            "g": pick(1, 1, 2),
            "t": pick(1, 3, 4, 5),
            "s": pick(2, 4, 5),
            "d": pick(2, 4),
            "e": pick(2, 4, 3),
        }
        self.sizes = square if mutation else drawn
        self.sizes["h"] = self.sizes["k"] * self.sizes["g"]
        self.sizes["n"] = self.sizes["b"] * self.sizes["h"]
        self.form = pick("repeated", "merged", "grouped")
        self.half = "f32" if mutation else pick("f32", "f32", "f16", "bf16")
        self.wide = "f32"
        self.scale = pick(1.0, 0.5, 0.25) if self.half != "f32" else pick(1.0, 0.5, 0.3, 2.0)
        self.scaled = pick("scores", "scores", "divided", "q", "k", "split", "nowhere")
        if mutation in ("mask_before_scale", "scale_twice"):
            self.scale, self.scaled = 0.5, "scores"
        if self.scaled == "nowhere":
            self.scale = 1.0
        if self.scaled == "split":
            self.scale = 0.25
        self.cap = pick(None, None, 2.0, 30.0)
        if mutation == "other_cap":
            self.cap = 2.0
        self.fill = pick(*FILLS)
        self.low: int | None = None
        self.high: int | None = None
        self.masked = self.added = self.adds_up = False
        self.by_group = self.hides_nan = False
        self.batch_first = True
        self.tails: tuple[str, ...] = ("masked", "kept", "nan")
        self.safe: str | None = None
        self.sinks = mutation is None and pick(True, False, False, False)

    def is_(self, mutation: str) -> bool:
        """Whether this is the mutation to make."""
        return self.mutation == mutation

    def shape(self, names: str) -> list[int]:
        """The sizes of named dimensions."""
        return [self.sizes[name] for name in names]

    def idiom(self) -> Idiom:
        """The function, and what is to be found in it."""
        return Idiom(
            f"sdpa {self.form} {self.half} {self.mutation or ''}",
            self.text,
            self.of(*(self.argument(names) for names in self.layouts())),
            self.expected(),
            self.error(),
            _largest_value,
            settles=False,
        )

    def of(self, q: Named, k: Named, v: Named) -> list[Value]:
        """The attention of queries, keys and values."""
        scores = self.capped(self.scores(q, k))
        scores = self.with_masks(scores)
        result = self.values(self.softmax(scores), v)
        return [result.value, self.probabilities] if self.is_("read_twice") else [result.value]

    # -- operands --------------------------------------------------------------------------------

    def layouts(self) -> list[str]:
        """The dimensions of q, k and v as arguments."""
        heads_first = self.pick(True, False)
        return ["bhtd", "bksd", "bkse"] if heads_first else ["bthd", "bskd", "bske"]

    def argument(self, names: str) -> Named:
        """An argument with named dimensions."""
        filling = normal(1.0, large=4.0)
        if "e" not in names:
            filling = self.without_hidden_nan(filling)
        return Named(self.text.argument(self.shape(names), self.half, filling), names)

    def without_hidden_nan(self, filling: Filling) -> Filling:
        """Queries and keys; without NaN where the op hides one that the module shows, or the like.

        A predicate hides a NaN score, what is added to one does not. The op adds all masks beside
        an added one, and selects by one that is a predicate. A tail that looks for NaN takes every
        NaN for an empty row; the op tells them apart.
        """

        def fill(generator: np.random.Generator, shape: tuple[int, ...], hard: bool) -> np.ndarray:
            values = filling(generator, shape, hard)
            hidden = self.added or self.hides_nan or self.safe == "nan"
            return np.nan_to_num(values) if hidden else values

        return fill

    def arranged(self, x: Named, names: str) -> Named:
        """x with its dimensions in another order."""
        if x.names == names:
            return x
        order = [x.names.index(name) for name in names]
        return Named(self.text.transpose(x.value, order), names)

    def shuffled(self, x: Named) -> Named:
        """x with its dimensions in some order."""
        names = x.names
        return self.arranged(x, self.pick(names, names, names[::-1], names[1:] + names[0]))

    def split(self, x: Named, name: str, parts: str) -> Named:
        """A dimension as several."""
        names = x.names.replace(name, parts)
        return Named(self.text.reshape(x.value, self.shape(names)), names)

    def repeated(self, x: Named, *, tiled: bool = False) -> Named:
        """Keys or values [b, h, s, d] with each head for all of its queries."""
        depth = "d" if "d" in x.names else "e"
        x = self.arranged(x, f"bks{depth}")
        if self.sizes["g"] > 1 or self.pick(True, False):
            names = f"bgks{depth}" if tiled else f"bkgs{depth}"
            dims = [names.index(name) for name in x.names]
            x = Named(self.text.broadcast(x.value, dims, self.shape(names)), names)
        names = f"bhs{depth}"
        return Named(self.text.reshape(x.value, self.shape(names)), names)

    def in_form(self, x: Named, *, tiled: bool = False) -> Named:
        """An operand with the heads that the products have."""
        if self.form == "grouped":
            return self.split(x, "h", "kg") if "h" in x.names else x
        x = x if "h" in x.names else self.repeated(x, tiled=tiled)
        if self.form == "repeated":
            return x
        rest = "".join(name for name in x.names if name not in "bh")
        x = self.arranged(x, f"bh{rest}")
        return Named(self.text.reshape(x.value, self.shape(f"n{rest}")), f"n{rest}")

    def dot(self, a: Named, b: Named, name: str, element: str | None = None) -> Named:
        """A product over a dimension; what else both have is batch."""
        other = name
        if self.is_("other_contraction") and name == "s" and "t" in a.names + b.names:
            a, b, name, other = (a, b, "t", "s") if "t" in a.names else (a, b, "s", "t")
        shared = [one for one in a.names if one in b.names and one not in (name, other)]
        batch = [(a.names.index(one), b.names.index(one)) for one in shared]
        contract = (a.names.index(name), b.names.index(other))
        value = self.text.dot(a.value, b.value, batch, contract, element)
        free = [
            one
            for x, contracted in ((a, name), (b, other))
            for one in x.names
            if one not in (*shared, contracted)
        ]
        return Named(value, "".join([*shared, *free]))

    # -- scores ----------------------------------------------------------------------------------

    def scores(self, q: Named, k: Named) -> Named:
        """The product of queries and keys, scaled, in f32."""
        text = self.text
        if self.scaled == "q":
            q = Named(self.times(q.value, self.scale), q.names)
        if self.scaled == "split":
            q = Named(self.times(q.value, 0.5), q.names)
        tiled = self.is_("keys_tiled") or self.is_("tiled")
        q, k = self.in_form(q), self.in_form(k, tiled=tiled)
        if self.scaled in ("k", "split"):
            k = Named(self.times(k.value, 0.5 if self.scaled == "split" else self.scale), k.names)
        q, k = self.shuffled(q), self.shuffled(k)
        element = self.pick(self.wide, self.half)
        pair = (k, q) if self.pick(True, False) else (q, k)
        scores = self.dot(*pair, "d", element)
        scores = Named(text.convert(scores.value, self.wide), scores.names)
        # Repeats are undone in the inner batch dimension.
        heads = "k" if self.form == "grouped" else "h"
        self.batch_first = heads not in scores.names or scores.names.index("b") == 0
        if self.form == "merged" and self.pick(True, False):
            scores = self.split(scores, "n", "bh")
        return self.shuffled(scores)

    def times(self, x: Value, scale: float) -> Value:
        """x scaled."""
        if self.scaled == "divided":
            return self.text.binary("divide", x, self.text.number(1 / scale, x))
        return self.text.either("multiply", x, self.text.number(scale, x))

    def capped(self, scores: Named) -> Named:
        """Scores scaled, where that is to happen here, and capped."""
        text, value = self.text, scores.value
        if self.scaled in ("scores", "divided") and not self.is_("mask_before_scale"):
            value = self.times(value, self.scale)
        if self.is_("scale_twice"):
            value = self.times(value, self.scale)
        if self.cap is not None and not self.is_("mask_before_scale"):
            inner = 3.0 if self.is_("other_cap") else self.cap
            if self.pick(True, False):
                value = text.binary("divide", value, text.number(inner, value))
            else:
                value = text.either("multiply", value, text.number(1 / inner, value))
            value = text.unary("tanh", value)
            value = text.either("multiply", value, text.number(self.cap, value))
        return Named(value, scores.names)

    # -- masks -----------------------------------------------------------------------------------

    def with_masks(self, scores: Named) -> Named:
        """Scores with masks selected or added, one after the other or in conjunction."""
        predicates = [getattr(self, name)() for name in self.mask_kinds()]
        self.masked = bool(predicates)
        self.added = self.pick(True, False, False) and not self.mutation
        if predicates and self.pick(True, False):
            predicates = [self.conjunction(predicates)]
        self.adds_up = self.added and self.fill != -math.inf and len(predicates) > 1
        if self.added and self.fill == -1e9:
            # Scores show on it: it is a mask like any other, or a row of it alone is inexact.
            self.fill = -1e30
        for predicate in predicates:
            scores = self.masked_by(predicate, scores)
        if not (self.mutation or self.shows_added()) and self.pick(True, False, False):
            names = self.pick("ts", "bs", "bts", "hts", "bhts")
            mask = self.text.argument(self.shape(names), self.wide, self.float_mask())
            self.varies_by(names)
            self.hides_nan = True
            spread = self.over(Named(mask, names), scores.names)
            value = self.text.either("add", scores.value, spread)
            scores = Named(value, scores.names)
        if self.is_("mask_before_scale"):
            scores = Named(self.times(scores.value, self.scale), scores.names)
        return scores

    def shows_added(self) -> bool:
        """Whether there is a fill that is not so low that it hides what is added to it."""
        return self.masked and not self.added and self.fill == -1e9

    def ends(self) -> list[np.ndarray]:
        """Which keys a query sees by each end of the band: one that decides nothing is folded."""
        ahead = np.arange(self.sizes["s"]) - np.arange(self.sizes["t"])[:, np.newaxis]
        ends = [] if self.high is None else [ahead <= self.high]
        return ends if self.low is None else [*ends, ahead >= self.low]

    def varies_by(self, names: str) -> None:
        """Notes a mask by head over groups: which of the rows' dimensions is that of positions?"""
        self.by_group |= "h" in names and self.form == "grouped" and self.sizes["g"] > 1

    def float_mask(self) -> Filling:
        """A mask to add; without -inf beside a finite fill, which the op has no word for."""
        return _moderate if self.masked and self.fill != -math.inf else _float_mask

    def mask_kinds(self) -> tuple[str, ...]:
        """Which predicates there are."""
        if self.mutation in MASK_MUTATIONS:
            return ("padding",)
        kinds = [(), ("causal",), ("causal", "near"), ("padding",), ("causal", "padding")]
        return self.pick(*kinds, ("near",), ("given",), ("given", "causal", "near"))

    def conjunction(self, predicates: Sequence[Named]) -> Named:
        """Predicates as one, over the dimensions of all."""
        present = {name for predicate in predicates for name in predicate.names}
        names = "".join(name for name in "bhts" if name in present)
        whole = self.over(predicates[0], names)
        for predicate in predicates[1:]:
            whole = self.text.either("and", whole, self.over(predicate, names))
        return Named(whole, names)

    def over(self, x: Named, names: str) -> Value:
        """A mask over b, h, t and s as a value with the scores' dimensions."""
        target = names
        for joint, parts in (("n", "bh"), ("kg", "h"), ("gk", "h")):
            target = target.replace(joint, parts)
        if "k" in target or "g" in target:
            x, target = self.with_groups(x), names
        dims = [target.index(name) for name in x.names]
        value = self.text.broadcast(x.value, dims, self.shape(target))
        return value if target == names else self.text.reshape(value, self.shape(names))

    def with_groups(self, x: Named) -> Named:
        """A mask with its heads as key heads and groups."""
        return self.split(x, "h", "kg") if "h" in x.names else x

    def masked_by(self, predicate: Named, scores: Named) -> Named:
        """Scores where a predicate is true."""
        text = self.text
        fill = self.fill
        if self.is_("plausible_fill"):
            fill = self.pick(-2.0, -1e3, 0.0)
        if self.added:
            zeros = text.constant(0.0, predicate.value.shape, self.wide)
            subtracts = self.pick(True, False, False)
            low = text.number(-fill if subtracts else fill, zeros)
            mask = Named(text.select(predicate.value, zeros, low), predicate.names)
            spread = self.over(mask, scores.names)
            if subtracts:
                return Named(text.binary("subtract", scores.value, spread), scores.names)
            return Named(text.either("add", scores.value, spread), scores.names)
        spread = self.over(predicate, scores.names)
        low = text.number(fill, scores.value)
        if self.is_("mask_inverted"):
            return Named(text.select(spread, low, scores.value), scores.names)
        if self.pick(True, False, False):
            goes = text.unary("not", spread)
            return Named(text.select(goes, low, scores.value), scores.names)
        return Named(text.select(spread, scores.value, low), scores.names)

    def padding(self) -> Named:
        """A mask of keys."""
        names = self.pick("s", "bs")
        return Named(self.text.argument(self.shape(names), "i1", _some), names)

    def given(self) -> Named:
        """A mask of anything."""
        names = self.pick("ts", "bts", "bhts")
        self.varies_by(names)
        return Named(self.text.argument(self.shape(names), "i1", _some), names)

    def causal(self) -> Named:
        """Keys up to the query's position and an offset, compared in one of many ways."""
        offset = self.pick(0, 0, self.sizes["s"] - self.sizes["t"], 1, -1)
        self.high = offset
        names, i, j = self.positions()
        return Named(self.at_most(self.difference(j, i), i, j, offset), names)

    def near(self) -> Named:
        """Keys from some way before the query's position on."""
        ahead = 0 if self.high is None else self.high
        left = self.pick(1, 2, 3)
        self.low = ahead - left
        names, i, j = self.positions()
        return Named(self.at_most(self.difference(i, j), j, i, -self.low), names)

    def difference(self, a: Value, b: Value) -> Value:
        """a - b, in one of two ways."""
        if self.pick(True, False):
            return self.text.binary("subtract", a, b)
        return self.text.either("add", a, self.text.unary("negate", b))

    def positions(self) -> tuple[str, Value, Value]:
        """The positions of queries and keys, each over both."""
        names, element = self.pick("ts", "st"), self.pick("i32", "i64")
        found = []
        for name in "ts":
            if self.pick(True, False):
                found.append(self.text.iota(names.index(name), self.shape(names), element))
            else:
                line = self.text.iota(0, self.shape(name), element)
                found.append(self.text.broadcast(line, [names.index(name)], self.shape(names)))
        return names, found[0], found[1]

    def at_most(self, difference: Value, low: Value, high: Value, bound: int) -> Value:
        """`high - low <= bound`, which is `difference`, in one of many ways."""
        text = self.text
        number = text.number(bound, low)
        above = text.number(bound + 1, low)
        below = text.number(-bound - 1, low)
        moved = low if bound == 0 and self.pick(True, False) else text.either("add", low, number)
        match self.pick(*range(8)):
            case 0:
                return text.compare("LE", high, moved)
            case 1:
                return text.compare("GE", moved, high)
            case 2:
                return text.compare("LT", high, text.either("add", low, above))
            case 3:
                return text.compare("GT", moved, text.binary("subtract", high, text.number(1, low)))
            case 4:
                return text.compare("LE", difference, number)
            case 5:
                return text.compare("GT", above, difference)
            case 6:
                return text.compare("GT", text.unary("negate", difference), below)
            case _:
                return text.compare("LT", text.binary("subtract", high, above), low)

    # -- probabilities and values ----------------------------------------------------------------

    def softmax(self, scores: Named) -> Named:
        """Probabilities in the type of the values, with a tail that empties masked rows or not."""
        text = self.text
        axis = scores.names.index("t" if self.is_("over_queries") else "s")
        value = self.with_sinks(scores, axis) if self.sinks else self.shares(scores.value, axis)
        drawn = self.mutation is None and not self.sinks
        self.safe = self.pick(None, None, *self.tails) if drawn else None
        if self.is_("tail_of_ones"):
            self.safe = "masked"
        if self.is_("tail_of_other_rows"):
            self.safe = self.pick(*self.tails)
        if self.safe:
            full = 1.0 if self.is_("tail_of_ones") else 0.0
            value = self.emptied(value, scores, axis, full)
        if self.is_("mask_after_softmax"):
            mask = self.over(self.padding(), scores.names)
            value = text.select(mask, value, text.number(0.0, value))
        if self.is_("scaled_probabilities"):
            value = text.either("multiply", value, text.number(2.0, value))
        self.probabilities = value
        return Named(text.convert(value, self.half), scores.names)

    def shares(self, x: Value, axis: int) -> Value:
        """Softmax."""
        own = Softmax(self.pick)
        own.text, own.shape, own.axis = self.text, x.shape, axis
        return own.of(x)

    def with_sinks(self, scores: Named, axis: int) -> Value:
        """Probabilities of keys beside one more score for each head."""
        text = self.text
        sinks = text.argument([self.sizes["h"]], self.half, normal(1.0, large=4.0))
        sinks = Named(text.convert(sinks, self.wide), "h")
        spread = self.over(sinks, scores.names.replace("s", ""))
        shape = list(scores.value.shape)
        shape[axis] = 1
        every = text.concatenate([scores.value, text.reshape(spread, shape)], axis)
        if self.pick(True, False, False):
            peak = text.reduce("maximum", every, [axis], -math.inf)
            kept = [n for n in range(every.rank) if n != axis]
            every = text.binary("subtract", every, text.broadcast(peak, kept, every.shape))
        ranges = [(0, size) for size in scores.value.shape]
        return text.slice(self.shares(every, axis), ranges)

    def emptied(self, value: Value, scores: Named, axis: int, full: float) -> Value:
        """Probabilities with 0 in rows that see nothing."""
        text = self.text
        if self.safe == "nan":
            lost = self.on_rows(text.compare("NE", value, value), scores.names)
            return text.select(lost, text.number(full, value), value)
        low = text.number(-math.inf, scores.value)
        rest = [n for n in range(value.rank) if n != axis]
        if self.safe == "kept":
            some = text.reduce("or", text.compare("NE", scores.value, low), [axis], False)
            some = self.on_rows(text.broadcast(some, rest, value.shape), scores.names)
            return text.select(some, value, text.number(full, value))
        every = text.reduce("and", text.compare("EQ", scores.value, low), [axis], True)
        lost = self.on_rows(text.broadcast(every, rest, value.shape), scores.names)
        return text.select(lost, text.number(full, value), value)

    def on_rows(self, predicate: Value, names: str) -> Value:
        """A predicate of rows as it is, or with queries and keys in each other's place."""
        if not self.is_("tail_of_other_rows"):
            return predicate
        turned = names.translate(str.maketrans("ts", "st"))
        return self.text.transpose(predicate, [names.index(name) for name in turned])

    def values(self, probabilities: Named, v: Named) -> Named:
        """The product with the values, its dimensions in some order."""
        tiled = self.is_("values_tiled") or self.is_("tiled")
        if self.form == "merged" and "n" not in probabilities.names:
            probabilities = self.arranged(probabilities, "bhts")
            value = self.text.reshape(probabilities.value, self.shape("nts"))
            probabilities = Named(value, "nts")
        v = self.shuffled(self.in_form(v, tiled=tiled))
        if self.is_("values_swapped") and "h" in v.names:
            v = Named(self.text.reverse(v.value, [v.names.index("h")]), v.names)
        if self.pick(True, False):
            probabilities = self.shuffled(probabilities)
        pair = (v, probabilities) if self.pick(True, False) else (probabilities, v)
        result = self.dot(*pair, "s")
        return self.shuffled(result)

    # -- what is expected ------------------------------------------------------------------------

    def expected(self) -> dict[str, Any]:
        """The op with the attributes drawn; none of a near miss."""
        if self.mutation:
            return {} if self.mutation in ATTENTION_SAME else {"sdpa": []}
        # Where no key is seen, nothing is left of queries and keys.
        if not all(end.any() for end in self.ends()):
            return {}
        # The inner batch dimension is that of heads: sinks of another one are no sinks of the op.
        if self.sinks and not self.batch_first:
            return {}
        wanted: dict[str, Any] = {
            "scale": self.scale,
            "softcap": self.cap,
        }
        # Beside what is added, a fill is added too, and no row is empty; nor is one of all keys.
        folded = any(end.all() for end in self.ends())
        if not (self.sinks or (self.fill != -math.inf and (self.hides_nan or folded))):
            wanted["fully_masked"] = self.mode()
        if self.batch_first:
            wanted["keys"] = math.prod(self.shape("bksd"))
        # A window that begins behind the query's position is one mask with its end, or none.
        ahead = self.low is not None and self.low > 0
        # A finite fill beside a mask that is added is part of that mask.
        summed = self.hides_nan and self.masked and self.fill != -math.inf
        placed = not (folded or self.adds_up or self.by_group or ahead or summed)
        if self.sizes["t"] > 1 and placed:
            wanted |= self.placement()
        return {"sdpa": [wanted]}

    def mode(self) -> str:
        """What a fully masked row becomes."""
        # Of several fills that were added up, the op adds the sum.
        if self.masked and self.fill != -math.inf and not self.adds_up:
            return "uniform"
        # What makes 0 of NaN looks at the rows, whatever made them NaN: it stands behind the op.
        return "zero" if self.safe and self.safe != "nan" else "nan"

    def placement(self) -> dict[str, Any]:
        """The attributes that say which keys a query sees."""
        if self.high is None and self.low is None:
            return {"causal": False, "window": (-1, -1)}
        if self.high is None:
            return {"causal": False, "window": (-self.low, -1)}
        left = -1 if self.low is None else self.high - self.low
        return {"causal": True, "offset": self.high, "window": (left, -1)}

    def error(self) -> float:
        """Of the largest value; half types round probabilities and scores."""
        return 2e-5 if self.half == "f32" else 16 * ULPS[self.half]


def _largest_value(arrays: Sequence[np.ndarray]) -> float:
    """The largest finite number in the values, the third argument."""
    values = np.abs(arrays[2].astype(np.float64))
    return float(values[np.isfinite(values)].max(initial=1.0))


def _some(generator: np.random.Generator, shape: tuple[int, ...], hard: bool) -> np.ndarray:
    """Mostly true; with rows of false where it is to be hard."""
    mask = generator.random(shape) < 0.7
    if not hard:
        mask[..., 0] = True
        return mask
    return mask & (generator.random(shape[:-1])[..., None] < 0.7)


def _moderate(generator: np.random.Generator, shape: tuple[int, ...], hard: bool) -> np.ndarray:
    """Moderate numbers."""
    return generator.standard_normal(shape)


def _float_mask(generator: np.random.Generator, shape: tuple[int, ...], hard: bool) -> np.ndarray:
    """Moderate numbers; with -inf, also in whole rows, where it is to be hard."""
    mask = generator.standard_normal(shape)
    return np.where(_some(generator, shape, True), mask, -np.inf) if hard else mask


ATTENTION_MUTATIONS = (
    "mask_before_scale",
    "scale_twice",
    "plausible_fill",
    "mask_inverted",
    "mask_after_softmax",
    "other_cap",
    "tiled",
    "keys_tiled",
    "values_tiled",
    "values_swapped",
    "over_queries",
    "other_contraction",
    "read_twice",
    "scaled_probabilities",
    "tail_of_ones",
    "tail_of_other_rows",
)
MASK_MUTATIONS = ("mask_before_scale", "plausible_fill", "mask_inverted")
ATTENTION_SAME = (
    "mask_before_scale",
    "mask_inverted",
    "scale_twice",
    "tiled",
    "keys_tiled",
    "values_tiled",
    "values_swapped",
)
"""Mutations that are attention too, of other operands."""
