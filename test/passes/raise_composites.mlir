// RUN: attnorm-opt %s --raise-composites --split-input-file | FileCheck %s

// LiteRT's norm rounds before the weight; the declaration of its decomposition goes.
// CHECK-LABEL: func.func @odml_rms_norm
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xbf16>, %[[W:.*]]: tensor<4xbf16>)
func.func @odml_rms_norm(%x: tensor<2x4xbf16>, %w: tensor<4xbf16>) -> tensor<2x4xbf16> {
  // CHECK: "attnorm.rms_norm"(%[[X]], %[[W]]) {axes = array<i64: 1>, cast = "before_weight", epsilon = 5.000000e-01 : f64
  %0 = stablehlo.composite "odml.rms_norm" %x, %w {composite_attributes = {epsilon = 0.5 : f32}, decomposition = @impl} : (tensor<2x4xbf16>, tensor<4xbf16>) -> tensor<2x4xbf16>
  return %0 : tensor<2x4xbf16>
}
// CHECK-NOT: func.func
func.func private @impl(tensor<2x4xbf16>, tensor<4xbf16>) -> tensor<2x4xbf16>

// -----

// A body wins over the name.
// CHECK-LABEL: func.func @body
func.func @body(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK-NOT: attnorm
  // CHECK: stablehlo.composite "odml.rms_norm"
  %0 = stablehlo.composite "odml.rms_norm" %x {composite_attributes = {epsilon = 0.5 : f32}, decomposition = @impl} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
// CHECK: func.func private @impl
func.func private @impl(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = stablehlo.add %x, %x : tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// LiteRT's attention: heads behind the sequence, causal without a mask.
// CHECK-LABEL: func.func @odml_attention
func.func @odml_attention(%q: tensor<1x3x2x4xf32>) -> tensor<1x3x2x4xf32> {
  // CHECK-COUNT-3: stablehlo.transpose
  // CHECK: "attnorm.sdpa"{{.*}} {causal = true, fully_masked = "zero", {{.*}}scale = 2.500000e-01 : f64, softcap = 5.000000e+01 : f64}
  // CHECK: stablehlo.transpose
  %0 = stablehlo.composite "odml.scaled_dot_product_attention" %q, %q, %q {composite_attributes = {scale = 0.25 : f32, logit_cap = 50.0 : f32}, decomposition = @impl} : (tensor<1x3x2x4xf32>, tensor<1x3x2x4xf32>, tensor<1x3x2x4xf32>) -> tensor<1x3x2x4xf32>
  return %0 : tensor<1x3x2x4xf32>
}
func.func private @impl(tensor<1x3x2x4xf32>, tensor<1x3x2x4xf32>, tensor<1x3x2x4xf32>) -> tensor<1x3x2x4xf32>

// -----

// tt-xla's composites.
// CHECK-LABEL: func.func @tenstorrent
func.func @tenstorrent(%x: tensor<2x4xf32>, %w: tensor<4xf32>, %q: tensor<1x2x3x4xf32>) -> (tensor<2x4xf32>, tensor<1x2x3x4xf32>) {
  // CHECK: "attnorm.rms_norm"
  // CHECK: "attnorm.layer_norm"
  // CHECK: "attnorm.sdpa"
  // CHECK-NOT: composite
  %0 = stablehlo.composite "tenstorrent.rms_norm" %x, %w {composite_attributes = {normalized_shape = dense<4> : tensor<1xi64>}, decomposition = @norm} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.composite "tenstorrent.layer_norm" %0, %w {composite_attributes = {epsilon = 0.5 : f32}, decomposition = @norm} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %2 = stablehlo.composite "tenstorrent.scaled_dot_product_attention" %q, %q, %q {composite_attributes = {is_causal = true}, decomposition = @attention} : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  return %1, %2 : tensor<2x4xf32>, tensor<1x2x3x4xf32>
}
func.func private @norm(tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
func.func private @attention(tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>

// -----

// Our own composites give back the op they were, attributes and all.
// CHECK-LABEL: func.func @own
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[W:.*]]: tensor<4xf32>)
func.func @own(%x: tensor<2x4xf32>, %w: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm"(%[[X]], %[[W]]) {axes = array<i64: 1>, epsilon = 5.000000e-01 : f64, operandSegmentSizes = array<i32: 1, 1>, weight_offset = 1.000000e+00 : f64}
  %0 = stablehlo.composite "attnorm.rms_norm" %x, %w {composite_attributes = {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1>, weight_offset = 1.0 : f64}, decomposition = @impl, version = 1 : i32} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
func.func private @impl(tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>

// -----

// Other names stay, and so do their decompositions.
// CHECK-LABEL: func.func @others
func.func @others(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: composite "odml.batch_norm"
  // CHECK: composite "chlo.top_k"
  %0 = stablehlo.composite "odml.batch_norm" %x {composite_attributes = {epsilon = 0.5 : f32}, decomposition = @impl} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = stablehlo.composite "chlo.top_k" %0 {decomposition = @impl} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}
// CHECK: func.func private @impl
func.func private @impl(tensor<2x4xf32>) -> tensor<2x4xf32>
