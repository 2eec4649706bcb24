"""What is measured: the cases, their operands and what each moves through memory."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import ml_dtypes
import numpy as np
import numpy.typing as npt

from ..contender import Array

EPSILON = 1e-6
"""Of every norm."""
PARAMETERS = ("weight", "bias")
"""Operands that a model holds: constants for whoever reads model files."""
DTYPES: dict[str, np.dtype] = {
    "f32": np.dtype(np.float32),
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
}
"""Element types by the name that StableHLO gives them."""

_ROW_OPERANDS = {
    "rms_norm": ("x", "weight"),
    "rms_norm_mul": ("x", "weight", "multiplier"),
    "add_rms_norm": ("a", "b", "weight"),
    "layer_norm": ("x", "weight", "bias"),
    "softmax": ("x",),
}


@dataclass(frozen=True)
class Rows:
    """An op on every row of [rows, columns], `repeat` times in a chain."""

    op: str
    rows: int
    columns: int
    dtype: str = "f32"
    repeat: int = 1

    @property
    def name(self) -> str:
        """What `--cases` matches."""
        chain = f"_chain{self.repeat}" if self.repeat > 1 else ""
        return f"{self.op}_{self.rows}x{self.columns}_{self.dtype}{chain}"

    @property
    def title(self) -> str:
        """What a table says."""
        chain = f"{self.repeat} in a chain, " if self.repeat > 1 else ""
        dtype = "" if self.dtype == "f32" else f", {self.dtype}"
        return f"{self.op}, {chain}[{self.rows}, {self.columns}]{dtype}"

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The operands in order."""
        whole, row = (self.rows, self.columns), (self.columns,)
        names = _ROW_OPERANDS[self.op]
        return {name: row if name in PARAMETERS else whole for name in names}

    @property
    def heading(self) -> str:
        """What the table is called."""
        return "Norms and softmax"

    @property
    def outputs(self) -> int:
        """The number of results, each [rows, columns]."""
        return 2 if self.op == "add_rms_norm" else 1

    @property
    def bytes_moved(self) -> int:
        """The least that goes through memory: whole operands read once, results written once."""
        arrays = sum(name not in PARAMETERS for name in self.shapes) + self.outputs
        return arrays * self.rows * self.columns * DTYPES[self.dtype].itemsize

    @property
    def large(self) -> bool:
        """Whether all contenders at once would not fit into memory."""
        return False

    @property
    def slow(self) -> bool:
        """Whether `--quick` leaves it out."""
        return self.rows * self.columns > 4_000_000


@dataclass(frozen=True)
class Attention:
    """softmax(q k^T / sqrt(depth)) v in f32, batch 1.

    q [1, heads, queries, depth], k and v [1, key_heads, keys, depth]. `causal`: query i sees keys
    up to i; `window`: of these the last `window`.
    """

    heads: int
    key_heads: int
    queries: int
    keys: int
    depth: int
    causal: bool = False
    window: int | None = None
    op: str = "sdpa"
    dtype: str = "f32"

    @property
    def name(self) -> str:
        """What `--cases` matches."""
        kind = "decode" if self.queries == 1 else "sdpa"
        form = f"_window{self.window}" if self.window else "_causal" if self.causal else ""
        return f"{kind}_{self.heads}to{self.key_heads}_d{self.depth}_{self.keys}{form}"

    @property
    def title(self) -> str:
        """What a table says."""
        kind = "decode" if self.queries == 1 else "attention"
        heads = f"{self.heads} heads" if self.groups == 1 else f"{self.heads}:{self.key_heads}"
        form = f", window {self.window}" if self.window else ", causal" if self.causal else ""
        return f"{kind}, {heads}, D={self.depth}, S={self.keys}{form}"

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The operands in order."""
        keys = (1, self.key_heads, self.keys, self.depth)
        return {"q": (1, self.heads, self.queries, self.depth), "k": keys, "v": keys}

    @property
    def heading(self) -> str:
        """What the table is called."""
        return "Attention"

    @property
    def bytes_moved(self) -> None:
        """Its arithmetic takes the time."""
        return None

    @property
    def outputs(self) -> int:
        """One result, of q's shape."""
        return 1

    @property
    def groups(self) -> int:
        """Query heads per key head."""
        return self.heads // self.key_heads

    @property
    def scale(self) -> float:
        """What multiplies the scores."""
        return 1 / math.sqrt(self.depth)

    @property
    def slow(self) -> bool:
        """Whether `--quick` leaves it out."""
        return self.queries * self.keys > 5_000_000

    @property
    def large(self) -> bool:
        """Whether all contenders at once would not fit: most write all scores to memory."""
        return self.heads * self.queries * self.keys * 4 > 1 << 30


