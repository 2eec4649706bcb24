"""Wrong rewrites, each a mistake that somebody makes: what is changed, and what has to notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """`old`, which stands once in `module`, becomes `new`.

    `example` is a module whose values change by that; `lit` is a test of the suite that fails.
    """

    name: str
    module: str
    old: str
    new: str
    example: str
    lit: str


_RMS_NORM = """
func.func @main(%x: tensor<6x8xf32>, %w: tensor<8xf32>) -> tensor<6x8xf32> {{
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.constant dense<{count}.0> : tensor<6xf32>
  %e = stablehlo.constant dense<{epsilon}> : tensor<6xf32>
  %square = stablehlo.multiply %x, %x : tensor<6x8xf32>
  %sum = stablehlo.reduce(%square init: %zero) applies stablehlo.add across dimensions = [1]
      : (tensor<6x8xf32>, tensor<f32>) -> tensor<6xf32>
  %mean = stablehlo.divide %sum, %n : tensor<6xf32>
  %inside = stablehlo.add %mean, %e : tensor<6xf32>
  %root = stablehlo.rsqrt %inside : tensor<6xf32>
  %rows = stablehlo.broadcast_in_dim %root, dims = [0] : (tensor<6xf32>) -> tensor<6x8xf32>
  %normed = stablehlo.multiply %x, %rows : tensor<6x8xf32>
  %ws = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<8xf32>) -> tensor<6x8xf32>
  %y = stablehlo.multiply %normed, %ws : tensor<6x8xf32>
  return %y : tensor<6x8xf32>
}}
"""

# Scores [2, 6, 7]; `masking` makes %masked of %scaled.
_ATTENTION = """
func.func @main(
    %q: tensor<2x6x8xf32>, %k: tensor<2x7x8xf32>, %v: tensor<2x7x4xf32>{arguments}
) -> tensor<2x6x4xf32> {{
  %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %scale = stablehlo.constant dense<0.25> : tensor<2x6x7xf32>
  %fill = stablehlo.constant dense<{fill}> : tensor<2x6x7xf32>
  %scores = stablehlo.dot_general %q, %k, batching_dims = [0] x [0], contracting_dims = [2] x [2]
      : (tensor<2x6x8xf32>, tensor<2x7x8xf32>) -> tensor<2x6x7xf32>
  %scaled = stablehlo.multiply %scores, %scale : tensor<2x6x7xf32>
  {masking}
  %peak = stablehlo.reduce(%masked init: %low) applies stablehlo.maximum across dimensions = [2]
      : (tensor<2x6x7xf32>, tensor<f32>) -> tensor<2x6xf32>
  %peaks = stablehlo.broadcast_in_dim %peak, dims = [0, 1]
      : (tensor<2x6xf32>) -> tensor<2x6x7xf32>
  %shifted = stablehlo.subtract %masked, %peaks : tensor<2x6x7xf32>
  %power = stablehlo.exponential %shifted : tensor<2x6x7xf32>
  %sum = stablehlo.reduce(%power init: %zero) applies stablehlo.add across dimensions = [2]
      : (tensor<2x6x7xf32>, tensor<f32>) -> tensor<2x6xf32>
  %sums = stablehlo.broadcast_in_dim %sum, dims = [0, 1] : (tensor<2x6xf32>) -> tensor<2x6x7xf32>
  %weights = stablehlo.divide %power, %sums : tensor<2x6x7xf32>
  %y = stablehlo.dot_general %weights, %v, batching_dims = [0] x [0],
      contracting_dims = [2] x [1] : (tensor<2x6x7xf32>, tensor<2x7x4xf32>) -> tensor<2x6x4xf32>
  return %y : tensor<2x6x4xf32>
}}
"""
_SELECTED = """
  %masked = stablehlo.select %mask, %scaled, %fill : tensor<2x6x7xi1>, tensor<2x6x7xf32>
"""
_BAND = """
  %i = stablehlo.iota dim = 1 : tensor<2x6x7xi32>
  %j = stablehlo.iota dim = 2 : tensor<2x6x7xi32>
  %left = stablehlo.constant dense<2> : tensor<2x6x7xi32>
  %first = stablehlo.subtract %i, %left : tensor<2x6x7xi32>
  %not_after = stablehlo.compare LE, %j, %i
      : (tensor<2x6x7xi32>, tensor<2x6x7xi32>) -> tensor<2x6x7xi1>
  %not_before = stablehlo.compare GE, %j, %first
      : (tensor<2x6x7xi32>, tensor<2x6x7xi32>) -> tensor<2x6x7xi1>
  %mask = stablehlo.and %not_after, %not_before : tensor<2x6x7xi1>
