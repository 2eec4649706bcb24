"""`attnorm export`: models of other frameworks as StableHLO bytecode."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from ..io.files import check_writable, replacing

if TYPE_CHECKING:
    from ..ir.mlir import ir

_SUMMARY = "make a language model one file: weights, prefill and decode, caches of a fixed length"


def add_command(commands: Any) -> None:
    """Adds `export` to the subcommands of `attnorm`."""
    summary = "make a model of another framework a module"
    exporting = commands.add_parser("export", help=summary, description=summary)
    frameworks = exporting.add_subparsers(title="from", metavar="FRAMEWORK", required=True)
    hf = frameworks.add_parser(
        "hf",
        help=_SUMMARY,
        description=f"{_SUMMARY[:1].upper()}{_SUMMARY[1:]}.",
        epilog="Functions and metadata are described by `pydoc attnorm.from_hugging_face`. "
        "Needs pip install 'attnorm[torch]'.",
    )
    hf.add_argument(
        "source",
        metavar="CONFIG_OR_DIR",
        help="a directory with config.json and safetensors; or gemma3-270m, llama3.2-1b, "
        "qwen3-0.6b, with random weights",
    )
    hf.add_argument("-o", dest="output", required=True, metavar="OUT.mlirbc")
    hf.add_argument(
        "--capacity", type=int, default=2048, metavar="N", help="positions (default: 2048)"
    )
    hf.add_argument("--batch", type=int, default=1, metavar="N", help="rows (default: 1)")
    hf.add_argument(
        "--chunks",
        type=_sizes,
        default=[64, 512],
        metavar="N,...",
        help="tokens that prefill takes at once, a function each (default: 64,512)",
    )
    hf.add_argument(
        "--dtype",
        choices=("f32", "bf16", "f16"),
        default="f32",
        help="the type of weights, activations and caches (default: f32)",
    )
    hf.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of random weights (default: 0)"
    )
    hf.set_defaults(command=_export)


def _sizes(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected sizes as in 64,512, got '{text}'") from None


def _export(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    check_writable(arguments.output)
    from ..frontends.extras import require
    from ..frontends.from_hugging_face import from_hugging_face

    require("transformers", extra="torch")
    import transformers

    # It tells the same, and more than anyone asked for.
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    begun = time.monotonic()

    with console.status("") as status:

        def tell(text: str) -> None:
            line = f"{time.monotonic() - begun:6.1f} s  {text}"
            status.update(line)
            if not console.is_terminal:
                console.print(line)

        module = from_hugging_face(
            arguments.source,
            capacity=arguments.capacity,
            batch=arguments.batch,
            chunks=arguments.chunks,
            dtype=arguments.dtype,
            seed=arguments.seed,
            on_progress=tell,
        )
        tell(f"writing {arguments.output}")
        _write(module, arguments.output)
    return 0


def _write(module: ir.Operation, path: str) -> None:
    with replacing(path) as temporary:
        module.write_bytecode(str(temporary))