Case = Rows | Attention


def mask(case: Attention) -> npt.NDArray[np.bool_] | None:
    """Which keys [queries, keys] are seen; None where all are."""
    if not case.causal:
        return None
    distance = np.arange(case.queries)[:, None] - np.arange(case.keys)
    return (distance >= 0) & (distance < (case.window or case.keys))


def additive_mask(case: Attention) -> npt.NDArray[np.float32]:
    """`mask` as what is added to the scores, [queries, keys]: 0, or -1e30 where not seen.

    As exporters write it: a block of -inf is NaN to some blocked kernels.
    """
    seen = mask(case)
    assert seen is not None
    return np.where(seen, np.float32(0), np.float32(-1e30))


def ways(case: Case, operands: Mapping[str, Array]) -> list[tuple[Case, Mapping[str, Array]]]:
    """The case, and what is the same by hand.

    The grouped query heads of a decoded token are queries to their key head: no library need know
    of groups.
    """
    found: list[tuple[Case, Mapping[str, Array]]] = [(case, operands)]
    if isinstance(case, Attention) and case.queries == 1 and case.groups > 1:
        folded = replace(case, heads=case.key_heads, queries=case.groups)
        found.append((folded, {**operands, "q": operands["q"].reshape(folded.shapes["q"])}))
    return found


def operands(case: Case) -> dict[str, Array]:
    """The operands by name: the same ones for a case in every process."""
    random = np.random.default_rng(zlib.crc32(case.name.encode()))
    arrays = {name: random.standard_normal(s, np.float32) for name, s in case.shapes.items()}
    for name in set(arrays) & set(PARAMETERS):
        # Near one, so that a chain of norms neither grows nor vanishes.
        arrays[name] = np.float32(1) + arrays[name] / np.float32(64)
    return {name: array.astype(DTYPES[case.dtype]) for name, array in arrays.items()}


def _attention() -> list[Attention]:
    lengths = (512, 2048, 8192)
    return [
        *(Attention(8, 8, s, s, 64) for s in lengths),
        *(Attention(8, 8, s, s, 64, causal=True) for s in lengths),
        *(Attention(8, 8, s, s, 64, causal=True, window=512) for s in (2048, 8192)),
        Attention(8, 1, 512, 512, 256),
        *(Attention(8, 8, 1, keys, 64) for keys in (2048, 32768)),
        *(Attention(4, 1, 1, keys, 256) for keys in (2048, 32768)),
    ]


CASES: tuple[Case, ...] = (
    Rows("rms_norm", 1, 4096, repeat=64),
    Rows("rms_norm", 32, 1024),
    Rows("rms_norm", 512, 4096),
    Rows("rms_norm", 2048, 4096),
    Rows("rms_norm", 4096, 640),
    Rows("rms_norm", 512, 4096, "bf16"),
    Rows("rms_norm", 512, 4096, "f16"),
    Rows("rms_norm_mul", 512, 4096),
    Rows("add_rms_norm", 512, 4096),
    Rows("layer_norm", 512, 4096),
    Rows("softmax", 4096, 4096),
    *_attention(),
)
