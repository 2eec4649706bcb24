// RUN: attnorm-opt %s --to-composites --split-input-file | FileCheck %s
// RUN: attnorm-opt %s --to-composites --raise-composites --split-input-file | FileCheck %s --check-prefix=BACK
// RUN: attnorm-opt %s --to-composites=only=sdpa --split-input-file | FileCheck %s --check-prefix=ONLY

// An op becomes a composite with its attributes; the decomposition is the op's expansion.
// CHECK-LABEL: func.func @softmax
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>)
// BACK-LABEL:  func.func @softmax
// ONLY-LABEL:  func.func @softmax
// ONLY:        "attnorm.softmax"(
func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: stablehlo.composite "attnorm.softmax" %[[X]] {composite_attributes = {axis = 1 : i64}, decomposition = @attnorm.softmax.impl, version = 1 : i32}
  // BACK: "attnorm.softmax"(%{{.*}}) {axis = 1 : i64}
  %0 = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
// CHECK:     func.func private @attnorm.softmax.impl(%{{.*}}: tensor<2x4xf32>) -> tensor<2x4xf32>
// CHECK:     stablehlo.exponential
// CHECK:     stablehlo.divide
// CHECK-NOT: attnorm
// BACK-NOT:  func.func

// -----

// Every op of the dialect has its composite, and comes back.
// CHECK-LABEL: func.func @each_op
// BACK-LABEL:  func.func @each_op
func.func @each_op(%x: tensor<2x4xf32>, %w: tensor<4xf32>, %q: tensor<1x2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<1x2x4xf32>, tensor<1x2xf32>) {
  // CHECK: composite "attnorm.rms_norm"
  // CHECK: composite "attnorm.rms_norm_mul"
  // CHECK: composite "attnorm.add_rms_norm"
  // CHECK: composite "attnorm.layer_norm"
  // CHECK: composite "attnorm.sdpa"
  // CHECK-NOT: "attnorm.{{.*}}"(
  // BACK: "attnorm.rms_norm"(%{{.*}}, %{{.*}}) {axes = array<i64: 1>, cast = "before_weight", epsilon = 5.000000e-01 : f64
  // BACK: "attnorm.rms_norm_mul"
  // BACK: "attnorm.add_rms_norm"
  // BACK: "attnorm.layer_norm"
  // BACK: "attnorm.sdpa"(%{{.*}}, %{{.*}}, %{{.*}}) {causal = true, {{.*}}offset = 3 : i64
  // BACK-NOT: composite
  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 1>, epsilon = 0.5 : f64, cast = "before_weight", operandSegmentSizes = array<i32: 1, 1>} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %1 = "attnorm.rms_norm_mul"(%x, %0) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %2:2 = "attnorm.add_rms_norm"(%x, %1, %w) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>)
  %3 = "attnorm.layer_norm"(%x, %w, %w) {axes = array<i64: 1>, epsilon = 0.5 : f64, operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %4:2 = "attnorm.sdpa"(%q, %q, %q) {scale = 0.5 : f64, causal = true, offset = 3 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2xf32>)
  return %0, %2#0, %2#1, %3, %4#0, %4#1 : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<1x2x4xf32>, tensor<1x2xf32>
}

// -----

// Ops that are alike share a decomposition; another attribute or type needs its own.
// CHECK-LABEL: func.func @shared
func.func @shared(%x: tensor<2x4xf32>, %y: tensor<2x4xbf16>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xbf16>) {
  // CHECK: decomposition = @attnorm.softmax.impl,
  // CHECK: decomposition = @attnorm.softmax.impl,
  // CHECK: decomposition = @attnorm.softmax.impl_1,
  // CHECK: decomposition = @attnorm.softmax.impl_2,
  %0 = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = "attnorm.softmax"(%0) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %2 = "attnorm.softmax"(%x) {axis = 0 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %3 = "attnorm.softmax"(%y) {axis = 1 : i64} : (tensor<2x4xbf16>) -> tensor<2x4xbf16>
  return %1, %2, %3 : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xbf16>
}
// CHECK-COUNT-3: func.func private
// CHECK-NOT:     func.func private

// -----

// A name that is taken is left to its owner.
// CHECK-LABEL: func.func @clash
func.func @clash(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: decomposition = @attnorm.softmax.impl_1
  %0 = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
// CHECK: func.func @attnorm.softmax.impl(
func.func @attnorm.softmax.impl(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  return %x : tensor<2x4xf32>
}
// CHECK: func.func private @attnorm.softmax.impl_1(

// -----

// A decomposition stands in the module of its op, where its name is looked for.
// CHECK-LABEL: module @inner
module {
  module @inner {
    func.func @nested(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
      // CHECK: composite "attnorm.softmax"
      %0 = "attnorm.softmax"(%x) {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    }
    // CHECK: {{^    }}func.func private @attnorm.softmax.impl
  }
}
