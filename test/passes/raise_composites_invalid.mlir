// What is refused stays as it is, with its decomposition.
// RUN: attnorm-opt %s --raise-composites --debug-matches --split-input-file --verify-diagnostics | FileCheck %s

// An attribute that could change the meaning.
// CHECK-LABEL: func.func @unknown_attribute
func.func @unknown_attribute(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: stablehlo.composite "odml.rms_norm"
  // expected-remark @+1 {{"odml.rms_norm": axis_name: expected no such attribute}}
  %0 = stablehlo.composite "odml.rms_norm" %x {composite_attributes = {epsilon = 0.5 : f32, axis_name = 1 : i64}, decomposition = @impl} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
// CHECK: func.func private @impl
func.func private @impl(tensor<2x4xf32>) -> tensor<2x4xf32>

// -----

// A composite without its epsilon.
// CHECK-LABEL: func.func @epsilon
func.func @epsilon(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: stablehlo.composite "odml.rms_norm"
  // expected-remark @+1 {{"odml.rms_norm": epsilon: expected an attribute, got none}}
  %0 = stablehlo.composite "odml.rms_norm" %x {decomposition = @impl} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
// CHECK: func.func private @impl
func.func private @impl(tensor<2x4xf32>) -> tensor<2x4xf32>

// -----

// Another version of our own composites.
// CHECK-LABEL: func.func @own_version
func.func @own_version(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: stablehlo.composite "attnorm.softmax"
  // expected-remark @+1 {{"attnorm.softmax": version: expected 1, got 2}}
  %0 = stablehlo.composite "attnorm.softmax" %x {version = 2 : i32, composite_attributes = {axis = 1 : i64}, decomposition = @impl} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
// CHECK: func.func private @impl
func.func private @impl(tensor<2x4xf32>) -> tensor<2x4xf32>

// -----

// No version is version 0.
// CHECK-LABEL: func.func @own_version_missing
func.func @own_version_missing(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: stablehlo.composite "attnorm.softmax"
  // expected-remark @+1 {{"attnorm.softmax": version: expected 1, got 0}}
  %0 = stablehlo.composite "attnorm.softmax" %x {composite_attributes = {axis = 1 : i64}, decomposition = @impl} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
// CHECK: func.func private @impl
func.func private @impl(tensor<2x4xf32>) -> tensor<2x4xf32>

// -----

// A name in our dialect that is no op.
// CHECK-LABEL: func.func @own_name
func.func @own_name(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: stablehlo.composite "attnorm.batch_norm"
  // expected-remark @+1 {{"attnorm.batch_norm": name: expected one of attnorm.rms_norm, }}
  %0 = stablehlo.composite "attnorm.batch_norm" %x {version = 1 : i32, decomposition = @impl} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
// CHECK: func.func private @impl
func.func private @impl(tensor<2x4xf32>) -> tensor<2x4xf32>

// -----

// Attributes that the op does not have.
// CHECK-LABEL: func.func @own_attributes
func.func @own_attributes(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: stablehlo.composite "attnorm.softmax"
  // expected-remark @+1 {{"attnorm.softmax": mode: expected no such attribute; known are axis [softmax_c1]}}
  %0 = stablehlo.composite "attnorm.softmax" %x {version = 1 : i32, composite_attributes = {axis = 1 : i64, mode = 1 : i64}, decomposition = @impl} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
// CHECK: func.func private @impl
func.func private @impl(tensor<2x4xf32>) -> tensor<2x4xf32>

// -----

// Attributes of the wrong kind.
// CHECK-LABEL: func.func @own_attribute_kind
func.func @own_attribute_kind(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: stablehlo.composite "attnorm.softmax"
  // expected-remark @+1 {{"attnorm.softmax": axis: expected an integer, got 1.000000e+00 : f64 [softmax_c1]}}
  %0 = stablehlo.composite "attnorm.softmax" %x {version = 1 : i32, composite_attributes = {axis = 1.0 : f64}, decomposition = @impl} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
// CHECK: func.func private @impl
func.func private @impl(tensor<2x4xf32>) -> tensor<2x4xf32>

// -----

// Operand segments that do not add up.
// CHECK-LABEL: func.func @own_segments
func.func @own_segments(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: stablehlo.composite "attnorm.rms_norm"
  // expected-remark @+1 {{"attnorm.rms_norm": operands: expected x, weight? (and operandSegmentSizes), got 1 operands [rms_norm_c1]}}
  %0 = stablehlo.composite "attnorm.rms_norm" %x {version = 1 : i32, composite_attributes = {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1>}, decomposition = @impl} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
// CHECK: func.func private @impl
func.func private @impl(tensor<2x4xf32>) -> tensor<2x4xf32>

// -----

// A refusal leaves no transposes behind.
// CHECK-LABEL: func.func @odml_heads
func.func @odml_heads(%q: tensor<1x3x2x4xf32>, %k: tensor<1x3x4x4xf32>) -> tensor<1x3x2x4xf32> {
  // CHECK-NEXT: stablehlo.composite "odml.scaled_dot_product_attention"
  // CHECK-NEXT: return
  // expected-remark @+1 {{q: expected a multiple of the 4 heads of k, got 2 [sdpa_c4]}}
  %0 = stablehlo.composite "odml.scaled_dot_product_attention" %q, %k, %k {decomposition = @impl} : (tensor<1x3x2x4xf32>, tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>) -> tensor<1x3x2x4xf32>
  return %0 : tensor<1x3x2x4xf32>
}
func.func private @impl(tensor<1x3x2x4xf32>, tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>) -> tensor<1x3x2x4xf32>

// -----

// A composite without attributes has none for the op.
func.func @no_attributes(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-remark @+1 {{raise-composites: "attnorm.rms_norm": axes: expected}}
  %0 = stablehlo.composite "attnorm.rms_norm" %x {decomposition = @impl, version = 1 : i32} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
func.func private @impl(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  return %x : tensor<2x4xf32>
}
