// RUN: attnorm-opt %s --raise-custom-calls --split-input-file --verify-diagnostics

// LiteRT's call without the option.
func.func @litert_epsilon(%a: tensor<2x4xf32>, %b: tensor<4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@ai_edge_torch.rms_norm: epsilon: expected one, got none: this call carries no epsilon, give it with the pass option rms-norm-epsilon}}
  %0 = stablehlo.custom_call @ai_edge_torch.rms_norm(%a, %b) {backend_config = ""} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// A call that should say its epsilon, and does not.
func.func @epsilon_missing(%a: tensor<2x4xf32>, %b: tensor<4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@rms_norm: epsilon: expected an attribute, got none}}
  %0 = stablehlo.custom_call @rms_norm(%a, %b) : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// An epsilon that is no number.
func.func @epsilon_kind(%a: tensor<2x4xf32>, %b: tensor<4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@rms_norm: epsilon: expected a number, got 'small'}}
  %0 = stablehlo.custom_call @rms_norm(%a, %b) {eps = "small"} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// An epsilon that the op itself refuses.
func.func @epsilon_negative(%a: tensor<2x4xf32>, %b: tensor<4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@rms_norm: epsilon: expected a finite number of at least 0, got -1.0 [rms_norm_c5]}}
  %0 = stablehlo.custom_call @rms_norm(%a, %b) {eps = -1.0 : f32} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// A weight of another size.
func.func @weight_shape(%a: tensor<2x4xf32>, %b: tensor<3xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@rms_norm: weight: expected shape 4 (or 1s), got 3 [rms_norm_c6]}}
  %0 = stablehlo.custom_call @rms_norm(%a, %b) {eps = 0.5 : f32} : (tensor<2x4xf32>, tensor<3xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// An offset that no system has.
func.func @weight_offset(%a: tensor<2x4xf32>, %b: tensor<4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@rms_norm: weight_offset: expected 0 or 1, got 2.0 [rms_norm_c7]}}
  %0 = stablehlo.custom_call @rms_norm(%a, %b) {eps = 0.5 : f32, weight_offset = 2 : i64} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// More operands than the call has.
func.func @too_many(%a: tensor<2x4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@rms_norm: operands: expected x, weight?, got 3 operands}}
  %0 = stablehlo.custom_call @rms_norm(%a, %b, %c) {eps = 0.5 : f32} : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// No operand.
func.func @too_few() -> tensor<2x4xf32> {
  // expected-error @+1 {{@rms_norm: operands: expected x, weight?, got 0 operands}}
  %0 = stablehlo.custom_call @rms_norm() {eps = 0.5 : f32} : () -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// A residual that is announced and not there.
func.func @residual_missing(%a: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@tenstorrent.rms_norm: operands: expected x, weight?, residual, got 1 operands}}
  %0 = stablehlo.custom_call @tenstorrent.rms_norm(%a) {has_residual = true, eps = 0.5 : f32} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// A type that nothing computes norms in.
func.func @element(%a: tensor<2x4xi32>) -> tensor<2x4xi32> {
  // expected-error @+1 {{@rms_norm: x: expected a ranked tensor of f16, bf16, f32 or f64, got tensor<2x4xi32> [rms_norm_c2]}}
  %0 = stablehlo.custom_call @rms_norm(%a) {eps = 0.5 : f32} : (tensor<2x4xi32>) -> tensor<2x4xi32>
  return %0 : tensor<2x4xi32>
}

// -----

// An operand of unknown rank.
func.func @unranked(%a: tensor<*xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@rms_norm: x: expected a ranked tensor, got tensor<*xf32>}}
  %0 = stablehlo.custom_call @rms_norm(%a) {eps = 0.5 : f32} : (tensor<*xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// An axis beyond the rank.
func.func @axes(%a: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@rms_norm: axes: expected values in [-2, 2), got 2}}
  %0 = stablehlo.custom_call @rms_norm(%a) {eps = 0.5 : f32, axes = [2]} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// A normalized_shape that is not x's.
func.func @normalized_shape(%a: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@rms_norm: normalized_shape: expected the last sizes of tensor<2x4xf32>, got [3]}}
  %0 = stablehlo.custom_call @rms_norm(%a) {eps = 0.5 : f32, normalized_shape = [3]} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// A normalized_shape of more dimensions than x.
func.func @normalized_shape_long(%a: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@rms_norm: normalized_shape: expected the last sizes of tensor<2x4xf32>, got [1, 2, 4]}}
  %0 = stablehlo.custom_call @rms_norm(%a) {eps = 0.5 : f32, normalized_shape = [1, 2, 4]} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// Axes that are not those of the normalized_shape.
func.func @normalized_shape_axes(%a: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@rms_norm: axes: expected [1] as normalized_shape has, got [0]}}
  %0 = stablehlo.custom_call @rms_norm(%a) {eps = 0.5 : f32, normalized_shape = [4], axes = [0]} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// An attribute that could change the meaning.
func.func @unknown_attribute(%a: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@rms_norm: mode: expected no such attribute; known are dimensions, normalized_shape, epsilon, weight_offset, has_residual}}
  %0 = stablehlo.custom_call @rms_norm(%a) {eps = 0.5 : f32, mode = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// LayerNorm says its epsilon too.
func.func @layer_norm_epsilon(%a: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@layer_norm: epsilon: expected an attribute, got none}}
  %0 = stablehlo.custom_call @layer_norm(%a) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// A softmax says its axis.
