"""`attnorm generate`: text or token ids from a compiled language model, as they come."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import AttnormError
from ..frontends.extras import require
from . import weights

if TYPE_CHECKING:
    import numpy as np
    from tokenizers import Tokenizer

    from ..execution.session import Session

_SUMMARY = "say what follows a prompt, by a language model that was compiled"
_INTERRUPTED = 130  # of a shell: 128 and the number of SIGINT


def add_command(commands: Any) -> None:
    """Adds `generate` to the subcommands of `attnorm`."""
    generating = commands.add_parser(
        "generate",
        help=_SUMMARY,
        description=f"{_SUMMARY[:1].upper()}{_SUMMARY[1:]}.",
        epilog="Tokens go to stdout as they come, the speed of both phases to stderr. "
        "Models are made by `attnorm export hf` and `attnorm compile`.",
    )
    generating.add_argument("program", metavar="MODEL.vmfb")
    weights.add_files(generating)
    prompt = generating.add_mutually_exclusive_group(required=True)
    prompt.add_argument("--ids", type=_ids, metavar="N,...", help="the prompt as token ids")
    prompt.add_argument("--prompt", metavar="TEXT", help="the prompt; wants --tokenizer")
    generating.add_argument(
        "--tokenizer",
        metavar="tokenizer.json",
        help="what makes ids of text (pip install 'attnorm[generate]')",
    )
    generating.add_argument(
        "--max-new-tokens", type=_count, default=128, metavar="N", help="default: 128"
    )
    generating.add_argument(
        "--temperature",
        type=float,
        default=0.0,
        metavar="T",
        help="0, the default, is the likeliest token; above, tokens are drawn",
    )
    generating.add_argument(
        "--top-k", type=int, metavar="N", help="draw from the N likeliest tokens"
    )
    generating.add_argument(
        "--top-p", type=float, metavar="P", help="draw from the likeliest tokens that make up P"
    )
    generating.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    generating.add_argument(
        "--device",
        choices=("local-task", "local-sync"),
        default="local-task",
        help="all cores (local-task, the default) or the calling thread",
    )
    generating.set_defaults(command=_generate)


def _ids(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {number}")
    return number


def _generate(arguments: argparse.Namespace) -> int:
    from ..execution.program import Program

    tokenizer = _tokenizer(arguments)
    program = Program.load(arguments.program, device=arguments.device, weights=arguments.weights)
    session = program.session(
        temperature=arguments.temperature,
        top_k=arguments.top_k,
        top_p=arguments.top_p,
        seed=arguments.seed,
    )
    ids = arguments.ids if tokenizer is None else _encode(tokenizer, arguments.prompt, session)
    shown = _Ids() if tokenizer is None else _Text(tokenizer)
    watch = _Watch(len(ids))
    try:
        for tokens in watch.over(
            session.generate([ids] * session.model.batch, arguments.max_new_tokens)
        ):
            shown.show(tokens)
    except KeyboardInterrupt:
        return _INTERRUPTED
    finally:
        shown.end()
        watch.report()
    return 0


# -- text ----------------------------------------------------------------------------------------


def _tokenizer(arguments: argparse.Namespace) -> Tokenizer | None:
    if arguments.prompt is None:
        if arguments.tokenizer is not None:
            raise AttnormError("--tokenizer: expected --prompt beside it, got --ids")
        return None
    if arguments.tokenizer is None:
        raise AttnormError("--prompt: expected --tokenizer beside it")
    require("tokenizers", extra="generate")
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(arguments.tokenizer)
    except Exception as error:  # the package raises nothing narrower
        raise AttnormError(f"{arguments.tokenizer}: expected a tokenizer: {error}") from None


def _encode(tokenizer: Tokenizer, prompt: str, session: Session) -> list[int]:
    ids = tokenizer.encode(prompt).ids
    bos = session.model.bos
    return ids if bos is None or ids[:1] == [bos] else [bos, *ids]


class _Ids:
    """A step a line: the token of each row."""

    def show(self, tokens: np.ndarray) -> None:
        print(*tokens.tolist(), flush=True)

    def end(self) -> None:
        pass


class _Text:
    """The first row's text, as far as it is whole characters."""

    def __init__(self, tokenizer: Tokenizer):
        from tokenizers.decoders import DecodeStream

        self._tokenizer = tokenizer
        self._stream = DecodeStream(skip_special_tokens=True)
        self._begun = False

    def show(self, tokens: np.ndarray) -> None:
        text = self._stream.step(self._tokenizer, int(tokens[0]))
        if text:
            print(text, end="", flush=True)
            self._begun = True

    def end(self) -> None:
        if self._begun:
            print(flush=True)


# -- speed ---------------------------------------------------------------------------------------


class _Watch:
    """The times of a generation: until the first token, which is the prompt's, and after it."""

    def __init__(self, prompt: int):
        self._prompt, self._times = prompt, [time.perf_counter()]

    def over(self, tokens: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """The tokens, their times noted."""
        for token in tokens:
            self._times.append(time.perf_counter())
            yield token

    def report(self) -> None:
        """Says the speed of both phases on stderr."""
        begin, *times = self._times
        if times:
            print(_speed("prompt", self._prompt, times[0] - begin), file=sys.stderr)
        if len(times) > 1:
            print(_speed("tokens", len(times) - 1, times[-1] - times[0]), file=sys.stderr)


def _speed(name: str, count: int, seconds: float) -> str:
    return f"{name}: {count} in {seconds:.2f} s, {count / seconds:.1f} a second"
