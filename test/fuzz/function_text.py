"""Functions of StableHLO text under construction, with what they call and a pool of values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from idioms import DTYPES, Filling, Pick, Text, Value

FLOATS = ("f16", "bf16", "f32", "f64")


class Unknown(int):
    """A size that a module does not know, with what it is when it runs."""

    def __str__(self) -> str:
        return "?"

    __format__ = object.__format__


@dataclass
class Symbols:
    """What a module has beside its public functions."""

    functions: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    """The names of the steps that made it."""
    refusable: bool = False
    """Whether a pass may rightly fail: an unknown call, a parameter of the wrong kind."""
    tame: bool = False
    """Whether NaN, infinities and huge numbers may rightly be treated otherwise."""
    callees: list[tuple[str, list[Value], list[Value]]] = field(default_factory=list)
    """Private functions by name, arguments and results, to be called again."""

    def name(self, wanted: str) -> str:
        """A name that no other function has."""
        return f"{wanted}_{len(self.functions)}"


class Function(Text):
    """A function, or a region of one, that draws its operands from the values made before."""

    def __init__(
        self, pick: Pick, symbols: Symbols, outer: Function | None = None, depth: int = 0
    ) -> None:
        super().__init__(pick)
        self.symbols, self.outer, self.depth = symbols, outer, depth
        self.is_dynamic = False
        self.pool: list[Value] = []
        if outer:
            outer.regions += 1
            self.prefix = f"{outer.prefix}r{outer.regions}_"
            self.pool += outer.pool
        self.regions = 0

    def argument(self, shape: Sequence[int], element: str, filling: Filling) -> Value:
        """A further argument of the function."""
        if self.outer:
            return self.outer.argument(shape, element, filling)
        return super().argument(shape, element, filling)

    # -- the pool --------------------------------------------------------------------------------

    def give(self, *values: Value) -> None:
        """Puts values into the pool."""
        self.pool += values

    def take(self, fits: Callable[[Value], bool], shape: Sequence[int] | None = None) -> Value:
        """A value of the pool that fits; a new argument where there is none, or by chance.

        `shape` is that of the argument; it has to fit as an f32.
        """
        found = [value for value in self.pool if fits(value)]
        if found and (shape is None or self.pick(*[True] * 5, False)):
            # Later ones more often: chains get long.
            return self.pick(*found, *found[-3:])
        return self.fresh(shape)

    def take_float(self, min_rank: int = 1) -> Value:
        """A value of floats."""
        return self.take(
            lambda value: value.element in FLOATS and value.rank >= min_rank,
            self.some_shape(min_rank),
        )

    def fresh(self, shape: Sequence[int] | None = None, element: str | None = None) -> Value:
        """A new argument of floats, in the pool."""
        shape = self.some_shape(1) if shape is None else shape
        drawn: str = self.pick("f32", "f32", "f32", "f16", "bf16", "f64")
        value = self.argument(shape, element or drawn, mixed)
        self.give(value)
        return value

    def some_shape(self, min_rank: int, max_rank: int = 4) -> list[int]:
        """A small shape, seldom with a size of 0 or 1."""
        sizes = (1, 2, 2, 3, 3, 4, 4, 5, 8)
        shape = [self.pick(*sizes) for _ in range(self.pick(*range(min_rank, max_rank + 1)))]
        if self.is_dynamic:
            return [self.size(size) for size in shape]
        if shape and self.pick(True, *[False] * 60):
            shape[self.pick(*range(len(shape)))] = 0
        return shape

    def size(self, size: int) -> int:
        """A size, which the module may not know where it is dynamic."""
        return Unknown(size) if self.is_dynamic and self.pick(True, False) else size

    # -- more ops --------------------------------------------------------------------------------

    def spread(self, x: Value, shape: Sequence[int]) -> Value:
        """x over a shape that ends with its own, where its sizes are not 1."""
        if list(x.shape) == list(shape):
            return x
        return self.broadcast(x, range(len(shape) - x.rank, len(shape)), shape)

    def array(self, values: np.ndarray, element: str, *, resource: bool = False) -> Value:
        """A constant of many values, as a resource or in the text."""
        values = values.astype(DTYPES[element])
        spelled = f'dense<"0x{values.tobytes().hex()}">'
        if not values.size:
            spelled = "dense<>"
        elif len(set(values.tobytes())) == 1:
            spelled = "dense<0.0>"
        elif resource:
            name = f"weight_{len(self.symbols.resources)}"
            alignment = (4).to_bytes(4, "little").hex()
            self.symbols.resources.append(f'{name}: "0x{alignment}{values.tobytes().hex()}"')
            spelled = f"dense_resource<{name}>"
        return self.line(f"constant {spelled} : {{type}}", values.shape, element)

    def several(self, body: str, types: Iterable[Value]) -> list[Value]:
        """The results of an op that has any number of them, like `types`."""
        types, name = list(types), f"{self.prefix}{len(self.lines)}"
        count = f":{len(types)}" if len(types) != 1 else ""
        self.lines.append(f"{name}{count} = {body}")
        if len(types) == 1:
            return [Value(name, types[0].shape, types[0].element)]
        return [Value(f"{name}#{n}", x.shape, x.element) for n, x in enumerate(types)]

    def call(self, name: str, operands: Sequence[Value], results: Sequence[Value]) -> list[Value]:
        """The results of a private function."""
        return self.several(
            f"func.call @{name}({names(operands)}) : {signature(operands, results)}", results
        )

    def numbers(self, shape: Sequence[int]) -> np.ndarray:
        """Normal values that the draws decide."""
        seed = self.pick(*range(1 << 16))
        return np.random.default_rng(seed).standard_normal(shape)

    # -- text ------------------------------------------------------------------------------------

    def body(self, results: Sequence[Value], terminator: str = "stablehlo.return") -> str:
        """The text of a region."""
        end = f'"{terminator}"({names(results)}) : ({types(results)}) -> ()'
        return "\n".join([*self.lines, end])

    def private(self, wanted: str, results: Sequence[Value]) -> str:
        """Makes it a private function of the module; its name."""
        name = self.symbols.name(wanted)
        text = self.function(name, results).replace("func.func @", "func.func private @", 1)
        self.symbols.functions.append(text)
        return name


def names(values: Iterable[Value]) -> str:
    """`%0, %1`."""
    return ", ".join(value.name for value in values)


def types(values: Iterable[Value]) -> str:
    """`tensor<2xf32>, tensor<f32>`."""
    return ", ".join(value.type for value in values)


def signature(operands: Iterable[Value], results: Iterable[Value]) -> str:
    """`(tensor<2xf32>) -> (tensor<f32>)`."""
    return f"({types(operands)}) -> ({types(results)})"


# -- what arguments are filled with ----------------------------------------------------------------


def mixed(generator: np.random.Generator, shape: tuple[int, ...], hard: bool) -> np.ndarray:
    """Normal values; hard ones are huge, tiny, infinite, NaN, the same everywhere, or 0."""
    values = generator.standard_normal(shape)
    if not hard:
        return values
    kind = generator.integers(0, 7)
    some = generator.random(shape) < 0.1
    if kind == 0:
        return np.where(some, np.nan, values)
    if kind == 1:
        return np.where(some, generator.choice([np.inf, -np.inf], shape), values)
    if kind == 2:
        return values * generator.choice([1e4, 1e18, 1e30, 3e38])
    if kind == 3:
        return values * generator.choice([1e-6, 1e-20, 1e-39, 1e-44])
    if kind == 4:
        return np.zeros(shape) + generator.choice([0.0, -0.0, 1.0, 100.0])
    if kind == 5:
        rows = generator.random(shape[:-1])[..., None] if shape else 0.5
        return np.where(rows < 0.3, generator.choice([0.0, np.nan, -np.inf, np.inf]), values)
    return np.where(some, values * 1e3, values)


def moderate(generator: np.random.Generator, shape: tuple[int, ...], hard: bool) -> np.ndarray:
    """The same without NaN, infinities and huge numbers."""
    return np.clip(np.nan_to_num(mixed(generator, shape, hard), posinf=30, neginf=-30), -30, 30)


def some_true(generator: np.random.Generator, shape: tuple[int, ...], hard: bool) -> np.ndarray:
    """Mostly true; with rows of false where it is to be hard."""
    mask = generator.random(shape) < 0.7
    return mask & (generator.random(shape[:-1])[..., None] < 0.7) if hard and shape else mask


def small_integers(
    generator: np.random.Generator, shape: tuple[int, ...], hard: bool
) -> np.ndarray:
    """Integers that may be positions."""
    return generator.integers(0, 4, shape)