"""

_CALL = """
func.func @main(%x: tensor<4x6xf32>) -> tensor<4xf32> {{
  %y = stablehlo.custom_call @{target}(%x) {{dimensions = [1], keepdim = false{more}}}
      : (tensor<4x6xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}}
"""

_BF16_NORM = """
func.func @main(%x: tensor<8x64xbf16>, %w: tensor<64xbf16>) -> tensor<8x64xbf16> {
  %y = "attnorm.rms_norm"(%x, %w) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, cast = "before_weight",
    operandSegmentSizes = array<i32: 1, 1>
  } : (tensor<8x64xbf16>, tensor<64xbf16>) -> tensor<8x64xbf16>
  return %y : tensor<8x64xbf16>
}
"""

MUTANTS = (
    Mutant(
        "a mean over another count passes for a mean",
        "attnorm.analysis.statistics",
        "if number != held:",
        "if number <= 0:",
        _RMS_NORM.format(count=7, epsilon="1.0e-6"),
        "passes/raise_rms_norm.mlir",
    ),
    Mutant(
        "epsilon is lost",
        "attnorm.analysis.statistics",
        "return path.step(op, index), float(epsilon)",
        "return path.step(op, index), 0.0",
        _RMS_NORM.format(count=8, epsilon="1.0e-2"),
        "passes/raise_rms_norm.mlir",
    ),
    Mutant(
        "the weight is applied before the rounding",
        "attnorm.passes.expand.expand_rms_norm",
        "        value = b.convert(b.round(b.round(value, element_type(x)), result), wide)\n",
        "",
        _BF16_NORM,
        "passes/expand_rms_norm.mlir",
    ),
    Mutant(
        "a mask that selects is dropped",
        "attnorm.building.attention_masks",
        "    if not added:\n        return value\n",
        "    if not added:\n        return None\n",
        _ATTENTION.format(
            arguments=", %mask: tensor<2x6x7xi1>", fill="0xFF800000", masking=_SELECTED
        ),
        "passes/raise_sdpa.mlir",
    ),
    Mutant(
        "a window is one key too wide",
        "attnorm.building.attention_masks",
        "left = UNBOUNDED if band.low is None else band.high - band.low",
        "left = UNBOUNDED if band.low is None else band.high - band.low + 1",
        _ATTENTION.format(arguments="", fill="0xFF800000", masking=_BAND + _SELECTED),
        "passes/raise_sdpa.mlir",
    ),
    Mutant(
        "a query sees the key behind its own",
        "attnorm.building.attention_masks",
        '"offset": band.high, "window"',
        '"offset": band.high + 1, "window"',
        _ATTENTION.format(arguments="", fill="0xFF800000", masking=_BAND + _SELECTED),
        "passes/raise_sdpa.mlir",
    ),
    Mutant(
        "a band reaches one key farther where it is expanded",
        "attnorm.building.attention_formula",
        'near = b.compare("GE", distance, -self.left)',
        'near = b.compare("GT", distance, -self.left)',
        _ATTENTION.format(arguments="", fill="0xFF800000", masking=_BAND + _SELECTED),
        "passes/expand_sdpa.mlir",
    ),
    Mutant(
        "a row that sees nothing is NaN in place of a mean",
        "attnorm.building.attention_masks",
        '        mode = "uniform"\n',
        '        mode = "nan"\n',
        _ATTENTION.format(arguments=", %mask: tensor<2x6x7xi1>", fill="-1.0e30", masking=_SELECTED),
        "passes/raise_sdpa.mlir",
    ),
    Mutant(
        "of two scales the last one counts",
        "attnorm.analysis.attention_scores",
        "self.scale *= factor",
        "self.scale = factor",
        _ATTENTION.format(
            arguments="",
            fill="3.0",
            masking="%masked = stablehlo.multiply %scaled, %fill : tensor<2x6x7xf32>",
        ),
        "passes/raise_sdpa.mlir",
    ),
    Mutant(
        "the largest score is not subtracted",
        "attnorm.passes.expand.expand_softmax",
        'b.subtract(x, b.reduce_keep("maximum", x, axes))',
        "x",
        """
