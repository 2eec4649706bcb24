// RUN: attnorm-opt %s | attnorm-opt | FileCheck %s

// Without a weight; defaults stay out of the text.
// CHECK-LABEL: func.func @plain
func.func @plain(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm"(%{{.*}}) {axes = array<i64: 1>, epsilon = 9.9999999999999995E-7 : f64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 1>, epsilon = 1.0e-6 : f64}
      : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Every attribute, and the weight that operandSegmentSizes announces.
// CHECK-LABEL: func.func @full
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xbf16>, %[[W:.*]]: tensor<4xf32>)
func.func @full(%x: tensor<2x4xbf16>, %w: tensor<4xf32>) -> tensor<2x4xbf16> {
  // CHECK: "attnorm.rms_norm"(%[[X]], %[[W]])
  // CHECK-SAME: axes = array<i64: 1>
  // CHECK-SAME: cast = "before_weight"
  // CHECK-SAME: operandSegmentSizes = array<i32: 1, 1>
  // CHECK-SAME: weight_offset = 1.000000e+00 : f64
  %0 = "attnorm.rms_norm"(%x, %w) {
    axes = array<i64: 1>, epsilon = 1.0e-5 : f64, weight_offset = 1.0 : f64,
    cast = "before_weight", operandSegmentSizes = array<i32: 1, 1>
  } : (tensor<2x4xbf16>, tensor<4xf32>) -> tensor<2x4xbf16>
  return %0 : tensor<2x4xbf16>
}

// A single optional operand needs no operandSegmentSizes.
// CHECK-LABEL: func.func @weight_without_segments
func.func @weight_without_segments(%x: tensor<2x4xf32>, %w: tensor<1xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.rms_norm"(%{{.*}}, %{{.*}}) {axes
  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 1>, epsilon = 0.0 : f64}
      : (tensor<2x4xf32>, tensor<1xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Dynamic sizes, several axes, a result of another float type.
// CHECK-LABEL: func.func @dynamic
func.func @dynamic(%x: tensor<?x3x?xf16>, %w: tensor<1x?xf16>) -> tensor<?x3x?xf64> {
  // CHECK: axes = array<i64: 1, 2>
  // CHECK-SAME: (tensor<?x3x?xf16>, tensor<1x?xf16>) -> tensor<?x3x?xf64>
  %0 = "attnorm.rms_norm"(%x, %w) {axes = array<i64: 1, 2>, epsilon = 1.0e-6 : f64}
      : (tensor<?x3x?xf16>, tensor<1x?xf16>) -> tensor<?x3x?xf64>
  return %0 : tensor<?x3x?xf64>
}

// Attributes with a dialect's prefix belong to others and stay.
// CHECK-LABEL: func.func @discardable
func.func @discardable(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: other.note = "kept"
  %0 = "attnorm.rms_norm"(%x) {axes = array<i64: 0>, epsilon = 1.0e-6 : f64, other.note = "kept"}
      : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
