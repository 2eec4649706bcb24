"""StableHLO's forms of the ops that SKaiNET's earlier releases print in other ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from .lexer import Statement, TensorType

Types = Mapping[str, TensorType]


def respelled(statement: Statement, line: str, types: Types) -> str | None:
    """The op in StableHLO's form, where an early release has another; its types stay."""
    body = None
    if statement.result and statement.signature:
        if statement.name == "stablehlo.dot_general":
            body = _dot_general_body(statement, types)
        elif statement.name == "stablehlo.slice":
            body = _slice_body(statement)
        elif statement.name == "stablehlo.broadcast_in_dim":
            body = _broadcast_body(statement, types)
    if body is None or not statement.colon:
        return None
    operands = ", ".join(token.text for token in statement.operands)
    signature = line[statement.colon.start : statement.tokens[-1].end]
    return f"{statement.result} = {statement.name} {operands}{body} {signature}"


def _dot_general_body(statement: Statement, types: Types) -> str | None:
    """`contracting_dims = [[1], [0]]`, with or without `batch_dims = [[0], [0]]` after it.

    `[[-1], [-2]]` is the matrix product of any rank, whose leading dimensions are a batch.
    """
    body, lists = statement.body, statement.lists()
    contracting = lists.get("contracting_dims", [])
    nested = any(a.text == b.text == "[" for a, b in pairwise(body))
    batching = lists.get("batch_dims", lists.get("batching_dims", [[], []]))
    pairs = len(contracting) == len(batching) == len(statement.operands) == 2
    if not nested or not pairs:
        return None
    batch = [[number.text for number in dims] for dims in batching]
    ranks = [types[token.text].rank for token in statement.operands if token.text in types]
    if contracting[0] and contracting[0][0].text == "-1" and not batch[0]:
        leading = min(ranks) - 2 if len(ranks) == 2 else 0
        batch = [[str(i) for i in range(leading)]] * 2
    named = [("batching_dims", batch)] if batch[0] else []
    named += [("contracting_dims", [[number.text for number in dims] for dims in contracting])]
    return "".join(f", {name} = {' x '.join(map(listed, dims))}" for name, dims in named)


def _broadcast_body(statement: Statement, types: Types) -> str | None:
    body = [token.text for token in statement.body]
    words = {token.text for token in statement.body if token.kind == "word"}
    named = words <= {"dims", "broadcast_dimensions"}
    if body[1:4] == [",", "dims", "="] or not named or len(statement.operands) != 1:
        return None
    for dims in statement.lists().values():
        return f", dims = {listed([number.text for number in dims[0]])}" if dims else None
    signature, known = statement.signature, types.get(statement.operands[0].text)
    dims = broadcast_dims(known, signature.outputs[-1], ()) if signature and known else []
    return f", dims = {listed(dims[0])}" if len(dims) == 1 else None


def _slice_body(statement: Statement) -> str | None:
    lists = statement.lists()
    keys = ("start_indices", "limit_indices", "strides")
    if any(len(lists.get(key, ())) != 1 for key in keys):
        return None
    bounds = [[number.text for number in lists[key][0]] for key in keys]
    if len({len(numbers) for numbers in bounds}) != 1:
        return None
    return f" [{', '.join(':'.join(bound) for bound in zip(*bounds, strict=True))}]"


def broadcast_dims(known: TensorType, wanted: TensorType, axes: Collection[int]) -> list[list[int]]:
    """The ways to broadcast `known` to `wanted`: none, the one, or those that are as likely.

    A vector belongs to the axis that its partner was normalised along, or else to the last one,
    or else to the only one of its size; more dimensions are aligned at the end, as in NumPy.
    """
    if None in wanted.shape or known.rank > wanted.rank:
        return []
    last = wanted.rank - 1
    if known.rank != 1 or known.shape == (1,):
        offset = wanted.rank - known.rank
        fits = all(a in (1, b) for a, b in zip(known.shape, wanted.shape[offset:], strict=True))
        return [list(range(offset, wanted.rank))] if fits else []
    fitting = [i for i, size in enumerate(wanted.shape) if size == known.shape[0]]
    likely = [i for i in fitting if i == last or i in axes]
    return [[i] for i in likely or fitting]


def listed(items: Sequence[int | str]) -> str:
    """`[0, 1]`."""
    return f"[{', '.join(map(str, items))}]"


def function_type(inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> str:
    """`(T, U) -> V`, as MLIR prints it."""
    results = ", ".join(map(str, outputs))
    results = results if len(outputs) == 1 else f"({results})"
    return f"({', '.join(map(str, inputs))}) -> {results}"
