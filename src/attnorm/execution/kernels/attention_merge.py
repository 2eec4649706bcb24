"""Puts the parts of an attention together whose keys were split over workgroups."""

from __future__ import annotations

from collections.abc import Sequence

from iree.compiler import ir
from iree.compiler.dialects import arith

from . import attention_row, emit
from .attention_end import Ending
from .attention_scratch import Area
from .attention_softmax import LOWEST, larger
from .dispatch import Kernel
from .emit import Index
from .exponential import power


def kernel(layout: attention_row.Layout) -> Kernel:
    """A workgroup for each key head; the inputs are the operands, then the parts."""
    problem = layout.problem
    operands = problem.views()

    def body(
        inputs: Sequence[ir.Value],
        outputs: Sequence[ir.Value],
        ids: Sequence[ir.Value],
        _: Sequence[ir.Value],
    ) -> None:
        named = problem.named(list(inputs[: len(operands)]))
        ending = Ending(problem, named, outputs, layout.lanes)
        parts = [Area(part, (ids[0],)) for part in inputs[len(operands) :]]
        emit.loop(0, problem.rows, 1, [], lambda row: _row(layout, ending, parts, ids[0], row))

    return Kernel(
        name="attention_merge",
        key=f"attention_merge {layout}",
        inputs=[*operands, *attention_row.partial(layout)],
        outputs=problem.result_views(),
        grid=lambda _: [problem.pairs],
        body=body,
    )


def _row(
    layout: attention_row.Layout, ending: Ending, parts: list[Area], pair: Index, row: Index
) -> None:
    sums, totals, peaks = parts
    splits = range(layout.splits)
    scores = [peaks.get(split, row) for split in splits]
    peak = emit.constant(emit.f32(), LOWEST)
    for score in scores:
        peak = larger(peak, score)
    weights = [power(arith.subf(score, peak)) for score in scores]
    total = emit.constant(emit.f32(), 0.0)
    for split in splits:
        total = emit.multiply_add(weights[split], totals.get(split, row), total)

    def merged(column: Index, lanes: int) -> ir.Value:
        value = emit.constant(emit.vector_of(lanes, emit.f32()), 0.0)
        for split in splits:
            part = sums.load([split, row, column], lanes)
            value = emit.multiply_add(emit.splat(weights[split], lanes), part, value)
        return value

    ending.row(pair, row, merged, total, peak)
