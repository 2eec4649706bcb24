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
