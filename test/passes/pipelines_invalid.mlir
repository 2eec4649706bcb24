// The pipelines end with an error where an opaque call is left, and on the epsilon that nobody gave.
// RUN: attnorm-opt %s --attnorm-to-stablehlo --split-input-file --verify-diagnostics
// RUN: attnorm-opt %s --attnorm-to-composites --split-input-file --verify-diagnostics

func.func @opaque(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{custom call @mystery is left}}
  %0 = stablehlo.custom_call @mystery(%x) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @epsilon(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{give it with the pass option rms-norm-epsilon}}
  %0 = stablehlo.custom_call @ai_edge_torch.rms_norm(%x) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// A size that is said to be 1 and unknown: MLIR's own simplification, which joins the transpositions,
// keeps the second, and the attention is none any more.
func.func @loosened(%x: tensor<1x?x1x1xf32>) -> tensor<1x?x1x1xf32> {
  %0 = stablehlo.transpose %x, dims = [0, 2, 1, 3] : (tensor<1x?x1x1xf32>) -> tensor<1x?x1x1xf32>
  // expected-error @+1 {{q: expected a static number of heads, got a dynamic one}}
  %1 = stablehlo.custom_call @ai_edge_torch.scaled_dot_product_attention(%0, %x, %x) : (tensor<1x?x1x1xf32>, tensor<1x?x1x1xf32>, tensor<1x?x1x1xf32>) -> tensor<1x?x1x1xf32>
  return %1 : tensor<1x?x1x1xf32>
}
