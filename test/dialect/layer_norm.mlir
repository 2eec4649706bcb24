// RUN: attnorm-opt %s | attnorm-opt | FileCheck %s

// Neither weight nor bias.
// CHECK-LABEL: func.func @plain
func.func @plain(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: "attnorm.layer_norm"(%{{.*}}) {axes = array<i64: 1>, epsilon = 1.000000e-05 : f64, operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %0 = "attnorm.layer_norm"(%x) {
    axes = array<i64: 1>, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 0, 0>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// A bias alone stays a bias.
// CHECK-LABEL: func.func @bias_alone
func.func @bias_alone(%x: tensor<2x4xf32>, %b: tensor<4xf32>) -> tensor<2x4xf32> {
  // CHECK: operandSegmentSizes = array<i32: 1, 0, 1>
  %0 = "attnorm.layer_norm"(%x, %b) {
    axes = array<i64: 1>, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 0, 1>
  } : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Weight and bias; dynamic sizes, two axes, another result type.
// CHECK-LABEL: func.func @full
func.func @full(%x: tensor<?x2x?xf16>, %w: tensor<2x?xf32>, %b: tensor<1x1xf16>)
    -> tensor<?x2x?xf32> {
  // CHECK: axes = array<i64: 1, 2>
  // CHECK-SAME: (tensor<?x2x?xf16>, tensor<2x?xf32>, tensor<1x1xf16>) -> tensor<?x2x?xf32>
  %0 = "attnorm.layer_norm"(%x, %w, %b) {
    axes = array<i64: 1, 2>, epsilon = 1.0e-5 : f64, operandSegmentSizes = array<i32: 1, 1, 1>
  } : (tensor<?x2x?xf16>, tensor<2x?xf32>, tensor<1x1xf16>) -> tensor<?x2x?xf32>
  return %0 : tensor<?x2x?xf32>
}
