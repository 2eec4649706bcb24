"""From the softmax of an attention down to the product of probabilities and values."""

from __future__ import annotations

from dataclasses import dataclass

from ..ir.mlir import ir
from ..ir.rewriting import Refusal
from .attention_scores import INFINITY, Scores
from .statistics import Path, axes_of_rows, readers, reduction_of, same_value
from .views import Dim, is_cast, is_move, is_splat, made_by, sizes, source_of, trace


@dataclass
class Values:
    """The way from the softmax down to the product of probabilities and values."""

    product: ir.Operation
    side: int
    """Which operand of the product the probabilities are."""
    probabilities: tuple[Dim, ...]
    """Their dimensions there, as atoms over the scores' product."""
    fully_masked: str | None
    """What a tail makes of a row of -inf: "zero", or None where there is no such tail."""
    empties_nan: bool
    """Whether a tail makes 0 of every probability that is NaN, whatever made it that."""

    @staticmethod
    def below(softmax: ir.Operation, scores: Scores) -> Values | None:
        """The product that reads a softmax; None where another op does."""
        through = {**scores.through, softmax: 0}
        value, fully_masked, empties_nan = softmax.results[0], None, False
        if scores.sinks is not None:
            kept = _without_sinks(value, scores)
            through[kept], value = 0, kept.results[0]
        while True:
            found = readers(value)
            tail = _safe_tail(found, value, softmax)
            if tail is not None:
                empties_nan |= tail.of_nan
                fully_masked = fully_masked if tail.of_nan else "zero"
                found = [tail.select]
                through[tail.select] = tail.operand
            if len(found) != 1:
                raise Refusal(f"probabilities: expected one use, got {len(found)}")
            user = found[0]
            if user.name == "stablehlo.dot_general":
                break
            if tail is None and not is_move(user):
                return None
            value = user.results[0]
        side = 0 if same_value(user.operands[0], value) else 1
        view = trace(user.operands[side], through, rounding=True)
        if view.source != scores.product.results[0]:
            raise Refusal("probabilities: expected them in an arrangement of the scores")
        return Values(user, side, view.dims, fully_masked, empties_nan)


def _without_sinks(value: ir.Value, scores: Scores) -> ir.Operation:
    """The slice of the probabilities that leaves out the sinks'."""
    found = readers(value)
    while len(found) == 1 and is_cast(found[0]):
        found = readers(found[0].results[0])
    shape = list(sizes(value))
    shape[scores.softmax.axis] -= 1
    if len(found) != 1 or found[0].name != "stablehlo.slice":
        raise Refusal("sinks: expected the probabilities without theirs, got another use")
    if any(found[0].attributes["start_indices"]) or list(sizes(found[0].results[0])) != shape:
        raise Refusal("sinks: expected the probabilities without theirs, got another slice")
    return found[0]


@dataclass(frozen=True)
class _Tail:
    """A select that makes 0 of rows without a probability."""

    select: ir.Operation
    operand: int
    """Which of its operands the probabilities are."""
    of_nan: bool
    """Whether it looks for NaN; else for rows of -inf."""


def _safe_tail(found: list[ir.Operation], value: ir.Value, softmax: ir.Operation) -> _Tail | None:
    """The select that makes 0 of rows with nothing to attend to, if that is all that reads them."""
    for user in found:
        if user.name != "stablehlo.select":
            continue
        operand = 1 if same_value(user.operands[1], value) else 2
        if not same_value(user.operands[operand], value):
            continue
        if not is_splat(user.operands[3 - operand], 0.0):
            continue
        predicate = source_of(user.operands[0])
        rest = [other for other in found if other != user]
        if operand == 2 and _is_nan(predicate, value) and rest == [predicate.owner.operation]:
            # Of each of its own elements.
            if same_value(user.operands[0], predicate):
                return _Tail(user, operand, of_nan=True)
        elif not rest and _tells_masked(user.operands[0], value, softmax, masked=operand == 2):
            return _Tail(user, operand, of_nan=False)
    return None


def _is_nan(predicate: ir.Value, value: ir.Value) -> bool:
    op = made_by(predicate, "compare")
    return (
        op is not None
        and " NE>" in str(op.attributes["comparison_direction"])
        and "TOTALORDER" not in str(op.attributes.get("compare_type", ""))
        and all(operand == value for operand in op.operands)
    )


def _tells_masked(
    predicate: ir.Value, value: ir.Value, softmax: ir.Operation, *, masked: bool
) -> bool:
    """Whether a predicate is `all(s == -inf)` of the softmax's own scores, along its axis.

    And that for the rows of `value`, the softmax moved. Where not `masked`, whether it is the
    contrary, `any(not(s == -inf))`.
    """
    path = Path()
    reduced = reduction_of(path.peel(predicate), "and" if masked else "or", masked)
    if reduced is None:
        return False
    inverted = None if masked else made_by(reduced.x, "not")
    op = made_by(reduced.x if inverted is None else inverted.operands[0], "compare")
    direction = "NE" if not masked and inverted is None else "EQ"
    if op is None or f" {direction}>" not in str(op.attributes["comparison_direction"]):
        return False
    scores = softmax.operands[0]
    plain = trace(op.operands[0])
    own = trace(scores)
    same = (plain.source, plain.dims) == (own.source, own.dims)
    axis = softmax.opview.axis
    if not same or not is_splat(op.operands[1], -INFINITY) or reduced.axes != (axis,):
        return False
    moved = Path().peel_casts(value)
    return axes_of_rows(predicate, path, reduced, softmax.results[0], moved) is not None