func.func @main(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %y = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}
""",
        "passes/expand_softmax.mlir",
    ),
    Mutant(
        "epsilon is added to the root",
        "attnorm.passes.expand.expand_layer_norm",
        'b.unary("rsqrt", b.add(variance, norm.epsilon))',
        'b.add(b.unary("rsqrt", variance), norm.epsilon)',
        """
func.func @main(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %y = "attnorm.layer_norm"(%x) {
    axes = array<i64: 1>, epsilon = 1.0e-2 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}
""",
        "passes/expand_layer_norm.mlir",
    ),
    Mutant(
        "the correction of a variance is forgotten",
        "attnorm.passes.legalize.legalize_reduce_custom_calls",
        "if request.correction:",
        "if not request.correction:",
        _CALL.format(target="reduce_variance", more=", correction = 1"),
        "passes/legalize_reduce_custom_calls.mlir",
    ),
    Mutant(
        "a sum of exponentials is shifted by an infinity",
        "attnorm.building.reductions",
        "shift = b.select(finite, peak, 0.0)",
        "shift = peak",
        _CALL.format(target="reduce_logsumexp", more=""),
        "passes/legalize_reduce_custom_calls.mlir",
    ),
    Mutant(
        "a position is that of the last of equals",
        "attnorm.building.reductions",
        'body.compare("LT", index, other_index)',
        'body.compare("GT", index, other_index)',
        """
func.func @main(%x: tensor<4x6xi1>) -> tensor<4xi32> {
  %y = stablehlo.custom_call @reduce_argmax(%x) {dimensions = [1], keepdim = false}
      : (tensor<4x6xi1>) -> tensor<4xi32>
  return %y : tensor<4xi32>
}
""",
        "passes/legalize_reduce_custom_calls.mlir",
    ),
    Mutant(
        "a weight takes its product in f32",
        "attnorm.passes.fuse.fuse_norm_mul",
        'return "before_weight" if x == result or not is_half(x) else None',
        'return "after_weight"',
        """
func.func @main(%x: tensor<8x64xbf16>, %w: tensor<64xbf16>) -> tensor<8x64xbf16> {
  %0 = "attnorm.rms_norm"(%x) {
    axes = array<i64: 1>, epsilon = 1.0e-6 : f64, operandSegmentSizes = array<i32: 1, 0>
  } : (tensor<8x64xbf16>) -> tensor<8x64xbf16>
  %1 = stablehlo.broadcast_in_dim %w, dims = [1] : (tensor<64xbf16>) -> tensor<8x64xbf16>
  %2 = stablehlo.multiply %0, %1 : tensor<8x64xbf16>
  return %2 : tensor<8x64xbf16>
}
""",
        "passes/fuse_norm_mul.mlir",
    ),
    Mutant(
        "the softcap comes after the mask",
        "attnorm.building.attention_dense",
        "    scores = a.capped(b, a.scores(b, _grouped(a, b, a.q), a.k))\n"
        "    scores = a.masked(b, scores, _grouped_mask(a, b))\n",
        "    scores = a.masked(b, a.scores(b, _grouped(a, b, a.q), a.k), _grouped_mask(a, b))\n"
        "    scores = a.capped(b, scores)\n",
        """
func.func @main(
    %q: tensor<6x5x8xf32>, %k: tensor<2x7x8xf32>, %v: tensor<2x7x8xf32>, %m: tensor<6x5x7xf32>
) -> tensor<6x5x8xf32> {
  %y = "attnorm.sdpa"(%q, %k, %v, %m) {
    scale = 0.25 : f64, softcap = 2.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>
  } : (tensor<6x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>, tensor<6x5x7xf32>)
      -> tensor<6x5x8xf32>
  return %y : tensor<6x5x8xf32>
}
""",
        "passes/expand_sdpa.mlir",
    ),
    Mutant(
        "a maximum with a number is dropped",
        "attnorm.passes.simplify.simplify_identities",
        "return _other(operands, -INFINITY)",
        "return _other(operands, 0)",
        """
func.func @main(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %0 = stablehlo.constant dense<0.0> : tensor<4x6xf32>
  %1 = stablehlo.maximum %x, %0 : tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}
""",
        "passes/simplify_identities.mlir",
    ),
)
