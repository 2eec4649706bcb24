"""From the softmax of an attention down to the product of probabilities and values."""

from __future__ import annotations

from dataclasses import dataclass

from ..bindings import ir
from .attention_scores import INFINITY, Scores
from .base import Refusal
from .statistics import Path, readers, reduction_of, same_value
from .views import Dim, is_move, is_splat, made_by, source_of, trace


@dataclass
class Values:
    """The way from the softmax down to the product of probabilities and values."""

    product: ir.Operation
    side: int
    """Which operand of the product the probabilities are."""
    probabilities: tuple[Dim, ...]
    """Their dimensions there, as atoms over the scores' product."""
    fully_masked: str | None

    @staticmethod
    def below(softmax: ir.Operation, scores: Scores) -> Values | None:
        """The product that reads a softmax; None where another op does."""
        through = {**scores.through, softmax: 0}
        value, fully_masked = softmax.results[0], None
        while True:
            found = readers(value)
            safe = _safe_tail(found, value, softmax)
            if safe is not None:
                fully_masked, found = "zero", [safe]
                through[safe] = 2
            if len(found) != 1:
                raise Refusal(f"probabilities: expected one use, got {len(found)}")
            user = found[0]
            if user.name == "stablehlo.dot_general":
                break
            if safe is None and not is_move(user):
                return None
            value = user.results[0]
        side = 0 if same_value(user.operands[0], value) else 1
        view = trace(user.operands[side], through, rounding=True)
        if view.source != scores.product.results[0]:
            raise Refusal("probabilities: expected them in an arrangement of the scores")
        return Values(user, side, view.dims, fully_masked)


def _safe_tail(
    found: list[ir.Operation], value: ir.Value, softmax: ir.Operation
) -> ir.Operation | None:
    """The select that makes 0 of rows with nothing to attend to, if that is all that reads them."""
    for user in found:
        if user.name != "stablehlo.select" or not same_value(user.operands[2], value):
            continue
        if not is_splat(user.operands[1], 0.0):
            continue
        predicate = source_of(user.operands[0])
        rest = [other for other in found if other != user]
        if _is_nan(predicate, value) and rest == [predicate.owner.operation]:
            return user
        if not rest and _all_masked(predicate, softmax):
            return user
    return None


def _is_nan(predicate: ir.Value, value: ir.Value) -> bool:
    op = made_by(predicate, "compare")
    return (
        op is not None
        and " NE>" in str(op.attributes["comparison_direction"])
        and all(operand == value for operand in op.operands)
    )


def _all_masked(predicate: ir.Value, softmax: ir.Operation) -> bool:
    """Whether a predicate is `all(s == -inf)` of the softmax's own scores, along its axis."""
    path = Path()
    reduced = reduction_of(path.peel(predicate), "and", True)
    op = None if reduced is None else made_by(reduced.x, "compare")
    if reduced is None or op is None or " EQ>" not in str(op.attributes["comparison_direction"]):
        return False
    scores = softmax.operands[0]
    plain = trace(op.operands[0])
    own = trace(scores)
    same = (plain.source, plain.dims) == (own.source, own.dims)
    axis = softmax.opview.axis
    return same and is_splat(op.operands[1], -INFINITY) and reduced.axes == (axis,)