func.func @softmax_axis(%a: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@softmax: axis: expected an attribute, got none}}
  %0 = stablehlo.custom_call @softmax(%a) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// A softmax over two axes.
func.func @softmax_axes(%a: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{@softmax: axis: expected one axis, got [0, 1]}}
  %0 = stablehlo.custom_call @softmax(%a) {axis = [0, 1]} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// Attention with dropout.
func.func @dropout(%a: tensor<1x2x3x4xf32>, %b: tensor<1x2x5x4xf32>, %c: tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32> {
  // expected-error @+1 {{@sdpa: dropout: expected 0, got 0.1}}
  %0 = stablehlo.custom_call @sdpa(%a, %b, %c) {dropout_p = 0.1 : f32} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %0 : tensor<1x2x3x4xf32>
}

// -----

// A mask and causality both, which torch refuses.
func.func @causal_mask(%a: tensor<1x2x3x4xf32>, %b: tensor<1x2x5x4xf32>, %c: tensor<1x2x5x4xf32>, %d: tensor<3x5xi1>) -> tensor<1x2x3x4xf32> {
  // expected-error @+1 {{@sdpa: mask: expected none where is_causal is true, got one}}
  %0 = stablehlo.custom_call @sdpa(%a, %b, %c, %d) {is_causal = true} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<3x5xi1>) -> tensor<1x2x3x4xf32>
  return %0 : tensor<1x2x3x4xf32>
}

// -----

// A causality that is neither true nor false.
func.func @causal_kind(%a: tensor<1x2x3x4xf32>, %b: tensor<1x2x5x4xf32>, %c: tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32> {
  // expected-error @+1 {{@sdpa: is_causal: expected true or false, got 'maybe'}}
  %0 = stablehlo.custom_call @sdpa(%a, %b, %c) {is_causal = "maybe"} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %0 : tensor<1x2x3x4xf32>
}

// -----

// A mask that does not broadcast to the scores.
func.func @mask_shape(%a: tensor<1x2x3x4xf32>, %b: tensor<1x2x5x4xf32>, %c: tensor<1x2x5x4xf32>, %d: tensor<5x3xi1>) -> tensor<1x2x3x4xf32> {
  // expected-error @+1 {{@sdpa: mask: expected}}
  %0 = stablehlo.custom_call @sdpa(%a, %b, %c, %d) : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<5x3xi1>) -> tensor<1x2x3x4xf32>
  return %0 : tensor<1x2x3x4xf32>
}

// -----

// No scale, and no depth to take it from.
func.func @scale_unknown(%a: tensor<1x2x3x?xf32>, %b: tensor<1x2x5x?xf32>, %c: tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32> {
  // expected-error @+1 {{@sdpa: scale: expected an attribute where the depth of q is not known, got none}}
  %0 = stablehlo.custom_call @sdpa(%a, %b, %c) : (tensor<1x2x3x?xf32>, tensor<1x2x5x?xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %0 : tensor<1x2x3x4xf32>
}

// -----

// LiteRT's layout has four dimensions.
func.func @litert_rank(%a: tensor<3x2x4xf32>, %b: tensor<3x2x4xf32>, %c: tensor<3x2x4xf32>) -> tensor<3x2x4xf32> {
  // expected-error @+1 {{@ai_edge_torch.scaled_dot_product_attention: q: expected rank 4, got tensor<3x2x4xf32>}}
  %0 = stablehlo.custom_call @ai_edge_torch.scaled_dot_product_attention(%a, %b, %c) : (tensor<3x2x4xf32>, tensor<3x2x4xf32>, tensor<3x2x4xf32>) -> tensor<3x2x4xf32>
  return %0 : tensor<3x2x4xf32>
}

// -----

// LiteRT's mask is added, never a choice.
func.func @litert_mask(%a: tensor<1x3x2x4xf32>, %b: tensor<1x3x2x4xf32>, %c: tensor<1x3x2x4xf32>, %d: tensor<1x1x3x3xi1>) -> tensor<1x3x2x4xf32> {
  // expected-error @+1 {{@ai_edge_torch.scaled_dot_product_attention: mask: expected a float type, got i1}}
  %0 = stablehlo.custom_call @ai_edge_torch.scaled_dot_product_attention(%a, %b, %c, %d) : (tensor<1x3x2x4xf32>, tensor<1x3x2x4xf32>, tensor<1x3x2x4xf32>, tensor<1x1x3x3xi1>) -> tensor<1x3x2x4xf32>
  return %0 : tensor<1x3x2x4xf32>
}

// -----

// What the op refuses is refused.
func.func @litert_heads(%a: tensor<1x3x2x4xf32>, %b: tensor<1x3x4x4xf32>, %c: tensor<1x3x4x4xf32>) -> tensor<1x3x2x4xf32> {
  // expected-error @+1 {{@ai_edge_torch.scaled_dot_product_attention: q: expected a multiple of the 4 heads of k, got 2 [sdpa_c4]}}
  %0 = stablehlo.custom_call @ai_edge_torch.scaled_dot_product_attention(%a, %b, %c) : (tensor<1x3x2x4xf32>, tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>) -> tensor<1x3x2x4xf32>
  return %0 : tensor<1x3x2x4xf32>
}
