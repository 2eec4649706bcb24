// RUN: attnorm-opt %s --raise-custom-calls=rms-norm-epsilon=0.25 | FileCheck %s

// JAX's and SKaiNET's call: epsilon is an attribute, the last axis is normalised.
// CHECK-LABEL: func.func @rms_norm
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<4xf32>)
func.func @rms_norm(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm"(%[[X]], %[[W]]) {axes = array<i64: 1>, epsilon = 5.000000e-01 : f64
  %0 = stablehlo.custom_call @rms_norm(%x, %w) {mhlo.backend_config = {eps = 0.5 : f32}} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Without a weight, with axes of its own.
// CHECK-LABEL: func.func @rms_norm_axes
func.func @rms_norm_axes(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm"(%{{.*}}) {axes = array<i64: 0, 1>, {{.*}}operandSegmentSizes = array<i32: 1, 0>}
  %0 = stablehlo.custom_call @rms_norm(%x) {axes = [-1, 0], variance_epsilon = 0.5 : f32} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Gemma's 1 + w.
// CHECK-LABEL: func.func @rms_norm_weight_offset
func.func @rms_norm_weight_offset(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: weight_offset = 1.000000e+00 : f64
  %0 = stablehlo.custom_call @rms_norm(%x, %w) {eps = 0.5 : f32, weight_offset = 1 : i64} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// LiteRT leaves epsilon out: it comes from the option.
// CHECK-LABEL: func.func @litert_rms_norm
func.func @litert_rms_norm(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm"{{.*}}epsilon = 2.500000e-01 : f64
  %0 = stablehlo.custom_call @ai_edge_torch.rms_norm(%x, %w) {backend_config = ""} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// An epsilon in the IR is the one that counts.
// CHECK-LABEL: func.func @litert_rms_norm_epsilon
func.func @litert_rms_norm_epsilon(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm"{{.*}}epsilon = 5.000000e-01 : f64
  %0 = stablehlo.custom_call @ai_edge_torch.rms_norm(%x, %w) {epsilon = 0.5 : f32} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// torch's default epsilon is the machine's, of the type computed in: f32 for bf16, f64 for f64.
// CHECK-LABEL: func.func @tenstorrent_rms_norm
func.func @tenstorrent_rms_norm(%x: tensor<2x4xbf16>, %y: tensor<2x4xf64>) -> (tensor<2x4xbf16>, tensor<2x4xf64>) {
  // CHECK: "attnorm.rms_norm"{{.*}}epsilon = 1.1920928955078125E-7 : f64
  // CHECK: "attnorm.rms_norm"{{.*}}epsilon = 2.2204460492503131E-16 : f64
  %0 = stablehlo.custom_call @tenstorrent.rms_norm(%x) {tt.composite_attributes = {normalized_shape = dense<4> : tensor<1xi64>}} : (tensor<2x4xbf16>) -> tensor<2x4xbf16>
  %1 = stablehlo.custom_call @tenstorrent.rms_norm(%y) : (tensor<2x4xf64>) -> tensor<2x4xf64>
  return %0, %1 : tensor<2x4xbf16>, tensor<2x4xf64>
}

// normalized_shape names the last axes by their sizes.
// CHECK-LABEL: func.func @normalized_shape
func.func @normalized_shape(%x: tensor<2x3x4xf32>, %w: tensor<3x4xf32>) -> tensor<2x3x4xf32> {
  // CHECK: axes = array<i64: 1, 2>
  %0 = stablehlo.custom_call @rms_norm(%x, %w) {normalized_shape = [3, 4], eps = 0.5 : f32} : (tensor<2x3x4xf32>, tensor<3x4xf32>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// A residual is added first; of the two results the norm is used.
// CHECK-LABEL: func.func @residual
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<4xf32>, %[[R:.*]]: tensor<2x4xf32>)
func.func @residual(%x: tensor<2x4xf32>, %w: tensor<4xf32>, %r: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: %[[BOTH:.*]]:2 = "attnorm.add_rms_norm"(%[[X]], %[[R]], %[[W]])
  // CHECK: return %[[BOTH]]#1
  %0 = stablehlo.custom_call @tenstorrent.rms_norm(%x, %w, %r) {has_residual = true, epsilon = 0.5 : f32} : (tensor<2x4xf32>, tensor<4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// The residual is the last operand, also without a weight.
// CHECK-LABEL: func.func @residual_without_weight
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[R:.*]]: tensor<2x4xf32>)
func.func @residual_without_weight(%x: tensor<2x4xf32>, %r: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.add_rms_norm"(%[[X]], %[[R]])
  %0 = stablehlo.custom_call @tenstorrent.rms_norm(%x, %r) {has_residual = true, epsilon = 0.5 : f32} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// SKaiNET's LayerNorm, with weight and bias.
// CHECK-LABEL: func.func @layer_norm
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<4xf32>, %[[B:.*]]: tensor<4xf32>)
func.func @layer_norm(%x: tensor<2x4xf32>, %w: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.layer_norm"(%[[X]], %[[W]], %[[B]]) {axes = array<i64: 1>, epsilon = 5.000000e-01 : f64
  %0 = stablehlo.custom_call @layer_norm(%x, %w, %b) {epsilon = 0.5 : f32} : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// tt-xla's LayerNorm.
// CHECK-LABEL: func.func @tenstorrent_layer_norm
func.func @tenstorrent_layer_norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.layer_norm"
  %0 = stablehlo.custom_call @tenstorrent.layer_norm(%x) {epsilon = 0.5 : f32, normalized_shape = [4]} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Softmax over an axis counted from the end.
// CHECK-LABEL: func.func @softmax
func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.softmax"(%{{.*}}) {axis = 1 : i64}
  %0 = stablehlo.custom_call @softmax(%x) {dim = -1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Attention under each name: the scale is 1/sqrt(D), a fully masked row is 0.
// CHECK-LABEL:   func.func @attention
// CHECK-COUNT-5: "attnorm.sdpa"{{.*}}fully_masked = "zero", {{.*}}scale = 5.000000e-01 : f64
// CHECK-NOT:     custom_call
func.func @attention(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32> {
  %0 = stablehlo.custom_call @scaled_dot_product_attention(%q, %k, %k) : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  %1 = stablehlo.custom_call @sdpa(%0, %k, %k) : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  %2 = stablehlo.custom_call @aten.scaled_dot_product_attention(%1, %k, %k) : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  %3 = stablehlo.custom_call @tenstorrent.scaled_dot_product_attention(%2, %k, %k) : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  %4 = stablehlo.custom_call @tt.scaled_dot_product_attention(%3, %k, %k) : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %4 : tensor<1x2x3x4xf32>
}

// XLA's frontend attributes are text: a scale, a causality, a softcap, no dropout, grouped heads.
// CHECK-LABEL: func.func @attention_frontend_attributes
func.func @attention_frontend_attributes(%q: tensor<1x4x3x4xf32>, %k: tensor<1x2x3x4xf32>) -> tensor<1x4x3x4xf32> {
  // CHECK: "attnorm.sdpa"{{.*}} {causal = true, {{.*}}scale = 2.500000e-01 : f64, softcap = 5.000000e+01 : f64}
  %0 = stablehlo.custom_call @tt.scaled_dot_product_attention(%q, %k, %k) {mhlo.frontend_attributes = {scale = "0.25", is_causal = "True", logit_cap = "50", dropout_p = "0.0", enable_gqa = "True"}} : (tensor<1x4x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> tensor<1x4x3x4xf32>
  return %0 : tensor<1x4x3x4xf32>
}

// A mask is the fourth operand.
// CHECK-LABEL: func.func @attention_mask
// CHECK-SAME:    %[[M:[a-z0-9]+]]: tensor<3x5xi1>)
func.func @attention_mask(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %m: tensor<3x5xi1>) -> tensor<1x2x3x4xf32> {
  // CHECK: "attnorm.sdpa"(%{{.*}}, %[[M]]) {fully_masked
  %0 = stablehlo.custom_call @sdpa(%q, %k, %k, %m) {is_causal = false} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<3x5xi1>) -> tensor<1x2x3x4xf32>
  return %0 : tensor<1x2x3x4xf32>
}

// LiteRT's heads stand behind the sequence, and a call without a mask is causal.
// CHECK-LABEL: func.func @litert_attention
// CHECK-SAME:    (%[[Q:.*]]: tensor<1x3x2x4xf32>, %[[K:.*]]: tensor<1x5x2x4xf32>)
func.func @litert_attention(%q: tensor<1x3x2x4xf32>, %k: tensor<1x5x2x4xf32>) -> tensor<1x3x2x4xf32> {
  // CHECK: %[[QT:.*]] = stablehlo.transpose %[[Q]], dims = [0, 2, 1, 3]
  // CHECK: %[[KT:.*]] = stablehlo.transpose %[[K]], dims = [0, 2, 1, 3]
  // CHECK: %[[VT:.*]] = stablehlo.transpose %[[K]], dims = [0, 2, 1, 3]
  // CHECK: %[[O:.*]] = "attnorm.sdpa"(%[[QT]], %[[KT]], %[[VT]]) {causal = true
  // CHECK: stablehlo.transpose %[[O]], dims = [0, 2, 1, 3]
  %0 = stablehlo.custom_call @ai_edge_torch.scaled_dot_product_attention(%q, %k, %k) : (tensor<1x3x2x4xf32>, tensor<1x5x2x4xf32>, tensor<1x5x2x4xf32>) -> tensor<1x3x2x4xf32>
  return %0 : tensor<1x3x2x4xf32>
}

// With a mask LiteRT's call is not causal.
// CHECK-LABEL: func.func @litert_attention_mask
func.func @litert_attention_mask(%q: tensor<1x3x2x4xf32>, %k: tensor<1x5x2x4xf32>, %m: tensor<1x1x3x5xf32>) -> tensor<1x3x2x4xf32> {
  // CHECK: "attnorm.sdpa"{{.*}} {fully_masked
  %0 = stablehlo.custom_call @ai_edge_torch.scaled_dot_product_attention(%q, %k, %k, %m) : (tensor<1x3x2x4xf32>, tensor<1x5x2x4xf32>, tensor<1x5x2x4xf32>, tensor<1x1x3x5xf32>) -> tensor<1x3x2x4xf32>
  return %0 : tensor<1x3x2x4xf32>
}

// A name that no row has is left alone.
// CHECK-LABEL: func.func @unknown
func.func @unknown(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: stablehlo.custom_call @batch_norm
  %0 = stablehlo.custom_call @batch_norm(%x) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
