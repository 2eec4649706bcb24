"""A conversation with a language model: its caches, and what follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..errors import AttnormError
from .language_model import LanguageModel
from .sampling import Sampler

if TYPE_CHECKING:
    from iree.runtime import HalBufferView

    from ..ir.signature import Signature

Ids = Sequence[int] | Sequence[Sequence[int]] | np.ndarray


class Functions(Protocol):
    """What a session needs of a program."""

    @property
    def functions(self) -> Mapping[str, Signature]:
        """What it can be asked to compute, by name."""
        ...

    def upload(self, array: np.ndarray) -> HalBufferView:
        """A copy of an array on the device."""
        ...

    def download(self, view: HalBufferView) -> np.ndarray:
        """A buffer as an array."""
        ...

    def call_on_device(
        self, function: str, arguments: Sequence[HalBufferView]
    ) -> list[HalBufferView]:
        """Calls a function on what is on the device already."""
        ...


class Session:
    """The tokens of `batch` rows so far, in the caches of a compiled language model.

    `program.session()` makes one; sessions of a program are independent. Every row has as many
    tokens. The tokens stay on the device: a call moves ids in and logits out.
    """

    def __init__(self, program: Functions, model: LanguageModel, sampler: Sampler):
        self._program, self._sampler = program, sampler
        self.model = model
        """What the program says of itself: its capacity, batch, chunks, end-of-text tokens."""
        self.position = 0
        """How many tokens the caches hold."""
        self._slot = 0
        self._waiting: np.ndarray | None = None
        self.logits: np.ndarray | None = None
        """The logits behind the last token of each row, [batch, vocabulary] f32."""
        types = program.functions["decode"].arguments[4:]
        empty = [np.zeros([size or 0 for size in kind.shape], kind.dtype) for kind in types]
        self._caches = [program.upload(array) for array in empty]

    def prefill(self, ids: Ids) -> np.ndarray:
        """Appends tokens: [n] for one row, [batch, n] for more; the logits behind the last one.

        It may be called again, also between calls of `decode`. Any n goes, up to the capacity: the
        tokens are handed over in chunks. Raises `AttnormError` for other shapes, for ids out of the
        vocabulary, and for more tokens than the caches hold.
        """
        tokens = self._checked(ids)
        if self._waiting is not None:
            tokens = np.concatenate([self._waiting[:, None], tokens], axis=1)
        if self.position + tokens.shape[1] > self.model.capacity:
            raise AttnormError(
                f"expected at most {self.model.capacity} tokens in all, "
                f"got {self.position + tokens.shape[1]}"
            )
        self._waiting = None
        while tokens.shape[1]:
            size = self.model.chunk_for(tokens.shape[1], self.position)
            self.logits = self._step(tokens[:, :size], size)
            tokens = tokens[:, size:]
        assert self.logits is not None
        return self.logits

    def decode(self) -> np.ndarray:
        """The next token of each row, [batch] i32, as the session samples.

        The model has not seen it before the next call. Raises `AttnormError` where the caches are
        full, or nothing has been said yet.
        """
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self.prefill(waiting[:, None])
        if self.logits is None:
            raise AttnormError("expected a prompt of one token or more before the first decode")
        self._waiting = self._sampler(self.logits)
        return self._waiting

    def generate(self, ids: Ids, max_new_tokens: int) -> Iterator[np.ndarray]:
        """The tokens that follow a prompt, each as soon as it is there: [batch] i32.

        It ends where every row has had an end-of-text token, which is still given, or where the
        caches are full.
        """
        self.prefill(ids)
        ended = np.zeros(self.model.batch, bool)
        for _ in range(max_new_tokens):
            if self._waiting is not None and self.position == self.model.capacity:
                return
            tokens = self.decode()
            yield tokens
            ended |= np.isin(tokens, self.model.eos)
            if ended.all():
                return

    def _checked(self, ids: Ids) -> np.ndarray:
        batch, vocabulary = self.model.batch, self.model.vocabulary
        try:
            tokens = np.asarray(ids)
        except ValueError:
            raise AttnormError("ids: expected rows of as many tokens each") from None
        if tokens.ndim == 1 and batch == 1:
            tokens = tokens[None]
        if tokens.ndim != 2 or tokens.shape[0] != batch or not tokens.size:
            got = "x".join(map(str, tokens.shape))
            raise AttnormError(f"ids: expected {batch} rows of one token or more, got {got}")
        if not np.issubdtype(tokens.dtype, np.integer):
            raise AttnormError(f"ids: expected integers, got {tokens.dtype}")
        wrong = tokens[(tokens < 0) | (tokens >= vocabulary)]
        if wrong.size:
            raise AttnormError(f"ids: expected 0 to {vocabulary - 1}, got {wrong[0]}")
        return tokens.astype(np.int32)

    def _step(self, tokens: np.ndarray, size: int) -> np.ndarray:
        """Hands over tokens, as a chunk of `size`; the logits behind the last one."""
        count = tokens.shape[1]
        self._make_room(size)
        padded = np.pad(tokens, ((0, 0), (0, size - count)))
        scalars = (self.position, self._slot, count - 1)
        arguments = [padded, *(np.array(value, np.int32) for value in scalars)]
        function = "decode" if size == 1 else f"prefill_{size}"
        logits, *self._caches = self._call(function, arguments, self._caches)
        self.position += count
        self._slot += count
        return self._program.download(logits)

    def _make_room(self, size: int) -> None:
        """Moves the windows to the front of their caches where the slots are used up."""
        model = self.model
        if model.slots is None or model.window is None or self._slot + size <= model.slots:
            return
        places = [2 * layer + part for layer in model.rolling for part in range(2)]
        slot = np.array(self._slot, np.int32)
        moved = self._call("roll", [slot], [self._caches[place] for place in places])
        for place, cache in zip(places, moved, strict=True):
            self._caches[place] = cache
        self._slot = model.window

    def _call(
        self, function: str, arrays: Sequence[np.ndarray], caches: Sequence[HalBufferView]
    ) -> list[HalBufferView]:
        uploaded = [self._program.upload(array) for array in arrays]
        return self._program.call_on_device(function, [*uploaded, *caches])
